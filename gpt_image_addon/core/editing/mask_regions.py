"""The connected regions of a mask, as boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..pasting.boxes import Box

CELLS = 64
"""Cells along the longer side in which regions are looked for; what touches by its cells is one region."""

Flags = NDArray[np.bool_]


def find_regions(mask: Flags, *, wraps: bool) -> list[Box]:
    """The exact box of each connected region.

    Regions nearer to each other than twice the longer side / `CELLS` may come as one.

    :param mask: (height, width) bool, true where the image may change.
    :param wraps: whether the image tiles; a box may then lie across the border, by the shorter way round.
    :returns: none for an empty mask; from the last row to the first.
    """
    height, width = mask.shape
    side = max(1, -(-max(height, width) // CELLS))
    tops, lefts = range(0, height, side), range(0, width, side)
    rows = np.stack([mask[:, left : left + side].any(axis=1) for left in lefts], axis=1)
    columns = np.stack([mask[top : top + side].any(axis=0) for top in tops])
    labels = _label(np.stack([rows[top : top + side].any(axis=0) for top in tops]), wraps)
    found = []
    for label in np.unique(labels[labels > 0])[::-1]:
        own = labels == label
        down = (rows & np.repeat(own, side, axis=0)[:height]).any(axis=1)
        across = (columns & np.repeat(own, side, axis=1)[:, :width]).any(axis=0)
        top, box_height = _extent(down, wraps)
        left, box_width = _extent(across, wraps)
        found.append(Box(left, top, box_width, box_height))
    return found


def _label(cells: Flags, wraps: bool) -> NDArray[np.int64]:
    """A number for each region of cells that touch, by side or corner; 0 for the others."""
    labels = np.where(cells, np.arange(1, cells.size + 1).reshape(cells.shape), 0)
    while True:
        wide = np.pad(labels, 1, mode="wrap" if wraps else "constant")
        rows = np.maximum(np.maximum(wide[:-2], wide[1:-1]), wide[2:])
        spread = np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
        spread[~cells] = 0
        if np.array_equal(spread, labels):
            return labels
        labels = spread


def _extent(flags: Flags, wraps: bool) -> tuple[int, int]:
    """Start and length of the shortest stretch that holds all that is set, round the end where it wraps."""
    found = np.flatnonzero(flags)
    whole = len(flags)
    if not wraps or len(found) == whole:
        return int(found[0]), int(found[-1] - found[0]) + 1
    gaps = np.diff(found, append=found[0] + whole)
    widest = len(gaps) - 1 - int(np.argmax(gaps[::-1]))  # of equal ones the one across the end
    return int(found[(widest + 1) % len(found)]), whole - int(gaps[widest]) + 1
