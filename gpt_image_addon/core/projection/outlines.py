"""Registration of an answer on the outline of its guide: where the shapes end in front of the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..raster.sampling import premultiply, scale_bilinear

BORDER = 3  # pixels at the border that are taken for the background
LEAST_CONTRAST = 14.0  # levels from the background, with which something is no background
STEP, MOST_STEPS = 1 / 200, 6  # of the scales that are tried: every other one, then those beside the best
LEAST_BORDER = 0.1  # share of the border that is background
SIDES = 256, 512  # pixels a side at most at which a shift is looked for: with each scale, then with the best
FARTHEST = 0.03  # of the longer side
GOOD = 0.9  # of the outlines' common area over that of both together, from which on an answer is used


@dataclass(frozen=True)
class Placement:
    """How an answer lies on its guide."""

    shift_px: tuple[float, float] = (0.0, 0.0)
    """Right and down, in pixels of the guide, that the answer lies away from it."""
    scale: float = 1.0
    """Of the answer, about the middle of the image."""
    score: float = 1.0
    """Common area of both outlines over the area of both together."""

    def find(self, x: NDArray[Any], y: NDArray[Any], size: tuple[int, int]) -> tuple[NDArray[Any], ...]:
        """Where in the answer places of the guide lie, x and y in pixels.

        :param size: width and height of both.
        """
        if self.shift_px == (0, 0) and self.scale == 1:
            return x, y
        return tuple(
            (places - length / 2) * np.float32(self.scale) + np.float32(length / 2 + shift)
            for places, length, shift in zip((x, y), size, self.shift_px, strict=True)
        )

    @property
    def is_good(self) -> bool:
        """Whether the outlines agree well enough to use the answer."""
        return self.score >= GOOD


def find_foreground(pixels: NDArray[Any], guide: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What differs from the background, which is measured at the border, where the guide has it.

    :param pixels: (height, width, 3) uint8 or float32 in 0..255.
    :param guide: (height, width), where the guide shows something.
    """
    border = np.zeros(guide.shape, bool)
    border[:BORDER] = border[-BORDER:] = True
    border[:, :BORDER] = border[:, -BORDER:] = True
    edge = pixels[border & ~guide][:, :3].astype(np.float32)
    color = np.median(edge, axis=0)
    noise = float(np.median(np.abs(edge - color))) * 1.4826
    least = max(LEAST_CONTRAST, 4 * noise)
    away = np.zeros(guide.shape, bool)
    for channel, level in enumerate(color):
        away |= np.abs(pixels[..., channel].astype(np.float32) - level) > least
    return away


def has_outline(guide: NDArray[np.bool_]) -> bool:
    """Whether enough of the border is background to measure that."""
    border = np.concatenate([guide[0], guide[-1], guide[:, 0], guide[:, -1]])
    return bool((~border).mean() > LEAST_BORDER)


def place(guide: NDArray[np.bool_], answer: NDArray[Any]) -> Placement:
    """Where an answer lies on its guide; just there where shapes fill the guide, so that it has no outline.

    :param guide: (height, width), where the guide shows something.
    :param answer: (height, width, 3 or 4) of the same size.
    """
    if not has_outline(guide):
        return Placement()
    found = find_foreground(answer, guide)
    best = Placement(score=_compare(guide, found))
    for side, nearest in zip(SIDES, (range(-MOST_STEPS, MOST_STEPS + 1, 2), (-1, 0, 1)), strict=True):
        middle = round((best.scale - 1) / STEP) if side == SIDES[-1] else 0
        outlines = _Outlines.of(guide, found, side)
        for scale in (1 + (middle + step) * STEP for step in nearest):
            shift = outlines.correlate(scale)
            score = _compare(guide, _move_mask(found, shift, scale))
            if score > best.score + 1e-4:
                best = Placement(shift, scale, score)
    return best


