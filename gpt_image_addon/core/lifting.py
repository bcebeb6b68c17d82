"""JSON with pictures in it, read as it comes: the base64 is decoded at once and never held as a whole.

`json` would need the whole text and would copy each picture twice more; here the largest thing in memory is
the picture itself.
"""

from __future__ import annotations

import binascii
import io
import json
import re

_KEY = re.compile(rb'"b64_json"\s{0,16}:\s{0,16}"')
_LONGEST_KEY = 64  # bytes: a key that may have been cut off starts no earlier
_HALF_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?$")


class PictureLifter:
    """Takes the ``b64_json`` values out of a JSON text and leaves empty strings in their place."""

    def __init__(self) -> None:
        self.pictures: list[bytes | None] = []
        """In the order of the text; None for one that is no base64 or is cut off."""
        self._rest = bytearray()
        self._scanned = 0
        self._picture: _Base64 | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the text."""
        while chunk:
            chunk = self._outside(chunk) if self._picture is None else self._inside(self._picture, chunk)

    @property
    def text_size(self) -> int:
        """Bytes of the text so far, without its pictures."""
        return len(self._rest)

    def close(self) -> bytes:
        """The text has ended; returns it without its pictures."""
        if self._picture is not None:
            self.pictures.append(None)
            self._picture = None
        rest = bytes(self._rest)
        self._rest.clear()
        self._scanned = 0
        return rest

    def _outside(self, chunk: bytes) -> bytes:
        before = len(self._rest)
        self._rest += chunk
        found = _KEY.search(self._rest, self._scanned)
        if found is None:
            self._scanned = max(self._scanned, len(self._rest) - _LONGEST_KEY)
            return b""
        end = found.end()
        del self._rest[end:]
        self._rest += b'"'
        self._scanned = len(self._rest)
        self._picture = _Base64()
        return chunk[end - before :]

    def _inside(self, picture: _Base64, chunk: bytes) -> bytes:
        end = chunk.find(b'"')
        picture.feed(chunk if end < 0 else chunk[:end])
        if end < 0:
            return b""
        self.pictures.append(picture.close())
        self._picture = None
        return chunk[end + 1 :]


class _Base64:
    """Decodes the base64 inside a JSON string, piece by piece."""

    def __init__(self) -> None:
        self._decoded = io.BytesIO()
        self._carry = b""
        self._padded = False
        self._broken = False

    def feed(self, piece: bytes) -> None:
        text = self._carry + piece
        half = _HALF_ESCAPE.search(text[-6:])
        held = text[len(text) - len(half[0]) :] if half else b""
        text = self._plain(text[: len(text) - len(held)])
        whole = len(text) - len(text) % 4
        self._decode(text[:whole])
        self._carry = text[whole:] + held

    def close(self) -> bytes | None:
        if self._carry or self._broken or not self._decoded.tell():
            return None
        # BytesIO hands its buffer over without a copy.
        return self._decoded.getvalue()

    def _plain(self, text: bytes) -> bytes:
        """Without JSON's escapes: some servers write ``\\/`` and ``\\u002B``."""
        if b"\\" not in text:
            return text
        try:
            return str(json.loads(b'"%b"' % text)).encode("ascii")
        except ValueError:
            self._broken = True
            return b""

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        try:
            if self._padded:
                raise binascii.Error("more after the padding")
            self._decoded.write(binascii.a2b_base64(text, strict_mode=True))
            self._padded = text.endswith(b"=")
        except binascii.Error:
            self._broken = True
