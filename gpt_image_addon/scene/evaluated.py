"""Objects as Blender evaluates them now, also in a script that has just changed them. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
from mathutils import Matrix, Vector


def evaluated(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The object with its modifiers, parents and constraints; None where no view layer shows it.

    Where something has changed it takes as long as a redraw would: seconds in a scene of 20,000 objects.
    """
    for layer in _layers(obj):
        layer.update()  # before that it does not know what a script has just linked or moved
        if obj.name in layer.objects and obj in layer.objects.values():
            found = obj.evaluated_get(layer.depsgraph)
            return found if found.is_evaluated else None
    return None


def _layers(obj: bpy.types.Object) -> Iterator[bpy.types.ViewLayer]:
    """Those that may have the object; first the one that the user sees."""
    shown = bpy.context.view_layer
    yield shown
    for scene in obj.users_scene:
        yield from (layer for layer in scene.view_layers if layer != shown)


def world_matrix(obj: bpy.types.Object) -> Matrix:
    """Where the object is, and in which scale; of a hidden one as far as its own values and parents tell."""
    chain = [obj]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    shown = evaluated(obj) if any(map(_is_moved, chain)) else None
    if shown is not None:
        return shown.matrix_world.copy()
    matrix = Matrix.Identity(4)
    for link in reversed(chain):
        matrix = (
            matrix @ (link.matrix_parent_inverse if link.parent else Matrix.Identity(4)) @ link.matrix_basis
        )
    return matrix


def _is_moved(obj: bpy.types.Object) -> bool:
    """Whether more than its own values and its parent's say where an object is."""
    by_parent = obj.parent is not None and obj.parent_type != "OBJECT"
    return bool(by_parent or obj.constraints or obj.animation_data or obj.rigid_body)


def mesh_of(obj: bpy.types.Object) -> bpy.types.Mesh:
    """The faces that a mesh object shows: those that its modifiers make; its own where it has none."""
    if not obj.modifiers:
        return obj.data
    shown = evaluated(obj)
    mesh = shown.data if shown is not None else None
    return mesh if isinstance(mesh, bpy.types.Mesh) else obj.data


@contextmanager
def readable_mesh(obj: bpy.types.Object) -> Iterator[bpy.types.Mesh]:
    """As `mesh_of`; in Edit Mode, where Blender shows no script the UVs of a mesh, a copy of its own."""
    if obj.mode != "EDIT":
        yield mesh_of(obj)
        return
    obj.update_from_editmode()
    copy = obj.data.copy()
    try:
        yield copy
    finally:
        bpy.data.meshes.remove(copy)


def bounds_of(obj: bpy.types.Object) -> list[Vector]:
    """Points that lie as far out as the object does, in its own space."""
    shown = evaluated(obj)
    if shown is None or obj.type in ("POINTCLOUD", "CURVES"):
        return [Vector(corner) for corner in (shown or obj).bound_box]
    mesh = shown.to_mesh()  # the bounds of an evaluated curve count its bevel twice
    try:
        points = [vertex.co.copy() for vertex in mesh.vertices] if mesh else []
    finally:
        shown.to_mesh_clear()
    return points or [Vector(corner) for corner in obj.bound_box]
