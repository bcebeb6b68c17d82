"""A part of an object's own surface, cut out and lifted off it by a little. Main thread only.

It ends where the object ends, follows whatever density the object has, and takes nothing of what is behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import cos, radians
from typing import Any

import bmesh
import bpy
import numpy as np
from mathutils import Matrix, Vector
from mathutils.bvhtree import BVHTree

from ...core.errors import SceneError
from ...core.text.message import message
from ..evaluated import evaluated
from ..shading.unwrapping import array_of

STEEPEST = cos(radians(80))  # of a face to the frame
LIFT, LIFT_OF_OBJECT = (
    1e-3,
    1e-4,
)  # of the cut-out's longer side, and of the object's: what Cycles tells apart
SAME = 1e-6  # of the longer side, below which two corners are one
SHARPEST = 0.5  # cosine from which on a corner is lifted no further
NUMBER = "triangle"
"""Layer of a cut-out's faces: the triangle that they were cut from."""
UPRIGHT_FROM = 0.05  # of the world's upward direction that must show in a surface


@dataclass(frozen=True)
class Surface:
    """The faces of an object as it is evaluated, as triangles."""

    name: str
    points: Any
    """(points, 3) float64, in the object's space."""
    triangles: Any
    """(triangles, 3) int32 of points."""
    smooth: Any
    """(triangles,) bool."""
    matrix: Matrix
    """To the world."""
    numbers: Any
    """(triangles,) int64, which of the evaluated mesh's triangles they are."""

    @cached_property
    def in_world(self) -> Any:
        """(points, 3) float64."""
        matrix = np.array(self.matrix)
        return self.points @ matrix[:3, :3].T + matrix[:3, 3]

    @property
    def is_mirrored(self) -> bool:
        """Whether its faces wind the other way round in the world."""
        return bool(self.matrix.determinant() < 0)

    @cached_property
    def size(self) -> float:
        """Metres of the longest side of its bounds in the world."""
        return float(np.ptp(self.in_world, axis=0).max())

    def find_nearest(self, place: Sequence[float]) -> tuple[Vector, Vector, float]:
        """The nearest point of the surface to a place, its normal, and how far it is away; in the world."""
        near = self._list_near(np.asarray(place, np.float64))
        used, renumbered = np.unique(self.triangles[near], return_inverse=True)
        tree = BVHTree.FromPolygons(
            self.in_world[used].tolist(), renumbered.reshape(-1, 3).tolist(), all_triangles=True
        )
        point, normal, _, distance = tree.find_nearest(Vector(place))
        return point, -normal if self.is_mirrored else normal, distance

    def _list_near(self, place: Any) -> Any:
        """The triangles that may be the nearest to a place; (N,) int64.

        The bounds of the others are farther away than a corner is. A tree of half a million takes a second.
        """
        away = self.in_world - place
        squares = np.einsum("pi,pi->p", away, away)
        least = float(squares.take(self.corners[0]).min())
        gaps = np.zeros(len(self.triangles))
        for values in np.ascontiguousarray(away.T):
            first, second, third = (values.take(corner) for corner in self.corners)
            low = np.minimum(np.minimum(first, second), third)
            high = np.maximum(np.maximum(first, second), third)
            gaps += np.maximum(np.maximum(low, -high), 0.0) ** 2
        return np.flatnonzero(gaps <= least * (1 + SAME))

    @cached_property
    def corners(self) -> Any:
        """(3, triangles) int32, as `triangles`."""
        return np.ascontiguousarray(self.triangles.T)


@dataclass(frozen=True)
class CutOut:
    """A part of a surface."""

    mesh: bpy.types.Mesh
    """A new one, in the object's axes, with its place as the origin and the whole image's square as UVs."""
    place: Vector
    """In the object's space."""
    distance: float
    """Metres from where it was asked for."""


