"""The z-buffer of a view, and how far its pixels are from where depth jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scan import scan_triangles
from .view import View

JUMP = 0.01  # share of the nearness by which it bends at an edge
FARTHEST_EDGE = 24  # pixels up to which distances are measured


@dataclass(frozen=True)
class DepthMap:
    """What is nearest in each pixel."""

    nearness: NDArray[np.float32]
    """(height, width): 1/w, or -z where rays are parallel; -inf where nothing is."""
    triangle: NDArray[np.int32]
    """(height, width); -1 where nothing is."""
    slopes: NDArray[np.float32]
    """(T, 2), by what each triangle gets nearer one pixel to the right, and one down."""

    @property
    def is_filled(self) -> NDArray[np.bool_]:
        """Where something is seen."""
        return self.triangle >= 0


def draw_depth(corners: NDArray[Any], view: View) -> DepthMap:
    """Draw all triangles.

    :param corners: (T, 3, 3) in the world.
    """
    width, height = view.size
    nearness = np.full(width * height, -np.inf)
    triangle = np.full(width * height, -1, np.int32)
    seen = _transform(view, corners)
    a, b, c = view.nearness_planes(seen)
    base = c + (a + b) / 2  # at the center of the first pixel
    x, y, source = _project(seen)
    for pixel, piece in scan_triangles(x, y, view.size):
        owner = source.take(piece)
        row = pixel // width
        value = a.take(owner) * (pixel - row * width) + b.take(owner) * row + base.take(owner)
        while len(pixel):  # of several in one pixel the last is written: compare again until none is nearer
            wins = np.flatnonzero(value > nearness.take(pixel))
            pixel, value, owner = pixel.take(wins), value.take(wins), owner.take(wins)
            nearness[pixel], triangle[pixel] = value, owner
    shape = (height, width)
    return DepthMap(
        nearness.reshape(shape).astype(np.float32),
        triangle.reshape(shape),
        np.stack((a, b), axis=1).astype(np.float32),
    )


def _transform(view: View, corners: NDArray[Any]) -> NDArray[np.float64]:
    """Triangles as `View.homogeneous` has them; (4, 3, T)."""
    count = len(corners)
    points = np.ascontiguousarray(corners.T, np.float64).reshape(3, 3 * count)
    matrix = view.to_pixels
    return np.asarray(matrix[:, :3] @ points + matrix[:, 3:]).reshape(4, 3, count)


def _project(seen: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Triangles in pixels, cut at the near plane: x and y (3, N), and which one each piece is of (N,)."""
    is_behind = _measure_clearance(seen) < 0
    some, every = is_behind.any(axis=0), is_behind.all(axis=0)
    source = np.arange(seen.shape[2])
    if some.any():
        pieces, sources = [seen[:3, :, ~some]], [source[~some]]
        for index in np.flatnonzero(some & ~every):
            polygon = _clip(seen[:, :, index].T)
            for at in range(1, len(polygon) - 1):
                pieces.append(np.stack((polygon[0], polygon[at], polygon[at + 1]), axis=-1)[:3, :, None])
                sources.append(np.array([index]))
        seen, source = np.concatenate(pieces, axis=2), np.concatenate(sources)
    with np.errstate(divide="ignore", invalid="ignore"):  # in the eye itself
        return seen[0] / seen[2], seen[1] / seen[2], source


def _measure_clearance(seen: NDArray[Any]) -> NDArray[Any]:
    """How far points are behind the near plane, where they are seen; in units of clip space."""
    return np.asarray(seen[3] + seen[2])


def _clip(corners: NDArray[Any]) -> list[NDArray[Any]]:
    """The corners of a triangle's part behind the near plane, (4,) each (Sutherland and Hodgman, 1974)."""
    out = []
    clearance = _measure_clearance(corners.T)
    for at in range(3):
        start, end = corners[at], corners[at - 2]
        here, there = clearance[at], clearance[at - 2]
        if here >= 0:
            out.append(start)
        if (here >= 0) != (there >= 0):
            out.append(start + here / (here - there) * (end - start))
    return out


def measure_edges(depth: DepthMap, *, is_orthographic: bool) -> NDArray[np.float32]:
    """Pixels to the nearest jump of depth or to the frame, at most `FARTHEST_EDGE`; 0 at either.

    A jump is where the nearness bends: on a plane it does not, however steeply that is seen.
    """
    filled = depth.is_filled
    near = np.where(filled, depth.nearness, 0).astype(np.float32)
    scale = np.maximum(np.abs(near), np.float32(1e-12))
    if is_orthographic:  # -z spans the scene: measure against all of it
        values = near[filled]
        scale = np.full_like(near, float(np.ptp(values)) + 1e-6 if values.size else 1.0)
    scale *= np.float32(JUMP)
    jump = ~filled
    jump[:, 1:-1] |= scale[:, 1:-1] < _bend(near.T).T
    jump[1:-1] |= _bend(near) > scale[1:-1]
    jump[[0, -1]] = True
    jump[:, [0, -1]] = True
    return measure_distance(jump, FARTHEST_EDGE)


def _bend(near: NDArray[np.float32]) -> NDArray[np.float32]:
    """Second differences down."""
    return np.asarray(np.abs(near[:-2] + near[2:] - 2 * near[1:-1]))


def measure_distance(marked: NDArray[np.bool_], most: int) -> NDArray[np.float32]:
    """Steps from each pixel to the nearest marked one, to its eight neighbors by turns with its four."""
    distance = np.full(marked.shape, most, np.float32)
    reached = marked.copy()
    distance[reached] = 0
    for step in range(1, most):
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        wide = grown if step % 2 else reached
        sideways = grown.copy()
        sideways[:, 1:] |= wide[:, :-1]
        sideways[:, :-1] |= wide[:, 1:]
        distance[sideways & ~reached] = step
        reached = sideways
    return distance
