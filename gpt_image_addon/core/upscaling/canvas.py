"""An image that grows: enlarged by a resample, in which the answers to its tiles take their places.

An answer gives the fine detail alone. What is larger than some pixels of the image before stays as it was,
and so do all tiles whose answer is no better than a resample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..editing.alignment import register
from ..editing.color_match import match_colors
from ..editing.resampling import warped
from ..imaging.decoding import Pixels
from ..pasting.boxes import Box, Size
from ..raster.arrays import Plane, blurred, padded
from ..raster.push_pull import push_pull
from ..request.sizes import same_aspect
from ..text.message import Message
from ..textures.seam_cut import least_cut
from .plan import FACTOR, Tile

HALO = 8  # pixels that a tiling image is continued by while it is enlarged
LOCK = 2.0 * FACTOR  # pixels, deviation of the blur: what is larger stays as in the image before
SHARPER = 1.1  # times the gradients of the resample, that an answer has at least
NOISE = 1.0  # pixels, deviation of a blur that takes most of the noise away
KEPT = 1.0  # the same once both are blurred so: noise alone would pass for sharpness
LUMA = (0.299, 0.587, 0.114)
RAMP = 6  # pixels over which one tile goes over into the next
HIDDEN = 1e-3  # share of alpha from which a color counts
DEEP = 257  # words of 16 bits for a level of 8

NOT_MATCHING = Message("does not show the same")
NOT_SHARPER = Message("is no sharper than a resample")
OTHER_SHAPE = Message("has another shape")

Floats = NDArray[np.float32]


def enlarge(pixels: Pixels, size: Size, *, wraps: bool) -> Pixels:
    """An image at a larger size, by Lanczos; what tiles still tiles.

    Colors are filtered premultiplied with alpha, and spread to where nothing can be seen.

    :param pixels: (H, W, 1 to 4) uint8 or uint16.
    :param size: (width, height).
    """
    top = np.iinfo(pixels.dtype).max
    if pixels.shape[2] not in (2, 4):
        planes = [_lanczos(pixels[..., i].astype(np.float32), size, wraps) for i in range(pixels.shape[2])]
        return _whole(np.stack(planes, -1), pixels.dtype)
    share = pixels[..., -1].astype(np.float32) / top
    alpha = np.clip(_lanczos(share, size, wraps), 0, 1)
    planes = [_lanczos(pixels[..., i] * share, size, wraps) for i in range(pixels.shape[2] - 1)]
    known = (alpha > HIDDEN).astype(np.float32)
    colors = np.stack(planes, -1) / np.maximum(alpha, HIDDEN)[..., None]
    if known.min() == 0:
        colors = push_pull(colors, known)
    return _whole(np.dstack([colors, alpha * top]), pixels.dtype)


def _lanczos(plane: Plane, size: Size, wraps: bool) -> Plane:
    halo = min(HALO, *plane.shape) if wraps else 0
    box = (halo, halo, halo + plane.shape[1], halo + plane.shape[0])
    wide = Image.fromarray(np.ascontiguousarray(padded(plane, halo, wraps)))
    return np.asarray(wide.resize(size, Image.Resampling.LANCZOS, box=box))


def _whole(values: Floats, dtype: Any) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, np.iinfo(dtype).max).astype(dtype))


@dataclass(frozen=True)
class FittedTile:
    """The answer to a tile as it is to be put into the image."""

    pixels: Floats | None
    """(height, width, 3) in levels of 255; None where the tile stays the resample."""
    reason: str
    """Why it stays so, as the end of a sentence about the answer; empty where it does not."""
    sharper: float = 0.0
    """Its gradients over those of the resample."""


def fit_tile(base: Floats, current: Floats, visible: NDArray[np.bool_], answer: Pixels) -> FittedTile:
    """Lay an answer on its tile, bring it to the tile's colors, and take the fine detail of it.

    :param base: (height, width, 3) the resample, in levels of 255.
    :param current: likewise, with the neighbors that are made already.
    :param visible: (height, width), false where transparency hides the color.
    :param answer: (h, w, 1 to 4) uint8 or uint16.
    """
    found = register(answer, current, visible)
    if not found.accepted:
        return FittedTile(None, NOT_MATCHING)
    placed = warped(_levels(answer), found)
    colors = match_colors(placed, base, visible, gains=not found.plain)
    placed = colors.applied(placed, (0.0, 0.0, 1.0, 1.0))
    for channel in range(3):
        rest = np.ascontiguousarray(base[..., channel] - placed[..., channel])
        placed[..., channel] += blurred(rest, LOCK, wraps=False)
    np.clip(placed, 0, 255, out=placed)
    sharper = _gradients(placed, visible, 0) / max(_gradients(base, visible, 0), 1e-6)
    if sharper < SHARPER or _gradients(placed, visible, NOISE) < KEPT * _gradients(base, visible, NOISE):
        return FittedTile(None, NOT_SHARPER, sharper)
    return FittedTile(placed, "", sharper)


def _gradients(pixels: Floats, visible: NDArray[np.bool_], sigma: float) -> float:
    """Mean strength of the slopes of the brightness, blurred by `sigma` pixels."""
    luma = np.asarray(pixels @ np.array(LUMA, np.float32), np.float32)
    if sigma:
        luma = blurred(luma, sigma, wraps=False)
    inside = visible[1:, 1:]
    slopes = np.hypot(np.diff(luma, axis=0)[:, 1:], np.diff(luma, axis=1)[1:])
    return float(slopes[inside].mean()) if inside.any() else 0.0


def _levels(pixels: Pixels) -> Floats:
    """(h, w, 3) float32 in levels of 255, without alpha."""
    scale = np.float32(1 / DEEP if pixels.dtype == np.uint16 else 1)
    colors = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1].repeat(3, 2)
    return colors.astype(np.float32) * scale


class Canvas:
    """The image of one pass."""

    def __init__(self, pixels: Pixels, *, wraps: bool) -> None:
        """
        :param pixels: (H, W, 1 to 4) uint8 or uint16: the image before the pass.
        :param wraps: whether it tiles.
        """
        self._before = pixels
        height, width = pixels.shape[:2]
        self._base = enlarge(pixels, (width * FACTOR, height * FACTOR), wraps=wraps)
        self.pixels = self._base.copy()
        """The image after the pass, as far as it is made."""

    def sent(self, tile: Tile) -> NDArray[np.uint8]:
        """(height, width, 3): the resample, which is to be painted sharp, in the size that is sent."""
        part = _levels(_part(self._base, tile.box))
        planes = (Image.fromarray(np.ascontiguousarray(part[..., i])) for i in range(3))
        scaled = [np.asarray(plane.resize(tile.sent, Image.Resampling.LANCZOS)) for plane in planes]
        return np.asarray(_whole(np.stack(scaled, -1), np.uint8), np.uint8)

    def original(self, tile: Tile) -> NDArray[np.uint8]:
        """(h, w, 3): the same part before the pass."""
        return np.asarray(_whole(_levels(_part(self._before, tile.original)), np.uint8), np.uint8)

    def place(self, tile: Tile, answer: Pixels) -> str:
        """Put the answer to a tile into the image; tiles come in the order of their plan.

        :param answer: (h, w, 1 to 4) uint8 or uint16, of any size.
        :returns: why the tile stays the resample, as the end of a sentence; empty where it does not.
        """
        if not same_aspect((answer.shape[1], answer.shape[0]), tile.sent):
            return OTHER_SHAPE
        base = _part(self._base, tile.box)
        visible = np.ones(base.shape[:2], bool)
        if base.shape[2] in (2, 4):
            visible = base[..., -1] > np.iinfo(base.dtype).max // 2
        current = _levels(_part(self.pixels, tile.box))
        fitted = fit_tile(_levels(base), current, visible, answer)
        if fitted.pixels is None:
            return fitted.reason
        new, current = _folded(fitted.pixels, current, tile)
        weight = _weights(new, current, tile)[..., None]
        self._write(tile.box, current * (1 - weight) + new * weight, weight[..., 0] > 0)
        return ""

    def _write(self, box: Box, levels: NDArray[Any], changed: NDArray[np.bool_]) -> None:
        height, width = self.pixels.shape[:2]
        channels = 3 if self.pixels.shape[2] >= 3 else 1
        if channels == 1:
            levels = levels.mean(-1, keepdims=True)
        if self.pixels.dtype == np.uint16:
            levels = levels * DEEP
        new = _whole(levels, self.pixels.dtype)
        for piece, column, row in Box(box.left, box.top, levels.shape[1], levels.shape[0]).pieces(
            (width, height)
        ):
            here = (slice(row, row + piece.height), slice(column, column + piece.width))
            part = self.pixels[piece.top : piece.bottom, piece.left : piece.right, :channels]
            part[changed[here]] = new[here][changed[here]]


def _part(pixels: Pixels, box: Box) -> Pixels:
    """A part of an image, across its border where it goes beyond."""
    height, width = pixels.shape[:2]
    if box.is_in((width, height)):
        return pixels[box.top : box.bottom, box.left : box.right]
    rows, columns = np.arange(box.top, box.bottom) % height, np.arange(box.left, box.right) % width
    return np.asarray(pixels[rows[:, None], columns])


def _folded(new: Floats, current: Floats, tile: Tile) -> tuple[Floats, Floats]:
    """A tile that lies over itself, joined there with least error, and what it takes the place of."""
    for axis, fold in ((1, tile.folds[0]), (0, tile.folds[1])):
        if not fold:
            continue
        new, current = np.moveaxis(new, axis, 1), np.moveaxis(current, axis, 1)
        length = new.shape[1] - fold
        start, end = new[:, :fold], new[:, length:]
        weight = _cut_weight(start, end, closed=axis == 0 and tile.folds[0] > 0)[..., None]
        new = np.concatenate([end * (1 - weight) + start * weight, new[:, fold:length]], 1)
        new, current = np.moveaxis(new, 1, axis), np.moveaxis(current[:, :length], 1, axis)
    return new, current


def _weights(new: Floats, current: Floats, tile: Tile) -> Plane:
    """How much of the new tile there is in each pixel, after its neighbors."""
    weight = np.ones(new.shape[:2], np.float32)
    shared = tile.shared
    for axis, reverse, overlap in (
        (1, False, shared.left),
        (1, True, shared.right),
        (0, False, shared.top),
        (0, True, shared.bottom),
    ):
        if not overlap:
            continue
        planes = [np.moveaxis(plane, axis, 1) for plane in (new, current)]
        fade = np.moveaxis(weight, axis, 1)
        if reverse:
            planes, fade = [plane[:, ::-1] for plane in planes], fade[:, ::-1]
        cut = _cut_weight(planes[0][:, :overlap], planes[1][:, :overlap], closed=False)
        np.minimum(fade[:, :overlap], cut, out=fade[:, :overlap])
    return weight


def _cut_weight(new: Floats, old: Floats, *, closed: bool) -> Plane:
    """Weights of `new` in an overlap (length, overlap, C): 0 at its start, 1 at its end, along the cut of
    least error (Efros and Freeman: Image Quilting, 2001).
    """
    overlap = new.shape[1]
    margin = min(RAMP // 2 + 1, (overlap - 1) // 2)
    rest = new - old
    error = np.einsum("hwc,hwc->wh", rest, rest)[margin : overlap - margin]
    path = least_cut(np.ascontiguousarray(error), closed) + margin
    place = np.arange(overlap)[None] - path[:, None]
    return np.asarray(np.clip(place / RAMP + 0.5, 0, 1), np.float32)
