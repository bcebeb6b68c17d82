"""Which points of a surface a view shows, where, and how steeply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .depth import FARTHEST_EDGE, DepthMap, draw_depth, measure_edges
from .outlines import Placement
from .surface import Triangles
from .view import View

SLACK = 5e-4  # share of the nearness, or of the frame where rays are parallel, that a texel may lie behind
LEAST_SLACK = 1e-6  # of clip space, well above what float32 rounds off
STEEPEST = 75.0  # degrees between ray and normal

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SeenView:
    """A view with its answer, ready to be gathered from."""

    view: View
    depth: DepthMap
    edges: Floats
    """(height, width), see `depth.measure_edges`."""
    facing: Floats
    """(T,), see `View.measure_facing`."""
    answer: NDArray[Any]
    """(height, width, 3 or 4) in 0..255, of the view's size."""
    placement: Placement = field(default_factory=Placement)
    """How it lies on the view."""


def see(view: View, triangles: Triangles, answer: NDArray[Any] | None = None) -> SeenView:
    """A view of all triangles.

    :param answer: (height, width, 3 or 4) of its size.
    """
    depth = draw_depth(triangles.corners, view)
    edges = measure_edges(depth, is_orthographic=view.is_orthographic)
    facing = view.measure_facing(triangles.corners, triangles.normals)
    pixels = np.zeros((*view.size[::-1], 3), np.uint8) if answer is None else answer
    return SeenView(view, depth, edges, facing, pixels)


def see_through(view: View, triangles: Triangles, answer: NDArray[Any]) -> SeenView:
    """A view in which nothing hides anything, up to its borders.

    :param answer: (height, width, 3 or 4) of its size.
    """
    shape = view.size[::-1]
    depth = DepthMap(
        np.full(shape, -np.inf, np.float32),
        np.full(shape, -1, np.int32),
        np.zeros((len(triangles.owner), 2), np.float32),
    )
    edges = np.full(shape, FARTHEST_EDGE, np.float32)
    facing = view.measure_facing(triangles.corners, triangles.normals)
    return SeenView(view, depth, edges, facing, answer)


@dataclass(frozen=True)
class VisiblePoints:
    """Where a view shows points of triangles."""

    cosine: Floats
    """(N,), between the normal and the ray; 0 where the view does not show the point."""
    x: Floats
    """(N,), pixels from the left; 0 outside the image."""
    y: Floats
    """(N,), pixels from the top; 0 outside the image."""
    pixel: NDArray[np.int64]
    """(N,), the pixel y width + x."""


def find_visible(
    view: View,
    depth: DepthMap,
    facing: Floats,
    points: NDArray[Any],
    triangle: NDArray[np.int64],
    steepest: float = STEEPEST,
) -> VisiblePoints:
    """Which points of triangles a view shows, and where.

    :param facing: (T,), see `View.measure_facing`.
    :param points: (N, 4), x, y, z and 1 in the world.
    :param triangle: (N,), on which they lie.
    :param steepest: degrees between ray and normal from which on nothing is shown.
    """
    width, height = view.size
    x, y, w, z = view.to_pixels.astype(np.float32) @ points.T
    inside = z + w >= 0
    cosine = facing.take(triangle)
    if view.is_orthographic:
        own = -z
    else:
        inside &= w > 0
        own = 1 / np.where(inside, w, 1)
        x, y = x * own, y * own
        away: Floats = points - np.append(view.matrix_world[:3, 3], 1).astype(np.float32)
        cosine /= np.maximum(np.sqrt(np.einsum("ni,ni->n", away, away)), np.float32(1e-12))
    inside &= (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    column, row = x.astype(np.int64), y.astype(np.int64)
    pixel = row * width + column
    right, down = depth.slopes.take(triangle, axis=0).T
    own += right * (column + 0.5 - x).astype(np.float32) + down * (row + 0.5 - y).astype(np.float32)
    own += _measure_slack(view, own)
    visible = inside & (own >= depth.nearness.take(pixel)) & (cosine > np.cos(np.radians(steepest)))
    return VisiblePoints(np.where(visible, np.minimum(cosine, 1), 0), x, y, pixel)


def _measure_slack(view: View, own: Floats) -> Floats | np.float32:
    """How much less near than its pixel a point may be, and still be seen."""
    if not view.is_orthographic:
        return np.float32(SLACK) * np.abs(own)
    # The depth of clip space spans the camera's clip range, which says nothing about the scene: measure
    # against the frame, in world units.
    frame = 2 / min(abs(view.projection[0, 0]), abs(view.projection[1, 1]))
    return np.float32(max(SLACK * frame * abs(view.projection[2, 2]), LEAST_SLACK))
