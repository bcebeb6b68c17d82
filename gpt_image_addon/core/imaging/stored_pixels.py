"""The numbers of a PNG as they are stored: neither turned nor converted, every channel and every bit."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decoding import Pixels, UnusableImageError
from .png_bands import PALETTE, PngHeader, PngReader

Bytes = NDArray[np.uint8]


def read_png(data: bytes, size: tuple[int, int]) -> Pixels:
    """All pixels of a PNG of an expected size.

    :param size: width and height.
    :returns: (height, width, channels) uint8 or uint16.
    :raises UnusableImageError: it is none, broken, of another size, or not as it is written here.
    """
    reader = PngReader(io.BytesIO(data))
    header = reader.header
    if (header.width, header.height) != size:
        raise UnusableImageError("has another size")
    if header.bits < 8 or header.color == PALETTE or header.interlaced:
        raise UnusableImageError("is not an image that can be read")
    return np.concatenate([pixels_of(raw, header) for _, _, raw in reader.raw_bands()])


def pixels_of(raw: Bytes, header: PngHeader) -> Pixels:
    """Rows of bytes as pixels, (rows, width, channels) uint8 or uint16, of at least 8 bits a channel."""
    shape = (len(raw), header.width, header.channels)
    if header.bits == 8:
        return raw.reshape(shape)
    wide: Pixels = np.ascontiguousarray(raw).view(">u2").reshape(shape).astype(np.uint16)
    return wide


def bytes_of(pixels: Pixels) -> Bytes:
    """The inverse of `pixels_of`."""
    wide = pixels.dtype == np.uint16
    plain: NDArray[Any] = pixels.astype(">u2") if wide else np.ascontiguousarray(pixels)
    return plain.reshape(len(pixels), -1).view(np.uint8)
