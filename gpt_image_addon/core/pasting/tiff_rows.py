"""Uncompressed TIFF files: only the rows of a box are read or written, whatever the size (TIFF 6.0)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COMPRESSION,
    EXTRASAMPLES,
    FILLORDER,
    IMAGELENGTH,
    IMAGEWIDTH,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    ROWSPERSTRIP,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    STRIPOFFSETS,
    TiffImageFile,
)

from ..imaging.decoding import TURNS, Pixels
from ..imaging.png_bands import broken
from .boxes import Box, Size

ORIENTATION = 0x0112
COLORS = {1: 1, 2: 3}
"""Channels without alpha, by what their numbers mean: black is 0, or red, green and blue."""
STRAIGHT_ALPHA = 2
NOT_ALPHA = 0  # what a fourth channel without a meaning is called; most programs read it as alpha
WHOLE_NUMBERS = 1


@dataclass(frozen=True)
class Layout:
    """Where the pixels of an uncompressed TIFF lie in its file."""

    size: Size
    """As stored."""
    channels: int
    dtype: np.dtype[Any]
    """Of a number, in the file's byte order."""
    orientation: int
    rows_per_strip: int
    offsets: tuple[int, ...]
    """Where each strip begins, in bytes."""

    def place(self, row: int, column: int) -> int:
        """Where a pixel begins, in bytes."""
        strip, inside = divmod(row, self.rows_per_strip)
        return self.offsets[strip] + (inside * self.size[0] + column) * self.channels * self.dtype.itemsize


def is_plain(image: TiffImageFile) -> bool:
    """Whether the rows of an opened TIFF can be replaced in its file."""
    tags = image.tag_v2
    bits, samples = bits_of(image), tags.get(SAMPLESPERPIXEL, 1)
    photometric, extra = tags.get(PHOTOMETRIC_INTERPRETATION), tuple(tags.get(EXTRASAMPLES, ()))
    colors = COLORS.get(photometric or 0, 0)
    return (
        tags.get(COMPRESSION, 1) == 1
        and tags.get(PLANAR_CONFIGURATION, 1) == 1
        and tags.get(FILLORDER, 1) == 1
        and STRIPOFFSETS in tags
        and set(tags.get(SAMPLEFORMAT, (WHOLE_NUMBERS,))) == {WHOLE_NUMBERS}
        and set(bits) in ({8}, {16})
        and (samples == colors or (samples == colors + 1 and extra in ((STRAIGHT_ALPHA,), (NOT_ALPHA,))))
        and _holds_all(layout_of(image), image.fp)
    )


def layout_of(image: TiffImageFile) -> Layout:
    """Where the pixels of a plain TIFF lie."""
    tags = image.tag_v2
    order = "<" if tags.prefix == b"II" else ">"
    return Layout(
        size=(tags[IMAGEWIDTH], tags[IMAGELENGTH]),
        channels=tags.get(SAMPLESPERPIXEL, 1),
        dtype=np.dtype(f"{order}u{bits_of(image)[0] // 8}"),
        orientation=orientation_of(image),
        rows_per_strip=max(1, min(tags.get(ROWSPERSTRIP, tags[IMAGELENGTH]), tags[IMAGELENGTH])),
        offsets=tuple(tags[STRIPOFFSETS]),
    )


def _holds_all(layout: Layout, stream: Any) -> bool:
    """Whether the file has all the strips that it names."""
    width, height = layout.size
    rows = layout.rows_per_strip
    if len(layout.offsets) != -(-height // rows) or min(layout.offsets) <= 0:
        return False
    end = stream.seek(0, 2)
    row = width * layout.channels * layout.dtype.itemsize
    return all(
        offset + min(rows, height - number * rows) * row <= end
        for number, offset in enumerate(layout.offsets)
    )


def bits_of(image: TiffImageFile) -> tuple[int, ...]:
    """Bits of each channel."""
    return tuple(image.tag_v2.get(BITSPERSAMPLE, (1,)))


def orientation_of(image: TiffImageFile) -> int:
    """Which side is up; 1 where it says none."""
    found = image.tag_v2.get(ORIENTATION, 1)
    return found if found in TURNS else 1


def read_box(stream: BinaryIO, layout: Layout, box: Box) -> Pixels:
    """The pixels of a stored box, (height, width, channels) uint8 or uint16.

    :raises UnusableImageError: the file is shorter than it was.
    """
    length = box.width * layout.channels * layout.dtype.itemsize
    rows = []
    for place in _places(layout, box):
        stream.seek(place)
        row = stream.read(length)
        if len(row) < length:
            raise broken()
        rows.append(row)
    flat = np.frombuffer(b"".join(rows), layout.dtype)
    return flat.reshape(box.height, box.width, layout.channels).astype(layout.dtype.newbyteorder("="))


def write_box(stream: BinaryIO, layout: Layout, box: Box, pixels: Pixels) -> None:
    """The inverse of `read_box`."""
    for place, row in zip(_places(layout, box), pixels.astype(layout.dtype), strict=True):
        stream.seek(place)
        stream.write(row.tobytes())


def _places(layout: Layout, box: Box) -> Iterator[int]:
    return (layout.place(row, box.left) for row in range(box.top, box.bottom))
