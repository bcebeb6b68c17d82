"""Seamless tiles from any picture: arrays in, arrays out.

A tile is cut, not blended: opposite borders are laid over each other and joined along the cut of least
error (Efros and Freeman, Image Quilting, 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]

SMALLEST = 4  # pixels a side: below that there is nothing to cut
OVERLAP = 0.25  # share of a side that is given up for the cut
FEATHER = 3  # pixels


@dataclass(frozen=True)
class TileScores:
    """How well a tile tiles."""

    seam_ratio: float
    """Step across the wrap edge over the mean step inside, worst axis; true tiles have 0.8 to 1.5."""
    seam_percentile: float
    """Share of the steps inside that are smaller than the one across the edge, worst axis, 0..100."""
    band_sharpness: float
    """Sharpness near the seams over sharpness elsewhere; below 0.95 is blur."""
    coherence: float
    """1 where the surroundings of the seams look like the rest of the picture, 0 where they do not."""
    good: bool
    """No score gives cause for complaint."""


@dataclass(frozen=True)
class Tile:
    """A seamless picture."""

    pixels: NDArray[Any]
    scores: TileScores
    unchanged: bool
    """The picture was seamless already and is returned bit by bit."""
    notes: tuple[str, ...]
    """Sentences for people."""


def make_tile(pixels: Pixels, *, size: tuple[int, int] | None = None) -> Tile:
    """A seamless tile from `pixels`: uint8 or uint16, (H, W) or (H, W, 1 to 4).

    `size` is (width, height) of the tile; without it the tile is as large as the cut leaves it, about three
    quarters of the picture. Raises ValueError for other arrays, and for a picture too small for `size`.
    """
    _check(pixels)
    height, width = pixels.shape[:2]
    wanted = size or (width, height)
    if is_seamless(pixels) and wanted == (width, height):
        return Tile(pixels, score(pixels), True, ("The picture tiles already and is unchanged.",))
    if size and (width < size[0] or height < size[1]):
        raise ValueError(f"A tile of {size[0]} x {size[1]} cannot be cut from {width} x {height} pixels.")
    overlaps = [
        length - size[1 - axis] if size else int(length * OVERLAP)
        for axis, length in enumerate((height, width))
    ]
    out = pixels
    for axis in (1, 0):
        if overlaps[axis]:
            out = _joined(out, overlaps[axis], axis)
    scores = score(out)
    return Tile(out, scores, False, () if scores.good else ("The seams of this tile are likely to show.",))


def source_size(width: int, height: int) -> tuple[int, int]:
    """The (width, height) to ask for, in multiples of 16, so that a tile of `width` x `height` can be cut."""
    grown = (-(-round(side / (1 - OVERLAP)) // 16) * 16 for side in (width, height))
    return next(grown), next(grown)


def score(pixels: Pixels) -> TileScores:
    """Scores of `pixels` as a tile."""
    _check(pixels)
    plane = _grey(pixels)
    ratios, percentiles = zip(*(_seam(plane, axis) for axis in (0, 1)), strict=True)
    ratio, percentile = max(ratios), max(percentiles)
    band = _band_sharpness(plane)
    return TileScores(ratio, percentile, band, min(1.0, 1 / max(ratio, 1e-6)), ratio <= 1.6)


def is_seamless(pixels: Pixels) -> bool:
    """Whether `pixels` tiles already: no step across either edge stands out from the steps inside."""
    plane = _grey(pixels)
    return min(plane.shape) >= SMALLEST and max(_seam(plane, axis)[0] for axis in (0, 1)) <= 1.5


def _check(pixels: Pixels) -> None:
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"A tile is made from 8- or 16-bit pixels, not {pixels.dtype}.")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= 4):
        raise ValueError(f"A tile is made from height x width x 1 to 4 channels, not {pixels.shape}.")
    if min(pixels.shape[:2]) < SMALLEST:
        raise ValueError(f"A tile needs at least {SMALLEST} x {SMALLEST} pixels.")


def _grey(pixels: Pixels) -> NDArray[np.float32]:
    """Mean of the colour channels as float32, in 8-bit levels."""
    scale = np.float32(1 / 257 if pixels.dtype == np.uint16 else 1)
    plane = pixels if pixels.ndim == 2 else pixels[..., :3].mean(-1, dtype=np.float32)
    return plane.astype(np.float32) * scale


def _seam(plane: NDArray[np.float32], axis: int) -> tuple[float, float]:
    """Ratio and percentile of the step across the edges that `axis` crosses."""
    inside = np.abs(np.diff(plane, axis=axis)).mean(axis=1 - axis)
    across = float(np.abs(plane.take(0, axis) - plane.take(-1, axis)).mean())
    return across / max(float(inside.mean()), 0.25), float((inside < across).mean() * 100)


def _band_sharpness(plane: NDArray[np.float32]) -> float:
    band = max(1, min(plane.shape) // 6)
    change = np.abs(plane - np.roll(plane, -1, 1)) + np.abs(plane - np.roll(plane, -1, 0))
    middle = float(change[band:-band, band:-band].mean())
    near = (float(change.sum()) - middle * change[band:-band, band:-band].size) / max(
        change.size - change[band:-band, band:-band].size, 1
    )
    return near / middle if middle > 1e-6 else 1.0


def _joined(pixels: Pixels, overlap: int, axis: int) -> Pixels:
    """`pixels` made seamless along `axis`, shorter by `overlap`: its end lies over its start."""
    lying = pixels if axis == 0 else np.swapaxes(pixels, 0, 1)
    start, end = lying[:overlap].astype(np.float32), lying[-overlap:].astype(np.float32)
    error = ((end - start) ** 2).reshape(overlap, lying.shape[1], -1).sum(-1)
    cut = least_cut(error, closed=axis == 0)
    rows = np.arange(overlap)[:, None]
    weight = np.clip((rows - cut[None]) / FEATHER + 0.5, 0, 1).astype(np.float32)
    weight[0], weight[-1] = 0, 1
    weight = weight.reshape(*weight.shape, *(1,) * (lying.ndim - 2))
    out = lying[:-overlap].copy()
    mixed = end + (start - end) * weight
    out[:overlap] = (mixed + 0.5).astype(pixels.dtype)
    return out if axis == 0 else np.swapaxes(out, 0, 1)


def least_cut(error: NDArray[np.float32], closed: bool) -> NDArray[np.intp]:
    """The row of the cheapest cut through `error` (rows, columns) for each column, moving one row at most.

    A `closed` cut ends where it starts, so that it joins itself when its columns wrap.
    """
    if not closed:
        return _cut(error)
    half = error.shape[1] // 2
    rolled = np.roll(error, half, 1)
    there = int(_cut(rolled)[half])
    blocked = error.copy()
    blocked[:, [0, -1]] = np.inf
    blocked[there, [0, -1]] = 0
    return _cut(blocked)


def _cut(error: NDArray[np.float32]) -> NDArray[np.intp]:
    rows, columns = error.shape
    cost = error.T.copy()
    came = np.zeros((columns, rows), np.int8)
    for i in range(1, columns):
        before = np.pad(cost[i - 1], 1, constant_values=np.inf)
        choices = np.stack((before[1:-1], before[:-2], before[2:]))
        best = choices.argmin(0)
        came[i] = np.array([0, -1, 1], np.int8)[best]
        cost[i] += choices[best, np.arange(rows)]
    path = np.empty(columns, np.intp)
    path[-1] = cost[-1].argmin()
    for i in range(columns - 1, 0, -1):
        path[i - 1] = path[i] + came[i, path[i]]
    return path
