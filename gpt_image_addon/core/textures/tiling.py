"""Seamless tiles from any image: arrays in, arrays out.

A tile is cut, not blended: in even light, opposite borders are laid over each other and joined along the cut
of least error (Efros, Freeman: Image Quilting, 2001), with the overlap whose cut is cheapest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..raster.arrays import Plane
from ..request.sizes import SMALLEST
from ..text.message import message
from .lighting import flatten_lighting, light_ramp, log_luminance
from .seam_cut import Cut, cheapest_overlap, least_cut, overlap_error

Pixels = NDArray[Any]
Seams = tuple[Cut, Cut]
"""For each column the row, and for each row the column, where a tile was joined."""

OVERLAPS = (0.10, 0.30)  # least and greatest share of a side that is given up for the cut
COARSE = 128  # pixels a side at which the overlap is chosen first
FEATHER = 3  # pixels
PATCHES_AT = 160  # pixels a side at which patches are compared
PATCH = 6  # pixels a side of a patch
SAMPLES = 128  # pixels along a line at which it is compared with the next
SEAMLESS_STEP = 1.3  # most that the step across the edge of a tile exceeds the sharpest steps inside
CALM_STEP = 1.5  # that of a calm edge over the usual step inside
FAINT_STEP = 0.25  # that of a calm edge over the sharpest steps inside, where most steps are nothing
LIKENESS = 0.68  # least coherence of an edge that is not calm
SHARP_STEPS = 3  # so many there have to be: a single line, such as a crack, has two
SHOWING = "The seams of this tile are likely to show."
GOOD_STEP, GOOD_BAND, GOOD_COHERENCE = 1.6, (0.9, 1.15), 0.6
MEETING_STEP = 2.4  # of a thirtieth of the rows; 1.8 at most on 18 materials that tile, rolled at random


@dataclass(frozen=True)
class TileScores:
    """How well an image tiles."""

    seam_ratio: float
    """Step across the wrap edge over the mean step inside, worst axis; true tiles have 0.8 to 1.5."""
    seam_percentile: float
    """Share of the steps inside that are smaller than the one across the edge, worst axis, 0..100."""
    band_sharpness: float
    """Sharpness near the seams over sharpness elsewhere; 1 is ideal, below 0.95 is blur."""
    coherence: float
    """How much patches near the seams look like others in the image, as patches elsewhere do; at most 1."""
    good: bool
    """No score gives cause for complaint."""


@dataclass(frozen=True)
class Tile:
    """A seamless image."""

    pixels: NDArray[Any]
    scores: TileScores
    unchanged: bool
    """The image was seamless already and is returned bit by bit."""
    notes: tuple[str, ...]
    """Sentences for people."""
    seams: Seams | None = None
    """None where nothing was cut."""
    shares: tuple[float, float] = (1.0, 1.0)
    """Of the image's width and height that it shows."""


def make_tile(pixels: Pixels, *, size: tuple[int, int] | None = None) -> Tile:
    """A seamless tile from `pixels`: uint8 or uint16, (H, W) or (H, W, 1 to 4).

    `size` is (width, height) of the tile; without it the tile is as large as the best cut leaves it, 70 to
    90 % of the image. Raises ValueError for other arrays, and for an image too small for `size`.
    """
    _check(pixels)
    height, width = pixels.shape[:2]
    if is_seamless(pixels) and size in (None, (width, height)):
        return Tile(pixels, score(pixels), True, ("The image tiles already and is unchanged.",))
    if size and not (SMALLEST <= size[0] < width and SMALLEST <= size[1] < height):
        raise ValueError(
            message(
                "A tile of {width} x {height} cannot be cut from {image_width} x {image_height} pixels.",
                width=size[0],
                height=size[1],
                image_width=width,
                image_height=height,
            )
        )
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    planes = flatten_lighting(planes, light_ramp(log_luminance(planes)))
    planes, cut_across = _join(_turn(planes), size[0] if size else None, closed=False)
    planes, cut_down = _join(_turn(planes), size[1] if size else None, closed=True)
    out = planes.reshape(planes.shape[:2] + pixels.shape[2:])
    seams = cut_down, cut_across[: len(out)]
    scores = score(out, seams)
    shares = (out.shape[1] / pixels.shape[1], out.shape[0] / pixels.shape[0])
    return Tile(out, scores, False, () if scores.good else (SHOWING,), seams, shares)


