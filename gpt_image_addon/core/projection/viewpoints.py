"""From where a surface is seen best: a few views of many, chosen one after another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..references.views import USUAL_COUNT
from .depth import draw_depth
from .surface import NO_OWNER, Triangles, look_at
from .view import View
from .visibility import STEEPEST, find_visible

SAMPLES = 20_000  # points on the surface that are looked at
SIDE = 256  # pixels of the views that are tried
MARK = 0.9, 0.3  # radius of the marks of points, and how far above the surface they lie, by their distance
FRAME = 1.12  # of the surface's extent that a view spans
FIELD = 100.0  # degrees that a view from inside spans
FEWEST = 2000  # points on what a mask shows, below which more of its faces are looked at
MOST_TIMES = 32
LEAST_SHOWN = 0.001  # share of the surface below which a side counts as showing nothing

DIRECTIONS = np.array(sorted(product((-1, 0, 1), repeat=3), key=lambda at: sum(map(abs, at)))[1:], float)
"""(26, 3): toward the sides, edges and corners of a cube."""


@dataclass(frozen=True)
class SurfaceSamples:
    """Points spread evenly over what is painted."""

    points: NDArray[np.float32]
    """(N, 4), x, y, z and 1 in the world."""
    triangle: NDArray[np.int64]
    """(N,)."""


def sample_surface(triangles: Triangles, count: int = SAMPLES) -> SurfaceSamples:
    """Points on what may be painted, as many as the area of faces asks for, always the same."""
    found = _sample_faces(triangles, count)
    if triangles.masks and 0 < len(found.points) < FEWEST:  # a spot on large faces
        found = _sample_faces(triangles, count * min(MOST_TIMES, -(-count // len(found.points))))
    return found


def _sample_faces(triangles: Triangles, count: int) -> SurfaceSamples:
    chosen = np.flatnonzero(triangles.allowed & (triangles.owner != NO_OWNER))
    corners = triangles.corners[chosen].astype(np.float64)
    edges = corners[:, 1:] - corners[:, :1]
    area = np.cumsum(np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1))
    if not len(area) or area[-1] <= 0:
        return SurfaceSamples(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    found = np.searchsorted(area, (np.arange(count) + 0.5) / count * area[-1])
    dice = np.random.default_rng(0)
    first, second = dice.random((2, count))
    first, second = np.where(first + second > 1, (1 - first, 1 - second), (first, second))
    points = corners[found, 0] + first[:, None] * edges[found, 0] + second[:, None] * edges[found, 1]
    samples = SurfaceSamples(np.hstack((points, np.ones((count, 1)))).astype(np.float32), chosen[found])
    if not triangles.masks:
        return samples
    uvs = triangles.uvs[samples.triangle].astype(np.float64)
    places = uvs[:, 0] + first[:, None] * (uvs[:, 1] - uvs[:, 0]) + second[:, None] * (uvs[:, 2] - uvs[:, 0])
    kept = look_at(triangles.masks, triangles.owner[samples.triangle], places) > 0
    return SurfaceSamples(samples.points[kept], samples.triangle[kept])


def choose_views(
    triangles: Triangles, side: int, count: int = USUAL_COUNT, *, inside: bool = False, enough: float = 1.0
) -> tuple[tuple[View, ...], float]:
    """Views that show most of what may be painted, and the share of its area that they show.

    Each next view is the one that adds most to the sum of the best cosines of all points.

    :param side: pixels of the square views.
    :param count: how many at most; fewer when no further one shows more.
    :param enough: share of that sum over all candidates, from which on no further one is taken.
    :param inside: views in perspective from within, as for a room; else orthographic ones from outside.
    """
    samples = sample_surface(triangles)
    if not len(samples.points):
        return (), 0.0
    make = _list_inside if inside else _list_outside
    candidates = make(triangles, SIDE)
    cosines = _measure_cosines(candidates, triangles, samples)
    chosen = _choose_greedily(cosines, count, enough)
    views = tuple(dataclasses.replace(candidates[at], size=(side, side)) for at in chosen)
    best = cosines[chosen].max(axis=0) if chosen else np.zeros(1)
    return views, float((best > 0).mean())


def list_sides(triangles: Triangles, side: int) -> tuple[View, ...]:
    """Those of the six sides of what may be painted that show some of it, all in one scale.

    :param side: pixels of the square views.
    """
    samples = sample_surface(triangles)
    targets = _corners_of_targets(triangles)
    if not len(samples.points):
        return ()
    every = triangles.corners.reshape(-1, 3).astype(np.float64)
    extent = max(float(np.ptp(targets, axis=0).max()), 1e-6) * FRAME
    views = [_frame(direction, targets, every, SIDE, extent) for direction in DIRECTIONS[:6]]
    shown = (_measure_cosines(views, triangles, samples) > 0).mean(axis=1)
    return tuple(
        dataclasses.replace(view, size=(side, side))
        for view, share in zip(views, shown, strict=True)
        if share > LEAST_SHOWN
    )


def spread_views(triangles: Triangles, count: int, side: int) -> tuple[View, ...]:
    """Views of what may be painted from directions that lie evenly around it (a Fibonacci lattice).

    :param side: pixels of the square views.
    """
    targets = _corners_of_targets(triangles)
    if not len(targets):
        return ()
    every = triangles.corners.reshape(-1, 3).astype(np.float64)
    step = np.arange(count) + 0.5
    z, angle = 1 - 2 * step / count, np.pi * (1 + 5**0.5) * step
    across = np.sqrt(1 - z * z)
    directions = np.stack((across * np.cos(angle), across * np.sin(angle), z), axis=-1)
    return tuple(_frame(direction, targets, every, side) for direction in directions)


def measure_coverage(triangles: Triangles, views: Sequence[View]) -> float:
    """The share of the area of what may be painted that views show."""
    samples = sample_surface(triangles)
    if not views or not len(samples.points):
        return 0.0
    return float((_measure_cosines(views, triangles, samples) > 0).any(axis=0).mean())


def mark_shown(
    triangles: Triangles, views: Sequence[View], steepest: float = STEEPEST
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Small triangles spread evenly over what may be painted, and whether a view shows their place.

    :param steepest: degrees between ray and normal from which on nothing is shown.
    :returns: corners (N, 3, 3) in the world, and (N,).
    """
    samples = sample_surface(triangles)
    count = len(samples.points)
    if not count:
        return np.zeros((0, 3, 3), np.float32), np.zeros(0, bool)
    small = [dataclasses.replace(view, size=(2 * SIDE, 2 * SIDE)) for view in views]
    cosines = _measure_cosines(small, triangles, samples, steepest) if small else np.zeros((1, count))
    targets = _corners_of_targets(triangles).reshape(-1, 3, 3)
    sides = targets[:, 1:] - targets[:, :1]
    area = float(np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1).sum()) / 2
    apart = np.sqrt(area / count)
    normals = triangles.normals[samples.triangle].astype(np.float64)
    along = np.cross(normals, np.eye(3)[np.abs(normals).argmin(axis=1)])
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    across = np.cross(normals, along)
    middle = samples.points[:, :3] + MARK[1] * apart * normals
    turns = np.radians((0, 120, 240))
    corners = [middle + MARK[0] * apart * (np.cos(turn) * along + np.sin(turn) * across) for turn in turns]
    return np.stack(corners, axis=1).astype(np.float32), (cosines > 0).any(axis=0)


