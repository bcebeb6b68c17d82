"""What the body of an error says, whoever wrote it: the API, a server that speaks like it, or a gateway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from ...text.json_reader import parse_json
from ...text.plain_text import clean, shorten
from ...text.redaction import redact_bulk

Details = Mapping[str, Any]

MAX_QUOTED = 300  # characters of a server's message that are shown
MAX_READ = 65536  # bytes of a body that is not JSON
MAX_ENTRIES = 3  # of a list of faults
MAX_DEPTH = 5  # values inside values that are looked into
SPEAKING = (
    *("message", "msg", "detail", "details", "error_description", "description", "reason", "faultstring"),
    *("title", "error", "errors", "fault"),
)
"""Keys that hold what is to be said, the plainest first."""

_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_UNSEEN = re.compile(r"<(script|style|head)\b.*?</\1[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class ErrorBody:
    """A body that came with an error status."""

    details: Details = field(default_factory=dict)
    """The API's own error object; empty where it is none."""
    said: str = ""
    """One line of what it says, cleaned; empty where it says nothing."""
    param: str = ""
    """The parameter that a list of faults names."""
    is_page: bool = False
    """A web page, which no API sends."""

    @property
    def is_the_apis(self) -> bool:
        """Whether it has the form of the API's errors."""
        return bool(self.details)


def read_error_body(body: bytes) -> ErrorBody:
    """What a body says, in any of the forms that servers use."""
    try:
        found = parse_json(body)
    except ValueError:
        return _read_text(body[:MAX_READ].decode("utf-8", "replace"))
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict) and error:
        return ErrorBody(error, quoted(_sentence(error)))
    return ErrorBody(said=quoted(_sentence(found)), param=_param(found))


def quoted(text: str) -> str:
    """What a server says as a part of a sentence of ours: one line, short, without secrets."""
    line = " ".join(clean(redact_bulk(clean(text[:MAX_READ]))).split())
    return shorten(line, MAX_QUOTED)


def _read_text(text: str) -> ErrorBody:
    stripped = text.strip("\ufeff \t\r\n")
    if not stripped.startswith("<"):
        return ErrorBody(said=quoted(stripped))
    title = _TITLE.search(stripped)
    words = title[2] if title else _UNSEEN.sub(" ", stripped)
    return ErrorBody(said=quoted(unescape(_TAG.sub(" ", words))), is_page=True)


def _sentence(found: object, depth: int = 0) -> str:
    """The words in a value of JSON."""
    if isinstance(found, str):
        return found
    if depth > MAX_DEPTH:
        return ""
    if isinstance(found, list):
        parts = (_sentence(entry, depth + 1) for entry in found[:MAX_ENTRIES])
        return "; ".join(part for part in parts if part)
    if isinstance(found, dict):
        named = {str(key).lower(): value for key, value in found.items()}
        for key in SPEAKING:
            words = _sentence(named.get(key), depth + 1)
            if words:
                place = _place(named)
                return f"{place}: {words}" if place else words
    return ""


def _place(fault: Details) -> str:
    """Where in the request a fault lies, as FastAPI says it: ``["body", "size"]``."""
    found = fault.get("loc")
    if not isinstance(found, list):
        return ""
    return ".".join(str(part) for part in found if part not in ("body", "query", "path"))


def _param(found: object) -> str:
    faults = found.get("detail") if isinstance(found, dict) else None
    first = faults[0] if isinstance(faults, list) and faults else None
    return _place(first) if isinstance(first, dict) else ""
