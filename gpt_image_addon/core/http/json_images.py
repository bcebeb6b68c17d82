"""JSON with images in it, read as it comes: the base64 is decoded at once and never held as a whole.

`json` would need the whole text and would copy each image twice more; here the largest thing in memory is
the image itself.
"""

from __future__ import annotations

import binascii
import io
import json
import re

MAX_IMAGES = 100  # that are kept of one text; no request asks for more than ten
MAX_TEXT = 64 * 10**6  # bytes beside the images

_KEY = re.compile(rb'"b64_json"\s{0,256}:\s{0,256}"')
_LONGEST_KEY = 1024  # bytes: a key that may have been cut off starts no earlier
_HALF_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?$")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n"
_DATA_URL = b"data:"
_LONGEST_PREFIX = 256  # bytes of a data URL before its comma


class JsonImageExtractor:
    """Takes the ``b64_json`` values out of a JSON text and leaves empty strings in their place."""

    def __init__(self) -> None:
        self.images: list[bytes | None] = []
        """In the order of the text; None for one that is no base64 or is cut off."""
        self.overflowed = False
        """The text has more images, or more beside them, than is kept."""
        self._rest = bytearray()
        self._scanned = 0
        self._image: Base64Reader | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the text."""
        while chunk:
            chunk = self._outside(chunk) if self._image is None else self._inside(self._image, chunk)

    @property
    def text_size(self) -> int:
        """Bytes of the text so far, without its images."""
        return len(self._rest)

    def close(self) -> bytes:
        """The text has ended; returns it without its images."""
        if self._image is not None:
            self._keep(None)
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
            if len(self._rest) > MAX_TEXT:
                self.overflowed = True
                del self._rest[: self._scanned]
                self._scanned = 0
            return b""
        end = found.end()
        del self._rest[end:]
        self._rest += b'"'
        self._scanned = len(self._rest)
        self._image = Base64Reader()
        return chunk[end - before :]

    def _inside(self, image: Base64Reader, chunk: bytes) -> bytes:
        end = chunk.find(b'"')
        image.feed(chunk if end < 0 else chunk[:end])
        if end < 0:
            return b""
        self._keep(image.close())
        return chunk[end + 1 :]

    def _keep(self, image: bytes | None) -> None:
        self._image = None
        if len(self.images) < MAX_IMAGES:
            self.images.append(image)
        else:
            self.overflowed = True


class Base64Reader:
    """Decodes the base64 inside a JSON string, piece by piece, as servers write it: in lines, in the
    alphabet of URLs, without its padding, or as a data URL."""

    def __init__(self) -> None:
        self._decoded = io.BytesIO()
        self._held = b""
        self._prefix: bytes | None = b""
        self._carry = b""
        self._padded = False
        self._broken = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the string."""
        text = self._held + piece
        half = _HALF_ESCAPE.search(text[-6:])
        self._held = half[0] if half else b""
        text = self._unescape(text[: len(text) - len(self._held)])
        self._add(self._skip_prefix(text.translate(_STANDARD, _BLANKS)))

    def close(self) -> bytes | None:
        """The string has ended; returns what it stood for, None where it was no base64."""
        prefix, self._prefix = self._prefix or b"", None
        self._add(prefix)
        if len(self._carry) > 1:
            self._decode(self._carry + b"=" * (4 - len(self._carry)))
        elif self._carry:
            self._broken = True
        if self._held or self._broken or not self._decoded.tell():
            return None
        # BytesIO hands its buffer over without a copy.
        return self._decoded.getvalue()

    def _unescape(self, text: bytes) -> bytes:
        """Without JSON's escapes: some servers write ``\\/`` and ``\\u002B``."""
        if b"\\" not in text:
            return text
        try:
            return str(json.loads(b'"%b"' % text, strict=False)).encode("ascii")
        except ValueError:
            self._broken = True
            return b""

    def _skip_prefix(self, text: bytes) -> bytes:
        """The text after the head of a data URL, which may come in pieces."""
        if self._prefix is None:
            return text
        self._prefix += text
        if len(self._prefix) < len(_DATA_URL):
            return b""
        head, comma, rest = self._prefix.partition(b",")
        if not self._prefix.lower().startswith(_DATA_URL):
            rest = self._prefix
        elif not comma:
            if len(head) > _LONGEST_PREFIX:
                self._broken, self._prefix = True, None
            return b""
        self._prefix = None
        return rest

    def _add(self, text: bytes) -> None:
        text = self._carry + text
        whole = len(text) - len(text) % 4
        self._decode(text[:whole])
        self._carry = text[whole:]

    def _decode(self, text: bytes) -> None:
        if not text or self._broken:
            return
        try:
            if self._padded:
                raise binascii.Error("more after the padding")
            self._decoded.write(binascii.a2b_base64(text, strict_mode=True))
            self._padded = text.endswith(b"=")
        except binascii.Error:
            self._broken = True


def decode_base64(text: str) -> bytes | None:
    """What a text of base64 stands for, written in any way that servers do; None where it is none."""
    reader = Base64Reader()
    reader.feed(text.replace("\\", "\0").encode("ascii", "replace"))
    return reader.close()
