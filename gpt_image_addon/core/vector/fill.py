"""Which lines of a path bound what it fills: Blender fills curves by even and odd, SVG mostly by winding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .geometry import Outline

MOST_LINES = 64
"""Of a path; of more all are kept, as each is compared with all others."""
STEPS = np.linspace(0, 1, 5)[1:]
WEIGHTS = np.stack([(1 - STEPS) ** 3, 3 * (1 - STEPS) ** 2 * STEPS, 3 * (1 - STEPS) * STEPS**2, STEPS**3])


def drop_inner(lines: Sequence[Outline]) -> tuple[Outline, ...]:
    """The closed lines of a path without those that lie within what is filled on both of their sides.

    Where lines cross each other, all of them stay.

    :param lines: of a path that is filled by the rule ``nonzero``.
    """
    if not 1 < len(lines) <= MOST_LINES:
        return tuple(lines)
    polygons = [_polygon(line) for line in lines]
    boxes = np.array([(*polygon.min(0), *polygon.max(0)) for polygon in polygons])
    turns = [1 if _area(polygon) > 0 else -1 for polygon in polygons]
    kept = []
    for number, line in enumerate(lines):
        x, y = polygons[number][0]
        around = (boxes[:, 0] < x) & (boxes[:, 1] < y) & (boxes[:, 2] > x) & (boxes[:, 3] > y)
        around[number] = False
        outside = sum(_winding(polygons[other], x, y) for other in np.flatnonzero(around))
        if outside == 0 or outside + turns[number] == 0:
            kept.append(line)
    return tuple(kept)


def _polygon(line: Outline) -> NDArray[np.float64]:
    """Corners along a line, (count, 2)."""
    points, at = [np.array([line.start])], line.start
    for segment in line.segments:
        if len(segment) == 3:
            points.append(np.einsum("pk,ps->sk", np.array((at, *segment)), WEIGHTS))
        else:
            points.append(np.array(segment))
        at = segment[-1]
    return np.concatenate(points)


def _area(polygon: NDArray[np.float64]) -> float:
    """Twice the area, negative where it turns the other way."""
    (x, y), (u, v) = polygon.T, np.roll(polygon, -1, axis=0).T
    return float((x * v - u * y).sum())


def _winding(polygon: NDArray[np.float64], x: float, y: float) -> int:
    """How often a polygon turns around a point."""
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
    up, down = (y0 <= y) & (y1 > y) & (side > 0), (y0 > y) & (y1 <= y) & (side < 0)
    return int(up.sum()) - int(down.sum())