def read_surface(obj: bpy.types.Object) -> Surface:
    """:raises SceneError: it has no faces, or no extent."""
    with _shown_mesh(obj) as (mesh, matrix):
        mesh.calc_loop_triangles()
        triangles = array_of(mesh.loop_triangles, "vertices", 3, np.int32)
        faces = array_of(mesh.loop_triangles, "polygon_index", 1, np.int32).ravel()
        points = array_of(mesh.vertices, "co", 3, np.float32).astype(np.float64)
        smooth = array_of(mesh.polygons, "use_smooth", 1, bool).ravel()[faces]
    finite = np.ones(len(triangles), bool)
    if not np.isfinite(points).all():
        finite = np.isfinite(points).all(axis=1)[triangles].all(axis=1)
    if not finite.any():
        raise SceneError(message("'{obj}' has no faces.", obj=obj.name))
    if abs(matrix.determinant()) < 1e-18:
        raise SceneError(message("'{obj}' is scaled to nothing.", obj=obj.name))
    return Surface(
        obj.name,
        np.where(np.isfinite(points), points, 0.0),
        triangles[finite],
        smooth[finite],
        matrix,
        np.flatnonzero(finite),
    )


@contextmanager
def _shown_mesh(obj: bpy.types.Object) -> Iterator[tuple[bpy.types.Mesh, Matrix]]:
    shown = evaluated(obj)
    mesh = shown.to_mesh() if shown is not None else None
    if shown is None or mesh is None:
        raise SceneError(message("'{obj}' is not shown, so that its faces are not known.", obj=obj.name))
    try:
        yield mesh, shown.matrix_world.copy()
    finally:
        shown.to_mesh_clear()


def cut_out(
    surface: Surface,
    place: Sequence[float],
    normal: Sequence[float] | None,
    size: tuple[float, float],
    name: str,
) -> CutOut:
    """Cut a rectangle out of a surface, upright to the world.

    :param place: its middle in the world; the nearest point of the surface is taken.
    :param normal: where it looks to; None for that of the face there.
    :param size: width and height in metres.
    :raises SceneError: no face looks that way.
    """
    point, own_normal, distance = surface.find_nearest(place)
    facing = Vector(normal).normalized() if normal is not None else own_normal
    if own_normal.dot(facing) < STEEPEST:
        raise SceneError(
            message("The surface of '{obj}' does not look along that normal there.", obj=surface.name),
            next_step="Leave the normal out to take that of the face.",
        )
    to_frame = _frame_at(point, facing) @ surface.matrix
    sign = -1.0 if surface.is_mirrored else 1.0
    longer = max(size)
    part = bmesh.new()
    try:
        _add_faces(part, surface, to_frame, sign, size)
        bmesh.ops.remove_doubles(part, verts=part.verts[:], dist=SAME * longer)
        _trim(part, size)
        _keep_island(part)
        _lay_uvs(part, size)
        _lift(part, sign * max(LIFT * longer, LIFT_OF_OBJECT * surface.size))
        origin = surface.matrix.inverted() @ point
        part.transform(Matrix.Translation(-origin) @ to_frame.inverted())
        part.faces.layers.int.remove(part.faces.layers.int[NUMBER])
        mesh = bpy.data.meshes.new(name)
        part.to_mesh(mesh)
    finally:
        part.free()
    return CutOut(mesh, origin, distance)


def find_covered(surface: Surface, to_frame: Matrix, size: tuple[float, float]) -> Any:
    """The faces that a rectangle covers which was cut out of a surface, or lies on it by now.

    :param to_frame: from the world to right, up and out of it.
    :param size: its width and height in metres.
    :returns: (triangles,) int64, which of the evaluated mesh's triangles they are.
    :raises SceneError: none looks that way there.
    """
    sign = -1.0 if surface.is_mirrored else 1.0
    part = bmesh.new()
    try:
        _add_faces(part, surface, to_frame @ surface.matrix, sign, size)
        bmesh.ops.remove_doubles(part, verts=part.verts[:], dist=SAME * max(size))
        _trim(part, size)
        _keep_island(part)
        layer = part.faces.layers.int[NUMBER]
        return surface.numbers[sorted({face[layer] for face in part.faces})]
    finally:
        part.free()


