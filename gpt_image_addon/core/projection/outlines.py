"""Registration of an answer on the outline of its guide: where the shapes end in front of the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .paint import sample

BORDER = 3  # pixels at the border that are taken for the background
LEAST_CONTRAST = 14.0  # levels from the background, with which something is no background
SCALES = tuple(1 + step / 200 for step in range(-6, 7))
LEAST_BORDER = 0.1  # share of the border that is background
SIDE = 512  # pixels a side at most at which a shift is looked for
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

    @property
    def is_good(self) -> bool:
        """Whether the outlines agree well enough to use the answer."""
        return self.score >= GOOD


def find_foreground(pixels: NDArray[Any], guide: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What differs from the background, which is measured at the border, where the guide has it.

    :param pixels: (height, width, 3) uint8 or float32 in 0..255.
    :param guide: (height, width), where the guide shows something.
    """
    values = pixels[..., :3].astype(np.float32)
    border = np.zeros(guide.shape, bool)
    border[:BORDER] = border[-BORDER:] = True
    border[:, :BORDER] = border[:, -BORDER:] = True
    edge = values[border & ~guide]
    color = np.median(edge, axis=0)
    noise = float(np.median(np.abs(edge - color))) * 1.4826
    away: NDArray[np.bool_] = np.abs(values - color).max(axis=-1) > max(LEAST_CONTRAST, 4 * noise)
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
    height, width = guide.shape
    factor = max(1.0, max(height, width) / SIDE)
    size = round(width / factor), round(height / factor)
    wanted, seen = (_shrink(mask, size) for mask in (guide, found))
    for scale in SCALES:
        moved = _rescale(seen, scale)
        shift = _correlate(_find_edges(wanted), _find_edges(moved), FARTHEST * max(size))
        candidate = float(shift[0]) * factor, float(shift[1]) * factor
        score = _compare(guide, _move_mask(found, candidate, scale))
        if score > best.score + 1e-4:
            best = Placement(candidate, scale, score)
    return best


def move_back(answer: NDArray[Any], placement: Placement) -> NDArray[np.float32]:
    """The answer as it would lie on its guide; (height, width, 3) float32."""
    height, width = answer.shape[:2]
    y, x = np.mgrid[:height, :width]
    middle_x, middle_y = width / 2, height / 2
    from_x = (x + 0.5 - middle_x) * placement.scale + middle_x + placement.shift_px[0]
    from_y = (y + 0.5 - middle_y) * placement.scale + middle_y + placement.shift_px[1]
    values = answer[..., :3].astype(np.float32)
    return sample(values, from_x.ravel(), from_y.ravel()).reshape(height, width, 3)


def _move_mask(mask: NDArray[np.bool_], shift: tuple[float, float], scale: float) -> NDArray[np.bool_]:
    """A mask moved back alike."""
    height, width = mask.shape
    x = (np.arange(width) + 0.5 - width / 2) * scale + width / 2 + shift[0]
    y = (np.arange(height) + 0.5 - height / 2) * scale + height / 2 + shift[1]
    columns, rows = (np.clip(at.astype(np.int64), 0, n - 1) for at, n in ((x, width), (y, height)))
    return np.asarray(mask[rows][:, columns])


def _compare(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    both, either = int((first & second).sum()), int((first | second).sum())
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


def _correlate(wanted: NDArray[np.float32], seen: NDArray[np.float32], most: float) -> tuple[float, float]:
    """Phase correlation (Kuglin and Hines, 1975): how far right and down ``seen`` lies."""
    height, width = wanted.shape
    cross = np.fft.rfft2(seen) * np.conj(np.fft.rfft2(wanted))
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=wanted.shape)
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
