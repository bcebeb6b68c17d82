"""A strict reader for multipart/form-data bodies (RFC 7578)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ApiError, bad_request


@dataclass(frozen=True)
class Part:
    """One part; `filename` is None for a plain field, `content_type` is None where the part names none."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str | None = None

    @property
    def is_file(self) -> bool:
        return self.filename is not None

    def text(self) -> str:
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            raise bad_request(
                f"The field '{self.name}' is not valid UTF-8.", self.name, "invalid_value"
            ) from None


def _broken(why: str) -> ApiError:
    return bad_request(f"Could not parse multipart form: {why}.", None, None)


def boundary_of(content_type: str) -> bytes:
    """The boundary named by a `multipart/form-data` content type."""
    match = re.search(r'boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))\s*(?:;|$)', content_type)
    if match is None:
        raise _broken("no boundary in the Content-Type header")
    return (match[1] or match[2]).encode("ascii", "replace")


def _unquoted(value: str) -> str:
    value = re.sub(r"\\(.)", r"\1", value)
    return value.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _part(raw_headers: bytes, data: bytes) -> Part:
    headers: dict[str, str] = {}
    for line in raw_headers.split(b"\r\n"):
        key, colon, value = line.decode("utf-8", "replace").partition(":")
        if not colon:
            raise _broken("a part header without a colon")
        headers[key.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    found = dict(re.findall(r';\s*(\w+\*?)="((?:\\.|[^"\\])*)"', disposition))
    if not disposition.lower().startswith("form-data") or "name" not in found:
        raise _broken("a part without Content-Disposition: form-data and a name")
    filename = found.get("filename")
    if filename is None and "filename*" in disposition:
        raise _broken("filename* is not allowed in multipart/form-data")
    return Part(
        _unquoted(found["name"]),
        data,
        None if filename is None else _unquoted(filename),
        headers.get("content-type"),
    )


def parse(body: bytes, boundary: bytes) -> list[Part]:
    """All parts in order. Raises ApiError (400) for anything that is not exactly such a body."""
    delimiter = b"--" + boundary
    if not body.startswith(delimiter):
        raise _broken("the body does not start with the boundary")
    parts: list[Part] = []
    position = len(delimiter)
    while body[position : position + 2] == b"\r\n":
        end = body.find(b"\r\n" + delimiter, position)
        if end < 0:
            raise _broken("unexpected end of the body")
        blank = body.find(b"\r\n\r\n", position, end)
        if blank < 0:
            raise _broken("a part without a blank line after its headers")
        parts.append(_part(body[position + 2 : blank], body[blank + 4 : end]))
        position = end + 2 + len(delimiter)
    if body[position : position + 2] != b"--":
        raise _broken("no closing boundary")
    return parts
