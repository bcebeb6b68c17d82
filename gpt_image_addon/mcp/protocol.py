"""JSON-RPC 2.0 as the Model Context Protocol uses it, in both of its eras. Knows no Blender and no transport.

Revisions up to 2025-11-25 begin with ``initialize``; since 2026-07-28 each request says itself which revision
it is of and what its client can do (modelcontextprotocol.io, *Specification*).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.text.json_reader import parse_json

STATELESS = "2026-07-28"
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Revisions with ``initialize``, newest first."""
LINKS_SINCE = "2025-06-18"
"""The revision that has links to files, structured results and questions to the user."""
QUESTION_MODES_SINCE = "2025-11-25"
META = "io.modelcontextprotocol/"
"""Prefix of what requests of the stateless era tell in ``_meta``."""

PARSE_ERROR, INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
NOT_AVAILABLE = -32000
"""Of a server that can't answer just now."""
LONGEST_ID = 200  # characters of the id of a request
LONGEST_NAME = 40  # characters of the name of a client, and of its version
LONGEST_MESSAGE = 1_000_000  # bytes; the longest prompt takes a fifth

JsonObject = dict[str, Any]
RequestId = str | int


class ProtocolError(Exception):
    """A message that can't be answered with a result."""

    def __init__(self, code: int, text: str, data: JsonObject | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.data = data


@dataclass(frozen=True)
class Client:
    """Who asks, and what it understands."""

    version: str
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    """What it calls itself, with its version; fit to be shown."""

    @property
    def is_stateless(self) -> bool:
        """Whether each of its requests stands for itself."""
        return self.version == STATELESS

    @property
    def takes_links(self) -> bool:
        """Whether it knows links to files."""
        return self.version >= LINKS_SINCE

    @property
    def can_ask(self) -> bool:
        """Whether it can put a question to its user, as a form."""
        modes = self.capabilities.get("elicitation")
        return self.takes_links and isinstance(modes, dict) and (not modes or "form" in modes)


@dataclass(frozen=True)
class Request:
    """A message that wants an answer."""

    id: RequestId
    method: str
    params: JsonObject

    @property
    def meta(self) -> JsonObject:
        """What it tells beside its parameters."""
        told = self.params.get("_meta")
        return told if isinstance(told, dict) else {}


@dataclass(frozen=True)
class Notification:
    """A message that wants none."""

    method: str
    params: JsonObject


@dataclass(frozen=True)
class Response:
    """The answer to a request of ours."""

    id: object
    result: JsonObject | None
    """None where it is an error."""


@dataclass(frozen=True)
class Progress:
    """How far a call is."""

    share: float
    """0 to 1."""
    message: str


@dataclass(frozen=True)
class Question:
    """What the user is asked; the answer is the content of the form, or None where they did not agree."""

    message: str
    schema: JsonObject
    """Of the form."""


@dataclass(frozen=True)
class InlineImage:
    """A small image that stands in an answer."""

    data: bytes = field(repr=False)
    mime: str = "image/png"


@dataclass(frozen=True)
class Answer:
    """What a tool has to say."""

    facts: JsonObject
    images: tuple[InlineImage, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Caller:
    """What a tool knows of the call."""

    can_ask: bool
    is_late: Callable[[], bool]
    """Whether it should answer now, finished or not."""
    client: str
    """Tells clients apart."""


Steps = Generator[Progress | Question, "JsonObject | None", Answer]
"""A call, step by step: between two of them others get on. It is closed when nobody waits for it any more."""


@dataclass(frozen=True)
class Tool:
    """One row of the table of tools."""

    name: str
    title: str
    description: str
    schema: JsonObject
    """JSON Schema of its arguments."""
    hints: JsonObject
    """Its annotations."""
    run: Callable[[JsonObject, Caller], Steps]

    def describe(self) -> JsonObject:
        """The row as clients list it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.schema,
            "annotations": {"title": self.title, **self.hints},
        }


def read_message(text: bytes) -> Request | Notification | Response:
    """
    :raises ProtocolError: it is no JSON, or no message.
    """
    try:
        value = parse_json(text.decode("utf-8"))
    except ValueError:
        raise ProtocolError(PARSE_ERROR, "The message is no JSON.") from None
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, 'A message is one object with "jsonrpc": "2.0".')
    method, params = value.get("method"), value.get("params", {})
    if method is None and ("result" in value or "error" in value):
        result = value.get("result")
        return Response(value.get("id"), result if isinstance(result, dict) else None)
    if not isinstance(method, str) or not isinstance(params, dict):
        raise ProtocolError(INVALID_REQUEST, "A message has a method, and its params are an object.")
    if "id" not in value:
        return Notification(method, params)
    if not is_id(value["id"]):
        raise ProtocolError(INVALID_REQUEST, "The id of a request is a text or a whole number.")
    return Request(value["id"], method, params)


def is_final(message: JsonObject) -> bool:
    """Whether a message of the server answers a request, after which nothing more comes for it."""
    return "id" in message and "method" not in message


def is_id(value: object) -> bool:
    """Whether a value can be the id of a request, or a token of its progress."""
    if isinstance(value, str):
        return len(value) <= LONGEST_ID
    return isinstance(value, int) and not isinstance(value, bool)


def refusal(identity: RequestId | None, error: ProtocolError) -> JsonObject:
    """The answer to a message that can't be answered with a result.

    :param identity: of the request; None where nobody knows it.
    """
    told: JsonObject = {"code": error.code, "message": str(error)}
    if error.data is not None:
        told["data"] = error.data
    return {"id": identity, "error": told}


def name_client(info: object) -> str:
    """What a client calls itself, as far as it can be shown.

    :param info: its ``clientInfo``, as it came.
    """
    told = info if isinstance(info, dict) else {}
    words = (told.get(key) for key in ("name", "version"))
    shown = ("".join(filter(str.isprintable, word))[:LONGEST_NAME] for word in words if isinstance(word, str))
    return " ".join(shown).strip()


def write_message(message: JsonObject) -> bytes:
    """A message as one line, whatever letters are in it."""
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode("ascii")
