"""Seams that no cut can hide, repainted by a model: what it is shown, and what is taken of its answer.

A tile is rolled by half, so that its seams form a cross in the middle. The model may repaint a band along
them, and of its answer only that band is taken: every other pixel of the tile stays as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..editing.blending import blended, fit_edit
from ..imaging.decoding import Pixels
from ..imaging.pixels import eight_bit_color
from ..imaging.png_writer import encode_png
from ..raster.arrays import Plane
from ..text.message import message
from .tiling import GOOD_BAND, GOOD_STEP, SHOWING, Tile, TileScores, score

REACH = 1 / 14  # of the shorter side, on either side of a seam, that may be repainted
SMALLEST_REACH = 8  # pixels
CHANGED = 2.0  # levels of 255 that the band changes by on average: less is the old seam again
BETTER = 0.05  # coherence that a repaired tile has to gain, unless it becomes good by it
WORSE = 1.25  # most that another score of it may be worse by


@dataclass(frozen=True)
class Parcel:
    """What is sent for a repair."""

    picture: bytes
    """PNG of the rolled tile."""
    mask: bytes
    """PNG of its size, white where it may be repainted."""


def repair_input(tile: Tile, size: tuple[int, int]) -> Parcel:
    """The pictures that go to the model.

    :param tile: one that was cut.
    :param size: (width, height) that the model paints.
    """
    picture = Image.fromarray(_color(_roll(tile.pixels))).resize(size, Image.Resampling.LANCZOS)
    mask = Image.fromarray(_band(tile)).resize(size, Image.Resampling.NEAREST)
    return Parcel(encode_png(np.asarray(picture)), encode_png(np.asarray(mask, np.uint8) * 255))


def repaint_seams(tile: Tile, answer: NDArray[np.uint8]) -> tuple[Tile, str]:
    """The tile with the repainted band of `answer`, (H, W, 3 or 4) of any size, and a sentence about it.

    The answer is registered to what was sent, and taken only where it belongs to it, changes something, and
    leaves seams that are less odd than before; otherwise the tile stays as it is.
    """
    whole, band = _roll(tile.pixels), _band(tile)
    color = _color(whole)
    fitted = fit_edit(color, answer[..., :3], band)
    if not fitted.registration.accepted:
        return tile, message(
            "The repainted seams do not fit the picture ({score}) and are not used.",
            score=f"{fitted.registration.agreement.share:.2f}",
        )
    mixed = blended(color, fitted)
    change = np.abs(mixed[band].astype(np.int16) - color[band]).mean()
    if change < CHANGED:
        return tile, "The model changed nothing along the seams; the cut stays as it is."
    pixels = _roll(_laid_over(whole, mixed, color), back=True)
    scores = _judge(pixels, tile)
    if not _is_better(scores, tile.scores):
        return tile, "The repainted seams look no better than the cut, so the cut is used."
    notes = tuple(note for note in tile.notes if note != SHOWING) + (() if scores.good else (SHOWING,))
    return replace(tile, pixels=pixels, scores=scores, notes=notes), "The model repainted the seams."


def _is_better(after: TileScores, before: TileScores) -> bool:
    if before.good:  # asked for all the same: the scores can't see all that the user sees
        return after.good and after.coherence >= before.coherence - BETTER
    kept = after.seam_ratio <= max(WORSE * before.seam_ratio, GOOD_STEP) and _blur(after) <= max(
        WORSE * _blur(before), math.log(GOOD_BAND[1])
    )
    return after.good or (kept and after.coherence >= before.coherence + BETTER)


def _blur(scores: TileScores) -> float:
    """How far the sharpness near the seams is from that elsewhere, either way."""
    return abs(math.log(max(scores.band_sharpness, 0.01)))


def _judge(pixels: Pixels, tile: Tile) -> TileScores:
    """The worst scores along the old seams and along both edges of the band."""
    assert tile.seams is not None
    height, width = pixels.shape[:2]
    by = _reach(tile)
    lines = [((tile.seams[0] + d) % height, (tile.seams[1] + d) % width) for d in (0, -by, by)]
    return min((score(pixels, line) for line in lines), key=lambda scores: scores.coherence)


def _reach(tile: Tile) -> int:
    return max(SMALLEST_REACH, round(REACH * min(tile.pixels.shape[:2])))


def _band(tile: Tile) -> NDArray[np.bool_]:
    """(height, width) of the rolled tile, true where it may be repainted.

    The band ends before the edges of the rolled tile: what is painted there would have to meet itself.
    """
    assert tile.seams is not None
    height, width = tile.pixels.shape[:2]
    reach = _reach(tile)
    near = _near(tile.seams[0], height, reach) | _near(tile.seams[1], width, reach).T
    band = np.roll(near, (height // 2, width // 2), (0, 1))
    margin = reach // 2
    band[:margin] = band[-margin:] = False
    band[:, :margin] = band[:, -margin:] = False
    return band


def _near(seam: NDArray[np.intp], length: int, reach: int) -> NDArray[np.bool_]:
    """(length, columns), true within `reach` of a seam that wraps."""
    away = (np.arange(length)[:, None] - seam + length // 2) % length - length // 2
    return np.asarray(np.abs(away) <= reach)


def _roll(pixels: Pixels, back: bool = False) -> Pixels:
    by = np.array(pixels.shape[:2]) // 2
    return np.roll(pixels, tuple(-by if back else by), (0, 1))


def _color(pixels: Pixels) -> NDArray[np.uint8]:
    return np.ascontiguousarray(eight_bit_color(pixels)[..., :3])


def _laid_over(pixels: Pixels, mixed: NDArray[np.uint8], color: NDArray[np.uint8]) -> Pixels:
    """`pixels` with what differs between `mixed` and `color`; depth, alpha and the rest stay."""
    out = pixels.copy()
    colors = 3 if out.shape[2] >= 3 else 1
    new: Plane = mixed.astype(np.float32)
    if colors == 1:
        new = new.mean(-1, keepdims=True)
    new = np.rint(new * (np.iinfo(out.dtype).max / 255))
    changed = (mixed != color).any(-1)
    out[changed, :colors] = new[changed]
    return out
