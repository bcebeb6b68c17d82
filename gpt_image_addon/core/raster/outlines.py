"""Line art from what a renderer knows of each pixel: its distance, its normal, and which object it shows.

Edges are found as in image-space line drawing (Saito and Takahashi, Comprehensible Rendering of 3-D Shapes,
1990): steps of the depth by its second difference, which is zero on planes, and creases by the normals.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Edges = NDArray[np.bool_]

STEP = 0.01  # second difference of the nearness, as a share of it
CREASE = 0.35  # 1 - the cosine of the angle between two normals
SAME_OBJECT = 1e-6  # difference of the numbers of one object, which a renderer's floats may have
SOFT = (0.25, 0.5, 0.25)
"""Weights of a pixel and its neighbours along an axis, which smooth the steps of the lines."""
FULL = 0.5  # of the smoothed ink, from which a line is black


def draw_outlines(depth: Plane, normals: Plane, objects: Plane, *, is_perspective: bool = True) -> Plane:
    """Black lines on white, one to two pixels wide.

    No unit matters: a scene of any scale has the same lines.

    :param depth: (height, width) distances along the view above 0; 0 where nothing is. Not filtered: one
        sample in the middle of each pixel.
    :param normals: (height, width, 3) unit vectors, alike.
    :param objects: (height, width) a number for each object, alike.
    :param is_perspective: whether lines that are parallel in space meet in the image; planes are linear in
        1 / depth then, and in depth where they do not.
    :returns: (height, width) brightness, 0 to 1.
    """
    edges = find_edges(depth, normals, objects, is_perspective=is_perspective)
    ink = edges.astype(np.float32)
    for axis in (0, 1):
        ink = _smoothed(ink, axis)
    return np.asarray(1 - np.clip(ink / FULL, 0, 1), np.float32)


def find_edges(depth: Plane, normals: Plane, objects: Plane, *, is_perspective: bool = True) -> Edges:
    """Pixels at the nearer side of an edge; for the parameters see `draw_outlines`.

    :returns: (height, width) bool.
    """
    seen = depth > 0
    safe = np.where(seen, depth, 1)
    inverse = np.where(seen, 1 / safe, 0)
    edges = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        if is_perspective:
            edges |= _steps(inverse, inverse, axis)
        else:  # what is not seen is as far as can be
            edges |= _steps(-np.where(seen, depth, 2 * depth.max() + 1), safe, axis) & seen
        first, second = _cut(axis, None, -1), _cut(axis, 1, None)
        crease = 1 - (normals[first] * normals[second]).sum(axis=-1) > CREASE
        border = np.abs(objects[first] - objects[second]) > SAME_OBJECT
        found = (crease | border) & seen[first] & seen[second]
        is_nearer = depth[first] <= depth[second]
        edges[first] |= found & is_nearer
        edges[second] |= found & ~is_nearer
    return edges


def _steps(nearness: Plane, scale: Plane, axis: int) -> Edges:
    """Where a pixel is nearer than the line through its two neighbours, by a share of a scale."""
    found = np.zeros(nearness.shape, bool)
    middle, before, after = (_cut(axis, start, stop) for start, stop in ((1, -1), (None, -2), (2, None)))
    difference = 2 * nearness[middle] - nearness[before] - nearness[after]
    found[middle] = difference > STEP * scale[middle]
    return found


def _cut(axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(start, stop),)


def _smoothed(ink: Plane, axis: int) -> Plane:
    padded = np.pad(ink, [(1, 1) if number == axis else (0, 0) for number in (0, 1)], mode="edge")
    length = ink.shape[axis]
    return np.asarray(
        sum(weight * padded[_cut(axis, at, at + length)] for at, weight in enumerate(SOFT)), np.float32
    )
