"""Cuts of least error through the overlap of two borders, by dynamic programming.

An error is a float32 plane (rows, columns): rows across the overlap, columns along the cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import Plane

Cut = NDArray[np.intp]
"""For each column the row of the cut."""


def overlap_error(planes: NDArray[Any], overlap: int) -> Plane:
    """How much the last `overlap` rows of `planes` (H, W, C) differ from the first, with their neighbours."""
    start = planes[:overlap].astype(np.float32)
    start -= planes[len(planes) - overlap :]
    error: Plane = np.einsum("hwc,hwc->hw", start, start)
    error[1:] += error[:-1]  # what lies beside the cut counts too: it shows in the feather
    error[:, 1:] += error[:, :-1]
    return error


def least_cut(error: Plane, closed: bool) -> Cut:
    """The cheapest cut through `error`, which moves by one row a column at most.

    A `closed` cut ends where it starts, so that it joins itself when its columns wrap: it has to go through
    the row where the cheapest cut through half-rolled columns crosses their ends.
    """
    if not closed:
        return _trace(_accumulate(error.T.copy()))
    half = error.shape[1] // 2
    there = int(_trace(_accumulate(np.roll(error, half, 1).T.copy()))[half])
    ends = error.T.copy()
    kept = ends[[0, -1], there]
    ends[[0, -1]] = np.inf
    ends[[0, -1], there] = kept
    return _trace(_accumulate(ends))


def cheapest_overlap(planes: NDArray[Any], candidates: range) -> int:
    """The one of `candidates` (rows of overlap) whose cut through `planes` (H, W, C) is cheapest."""
    errors = np.full((planes.shape[1], len(candidates), max(candidates)), np.inf, np.float32)
    for i, overlap in enumerate(candidates):
        errors[:, i, :overlap] = overlap_error(planes, overlap).T
    return candidates[int(_accumulate(errors)[-1].min(-1).argmin())]


def _accumulate(error: NDArray[np.float32]) -> NDArray[np.float32]:
    """For errors (columns, …, rows), in place: the cost of the cheapest cut from the first column to each."""
    columns, *between, rows = error.shape
    before = np.full((*between, rows + 2), np.inf, np.float32)
    best = np.empty((*between, rows), np.float32)
    for i in range(1, columns):
        before[..., 1:-1] = error[i - 1]
        np.minimum(before[..., :-2], before[..., 2:], out=best)
        np.minimum(best, before[..., 1:-1], out=best)
        error[i] += best
    return error


def _trace(cost: NDArray[np.float32]) -> Cut:
    """The cut that leads to the least of the last costs."""
    path = np.empty(len(cost), np.intp)
    path[-1] = row = int(cost[-1].argmin())
    for i in range(len(cost) - 2, -1, -1):
        low = max(row - 1, 0)
        row = low + int(cost[i, low : row + 2].argmin())
        path[i] = row
    return path
