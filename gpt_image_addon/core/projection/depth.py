"""The z-buffer of a view, and how far its pixels are from where depth jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scan import list_fragments
from .view import View

NEAREST_W = 1e-3  # of the scene's units: what is nearer than this to the eye is cut off
JUMP = 0.01  # share of the nearness by which it bends at an edge
FARTHEST_EDGE = 24  # pixels up to which distances are measured


@dataclass(frozen=True)
class DepthMap:
    """What is nearest in each pixel."""

    nearness: NDArray[np.float32]
    """(height, width): 1/w, or -z where rays are parallel; -inf where nothing is."""
    triangle: NDArray[np.int32]
    """(height, width); -1 where nothing is."""
    planes: NDArray[np.float64]
    """(T, 3), see `View.nearness_planes`."""

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
    planes = view.nearness_planes(corners)
    places, source = _project(view.homogeneous(corners), is_orthographic=view.is_orthographic)
    for pixel, piece in list_fragments(places, view.size):
        owner = source[piece]
        a, b, c = planes[owner].T
        value = a * (pixel % width + 0.5) + b * (pixel // width + 0.5) + c
        while len(pixel):  # of several in one pixel the last is written: compare again until none is nearer
            wins = value > nearness[pixel]
            pixel, value, owner = pixel[wins], value[wins], owner[wins]
            nearness[pixel], triangle[pixel] = value, owner
    shape = (height, width)
    return DepthMap(nearness.reshape(shape).astype(np.float32), triangle.reshape(shape), planes)


def _project(seen: NDArray[Any], *, is_orthographic: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Triangles in pixels, cut at the near plane; and which one each piece is of."""
    behind = np.zeros(seen.shape[:2], bool) if is_orthographic else seen[..., 2] < NEAREST_W
    whole = np.flatnonzero(~behind.any(axis=1))
    cut = np.flatnonzero(behind.any(axis=1) & ~behind.all(axis=1))
    pieces = [seen[whole, :, :3]]
    sources = [whole]
    for index in cut:
        polygon = _clip(seen[index, :, :3])
        for at in range(1, len(polygon) - 1):
            pieces.append(np.stack((polygon[0], polygon[at], polygon[at + 1]))[None])
            sources.append(np.array([index]))
    every = np.concatenate(pieces)
    return every[..., :2] / every[..., 2:3], np.concatenate(sources)


def _clip(corners: NDArray[Any]) -> list[NDArray[Any]]:
    """A triangle's part in front of the eye (Sutherland and Hodgman, 1974)."""
    out = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        is_in, goes_in = start[2] >= NEAREST_W, end[2] >= NEAREST_W
        if is_in:
            out.append(start)
        if is_in != goes_in:
            share = (NEAREST_W - start[2]) / (end[2] - start[2])
            out.append(start + share * (end - start))
    return out


def measure_edges(depth: DepthMap, *, is_orthographic: bool) -> NDArray[np.float32]:
    """Pixels to the nearest jump of depth or to the frame, at most `FARTHEST_EDGE`; 0 at either.

    A jump is where the nearness bends: on a plane it does not, however steeply that is seen.
    """
    filled = depth.is_filled
    near = np.where(filled, depth.nearness, 0).astype(np.float32)
    scale = np.abs(near)
    if is_orthographic:  # -z spans the scene: measure against all of it
        values = near[filled]
        scale = np.full_like(near, float(np.ptp(values)) + 1e-6 if values.size else 1.0)
    jump = ~filled
    for axis in (0, 1):
        before, after = np.roll(near, 1, axis), np.roll(near, -1, axis)
        bend = np.abs(before + after - 2 * near)
        jump |= bend > JUMP * np.maximum(scale, 1e-12)
    jump[[0, -1]] = True
    jump[:, [0, -1]] = True
    return measure_distance(jump, FARTHEST_EDGE)


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