def _frame_at(point: Vector, normal: Vector) -> Matrix:
    """From the world to right, up and out of a rectangle that stands upright, as one sees it from outside."""
    up = Vector((0.0, 0.0, 1.0))
    up -= up.dot(normal) * normal
    if up.length < UPRIGHT_FROM:  # a floor or a ceiling
        up = Vector((0.0, 1.0, 0.0))
        up -= up.dot(normal) * normal
    up.normalize()
    rotation = Matrix((up.cross(normal), up, normal)).to_4x4()
    return rotation @ Matrix.Translation(-point)


def _add_faces(
    part: bmesh.types.BMesh, surface: Surface, to_frame: Matrix, sign: float, size: tuple[float, float]
) -> None:
    """The triangles that look at the frame and reach into its box, which is as deep as it is long."""
    matrix = np.array(to_frame)
    points = surface.points @ matrix[:3, :3].T + matrix[:3, 3]
    reaches = np.ones(len(surface.triangles), bool)
    for values, half in zip(points.T, (size[0] / 2, size[1] / 2, max(size) / 2), strict=True):
        for outside in (values > half, values < -half):
            first, second, third = (outside.take(corner) for corner in surface.corners)
            reaches &= ~(first & second & third)
    reached = np.flatnonzero(reaches)
    corners = points[surface.triangles[reached]]
    normals = sign * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    kept = reached[normals[:, 2] > STEEPEST * np.linalg.norm(normals, axis=1)]
    used, renumbered = np.unique(surface.triangles[kept], return_inverse=True)
    verts = [part.verts.new(point) for point in points[used].tolist()]
    layer = part.faces.layers.int.new(NUMBER)
    seen = set()
    for number, triangle in zip(kept.tolist(), renumbered.reshape(-1, 3).tolist(), strict=True):
        if frozenset(triangle) in seen:  # faces that lie in each other
            continue
        seen.add(frozenset(triangle))
        face = part.faces.new([verts[corner] for corner in triangle])
        face.smooth, face[layer] = bool(surface.smooth[number]), number


def _trim(part: bmesh.types.BMesh, size: tuple[float, float]) -> None:
    for axis in (0, 1):
        for side in (-1.0, 1.0):
            outward = Vector((0.0, 0.0, 0.0))
            outward[axis] = side
            geometry: list[Any] = [*part.verts, *part.edges, *part.faces]
            bmesh.ops.bisect_plane(
                part,
                geom=geometry,
                dist=SAME * max(size),
                plane_co=outward * size[axis] / 2,
                plane_no=outward,
                clear_outer=True,
            )


def _keep_island(part: bmesh.types.BMesh) -> None:
    """Drop what the face in the middle is not joined to by edges."""
    part.faces.ensure_lookup_table()
    part.faces.index_update()
    found = BVHTree.FromBMesh(part).find_nearest(Vector((0.0, 0.0, 0.0)))[2]
    if found is None:
        raise SceneError("There is no face to put the decal on.")
    waiting = [part.faces[found]]
    island = set(waiting)
    while waiting:
        for edge in waiting.pop().edges:
            fresh = [face for face in edge.link_faces if face not in island]
            island.update(fresh)
            waiting.extend(fresh)
    bmesh.ops.delete(part, geom=[face for face in part.faces if face not in island], context="FACES")


def _lay_uvs(part: bmesh.types.BMesh, size: tuple[float, float]) -> None:
    layer = part.loops.layers.uv.new("UVMap")
    for face in part.faces:
        for loop in face.loops:
            x, y, _ = loop.vert.co
            loop[layer].uv = (x / size[0] + 0.5, y / size[1] + 0.5)


def _lift(part: bmesh.types.BMesh, offset: float) -> None:
    """Along the normals of corners, so far that their faces are lifted by the offset."""
    part.normal_update()
    lifts = []
    for vert in part.verts:
        normals = [face.normal for face in vert.link_faces]
        cosine = sum(normal.dot(vert.normal) for normal in normals) / max(1, len(normals))
        lifts.append(vert.normal * (offset / max(SHARPEST, cosine)))
    for vert, lift in zip(part.verts, lifts, strict=True):
        vert.co += lift
