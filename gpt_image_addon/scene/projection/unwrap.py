"""Smart UV maps for meshes that have none. Main thread only."""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np

from ...core.errors import SceneError
from ...core.text.message import message
from ..shading.unwrapping import add_uvs, array_of
from ..transaction import Transaction

ANGLE = math.radians(66)
MARGIN = 0.004  # of the image, between islands


def smart_unwrap(obj: bpy.types.Object, changes: Transaction) -> str:
    """Add a UV map by Blender's Smart UV Project; selection, modes and scene stay as they are.

    :returns: name of the UV map.
    :raises SceneError: Blender can't unwrap the mesh.
    """
    mesh = obj.data.copy()
    try:
        uvs = _compute_uvs(mesh, obj)
    finally:
        bpy.data.meshes.remove(mesh)
    return add_uvs(obj.data, uvs, changes)


def _compute_uvs(mesh: bpy.types.Mesh, obj: bpy.types.Object) -> Any:
    """Two float32 values a corner."""
    copy = bpy.data.objects.new("unwrapped", mesh)
    copy.scale = obj.matrix_world.to_scale()  # islands get their share by the size that faces are seen in
    scene = bpy.data.scenes.new("unwrapped")  # the user's own may be in a mode of its own
    try:
        scene.collection.objects.link(copy)
        _unwrap_in(scene, copy)
        if not mesh.uv_layers:
            raise SceneError(
                message("'{obj}' could not be unwrapped.", obj=obj.name), next_step="Unwrap it first."
            )
        return array_of(mesh.uv_layers[0].uv, "vector", 2, np.float32)
    except RuntimeError as error:
        raise SceneError(
            message("'{obj}' could not be unwrapped: {reason}", obj=obj.name, reason=error),
            next_step="Unwrap it first.",
        ) from error
    finally:
        bpy.data.objects.remove(copy)
        bpy.data.scenes.remove(scene)


def _unwrap_in(scene: bpy.types.Scene, obj: bpy.types.Object) -> None:
    layer = scene.view_layers[0]
    layer.objects.active = obj
    obj.select_set(True, view_layer=layer)
    override = {"scene": scene, "view_layer": layer, "active_object": obj, "object": obj}
    with bpy.context.temp_override(**override, selected_objects=[obj], selected_editable_objects=[obj]):
        bpy.ops.object.mode_set(mode="EDIT")
        with bpy.context.temp_override(
            edit_object=obj, objects_in_mode=[obj], objects_in_mode_unique_data=[obj]
        ):
            bpy.ops.mesh.reveal()
            bpy.ops.mesh.select_all(action="SELECT")
            bpy.ops.uv.smart_project(angle_limit=ANGLE, island_margin=MARGIN, correct_aspect=False)
        bpy.ops.object.mode_set(mode="OBJECT")
