"""Small images: copies beside results, which Blender loads for panels, and previews of what is being made."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.files import read_file, replace_file
from ..errors import StorageError
from ..raster.markers import draw_markers, over
from ..results.store import thumbnail_of
from .color_spaces import linear_from_srgb
from .decoding import UnusableImageError, decode_small
from .formats import encode_png
from .image_reader import read_image_file

EDGE = 256  # pixels of the longer edge, as Blender's own
MARKED_RADIUS = 0.08  # of circles, of the root of the area: in a small image they could not be read else
JPEG_QUALITY = 85  # of small copies that are sent
MEAN_EDGE = 32  # pixels of the longer edge from which a mean is taken

Color = tuple[float, float, float]


def write_thumbnail(image: Path, *, square: bool = False) -> None:
    """Make the small copy; where that can't be done, the image itself will be shown.

    :param square: only its middle, which fills the place of an icon.
    """
    with contextlib.suppress(OSError, StorageError, UnusableImageError):
        small = decode_small(read_file(image), EDGE)
        replace_file(thumbnail_of(image), encode_png(_middle(small) if square else small))


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The square in the middle of (height, width, 4) pixels."""
    height, width = pixels.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return np.ascontiguousarray(pixels[top : top + edge, left : left + edge])


def mean_color(data: bytes) -> Color | None:
    """The mean of an encoded image in linear sRGB, weighted by its alpha; None where it can't be read."""
    try:
        small = decode_small(data, MEAN_EDGE).reshape(-1, 4)
    except UnusableImageError:
        return None
    weights = small[:, 3].astype(np.float64)
    if not weights.any():
        return None
    red, green, blue = np.average(linear_from_srgb(small[:, :3] / 255), axis=0, weights=weights)
    return float(red), float(green), float(blue)


def mean_of_preview(preview: Preview) -> Color:
    """As `mean_color`."""
    red, green, blue = linear_from_srgb(preview.pixels.reshape(-1, 4)[:, :3]).mean(axis=0)
    return float(red), float(green), float(blue)


@dataclass(frozen=True)
class Preview:
    """One preview."""

    number: int
    """1 for the first of a job."""
    width: int
    height: int
    pixels: NDArray[np.float32] = field(repr=False)
    """Flat RGBA from 0 to 1, bottom row first."""


def marked_thumbnail(
    path: Path, places: Sequence[tuple[float, float]], small: NDArray[np.float32] | None = None
) -> NDArray[np.float32] | None:
    """A small image with numbered circles on it, as (height, width, 4) float32 from 0 to 1.

    None where the file is no image, or broken: a lost thumbnail is no loss.

    :param path: its file, which is not read where there are pixels.
    :param places: of the circles: x and y from 0 to 1, from the lower left corner.
    :param small: the image, in the same form.
    :raises InvalidRequestError: the file is missing or too large.
    """
    try:
        pixels = decode_small(read_image_file(path), EDGE) if small is None else _eight_bit(small)
    except UnusableImageError:
        return None
    height, width = pixels.shape[:2]
    radius = MARKED_RADIUS * math.sqrt(width * height)
    marked = over(pixels, draw_markers(places, width, height, radius))
    return np.multiply(marked, np.float32(1 / 255), dtype=np.float32)


def _eight_bit(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def make_preview(number: int, data: bytes) -> Preview | None:
    """A preview from an encoded image; None where it can't be read: a lost preview is no loss."""
    try:
        small = decode_small(data, EDGE)[::-1]
    except UnusableImageError:
        return None
    pixels = np.multiply(small, np.float32(1 / 255), dtype=np.float32).ravel()
    return Preview(number, small.shape[1], small.shape[0], pixels)


def encode_small(path: Path, edge: int) -> tuple[bytes, str]:
    """A small copy of an image file to be sent, and its media type: JPEG, or PNG where it is transparent.

    :param edge: pixels of the longer edge at most.
    :raises InvalidRequestError: the file is missing or too large.
    :raises UnusableImageError: it is no image, or broken.
    """
    small = decode_small(read_image_file(path), edge)
    if small[..., 3].min() < 255:
        return encode_png(small), "image/png"
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(small[..., :3])).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue(), "image/jpeg"
