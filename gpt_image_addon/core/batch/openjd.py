"""A manifest as an Open Job Description job bundle, for a render farm's own scheduler.

The bundle is a folder that needs nothing beside it: the template, the rows with all defaults and combinations
written out, and the images of edits. One task makes one chunk of the rows; the last step merges what all
machines made. Format: https://github.com/OpenJobDescription/openjd-specifications, version 2023-09.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.files import storage_errors
from ..errors import InvalidRequestError
from ..imaging.image_reader import read_image_file
from ..references.points import write_point
from ..results.output_files import Outputs
from ..results.output_folders import check_folder, make_folder, new_part
from .manifest import Row

TEMPLATE_FILE = "template.json"
ROWS_FILE = "rows.jsonl"
FILES_FOLDER = "files"
DEFAULT_COMMAND = ("blender", "--online-mode", "-c", "gpt_image")
OUTPUT_MARK = "{output}"
"""How a flag begins that names something in the output folder."""
GRACE_SECONDS = 600  # a cancelled task may finish the requests that are paid for
FIRST_CHUNK = 1
DESCRIPTION = (
    "Makes the rows of a manifest. Workers need the extension, and OPENAI_API_KEY in their environment; "
    "the key is not in this bundle."
)

_WORD_IN_BRACES = re.compile(r"\{(\w+)\}")
_OUTPUT = "{{Param.OutputDir}}"
_DOUBLED = re.compile(r"\{(?=\{)|\}(?=\})")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_NAME_LIMIT = 60  # characters of the job's name


def write_bundle(
    rows: Iterable[Row],
    folder: Path,
    *,
    name: str,
    chunks: int,
    command: Sequence[str] = DEFAULT_COMMAND,
    flags: Sequence[str] = (),
    merge_flags: Sequence[str] = (),
    overwrite: bool = False,
) -> int:
    """Write a bundle.

    :param folder: must be empty or missing.
    :param overwrite: write into it all the same, over what has the names of the bundle's files.
    :param command: what a worker runs before the verb.
    :param flags: of ``batch``, for every task.
    :param merge_flags: of ``batch``, for the last step alone; ``{output}`` before them is the output folder.
    :returns: how many rows there are.
    :raises InvalidRequestError: the folder is not empty, there are no rows, or a flag can't be in a bundle.
    :raises StorageError: it can't be written.
    """
    for text in (*command, *flags, *merge_flags):
        if _DOUBLED.search(text):
            raise InvalidRequestError(
                f"'{text}' has double braces, which stand for a value in a job bundle.", param="farm"
            )
    check_folder(folder)
    with storage_errors(f"{folder} could not be written"):
        is_new = not (folder.exists() and any(folder.iterdir()))
        if not overwrite and not is_new:
            raise InvalidRequestError(
                f"The folder {folder} is not empty.",
                code="folder_in_use",
                param="farm",
                next_step="Add --overwrite to write into it all the same.",
            )
    outputs = Outputs(overwrite=overwrite)
    count = 0
    part = new_part(folder / ROWS_FILE)
    try:
        with storage_errors(f"{folder} could not be written"):
            make_folder(folder / FILES_FOLDER)
            with part.open("x", encoding="utf-8") as stream:
                for row in rows:
                    stream.write(json.dumps(_written_out(row, folder, outputs), ensure_ascii=False) + "\n")
                    count += 1
                stream.flush()
                os.fsync(stream.fileno())
        if not count:
            raise InvalidRequestError("The manifest has no rows.", code="bad_manifest")
        outputs.place(part, folder / ROWS_FILE, name)
    except BaseException:
        if is_new:  # half a bundle would only stand in the way of the next
            shutil.rmtree(folder / FILES_FOLDER, ignore_errors=True)
        raise
    finally:
        part.unlink(missing_ok=True)
    found = template(name, min(chunks, count), command, flags, merge_flags)
    outputs.write(folder / TEMPLATE_FILE, json.dumps(found, indent=1).encode(), name)
    return count


def _written_out(row: Row, folder: Path, outputs: Outputs) -> dict[str, Any]:
    """A row that says everything itself; its braces mean braces."""
    values: dict[str, Any] = {**row.request.to_dict(), **row.application.to_dict()}
    values.pop("edit_of", None)  # that job is in this journal alone; its image is among the references
    for name in ("references", "mask", "markup"):
        if name in values:
            paths = values[name] if name == "references" else [values[name]]
            copied = [_copy(Path(path), folder, outputs) for path in paths]
            values[name] = copied if name == "references" else copied[0]
    if row.request.points:  # lists in a list would be choices
        values["points"] = [write_point(point) for point in row.request.points]
    values |= {"id": row.stem, "tags": list(row.tags), "catalog": row.catalog}
    return {name: _literal(value) for name, value in values.items()}


def _literal(value: Any) -> Any:
    """A value whose braces are no placeholders."""
    if isinstance(value, list | tuple):
        return [_literal(item) for item in value]
    return _WORD_IN_BRACES.sub(r"{{\1}}", value) if isinstance(value, str) else value


def _copy(path: Path, folder: Path, outputs: Outputs) -> str:
    """Bring an image into the bundle; its name there is its content's."""
    data = read_image_file(path)
    digest = hashlib.sha256(data).hexdigest()
    suffix = path.suffix if _SUFFIX.fullmatch(path.suffix) else ""
    name = f"{FILES_FOLDER}/{digest[:24]}{suffix}"
    outputs.write(folder / name, data, digest)
    return name