def is_seamless(pixels: Pixels) -> bool:
    """Whether `pixels` tiles already: its edges are as calm as most lines inside, or fit in with sharp ones.

    Every line is looked at: patterns often begin a course at the edge, and have few of them. A sharp edge has
    to be like others inside, as the next course is, and not only as sharp.
    """
    if min(pixels.shape[:2]) < SMALLEST:
        return False
    steps = [_steps(pixels, axis) for axis in (0, 1)]
    sharp = [across / max(float(np.sort(inside)[-SHARP_STEPS]), 1.0) for across, inside in steps]
    usual = [across / max(float(np.median(inside)), 1.0) for across, inside in steps]
    if max(sharp) > SEAMLESS_STEP:
        return False
    calm = max(usual) <= CALM_STEP or max(sharp) <= FAINT_STEP
    return calm or _coherence(pixels, _edges(pixels)) >= LIKENESS


def _edges(pixels: Pixels) -> Seams:
    """The seams of an image that tiles as it is: its first row and column."""
    return np.zeros(pixels.shape[1], np.intp), np.zeros(pixels.shape[0], np.intp)


def score(pixels: Pixels, seams: Seams | None = None) -> TileScores:
    """How well `pixels`, as for make_tile(), tiles; the edges are its seams where none are named."""
    if seams is None:
        _check(pixels)
    seams = seams or _edges(pixels)
    ratio, percentile = 0.0, 0.0
    for axis in (0, 1):
        across, inside = _steps(pixels, axis)
        ratio = max(ratio, across / max(float(inside.mean()), 0.25))
        percentile = max(percentile, float((inside < across).mean()) * 100)
    band = _band_sharpness(pixels)
    likeness = _coherence(pixels, seams)
    good = ratio <= GOOD_STEP and GOOD_BAND[0] <= band <= GOOD_BAND[1] and likeness >= GOOD_COHERENCE
    return TileScores(ratio, percentile, band, likeness, good)


def _join(planes: Pixels, length: int | None, closed: bool) -> tuple[Pixels, Cut]:
    """`planes` (H, W, C) made seamless down its rows, `length` rows if given: its end lies over its start.

    Also the cut's row for each column.
    """
    if length:
        overlap = min(len(planes) - length, int(len(planes) * OVERLAPS[1]), length // 2)
        planes = planes[: length + overlap]
    else:
        overlap = _chosen_overlap(planes)
    cut = least_cut(overlap_error(planes[..., :3], overlap), closed)
    out = planes[:-overlap].copy()
    end = planes[len(planes) - overlap :]
    offset = np.float32(0.5 - FEATHER / 2)
    weight = (np.arange(overlap, dtype=np.float32)[:, None] - cut + offset) / FEATHER
    np.clip(weight, 0, 1, out=weight)
    mixed = out[:overlap].astype(np.float32)
    mixed -= end
    mixed *= weight[..., None]
    mixed += end
    mixed += 0.5
    out[:overlap] = mixed
    return out, cut


def _chosen_overlap(planes: Pixels) -> int:
    """The overlap with the cheapest cut, found on a small image and refined on finer ones."""
    height = len(planes)
    levels = [planes[..., :3]]
    if min(planes.shape[:2]) >= 2 * COARSE:
        levels.append(reduced(planes, 2))
    while min(levels[-1].shape[:2]) >= 2 * COARSE:
        levels.append(reduced(levels[-1], 2))
    low, high = (max(2, int(share * len(levels[-1]))) for share in OVERLAPS)
    for level in reversed(levels[1:]):
        found = 2 * cheapest_overlap(level, range(low, high + 1))
        low, high = found - 2, found + 2
    even = [overlap for overlap in range(low, high + 2) if (height - overlap) % 2 == 0]
    return cheapest_overlap(levels[0], range(even[0], even[-1] + 1, 2))


def _turn(planes: Pixels) -> Pixels:
    return np.ascontiguousarray(np.swapaxes(planes, 0, 1))


def _check(pixels: Pixels) -> None:
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(message("A tile is made from 8- or 16-bit pixels, not {type}.", type=pixels.dtype))
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= 4):
        raise ValueError(
            message("A tile is made from height x width x 1 to 4 channels, not {shape}.", shape=pixels.shape)
        )
    if min(pixels.shape[:2]) < SMALLEST:
        raise ValueError(message("A tile needs at least {least} x {least} pixels.", least=SMALLEST))


def _colors(pixels: Pixels) -> NDArray[np.float32]:
    """(H, W, 1..3) float32 in 8-bit levels, without alpha."""
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    colors = planes[..., : (1, 1, 3, 3)[planes.shape[2] - 1]].astype(np.float32)
    if pixels.dtype == np.uint16:
        colors /= 257
    return colors


def sides_meet(pixels: Pixels) -> bool:
    """Whether the left side of some rows may go on at the right one, as far as so few can tell.

    :param pixels: (height, width, channels) of some rows of an image that is told to tile by `score` later.
    """
    across, inside = _steps(pixels, 1)
    return across <= MEETING_STEP * max(float(inside.mean()), 0.25)


