"""Whether an opaque PNG is whole, without its pixels: a third of the time that decoding it takes.

Every checksum, the end of the compressed stream, the number of bytes in it and the filter of each row are
looked at: all that can keep a decoder from reading it (PNG specification, third edition, sections 5, 9, 10).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3}
"""Of the colour types that have no alpha and no palette."""
LAST_FILTER = 4
PIECE = 256 * 1024  # bytes unpacked at once
MOST_CHUNKS = 100_000  # that are looked at
NOT_PLAIN = frozenset({b"tRNS", b"acTL", b"PLTE"})
_HEAD = struct.Struct(">IIBBBBB")


def plain_size(data: bytes, max_pixels: int) -> tuple[int, int] | None:
    """Width and height of a whole PNG: grey or RGB, 8 or 16 bits, neither interlaced nor transparent.

    :returns: None for every other image, and for one that is not whole or larger than ``max_pixels``.
    """
    chunks = list(_chunks(data)) if data.startswith(SIGNATURE) else []
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        return None
    if len(chunks[0][1]) != _HEAD.size or not NOT_PLAIN.isdisjoint(kind for kind, _ in chunks):
        return None
    width, height, bits, color, packed, filtered, interlaced = _HEAD.unpack(chunks[0][1])
    if color not in CHANNELS or bits not in (8, 16) or packed or filtered or interlaced:
        return None
    if not 0 < width * height <= max_pixels:
        return None
    row = 1 + width * CHANNELS[color] * bits // 8
    whole = _is_whole((body for kind, body in chunks if kind == b"IDAT"), row, row * height)
    return (width, height) if whole else None


def find_chunks(data: bytes, kinds: frozenset[bytes]) -> dict[bytes, bytes]:
    """Content of the chunks of some kinds, the first of each; pixels and checksums are passed over.

    :returns: empty for what is no PNG.
    """
    found: dict[bytes, bytes] = {}
    place = len(SIGNATURE)
    for _ in range(MOST_CHUNKS if data.startswith(SIGNATURE) else 0):
        if place + 12 > len(data):
            break
        (size,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        if kind in kinds:
            found.setdefault(kind, data[place + 8 : place + 8 + size])
        place += 12 + size
    return found


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and content of each chunk up to the end, or up to the first that is broken."""
    view, place = memoryview(data), len(SIGNATURE)
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        end = place + 8 + size
        if end + 4 > len(data) or zlib.crc32(view[place + 4 : end]) != int.from_bytes(view[end : end + 4]):
            return
        kind = data[place + 4 : place + 8]
        yield kind, view[place + 8 : end]
        if kind == b"IEND":
            return
        place = end + 4


def _is_whole(packed: Iterator[memoryview], row: int, total: int) -> bool:
    """Whether the stream unpacks to exactly ``total`` bytes, and each row of ``row`` has a known filter."""
    unpacker, done = zlib.decompressobj(), 0
    try:
        for piece in _unpack(unpacker, packed):
            if max(piece[-done % row :: row], default=0) > LAST_FILTER or done + len(piece) > total:
                return False
            done += len(piece)
    except zlib.error:
        return False
    return bool(unpacker.eof) and done == total


def _unpack(unpacker: Any, packed: Iterator[memoryview]) -> Iterator[bytes]:
    for body in packed:
        yield unpacker.decompress(body, PIECE)
        while unpacker.unconsumed_tail:
            yield unpacker.decompress(unpacker.unconsumed_tail, PIECE)
    yield unpacker.flush()
