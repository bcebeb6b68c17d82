"""PNG files with 8 or 16 bits a channel. Pillow cannot write 16-bit RGB, which normal maps need."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type for a number of channels: grey, grey + alpha, RGB, RGBA."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP_FILTER = 2
_PIECE = 256 * 1024  # bytes packed at once


def encode_png(array: NDArray[Any], *, compression: int = 6) -> bytes:
    """A PNG file holding `array`: (H, W) or (H, W, 1..4), uint8 or uint16, without any colour profile.

    Raises ValueError for another shape or dtype, and for an empty array.
    """
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"A PNG holds 8- or 16-bit pixels, not {array.dtype}.")
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.ndim != 3 or pixels.shape[2] not in _COLOR_TYPES or not pixels.size:
        raise ValueError(f"A PNG holds height x width x 1 to 4 channels, not {array.shape}.")
    return _write(pixels.shape[:2], pixels[:1], _pack(_filter(pixels), compression))


def encode_plain(size: tuple[int, int], color: NDArray[Any]) -> bytes:
    """A PNG file of one color; quick at any size, for equal lines are packed once.

    :param size: width and height.
    :param color: (1..4,) uint8 or uint16.
    """
    width, height = size
    pixels = np.broadcast_to(color, (min(height, 2), width, len(color)))
    first, *further = (line.tobytes() for line in _filter(pixels))
    packer = zlib.compressobj(9)
    pieces = [packer.compress(first), packer.flush(zlib.Z_FULL_FLUSH)]
    checksum = zlib.adler32(first)
    for line in further:
        rows = max(1, _PIECE // len(line))
        count, rest = divmod(height - 1, rows)
        for times, lines in ((count, line * rows), (1, line * rest)):
            packed = packer.compress(lines) + packer.flush(zlib.Z_FULL_FLUSH)  # it refers to nothing before
            for _ in range(times):
                pieces.append(packed)
                checksum = zlib.adler32(lines, checksum)
    pieces += [packer.flush()[:-4], struct.pack(">I", checksum)]  # its own knows repeated pieces once
    return _write((height, width), pixels, pieces)


def _write(shape: tuple[int, ...], pixels: NDArray[Any], body: list[bytes]) -> bytes:
    """The file.

    :param shape: height and width.
    :param pixels: (height, width, channels), some of them.
    :param body: packed lines.
    """
    height, width = shape
    depth = 8 * pixels.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOR_TYPES[pixels.shape[2]], 0, 0, 0)
    parts = (*_chunk(b"IHDR", [header]), *_chunk(b"IDAT", body), *_chunk(b"IEND", []))
    return b"".join((_SIGNATURE, *parts))  # copied once: meanwhile no other thread runs Python


def _pack(lines: NDArray[np.uint8], compression: int) -> list[bytes]:
    packer = zlib.compressobj(compression)
    step = max(1, _PIECE // lines.shape[1])
    pieces = [packer.compress(lines[first : first + step].data) for first in range(0, len(lines), step)]
    return [*pieces, packer.flush()]


def _filter(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The scan lines, each as its byte difference to the line above (PNG's filter type 2, Up)."""
    height = pixels.shape[0]
    big_endian = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">"), copy=False))
    lines = big_endian.reshape(height, -1).view(np.uint8)
    out = np.empty((height, lines.shape[1] + 1), np.uint8)
    out[:, 0] = _UP_FILTER
    out[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=out[1:, 1:])
    return out


def _chunk(kind: bytes, pieces: list[bytes]) -> Iterator[bytes]:
    yield struct.pack(">I", sum(map(len, pieces)))
    yield kind
    yield from pieces
    checksum = zlib.crc32(kind)
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    yield struct.pack(">I", checksum)