def _choose_greedily(cosines: NDArray[Any], count: int, enough: float) -> list[int]:
    best = np.zeros(cosines.shape[1])
    most = float(cosines.max(axis=0).sum())
    chosen: list[int] = []
    while len(chosen) < count and best.sum() < enough * most:
        gains = np.maximum(cosines - best, 0).sum(axis=1)
        at = int(gains.argmax())
        if gains[at] <= 0:
            break
        chosen.append(at)
        best = np.maximum(best, cosines[at])
    return chosen


def _measure_cosines(
    views: Sequence[View], triangles: Triangles, samples: SurfaceSamples, steepest: float = STEEPEST
) -> NDArray[Any]:
    """How steeply each view shows the samples; (views, N) float32."""
    normals = triangles.normals
    out = []
    for view in views:
        facing = view.measure_facing(triangles.corners, normals)
        depth = draw_depth(triangles.corners, view)
        out.append(find_visible(view, depth, facing, samples.points, samples.triangle, steepest).cosine)
    return np.stack(out)


def _list_outside(triangles: Triangles, side: int) -> list[View]:
    targets = _corners_of_targets(triangles)
    every = triangles.corners.reshape(-1, 3).astype(np.float64)
    return [_frame(direction, targets, every, side) for direction in DIRECTIONS]


