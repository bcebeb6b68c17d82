"""Scan conversion of triangles by spans, watertight: each pixel center between two of them is in one.

Vertices are sorted by y and edges walked from low to high, so that neighbors meet at the same x; a pixel is
inside where its center lies in the half-open span (Pineda's top-left rule, 1988, in span form).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 21  # fragments at once


def list_fragments(
    corners: NDArray[Any], size: tuple[int, int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The pixels whose centers lie in triangles.

    :param corners: (T, 3, 2) in pixels from the upper left.
    :param size: width and height of the image.
    :returns: in blocks, the pixel y width + x and the triangle of each fragment; int64.
    """
    width, height = size
    points = np.where(np.isfinite(corners).all(axis=(1, 2), keepdims=True), corners, -1.0).astype(np.float64)
    order = np.lexsort((points[..., 0], points[..., 1]), axis=1)
    x, y = (np.take_along_axis(points[..., axis], order, axis=1) for axis in (0, 1))
    first, end = (np.clip(np.ceil(y[:, at] - 0.5), 0, height).astype(np.int64) for at in (0, 2))
    rows = np.maximum(end - first, 0)
    total = np.cumsum(rows)
    start = 0
    while start < len(rows):
        stop = max(start + 1, int(np.searchsorted(total, (total[start - 1] if start else 0) + BLOCK // 8)))
        yield from _list_in_triangles(
            x[start:stop], y[start:stop], first[start:stop], rows[start:stop], width, start
        )
        start = stop


def _list_in_triangles(
    x: NDArray[Any], y: NDArray[Any], first: NDArray[Any], rows: NDArray[Any], width: int, offset: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    triangle = np.repeat(np.arange(len(rows)), rows)
    if not len(triangle):
        return
    row = first[triangle] + np.arange(len(triangle)) - np.repeat(np.cumsum(rows) - rows, rows)
    at = row + 0.5
    low, middle, high = x.T
    bottom, turn, top = y.T
    is_lower = at < turn[triangle]
    long = _cross(low, high, bottom, top, triangle, at)
    short = np.where(
        is_lower,
        _cross(low, middle, bottom, turn, triangle, at),
        _cross(middle, high, turn, top, triangle, at),
    )
    begin, stop = (
        np.clip(np.ceil(edge - 0.5), 0, width).astype(np.int64)
        for edge in (np.minimum(long, short), np.maximum(long, short))
    )
    counts = np.maximum(stop - begin, 0)
    sums = np.cumsum(counts)
    span = 0
    while span < len(counts):
        before = sums[span - 1] if span else 0
        last = max(span + 1, int(np.searchsorted(sums, before + BLOCK)))
        here = counts[span:last]
        shift = row[span:last] * width + begin[span:last] - (np.cumsum(here) - here)
        yield (
            np.repeat(shift, here) + np.arange(int(here.sum())),
            np.repeat(triangle[span:last] + offset, here),
        )
        span = last


def _cross(
    x0: NDArray[Any],
    x1: NDArray[Any],
    y0: NDArray[Any],
    y1: NDArray[Any],
    triangle: NDArray[Any],
    at: NDArray[Any],
) -> NDArray[Any]:
    """Where edges cross rows."""
    height = np.where(y1 > y0, y1 - y0, 1.0)
    slope = (x1 - x0) / height
    return np.asarray(x0[triangle] + (at - y0[triangle]) * slope[triangle])
