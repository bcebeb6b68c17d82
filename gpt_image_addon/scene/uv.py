"""Texture coordinates for objects that have none, without operators or a change of mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from .changes import Changes

UV_NAME = "UVMap"
# By the side a face looks to (+X, -X, +Y, -Y, +Z, -Z): which axes run right and up for someone facing it.
_RIGHT = ((1, 1), (1, -1), (0, -1), (0, 1), (0, 1), (0, 1))  # (axis, sign)
_UP = ((2, 1), (2, 1), (2, 1), (2, 1), (1, 1), (1, -1))


@dataclass(frozen=True)
class Coordinates:
    """How a picture lies on an object: settings of Texture Coordinate, Mapping and Image Texture nodes."""

    output: str = "UV"
    projection: str = "FLAT"
    location: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def is_box(self) -> bool:
        """Projected from six sides instead of following UVs."""
        return self.projection == "BOX"


UV = Coordinates()


def coordinates_for(obj: bpy.types.Object, changes: Changes) -> tuple[Coordinates, str | None]:
    """How to lay a picture on the object, and what to tell about it.

    A mesh without UVs gets some; an object that can't have UVs of its own gets a projection from six sides.
    """
    if obj.type == "MESH" and obj.data.polygons:
        if obj.data.uv_layers:
            return UV, None
        box_unwrap(obj, changes)
        return UV, f"'{obj.name}' had no UVs: unwrapped by box projection."
    told = f"'{obj.name}' has no faces for UVs: the picture is projected from six sides."
    return _box_coordinates(obj), told


def metres_per_unit(obj: bpy.types.Object, coordinates: Coordinates) -> float:
    """What one unit of the coordinates spans on the object in the world, on average."""
    import numpy as np

    scale = float(np.prod(np.abs(np.array(obj.matrix_world.to_scale())))) ** (1 / 3)
    if coordinates.output != "UV":
        return scale or 1.0
    mesh = obj.data
    layer = mesh.uv_layers.active
    uvs = _array(layer.uv, "vector", 2, np.float32).astype(np.float64)
    starts = _array(mesh.polygons, "loop_start", 1, np.int32)
    following = np.arange(1, len(uvs) + 1)
    following[starts + _array(mesh.polygons, "loop_total", 1, np.int32) - 1] = starts
    crossed = uvs[:, 0] * uvs[following, 1] - uvs[following, 0] * uvs[:, 1]
    covered = np.abs(np.add.reduceat(crossed, starts)).sum() / 2
    area = float(_array(mesh.polygons, "area", 1, np.float32).sum())
    return scale * (area / covered) ** 0.5 if covered > 0 and area > 0 and scale > 0 else 1.0


def box_unwrap(obj: bpy.types.Object, changes: Changes) -> None:
    """Add a UV map: each face is projected along the axis it looks to, upright and in one scale for all.

    The longest side of the object spans the picture once.
    """
    import numpy as np

    mesh = obj.data
    corners = _array(mesh.loops, "vertex_index", 1, np.int32)
    points = _array(mesh.vertices, "co", 3, np.float32) * np.abs(np.array(obj.scale, np.float32))
    points -= points.min(axis=0)
    points /= max(float(points.max()), 1e-9)
    normals = _array(mesh.polygons, "normal", 3, np.float32)
    axes = np.abs(normals).argmax(axis=1)
    sides = 2 * axes + (normals[np.arange(len(axes)), axes] < 0)
    sides = np.repeat(sides, _array(mesh.polygons, "loop_total", 1, np.int32))
    uvs = np.empty((len(corners), 2), np.float32)
    for column, table in enumerate((_RIGHT, _UP)):
        axis, sign = np.array(table, np.int32)[sides].T
        values = points[corners, axis]
        uvs[:, column] = np.where(sign > 0, values, points.max(axis=0)[axis] - values)
    layer = mesh.uv_layers.new(name=UV_NAME)
    name = layer.name
    changes.on_failure(lambda: mesh.uv_layers.remove(mesh.uv_layers[name]))
    layer.uv.foreach_set("vector", uvs.ravel())
    mesh.update()


def _array(collection: Any, name: str, width: int, dtype: Any) -> Any:
    import numpy as np

    values = np.empty(len(collection) * width, dtype)
    collection.foreach_get(name, values)
    return values.reshape(-1, width) if width > 1 else values


def _box_coordinates(obj: bpy.types.Object) -> Coordinates:
    """Object space, scaled so that the longest side spans the picture once."""
    low = [min(corner[axis] for corner in obj.bound_box) for axis in range(3)]
    high = [max(corner[axis] for corner in obj.bound_box) for axis in range(3)]
    scale = 1.0 / (max(h - lo for h, lo in zip(high, low, strict=True)) or 1.0)
    return Coordinates("Object", "BOX", tuple(-lo * scale for lo in low), (scale,) * 3)