def _list_inside(triangles: Triangles, side: int) -> list[View]:
    targets = _corners_of_targets(triangles)
    low, high = targets.min(axis=0), targets.max(axis=0)
    middle = (low + high) / 2
    eyes = [middle, *(middle + np.array(at) * (high - low) / 5 for at in product((-1, 1), repeat=3))]
    near, far = float(np.linalg.norm(high - low)) / 1000, float(np.linalg.norm(high - low)) * 2
    focal = 1 / np.tan(np.radians(FIELD) / 2)
    depth = (far + near) / (near - far), 2 * far * near / (near - far)
    projection = np.array([[focal, 0, 0, 0], [0, focal, 0, 0], [0, 0, *depth], [0, 0, -1, 0]])
    return [
        View(_name(direction), _look_along(direction, eye), projection, (side, side))
        for eye in eyes
        for direction in DIRECTIONS[:6]
    ]


def _corners_of_targets(triangles: Triangles) -> NDArray[Any]:
    """(N, 3); of what a mask shows of faces the points that are looked at."""
    if triangles.masks:
        points = sample_surface(triangles).points
        if len(points):
            return points[:, :3].astype(np.float64)
    chosen = triangles.allowed & (triangles.owner != NO_OWNER)
    return np.asarray(triangles.corners[chosen].reshape(-1, 3), np.float64)


def _frame(
    direction: NDArray[Any],
    targets: NDArray[Any],
    every: NDArray[Any],
    side: int,
    extent: float | None = None,
) -> View:
    """An orthographic view of all targets, in front of everything.

    :param extent: world units that it spans; just the targets without.
    """
    matrix = _look_along(direction, np.zeros(3))
    seen = matrix[:3, :3].T @ targets.T  # along the last axis numpy reduces quickly
    low, high = seen.min(axis=1), seen.max(axis=1)
    depths = every @ matrix[:3, 2]
    depth = max(float(np.ptp(depths)), 1e-6)
    matrix[:3, 3] = matrix[:3, :3] @ np.array([*((low + high) / 2)[:2], depths.max() + 0.05 * depth])
    extent = extent or max(float((high - low)[:2].max()), 1e-6) * FRAME
    projection = np.diag([2 / extent, 2 / extent, -2 / (1.1 * depth), 1.0])
    projection[2, 3] = -1.0
    return View(_name(direction), matrix, projection, (side, side))


def _look_along(back: NDArray[Any], eye: NDArray[Any]) -> NDArray[Any]:
    """(4, 4) of a camera that has a direction behind it, z up."""
    back = back / np.linalg.norm(back)
    up = np.array((0.0, 1.0, 0.0)) if abs(back[2]) > 0.999 else np.array((0.0, 0.0, 1.0))
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = right, np.cross(back, right), back, eye
    return matrix


NAMES = (("left", "", "right"), ("front", "", "back"), ("bottom", "", "top"))


def _name(direction: NDArray[Any]) -> str:
    """Such as "front right top", for where the camera stands; y grows toward the back."""
    words = [NAMES[axis][round(float(direction[axis])) + 1] for axis in (1, 0, 2)]
    return " ".join(word for word in words if word)