@dataclass(frozen=True)
class _Outlines:
    """The outlines of a guide and of its answer, small."""

    spectrum: NDArray[np.complex128]
    """Of the guide's, conjugate."""
    seen: NDArray[np.float32]
    """What differs from the background in the answer."""
    factor: float
    """By how much both are smaller."""

    @classmethod
    def of(cls, guide: NDArray[np.bool_], found: NDArray[np.bool_], side: int) -> _Outlines:
        height, width = guide.shape
        factor = max(1.0, max(height, width) / side)
        size = round(width / factor), round(height / factor)
        wanted, seen = (_shrink(mask, size) for mask in (guide, found))
        return cls(np.conj(np.fft.rfft2(_find_edges(wanted))), seen, factor)

    def correlate(self, scale: float) -> tuple[float, float]:
        """How far right and down the answer lies at a scale, in pixels of the guide."""
        most = FARTHEST * max(self.seen.shape)
        right, down = _correlate(self.spectrum, _find_edges(_rescale(self.seen, scale)), most)
        return float(right) * self.factor, float(down) * self.factor


def move_back(answer: NDArray[Any], placement: Placement) -> NDArray[Any]:
    """The answer as it would lie on its guide; float32, or as it is where it lies there already."""
    if placement.shift_px == (0, 0) and placement.scale == 1:
        return answer
    places = _list_places(answer.shape[:2], placement.shift_px, placement.scale)
    if answer.shape[2] < 4:
        return scale_bilinear(answer, *places)
    moved = scale_bilinear(premultiply(answer), *places)  # what is transparent has no color of its own
    moved[..., :3] /= np.maximum(moved[..., 3:], np.float32(1e-6))
    moved[..., 3] *= 255
    return moved


def _list_places(
    shape: tuple[int, ...], shift: tuple[float, float], scale: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where the middles of the columns and of the rows of a guide lie in its answer."""
    height, width = shape
    return (
        (np.arange(width) + 0.5 - width / 2) * scale + width / 2 + shift[0],
        (np.arange(height) + 0.5 - height / 2) * scale + height / 2 + shift[1],
    )


def _move_mask(mask: NDArray[np.bool_], shift: tuple[float, float], scale: float) -> NDArray[np.bool_]:
    """A mask moved back alike."""
    x, y = _list_places(mask.shape, shift, scale)
    columns, rows = (np.clip(at.astype(np.int64), 0, len(at) - 1) for at in (x, y))
    return np.asarray(mask[rows][:, columns])


def _compare(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    both, either = np.count_nonzero(first & second), np.count_nonzero(first | second)
    return both / either if either else 1.0


def _shrink(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.float32]:
    image = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    return np.asarray(image, np.float32) / np.float32(255)


def _rescale(plane: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    height, width = plane.shape
    x, y = (width * (1 - scale) / 2, height * (1 - scale) / 2)
    matrix = (scale, 0, x, 0, scale, y)
    moved = Image.fromarray(plane).transform(
        (width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    return np.asarray(moved, np.float32)


def _find_edges(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    down, right = np.gradient(plane)
    return np.asarray(np.hypot(down, right), np.float32)


def _correlate(
    spectrum: NDArray[np.complex128], seen: NDArray[np.float32], most: float
) -> tuple[float, float]:
    """Phase correlation (Kuglin and Hines, 1975): how far right and down ``seen`` lies.

    :param spectrum: of what is wanted, conjugate.
    """
    height, width = seen.shape
    cross = np.fft.rfft2(seen) * spectrum
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=seen.shape)
    reach = max(1, int(most))
    rows, columns = (np.r_[0 : reach + 1, n - reach : n] for n in (height, width))
    window = peaks[rows][:, columns]
    row, column = np.unravel_index(int(window.argmax()), window.shape)
    y, x = int(rows[row]), int(columns[column])

    def part(before: float, here: float, after: float) -> float:
        bend = before - 2 * here + after
        return 0.5 * (before - after) / bend if bend < 0 else 0.0

    dy = part(peaks[(y - 1) % height, x], peaks[y, x], peaks[(y + 1) % height, x])
    dx = part(peaks[y, (x - 1) % width], peaks[y, x], peaks[y, (x + 1) % width])
    return (x - width if x > width / 2 else x) + dx, (y - height if y > height / 2 else y) + dy
