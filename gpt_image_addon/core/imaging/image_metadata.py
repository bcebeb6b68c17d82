"""Takes out of an image file what says who made it, where, when and with what. Its pixels stay bit for bit.

Cameras write places and names into files, editors their layers' texts, Blender the path of the .blend. What
is needed to show the image stays: its colours' meaning and which side is up.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT")
)
JPEG = b"\xff\xd8"
ICC, ADOBE, JFIF, EXIF = b"ICC_PROFILE\0", b"Adobe", b"JFIF\0", b"Exif\0\0"
JFIF_LENGTH = 12  # bytes before its thumbnail
SCAN, END, COMMENT = 0xDA, 0xD9, 0xFE
ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
"""Markers of JPEG without a length."""
_NEXT_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
WEBP_EXIF, WEBP_XMP = 0x08, 0x04  # flags of VP8X
ORIENTATION, SHORT = 0x0112, 3
UPRIGHT = 1


class _UnreadableError(ValueError):
    """The file is not built as its format says."""


def strip_metadata(data: bytes) -> bytes | None:
    """The same image without what is said about it.

    :param data: a PNG, JPEG or WebP file.
    :returns: None where the file is none of these, or is not built as it should be.
    """
    try:
        if data.startswith(PNG):
            return PNG + b"".join(_png_chunks(data))
        if data.startswith(JPEG):
            return JPEG + b"".join(_jpeg_segments(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            body = b"WEBP" + b"".join(_webp_chunks(data))
            return b"RIFF" + struct.pack("<I", len(body)) + body
    except (_UnreadableError, struct.error, IndexError):
        pass
    return None


def _png_chunks(data: bytes) -> Iterator[bytes]:
    place = len(PNG)
    while True:
        size, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + size
        if end > len(data):
            raise _UnreadableError
        if kind == b"eXIf":
            yield from _png_turn(data[place + 8 : end - 4])
        elif kind in PNG_KEPT:
            yield data[place:end]
        elif not kind[0] & 0x20:  # unknown, and without it the image can't be shown
            raise _UnreadableError
        if kind == b"IEND":
            return
        place = end


def _png_turn(exif: bytes) -> Iterator[bytes]:
    turned = _only_turn(exif)
    if turned:
        yield (
            struct.pack(">I", len(turned))
            + b"eXIf"
            + turned
            + struct.pack(">I", zlib.crc32(b"eXIf" + turned))
        )


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    place = len(JPEG)
    while True:
        if data[place] != 0xFF:
            raise _UnreadableError
        while data[place + 1] == 0xFF:  # any number of these may stand before a marker
            place += 1
        marker = data[place + 1]
        if marker == END:
            yield b"\xff\xd9"
            return
        if marker in ALONE:
            yield data[place : place + 2]
            place += 2
            continue
        (size,) = struct.unpack_from(">H", data, place + 2)
        end = place + 2 + size
        if size < 2 or end > len(data):
            raise _UnreadableError
        yield from _jpeg_segment(marker, data[place + 4 : end])
        place = end
        if marker == SCAN:
            place = _scan_end(data, end)
            yield data[end:place]


def _jpeg_segment(marker: int, content: bytes) -> Iterator[bytes]:
    """What is kept of a segment."""
    if 0xE0 <= marker <= 0xEF:
        if content.startswith(JFIF) and len(content) >= JFIF_LENGTH:
            content = content[:JFIF_LENGTH] + b"\0\0"  # without its thumbnail
        elif content.startswith(EXIF):
            turned = _only_turn(content[len(EXIF) :])
            if not turned:
                return
            content = EXIF + turned
        elif not content.startswith((ICC, ADOBE)):
            return
    elif marker == COMMENT:
        return
    yield bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def _scan_end(data: bytes, place: int) -> int:
    """Where the pixels of a scan end: at the next marker that does not belong to them."""
    found = _NEXT_MARKER.search(data, place)
    if found is None:
        raise _UnreadableError
    return found.start()


def _webp_chunks(data: bytes) -> Iterator[bytes]:
    (whole,) = struct.unpack_from("<I", data, 4)
    stop = min(8 + whole, len(data))
    chunks = []
    place = 12
    while place < stop:
        kind, size = struct.unpack_from("<4sI", data, place)
        end = place + 8 + size
        if end > len(data):
            raise _UnreadableError
        chunks.append((kind, data[place + 8 : end]))
        place = end + size % 2
    exif = next((content for kind, content in chunks if kind == b"EXIF"), b"")
    turned = _only_turn(exif.removeprefix(EXIF))
    for kind, content in chunks:
        if kind == b"VP8X":
            flags = content[0] & ~(WEBP_EXIF | WEBP_XMP) | (WEBP_EXIF if turned else 0)
            content = bytes((flags,)) + content[1:]
        if kind in WEBP_KEPT:
            yield _webp_chunk(kind, content)
    if turned:
        yield _webp_chunk(b"EXIF", turned)


def _webp_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _only_turn(exif: bytes) -> bytes:
    """EXIF that says nothing but which side is up; empty where that goes without saying."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return b""
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, first)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, first + 2 + 12 * number)
            if tag == ORIENTATION and kind == SHORT and UPRIGHT < value <= 8:
                entry = struct.pack(f"{order}HHIHH", ORIENTATION, SHORT, 1, value, 0)
                head = exif[:2] + struct.pack(f"{order}HI", 42, 8)
                return head + struct.pack(f"{order}H", 1) + entry + bytes(4)
    except struct.error:  # cut off: whoever shows it does not turn it either
        pass
    return b""
