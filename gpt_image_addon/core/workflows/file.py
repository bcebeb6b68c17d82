"""Workflows as files: the API format that ComfyUI exports, or an image that it has saved with its workflow.

Nothing here asks a server; `mapping` does the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.files import read_file
from ..errors import InvalidRequestError
from ..text.json_reader import parse_json
from ..text.message import Message, message

FILE_BYTES = 64 * 10**6  # of an image with its workflow
GRAPH_BYTES = 8 * 10**6  # of the workflow itself
MAX_NODES = 2000
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
CHUNK = "prompt"
"""Of a PNG: where ComfyUI keeps the graph as it was run."""
EXPORT = "In ComfyUI choose File › Export (API), and use that file."


@dataclass(frozen=True)
class WorkflowNode:
    """A node of a workflow."""

    id: str
    type: str
    title: str
    """As it is shown in ComfyUI; the type where it has none."""
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Workflow:
    """A graph as the server takes it."""

    name: str
    nodes: Mapping[str, WorkflowNode]
    graph: Mapping[str, Mapping[str, Any]]
    places: tuple[str, ...] = ()
    """Where the user has said that roles go, see `places.split_place`."""


def read_workflow(path: Path) -> Workflow:
    """The workflow in a file.

    :raises InvalidRequestError: it can't be read, or is no workflow in the API format.
    """
    try:
        data = read_file(path, FILE_BYTES)
    except OSError as error:
        raise _refuse(path, message("can't be read: {reason}", reason=error.strerror or error)) from error
    text: bytes | None = _find_text(data) if data.startswith(PNG_HEAD) else data
    if text is None:
        raise _refuse(path, Message("is an image in which ComfyUI has kept no workflow"), EXPORT)
    try:
        if len(text) > GRAPH_BYTES:
            raise ValueError("it is too large")
        found = parse_json(text)
    except ValueError as error:
        raise _refuse(path, Message("is no workflow of ComfyUI"), EXPORT) from error
    return _read_graph(path, found)


def _read_graph(path: Path, found: Any) -> Workflow:
    places: tuple[str, ...] = ()
    if isinstance(found, dict) and isinstance(found.get("prompt"), dict):  # as it is sent, or as it is kept
        listed = found.get("places")
        places = tuple(map(str, listed[:MAX_NODES])) if isinstance(listed, list) else ()
        found = found["prompt"]
    if isinstance(found, dict) and isinstance(found.get("nodes"), list):
        raise _refuse(
            path, Message("is in the format of ComfyUI's editor, which only the editor can run"), EXPORT
        )
    is_graph = isinstance(found, dict) and 0 < len(found) <= MAX_NODES
    if not is_graph or not all(map(_is_node, found.values())):
        raise _refuse(path, Message("is no workflow of ComfyUI"), EXPORT)
    nodes = {
        name: WorkflowNode(name, row["class_type"], _title(row), row["inputs"]) for name, row in found.items()
    }
    kept = ("class_type", "inputs", "_meta")  # titles stay in the images that are made
    graph = {name: {key: row[key] for key in kept if key in row} for name, row in found.items()}
    return Workflow(path.name, nodes, graph, places)


def _is_node(row: object) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("class_type"), str)
        and isinstance(row.get("inputs"), dict)
    )


def _title(row: Mapping[str, Any]) -> str:
    meta = row.get("_meta")
    title = meta.get("title") if isinstance(meta, dict) else None
    return title.strip() if isinstance(title, str) and title.strip() else str(row["class_type"])


def _find_text(data: bytes) -> bytes | None:
    """The graph in a PNG; None where there is none."""
    for kind, content in _list_chunks(data):
        key, _, rest = content.partition(b"\0")
        if key.decode("latin-1") != CHUNK:
            continue
        if kind == b"tEXt":
            return rest
        if kind == b"iTXt" and len(rest) > 2:
            text = rest[2:].split(b"\0", 2)[-1]
            return _inflate(text) if rest[0] else text
    return None


def _inflate(text: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(text, GRAPH_BYTES + 1)
    except zlib.error:
        return None


def _list_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_HEAD)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size


def _refuse(path: Path, problem: str, step: str | None = None) -> InvalidRequestError:
    return InvalidRequestError(
        message("The workflow {path} {problem}.", path=path, problem=problem),
        code="bad_workflow",
        param="workflow",
        next_step=step,
    )
