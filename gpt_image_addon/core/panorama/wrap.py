"""Closes a panorama: its left edge is made to continue at its right one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import resized
from ..textures.seam_cut import least_cut
from .equirect import Floats, list_cosines

OVERLAP = 0.1  # share of the width that both edges show
FEATHER = 6  # pixels of the cut
BANDS = 24  # of latitudes that get a gain of their own
SMOOTH = 1.5  # times its own usual step up to which an edge counts as closed
LEAST_LEVEL = 2.0  # of 255, below which no gain is told
MOST_GAIN = 1.5
LEAST_STEP = 0.5  # of 255: less is not seen


@dataclass(frozen=True)
class Closed:
    """A panorama whose edges meet."""

    pixels: Floats
    """(height, width, 3) in 0..255; narrower by the overlap where it was cut."""
    step: float
    """How far colors jump where it closes, in times of how far they usually do from column to column."""
    is_cut: bool


def close(pixels: Floats) -> Closed:
    """Let the edges of a panorama meet; one that is closed already stays.

    A gain for each latitude brings both ends to the same brightness, spread over all the width; then the ends
    are laid over each other and cut where they differ least. The middle of the image stays there.

    :param pixels: (height, width, 3) in 0..255.
    """
    step = edge_step(pixels)
    if step <= SMOOTH:
        return Closed(pixels, step, is_cut=False)
    overlap = round(pixels.shape[1] * OVERLAP)
    even = _apply_gain(pixels, overlap)
    left, right = even[:, :overlap], even[:, -overlap:]
    cosines = list_cosines(len(pixels)).astype(np.float32)
    error = np.einsum("hwc,hwc->wh", left - right, left - right) * cosines
    cut = least_cut(np.ascontiguousarray(error, np.float32), closed=False)
    share = np.clip((np.arange(overlap) - cut[:, None]) / FEATHER + 0.5, 0, 1).astype(np.float32)
    joined = right + (left - right) * share[..., None]
    closed = np.concatenate([even[:, overlap:-overlap], joined], 1)
    start = closed.shape[1] - overlap
    return Closed(np.roll(closed, overlap // 2, 1), _cut_step(closed, start + cut), is_cut=True)


def _apply_gain(pixels: Floats, overlap: int) -> Floats:
    """Both ends at the brightness between them."""
    height, width = pixels.shape[:2]
    ends = [
        np.log(np.maximum(pixels[:, part].mean(1), LEAST_LEVEL))
        for part in (slice(None, overlap), slice(-overlap, None))
    ]
    ratio = np.ascontiguousarray(ends[0] - ends[1], np.float32)
    bands = np.stack([resized(resized(ratio[:, [c]], min(BANDS, height), 1), height, 1) for c in range(3)], 2)
    bands = np.clip(bands, -np.log(MOST_GAIN), np.log(MOST_GAIN))
    middle = overlap / 2
    ramp = np.clip((np.arange(width) - middle) / (width - overlap), 0, 1).astype(np.float32) - 0.5
    return np.asarray(np.minimum(pixels * np.exp(bands * ramp[None, :, None]), 255), np.float32)


def edge_step(pixels: NDArray[Any]) -> float:
    """How far colors jump from the right edge to the left one, in times of how far they usually do."""
    cosines = list_cosines(len(pixels))
    jump = np.abs(pixels[:, 0].astype(np.float32) - pixels[:, -1]).mean(-1) @ cosines
    return float(jump / _usual_step(pixels, cosines))


def _usual_step(pixels: NDArray[Any], cosines: NDArray[np.float64]) -> float:
    """From column to column, as the sum over all rows."""
    steps = np.abs(np.diff(pixels.astype(np.float32), axis=1)).mean(-1)
    return float(max(cosines @ steps.mean(1), LEAST_STEP * cosines.sum()))


def _cut_step(pixels: Floats, cut: NDArray[np.intp]) -> float:
    """The same along a cut, where its feather jumps most.

    :param cut: (height,) columns.
    """
    cosines, rows = list_cosines(len(pixels)), np.arange(len(pixels))
    width = pixels.shape[1]
    jumps = [
        cosines @ np.abs(pixels[rows, (cut + at) % width] - pixels[rows, (cut + at + 1) % width]).mean(-1)
        for at in range(-FEATHER, FEATHER)
    ]
    return float(max(jumps) / _usual_step(pixels, cosines))
