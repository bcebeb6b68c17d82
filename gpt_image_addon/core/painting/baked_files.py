"""What an object shows as image files of a chosen size, format and depth. Runs in any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.color_spaces import linear_from_srgb
from ..imaging.decoding import Pixels, narrowed
from ..imaging.pixels import resized
from ..imaging.png_writer import encode_png
from ..pasting.boxes import Box
from ..pasting.edited_files import cut
from ..pasting.image_source import Source, inspect_source
from ..raster.exr_writer import NAMES, encode_exr

PNG, EXR = "png", "exr"
DEPTHS = {PNG: (8, 16), EXR: (16,)}
"""Bits of a channel that a format may have; those of EXR are half floats."""


@dataclass(frozen=True)
class ShownImage:
    """An image that an object shows."""

    kind: str
    """Of the map, see `MAP_KINDS`."""
    label: str
    is_data: bool
    """Numbers rather than colors."""
    tile: int = 0
    """Number of the UDIM tile that it is; 0 of an image without tiles."""
    source: Source | None = None
    """Its encoded file."""
    pixels: NDArray[Any] | None = None
    """(height, width, 3) uint8 or uint16 sRGB, where it was baked."""

    def read(self) -> Pixels:
        """:raises InvalidRequestError: its file can't be read."""
        if self.source is None:
            assert self.pixels is not None
            return self.pixels
        opened = inspect_source(self.source, self.label, turns=False)
        (stored,) = cut(opened, [Box(0, 0, *opened.size)])
        return stored


def encode_shown(image: ShownImage, side: int | None, form: str, bits: int) -> bytes:
    """An image as a file.

    :param side: pixels of the longer side; None leaves it as it is.
    :param form: `PNG`, or `EXR`, whose colors are linear.
    :param bits: one of `DEPTHS`.
    :raises InvalidRequestError: it can't be read.
    """
    pixels = image.read()
    wide = pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) * 257
    if side is not None:
        factor = side / max(pixels.shape[:2])
        height, width = (max(1, round(edge * factor)) for edge in pixels.shape[:2])
        pixels = wide = resized(wide, (width, height), wraps=False)
    if form == EXR:
        return encode_exr(_to_linear(wide, image.is_data))
    return encode_png(wide if bits == 16 else narrowed(pixels))


def _to_linear(pixels: NDArray[Any], is_data: bool) -> NDArray[np.float32]:
    channels = pixels.shape[2]
    if channels not in NAMES:  # gray with alpha
        pixels = np.concatenate([np.repeat(pixels[..., :1], 3, axis=2), pixels[..., 1:]], axis=2)
    levels = pixels.astype(np.float32) / np.float32(65535)
    if not is_data:
        levels[..., :3] = linear_from_srgb(levels[..., :3])
    return levels