def template(
    name: str, chunks: int, command: Sequence[str], flags: Sequence[str], merge_flags: Sequence[str]
) -> dict[str, Any]:
    """The job template."""
    chunk = "{{Task.Param.Chunk}}"
    making = [
        *flags,
        "--part",
        f"{chunk}/{{{{Param.Chunks}}}}",
        *_places(f"state/{chunk}", f"reports/{chunk}"),
    ]
    merging = [*flags, "--send-nothing", "--merge-from", f"{_OUTPUT}/state", *_places("merged", "report")]
    merging += [
        _OUTPUT + flag.removeprefix(OUTPUT_MARK) if flag.startswith(OUTPUT_MARK) else flag
        for flag in merge_flags
    ]
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": f"GPT Image {_clean_name(name)}"[:_NAME_LIMIT],
        "description": DESCRIPTION,
        "parameterDefinitions": list(_parameters(chunks)),
        "steps": [
            {
                "name": "Make",
                "parameterSpace": {
                    "taskParameterDefinitions": [
                        {"name": "Chunk", "type": "INT", "range": f"{FIRST_CHUNK}-{{{{Param.Chunks}}}}"}
                    ]
                },
                "script": _make_script([*command, "batch", "{{Param.Rows}}", *making]),
            },
            {
                "name": "Merge",
                "dependencies": [{"dependsOn": "Make"}],
                "script": _make_script([*command, "batch", "{{Param.Rows}}", *merging]),
            },
        ],
    }


def _clean_name(name: str) -> str:
    """A name without what a template reads as an expression, or refuses."""
    text = "".join(character if character.isprintable() else " " for character in name)
    return _DOUBLED.sub(lambda found: f"{found[0]} ", text)


def _places(state: str, report: str) -> list[str]:
    """Each task has a state folder of its own, because a journal must not be shared over a network."""
    return [
        "--output-dir",
        f"{_OUTPUT}/pictures",
        "--state-dir",
        f"{_OUTPUT}/{state}",
        "--report",
        f"{_OUTPUT}/{report}.jsonl",
    ]


def _parameters(chunks: int) -> Iterable[Mapping[str, Any]]:
    yield {
        "name": "Rows",
        "type": "PATH",
        "objectType": "FILE",
        "dataFlow": "IN",
        "default": ROWS_FILE,
        "description": "The rows of the manifest.",
    }
    yield {
        "name": "Files",
        "type": "PATH",
        "objectType": "DIRECTORY",
        "dataFlow": "IN",
        "default": FILES_FOLDER,
        "description": "The images of edits; beside the rows.",
    }
    yield {
        "name": "OutputDir",
        "type": "PATH",
        "objectType": "DIRECTORY",
        "dataFlow": "OUT",
        "default": "output",
        "description": "Gets images, reports and the journals of the tasks; all workers must reach it.",
    }
    yield {
        "name": "Chunks",
        "type": "INT",
        "default": chunks,
        "minValue": FIRST_CHUNK,
        "description": "Tasks that the rows are divided into.",
    }


def _make_script(line: Sequence[str]) -> dict[str, Any]:
    cancelation = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": GRACE_SECONDS}
    program, *arguments = line
    return {"actions": {"onRun": {"command": program, "args": arguments, "cancelation": cancelation}}}