def _steps(pixels: Pixels, axis: int) -> tuple[float, NDArray[np.float32]]:
    """Mean step across the edges that `axis` crosses, and those between all neighbours inside."""
    every = max(1, pixels.shape[1 - axis] // SAMPLES)
    lines = _colors(pixels[:, ::every] if axis == 0 else pixels[::every])
    inside = np.diff(lines, axis=axis)
    np.abs(inside, out=inside)
    across = np.abs(lines.take(0, axis) - lines.take(-1, axis)).mean()
    return float(across), inside.mean(axis=(1 - axis, 2))


def reduced(planes: Pixels, step: int) -> NDArray[np.uint8]:
    """The colours of `planes` (H, W, C) at a `step`-th of their size, (h, w, 1 or 3)."""
    colors = np.ascontiguousarray(planes[..., : 1 if planes.shape[2] < 3 else 3])
    narrow = colors if colors.dtype == np.uint8 else (colors >> 8).astype(np.uint8)
    image = Image.fromarray(narrow[..., 0] if narrow.shape[2] == 1 else narrow)
    reduced: NDArray[np.uint8] = np.atleast_3d(np.asarray(image.reduce(step)))
    return reduced


def _band_sharpness(pixels: Pixels) -> float:
    """Mean step within a sixth of the edges over the mean step farther in, from every fourth row."""
    band = max(1, min(pixels.shape[:2]) // 6)
    rows = _colors(pixels[::4])
    change = np.abs(np.diff(rows, axis=1)).mean(-1)
    inner = change[-(-band // 4) : len(change) - -(-band // 4), band:-band]
    middle = float(inner.mean()) if inner.size else 0.0
    near = (float(change.sum()) - float(inner.sum())) / max(change.size - inner.size, 1)
    return near / middle if middle > 1e-6 else 1.0


def _coherence(pixels: Pixels, seams: Seams) -> float:
    """How far patches on the seams have a likeness elsewhere, against how far patches elsewhere have one."""
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    step = max(1, round(min(pixels.shape[:2]) / PATCHES_AT))
    small = reduced(planes, step).astype(np.float32).mean(-1)
    height, width = small.shape
    count = min(48, height, width)
    if min(height, width) < 3 * PATCH:
        return 1.0
    rows, columns = np.arange(height), np.arange(width)
    down = np.minimum(seams[0][np.minimum(columns * step, len(seams[0]) - 1)] // step, height - 1)
    across = np.minimum(seams[1][np.minimum(rows * step, len(seams[1]) - 1)] // step, width - 1)
    near = np.zeros(small.shape, bool)
    near[down, columns] = near[rows, across] = True
    for axis in (0, 1):
        near = np.logical_or.reduce([np.roll(near, by, axis) for by in range(-PATCH, PATCH + 1)])
    away = np.argwhere(~near)
    if len(away) < count:
        return 1.0
    on_rows = np.stack((down, columns), 1)[:: max(1, width // count)]
    on_columns = np.stack((rows, across), 1)[:: max(1, height // count)]
    seam = _unlikeness(small, near, np.concatenate((on_rows, on_columns)))
    usual = _unlikeness(small, near, away[:: len(away) // count])
    return min(1.0, (usual + 1) / (seam + 1))


def _unlikeness(plane: Plane, near: NDArray[np.bool_], centres: NDArray[np.intp]) -> float:
    """Mean distance of the patches around `centres` to the likest others, but none `near` a seam."""
    height, width = plane.shape
    wide = np.pad(plane, PATCH // 2, mode="wrap")
    every = np.lib.stride_tricks.sliding_window_view(wide, (PATCH, PATCH))[:height, :width]
    others = every[::2, ::2].reshape(-1, PATCH * PATCH)
    wanted = every[centres[:, 0], centres[:, 1]].reshape(len(centres), -1)
    apart = (others * others).sum(1) - 2 * wanted @ others.T
    apart += (wanted * wanted).sum(1)[:, None]
    apart[:, near[::2, ::2].ravel()] = np.inf
    rows, columns = (np.arange(0, n, 2) for n in (height, width))
    for one, (y, x) in zip(apart.reshape(len(centres), len(rows), len(columns)), centres, strict=True):
        same_y = np.abs((rows - y + height // 2) % height - height // 2) < PATCH
        same_x = np.abs((columns - x + width // 2) % width - width // 2) < PATCH
        one[np.ix_(same_y, same_x)] = np.inf
    return float(np.sqrt(np.maximum(apart.min(1), 0) / PATCH**2).mean())
