"""A whole edit fitted: the answer registered on its original, in its colors, faded in inside the mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ..raster.arrays import Plane
from .alignment import Registration, register
from .color_match import ColorMatch, match_colors
from .resampling import warped

FEATHER = 8  # pixels of the original, from the mask's edge inward, over which an edit fades in
UNSURE = 12  # pixels around the mask that may be painted, too, and that no shift is told by
TINTED = 16  # likewise for colors

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the mask."""


@dataclass(frozen=True)
class FittedEdit:
    """The part of an image that an edit changes."""

    box: Box
    pixels: NDArray[np.float32]
    """(h, w, 3 or 4) of the box, in levels of 255; with alpha only where it is to be written."""
    weight: Plane
    """(h, w) in 0..1, 0 outside the mask."""
    registration: Registration
    colors: ColorMatch


def fit_edit(
    original: NDArray[Any],
    answer: NDArray[Any],
    editable: NDArray[np.bool_],
    *,
    feather: float = FEATHER,
    alpha: bool = False,
) -> FittedEdit:
    """The answer to an edit, as it is to be put into the image.

    It is resampled once, from the answer to the mask's size. Whether it belongs to the original at all is
    in `registration.accepted`, and for the caller to heed.

    :param original: (H, W, 1 to 4) uint8 or uint16: what was sent.
    :param answer: (h, w, 1 to 4) uint8 or uint16, of any size with about the same aspect.
    :param editable: (rows, columns) at the size of the image that the edit goes into; `original` may be
        that image, or the same at another size.
    :param feather: pixels of the original over which it fades in.
    :param alpha: whether the answer's alpha is taken, too.
    """
    height, width = original.shape[:2]
    here = _at_size(editable, (width, height))
    opaque = _opaque(original)
    found = register(answer, original, ~grown(here, UNSURE) & opaque)
    color = _levels(answer)
    surround = ~grown(here, TINTED) & opaque
    placed = warped(color[..., :3], found)
    colors = match_colors(placed, _levels(original)[..., :3], surround, gains=not found.plain)
    left, top, right, bottom = box = box_of(editable)
    scale = width / editable.shape[1], height / editable.shape[0]
    part = left * scale[0], top * scale[1], right * scale[0], bottom * scale[1]
    if editable.shape == here.shape:
        pixels = placed[top:bottom, left:right]
    else:
        pixels = warped(color[..., :3], found, part, (right - left, bottom - top))
    share = (
        left / editable.shape[1],
        top / editable.shape[0],
        right / editable.shape[1],
        bottom / editable.shape[0],
    )
    pixels = np.clip(colors.applied(pixels, share), 0, 255)
    if alpha:
        clear = color[..., 3:] if color.shape[2] == 4 else np.full((*color.shape[:2], 1), 255, np.float32)
        moved = np.clip(warped(clear, found, part, (right - left, bottom - top)), 0, 255)
        pixels = np.concatenate([pixels, moved], -1)
    return FittedEdit(box, pixels, feathered(editable, box, feather / scale[0]), found, colors)


def blended(image: NDArray[Any], fitted: FittedEdit) -> NDArray[Any]:
    """`image` (rows, columns, 1 to 4), uint8 or uint16, with the edit in it: a copy.

    Bit-identical wherever the weight is 0; alpha stays unless the edit has one.
    """
    left, top, right, bottom = fitted.box
    out = image.copy()
    part = out[top:bottom, left:right]
    colors = 3 if image.shape[2] >= 3 else 1
    new = fitted.pixels[..., :3] if colors == 3 else fitted.pixels[..., :3].mean(-1, keepdims=True)
    if fitted.pixels.shape[2] == 4 and image.shape[2] in (2, 4):
        colors = image.shape[2]
        new = np.concatenate([new, fitted.pixels[..., 3:]], -1)
    scale = np.float32(np.iinfo(image.dtype).max / 255)
    weight = fitted.weight[..., None]
    mixed = part[..., :colors] * (1 - weight) + new * (scale * weight)
    part[..., :colors] = np.where(weight > 0, np.rint(mixed), part[..., :colors])
    return out


def box_of(mask: NDArray[np.bool_]) -> Box:
    """The smallest box around what is true; an empty one where nothing is."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """`mask` and the pixels within `by` of it, along either axis."""
    rows, columns = mask.shape
    wide = np.pad(mask, by).astype(np.int32)
    sums = np.pad(wide.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    side = 2 * by + 1
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(total[:rows, :columns] > 0)


def feathered(mask: NDArray[np.bool_], box: Box, feather: float) -> Plane:
    """Weights of the box's pixels: 0 outside the mask, and 1 from `feather` pixels inside it on.

    Where the mask is thinner than that, it fades to its own middle, so that a thin stroke still shows.
    """
    left, top, right, bottom = box
    reach = max(0, round(feather))
    if reach == 0 or right == left:
        return mask[top:bottom, left:right].astype(np.float32)
    # A border of the image is no edge of the mask.
    wide = np.pad(mask, reach + 1, mode="edge")[top : bottom + 2 * reach + 2, left : right + 2 * reach + 2]
    depth = _depth(wide, reach)
    inner = np.asarray(Image.fromarray(depth).filter(ImageFilter.MaxFilter(2 * reach + 1)))
    weight = depth / np.maximum(np.minimum(inner, reach), 1)
    return np.asarray(weight[reach + 1 : -reach - 1, reach + 1 : -reach - 1], np.float32)


def _depth(mask: NDArray[np.bool_], most: int) -> Plane:
    """Distance of each pixel from the nearest one that is not in the mask, up to `most`."""
    height, width = mask.shape
    at = np.arange(width)
    before = np.maximum.accumulate(np.where(mask, -most, at), axis=1)
    after = np.minimum.accumulate(np.where(mask, width + most, at)[:, ::-1], axis=1)[:, ::-1]
    along = np.minimum(np.minimum(at - before, after - at), most).astype(np.float32)
    squares = np.pad(np.square(along), ((most, most), (0, 0)), constant_values=most * most)
    out = np.full(mask.shape, np.float32(most * most))
    for by in range(-most, most + 1):
        np.minimum(out, squares[most + by : most + by + height] + np.float32(by * by), out=out)
    return np.asarray(np.sqrt(out), np.float32)


def is_hidden(image: NDArray[Any], editable: NDArray[np.bool_]) -> bool:
    """Whether most of what may change is transparent, so that new colors alone would not show."""
    return bool(_opaque(image)[editable].mean() < 0.5) if editable.any() else False


def _at_size(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """`mask` at another size (width, height), true wherever a pixel of it is."""
    if mask.shape[1::-1] == size:
        return mask
    scaled = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)
    return np.asarray(scaled) > 0


def _levels(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """(h, w, 3 or 4) float32 in levels of 255."""
    scaled = pixels.astype(np.float32)
    if pixels.dtype == np.uint16:
        scaled /= 257
    if pixels.shape[2] < 3:
        scaled = np.concatenate([scaled[..., :1].repeat(3, 2), scaled[..., 1:]], 2)
    return scaled


def _opaque(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Where an image can be seen: what lies beneath transparency, no model is shown."""
    if pixels.shape[2] in (2, 4):
        return np.asarray(pixels[..., -1] > np.iinfo(pixels.dtype).max // 2)
    return np.ones(pixels.shape[:2], bool)
