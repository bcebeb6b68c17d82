"""Scan conversion of triangles by spans, watertight: each pixel center between two of them is in one.

Vertices are sorted by y and edges walked from low to high, so that neighbors meet at the same x; a pixel is
inside where its center lies in the half-open span (Pineda's top-left rule, 1988, in span form).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 17  # fragments at once: a few arrays of them stay in the processor's cache

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def list_fragments(corners: NDArray[Any], size: tuple[int, int]) -> Iterator[tuple[Integers, Integers]]:
    """The pixels whose centers lie in triangles.

    :param corners: (T, 3, 2) in pixels from the upper left.
    :param size: width and height of the image.
    :returns: in blocks, the pixel y width + x and the triangle of each fragment; int64.
    """
    x, y = np.ascontiguousarray(np.moveaxis(corners, (2, 1), (0, 1)), np.float64)
    return scan_triangles(x, y, size)


def scan_triangles(x: Floats, y: Floats, size: tuple[int, int]) -> Iterator[tuple[Integers, Integers]]:
    """The same as `list_fragments`.

    :param x: (3, T), of the corners.
    :param y: likewise.
    """
    with np.errstate(invalid="ignore"):
        kept = np.flatnonzero(np.isfinite(x.sum(axis=0) + y.sum(axis=0)))
    if len(kept) < x.shape[1]:
        x, y = x[:, kept], y[:, kept]
    ends = [
        np.clip(np.ceil(most(values, axis=0) - 0.5), 0, length).astype(np.int64)
        for values, length in ((x, size[0]), (y, size[1]))
        for most in (np.min, np.max)
    ]
    within = np.flatnonzero((ends[1] > ends[0]) & (ends[3] > ends[2]))
    kept, x, y = kept[within], x[:, within], y[:, within]
    start = ends[2][within]
    rows = ends[3][within] - start
    edges = _find_edges(x, y)
    total = np.cumsum(rows)
    at = 0
    while at < len(rows):
        stop = max(at + 1, int(np.searchsorted(total, (total[at - 1] if at else 0) + BLOCK // 2)))
        part = slice(at, stop)
        yield from _list_in_triangles(edges.cut(part), start[part], rows[part], kept[part], size[0])
        at = stop


@dataclass(frozen=True)
class _Edges:
    """Of triangles, from low to high: the long one, and the lower and the upper short one."""

    x: tuple[Floats, Floats, Floats]
    """Where they begin."""
    y: tuple[Floats, Floats, Floats]
    slope: tuple[Floats, Floats, Floats]
    """Pixels right for one down."""

    def cut(self, part: slice) -> _Edges:
        return _Edges(
            *(tuple(values[part] for values in every) for every in (self.x, self.y, self.slope))  # type: ignore[arg-type]
        )


def _find_edges(across: Floats, down: Floats) -> _Edges:
    x, y = list(across), list(down)
    for low, high in ((0, 1), (1, 2), (0, 1)):
        turned = (y[high] < y[low]) | ((y[high] == y[low]) & (x[high] < x[low]))
        for values in (x, y):
            values[low], values[high] = (
                np.where(turned, values[high], values[low]),
                np.where(turned, values[low], values[high]),
            )
    slopes = []
    for low, high in ((0, 2), (0, 1), (1, 2)):
        rise = y[high] - y[low]
        slopes.append((x[high] - x[low]) / np.where(rise > 0, rise, 1.0))
    return _Edges((x[0], x[0], x[1]), (y[0], y[0], y[1]), (slopes[0], slopes[1], slopes[2]))


def _list_in_triangles(
    edges: _Edges, start: Integers, rows: Integers, names: Integers, width: int
) -> Iterator[tuple[Integers, Integers]]:
    triangle = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(triangle)) + np.repeat(start - (np.cumsum(rows) - rows), rows)
    at = row + 0.5
    long = _cross(edges, 0, triangle, at)
    is_lower = at < edges.y[2][triangle]
    short = np.where(is_lower, _cross(edges, 1, triangle, at), _cross(edges, 2, triangle, at))
    begin, stop = (
        np.clip(np.ceil(edge - 0.5), 0, width).astype(np.int64)
        for edge in (np.minimum(long, short), np.maximum(long, short))
    )
    counts = np.maximum(stop - begin, 0)
    sums = np.cumsum(counts)
    owner = names[triangle]
    begin += row * width
    span = 0
    while span < len(counts):
        before = sums[span - 1] if span else 0
        last = max(span + 1, int(np.searchsorted(sums, before + BLOCK)))
        here = counts[span:last]
        shift = begin[span:last] - (sums[span:last] - here - before)
        pixel: Integers = np.repeat(shift, here)
        pixel += np.arange(len(pixel))
        yield pixel, np.repeat(owner[span:last], here)
        span = last


def _cross(edges: _Edges, which: int, triangle: Integers, at: Floats) -> Floats:
    """Where edges cross rows."""
    x, y, slope = (values[which].take(triangle) for values in (edges.x, edges.y, edges.slope))
    return np.asarray(x + (at - y) * slope)
