"""UV maps for meshes that have none, without operators or a change of mode. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ..evaluated import world_matrix
from ..transaction import Transaction

UV_NAME = "UVMap"
# By the side a face looks to (+X, -X, +Y, -Y, +Z, -Z): which axes run right and up for someone facing it.
_RIGHT = ((1, 1), (1, -1), (0, -1), (0, 1), (0, 1), (0, 1))  # (axis, sign)
_UP = ((2, 1), (2, 1), (2, 1), (2, 1), (1, 1), (1, -1))


def array_of(collection: Any, name: str, width: int, dtype: Any) -> Any:
    """A property of every item, one row an item."""
    import numpy as np

    values = np.empty(len(collection) * width, dtype)
    collection.foreach_get(name, values)
    return values.reshape(-1, width) if width > 1 else values


def corner_vertices(mesh: bpy.types.Mesh) -> Any:
    """The vertex of each corner of the faces."""
    import numpy as np

    stored = mesh.attributes.get(".corner_vert")  # much quicker than asking each corner
    if stored is None:
        return array_of(mesh.loops, "vertex_index", 1, np.int32)
    return array_of(stored.data, "value", 1, np.int32)


def face_corners(mesh: bpy.types.Mesh) -> tuple[Any, Any]:
    """The first corner of each face, and how many it has."""
    import numpy as np

    starts = array_of(mesh.polygons, "loop_start", 1, np.int32)
    return starts, np.diff(starts, append=np.int32(len(mesh.loops)))


def box_unwrap(obj: bpy.types.Object, changes: Transaction, frame: Any = None) -> str:
    """Add a UV map: each face is projected along the axis it looks to, upright and in one scale for all.

    Sides and lengths are those that the object has in the world, whatever scales or mirrors it; only its
    rotation doesn't count. The longest side spans the image once.

    :param frame: 3x3, from the object's own space to that in which faces are upright; `frame_of` without.
    :returns: name of the UV map.
    """
    import numpy as np

    mesh = obj.data
    frame = frame_of(obj) if frame is None else frame
    points = array_of(mesh.vertices, "co", 3, np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        points = points @ frame.T.astype(np.float32)
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        points[~finite] = points[finite].min(axis=0) if finite.any() else 0
    points -= points.min(axis=0)
    points /= max(float(points.max()), 1e-9)
    sides = np.repeat(_sides(mesh, frame), face_corners(mesh)[1])
    first = corner_vertices(mesh) * 3
    flat, extents = points.ravel(), points.max(axis=0)
    uvs = np.empty((len(first), 2), np.float32)
    for column, table in enumerate((_RIGHT, _UP)):
        axes, signs = np.array(table, np.int32).T
        values = flat[first + axes[sides]]
        uvs[:, column] = np.where(signs[sides] > 0, values, extents[axes][sides] - values)
    return add_uvs(mesh, uvs, changes)


def add_uvs(mesh: bpy.types.Mesh, uvs: Any, changes: Transaction) -> str:
    """Add a UV map, removed on failure.

    :param uvs: two float32 values a corner.
    :returns: its name.
    """
    layer = mesh.uv_layers.new(name=UV_NAME, do_init=False)
    if layer is None:
        raise RuntimeError(f"the mesh '{mesh.name}' takes no further UV map")
    name = str(layer.name)

    def undo() -> None:
        if name in mesh.uv_layers:
            mesh.uv_layers.remove(mesh.uv_layers[name])

    changes.on_failure(undo)
    mesh.uv_layers[name].uv.foreach_set("vector", uvs.ravel())
    mesh.update()
    return name


def frame_of(obj: bpy.types.Object) -> Any:
    """From the object's own space to that of the world, without the rotation: scales, shears and mirrors.

    A mirrored object has no rotation of its own; it is then what is left without its negative scales, so that
    what was upright stays upright.
    """
    import numpy as np

    matrix = np.array(world_matrix(obj).to_3x3(), np.float64)
    if not np.isfinite(matrix).all() or not matrix.any():
        return np.eye(3)
    left, _, right = np.linalg.svd(matrix)
    turn = left @ right @ np.diag([-1.0 if value < 0 else 1.0 for value in obj.scale])
    if np.linalg.det(turn) < 0:  # a parent mirrors it
        turn = turn @ np.diag([-1.0, 1.0, 1.0])
    return turn.T @ matrix


def _sides(mesh: bpy.types.Mesh, frame: Any) -> Any:
    """Of each face, the side that it looks to in that space, as a row of the tables above."""
    import numpy as np

    normals = array_of(mesh.polygons, "normal", 3, np.float32)
    outward = (cofactors(frame) * (1 if np.linalg.det(frame) >= 0 else -1)).astype(np.float32)
    with np.errstate(invalid="ignore"):
        normals = np.nan_to_num(normals @ outward.T)
    axes = np.abs(normals).argmax(axis=1)
    return 2 * axes + (normals[np.arange(len(axes)), axes] < 0)


def cofactors(matrix: Any) -> Any:
    """What a 3x3 matrix makes of the area vectors of faces; also where it flattens them."""
    import numpy as np

    x, y, z = np.asarray(matrix, np.float64).T
    return np.column_stack((np.cross(y, z), np.cross(z, x), np.cross(x, y)))
