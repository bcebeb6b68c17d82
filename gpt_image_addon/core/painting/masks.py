"""Masks that were painted on objects: kept with what is sent, and laid over the images that are painted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InvalidRequestError
from ..imaging.decoding import narrowed
from ..imaging.pixels import read_image
from ..imaging.png_writer import encode_png
from .projection import PaintedMask

SIDE = 2048  # pixels, the most that a kept mask has on its longer side
FIRST_TILE = 1001  # what an image without tiles shows of a mask that has some
KEPT = 600_000  # characters that all masks of a request may take

Gray = NDArray[np.uint8]
"""(height, width): 255 where all may change, 0 where nothing."""
Place = tuple[Sequence[str], int, tuple[int, int]]
"""Of an image that is painted: the objects that show it, its UDIM tile or 0, its width and height."""


def read_mask(data: bytes, label: str) -> Gray:
    """A mask as it was painted: its brightest channel counts.

    :raises InvalidRequestError: it can't be read.
    """
    pixels = narrowed(read_image(data, label, as_data=True).pixels)
    return np.asarray(pixels[..., : 1 if pixels.shape[2] < 3 else 3].max(axis=2))


def keep_masks(masks: Mapping[tuple[str, int], Gray]) -> tuple[PaintedMask, ...]:
    """Masks as text; those on which nothing is painted are left out.

    :param masks: by the name of the object and the UDIM tile, 0 where there is none.
    :returns: of smaller size where all would be more than is kept.
    """
    painted = {place: mask for place, mask in masks.items() if mask.any()}
    side = SIDE
    while True:
        found = tuple(
            PaintedMask(name, tile, base64.b64encode(encode_png(_limit(mask, side), compression=9)).decode())
            for (name, tile), mask in painted.items()
        )
        if sum(len(mask.png) for mask in found) <= KEPT or side <= SIDE // 16:
            return found
        side //= 2


def _limit(mask: Gray, side: int) -> Gray:
    height, width = mask.shape
    if max(height, width) <= side:
        return mask
    share = side / max(height, width)
    return _resize(mask, (max(1, round(width * share)), max(1, round(height * share))))


def _resize(mask: Gray, size: tuple[int, int]) -> Gray:
    """What is black stays so, up to a pixel beside what is not."""
    if mask.shape == (size[1], size[0]):
        return mask
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR))


def lay_masks(masks: Sequence[PaintedMask], places: Iterable[Place]) -> tuple[Gray, ...]:
    """What may change of each image that is painted.

    :raises InvalidRequestError: a mask can't be read.
    """
    read = {(mask.object_name, mask.tile): _decode(mask) for mask in masks}
    out = []
    for objects, tile, size in places:
        laid = np.zeros((size[1], size[0]), np.uint8)
        for name in objects:
            mask = read.get((name, tile if tile or (name, 0) in read else FIRST_TILE))
            if mask is not None:
                laid = np.maximum(laid, _resize(mask, size))
        out.append(laid)
    return tuple(out)


def _decode(mask: PaintedMask) -> Gray:
    try:
        data = base64.b64decode(mask.png, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError("The stored mask can't be read.", code="bad_projection") from error
    return read_mask(data, mask.object_name)


def list_tiles(masks: Iterable[PaintedMask]) -> dict[str, list[int]]:
    """The UDIM tiles on which something is painted, by the names of the objects; 0 where there are none."""
    found: dict[str, list[int]] = {}
    for mask in masks:
        found.setdefault(mask.object_name, []).append(mask.tile)
    return found
