"""Registration of a height on its image by their edges, as a whole and in blocks.

Brightness and height agree in their edges alone, and weakly. Of 6 true heights of scanned materials this
accepts 5, `editing.alignment` 1 by the edges and at most 2 by the values.

Planes are float32 (H, W); shifts are pixels, (rows, columns).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..raster.arrays import Plane, blurred, parallel_rows, resized

REGISTERED_AT = 1024  # pixels a side at most
BLOCKS = 4  # a side, each registered on its own
FARTHEST = 0.06  # of a side: a shift beyond that is a mistake
EDGE_SIGMA = 1.5  # pixels

Shifts = NDArray[np.float32]
"""(2, BLOCKS, BLOCKS): rows and columns that each block is moved by, interpolated in between."""


@dataclass(frozen=True)
class Alignment:
    """How one plane lies on another."""

    shifts: Shifts
    """In pixels of the plane that was registered."""
    score: float
    """Correlation of the edges of both once it is moved, -1..1."""

    @property
    def moved(self) -> tuple[float, float]:
        """(rows, columns) that it is moved by as a whole."""
        return float(self.shifts[0].mean()), float(self.shifts[1].mean())


def register_by_edges(found: Plane, wanted: Plane) -> Alignment:
    """How `found` lies on `wanted`, of the same shape.

    Phase correlation of the edge magnitudes (Kuglin and Hines, 1975) as a whole, then in blocks whose shifts
    are interpolated; either is kept only where it makes the edges agree better.
    """
    height, width = wanted.shape
    factor = max(1.0, max(height, width) / REGISTERED_AT)
    size = max(8, round(height / factor)), max(8, round(width / factor))
    goal, small = _edges(resized(wanted, *size)), resized(found, *size)
    field = np.empty((2, BLOCKS, BLOCKS), np.float32)
    field[:] = np.array(_phase_shift(goal, _edges(small)), np.float32)[:, None, None]
    best, score = field, -1.0
    for shifts in (np.zeros_like(field), field, _block_shifts(goal, _edges(warp(small, field)), field)):
        agreement = _correlation(goal, _edges(warp(small, shifts)))
        if agreement > score:
            best, score = shifts, agreement
    scale = np.array([height / size[0], width / size[1]], np.float32)[:, None, None]
    return Alignment(best * scale, score)


def _edges(plane: Plane) -> Plane:
    """Gradient magnitude of a lightly blurred plane, levelled so that strong edges do not decide alone."""
    smooth = blurred(plane, EDGE_SIGMA, wraps=False)
    down, across = np.gradient(smooth)
    edges: Plane = np.hypot(down, across).astype(np.float32)
    edges /= np.float32(max(float(edges.mean()), 1e-9))
    return np.sqrt(edges, out=edges)


def _correlation(a: Plane, b: Plane) -> float:
    """Correlation of two planes, without the border that warping repeats."""
    margin = max(1, min(a.shape) // 32)
    inner = (slice(margin, -margin), slice(margin, -margin))
    p, q = a[inner] - a[inner].mean(), b[inner] - b[inner].mean()
    return float((p * q).sum() / max(float(np.sqrt((p * p).sum() * (q * q).sum())), 1e-9))


def _phase_shift(wanted: Plane, found: Plane) -> tuple[float, float]:
    """(rows, columns) to move `found` by so that it lies on `wanted`, to a fraction of a pixel."""
    height, width = wanted.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    cross = np.fft.rfft2((wanted - wanted.mean()) * window)
    cross *= np.conj(np.fft.rfft2((found - found.mean()) * window))
    cross /= np.abs(cross) + 1e-6 * float(np.abs(cross).max()) + 1e-12
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    cross *= np.exp(-2 * np.pi**2 * (rows**2 + columns**2))  # a peak one pixel wide, to be interpolated
    peaks = np.fft.irfft2(cross, s=(height, width))
    reach = [max(1, int(n * FARTHEST)) for n in (height, width)]
    near = np.roll(peaks, reach, (0, 1))[: 2 * reach[0] + 1, : 2 * reach[1] + 1]
    y, x = np.unravel_index(int(near.argmax()), near.shape)
    return _refine(near[:, x], int(y)) - reach[0], _refine(near[y], int(x)) - reach[1]


def _refine(line: NDArray[Any], at: int) -> float:
    """The top of the parabola through a peak and its neighbours."""
    if not 0 < at < len(line) - 1:
        return float(at)
    before, here, after = (float(v) for v in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _block_shifts(wanted: Plane, found: Plane, field: NDArray[np.float32]) -> NDArray[np.float32]:
    """`field` plus the shift of each block, those that stand out among their neighbours replaced."""
    out = field.copy()
    size = [n // BLOCKS for n in wanted.shape]
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            # Each block is seen with half a block around it, so that the window does not hide its own edges.
            part = tuple(
                slice(max(0, int((i - 0.5) * n)), int((i + 1.5) * n))
                for i, n in zip((row, column), size, strict=True)
            )
            out[:, row, column] += _phase_shift(wanted[part], found[part])
    for i, plane in enumerate(out):
        wide = np.pad(plane, 1, mode="edge")
        around = np.lib.stride_tricks.sliding_window_view(wide, (3, 3)).reshape(BLOCKS, BLOCKS, 9)
        middle = np.median(around, axis=-1)
        out[i] = np.where(np.abs(plane - middle) > 3, middle, plane)
    return out


def warp(plane: Plane, shifts: Shifts) -> Plane:
    """`plane` moved by `shifts` (2, blocks, blocks) of rows and columns, interpolated in between."""
    height, width = plane.shape
    down, across = (_spread(shift, height, width) for shift in shifts)
    out = np.empty_like(plane)
    columns = np.arange(width, dtype=np.float32)

    def work(first: int, end: int) -> None:
        y = np.arange(first, end, dtype=np.float32)[:, None] - down[first:end]
        x = columns - across[first:end]
        np.clip(y, 0, height - 1, out=y)
        np.clip(x, 0, width - 1, out=x)
        y0, x0 = (np.floor(v).astype(np.intp) for v in (y, x))
        y1, x1 = np.minimum(y0 + 1, height - 1), np.minimum(x0 + 1, width - 1)
        y -= y0
        x -= x0
        upper = plane[y0, x0] * (1 - x) + plane[y0, x1] * x
        lower = plane[y1, x0] * (1 - x) + plane[y1, x1] * x
        out[first:end] = upper * (1 - y) + lower * y

    parallel_rows(plane.shape, work)
    return out


def _spread(shift: NDArray[np.float32], height: int, width: int) -> Plane:
    grown = Image.fromarray(np.ascontiguousarray(shift)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(grown)
