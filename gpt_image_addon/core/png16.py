"""PNG files with 8 or 16 bits a channel. Pillow cannot write 16-bit RGB, which normal maps need."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type for a number of channels: grey, grey + alpha, RGB, RGBA."""
_UP_FILTER = 2


def encode_png(array: NDArray[Any], *, compression: int = 6) -> bytes:
    """A PNG file holding `array`: (H, W) or (H, W, 1..4), uint8 or uint16, without any colour profile.

    Raises ValueError for another shape or dtype, and for an empty array.
    """
    if array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"A PNG holds 8- or 16-bit pixels, not {array.dtype}.")
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.ndim != 3 or pixels.shape[2] not in _COLOR_TYPES or not pixels.size:
        raise ValueError(f"A PNG holds height x width x 1 to 4 channels, not {array.shape}.")
    height, width, channels = pixels.shape
    depth = 8 * array.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOR_TYPES[channels], 0, 0, 0)
    body = zlib.compress(_filtered(pixels), compression)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _filtered(pixels: NDArray[Any]) -> bytes:
    """The scan lines, each as its byte difference to the line above (PNG's filter type 2, Up)."""
    height = pixels.shape[0]
    big_endian = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">"), copy=False))
    lines = big_endian.reshape(height, -1).view(np.uint8)
    out = np.empty((height, lines.shape[1] + 1), np.uint8)
    out[:, 0] = _UP_FILTER
    out[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=out[1:, 1:])
    return out.tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
