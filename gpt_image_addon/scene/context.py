"""Which scene, view layer and camera a result belongs to, and what kinds of objects take one."""

from __future__ import annotations

import bpy

from ..core.request.request import Application

MATERIAL_TYPES = ("MESH", "CURVE", "SURFACE", "FONT", "META", "CURVES", "POINTCLOUD")
"""Types of objects whose surface shows an image."""


def find_scene(application: Application) -> bpy.types.Scene | None:
    """The scene that the request came from; the current one when it names none; None when it is gone."""
    if application.scene_uid is None:
        return bpy.context.scene
    return next((s for s in bpy.data.scenes if s.session_uid == application.scene_uid), None)


def view_layer_of(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """The view layer that the user sees of a scene."""
    return bpy.context.view_layer if scene == bpy.context.scene else scene.view_layers[0]


def camera_of(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The camera that a render of the current frame uses: that of a marker goes before the scene's own."""
    markers = [mark for mark in scene.timeline_markers if mark.camera and not mark.camera.hide_render]
    past = [mark for mark in markers if mark.frame <= scene.frame_current]
    if past:
        return max(past, key=lambda mark: mark.frame).camera
    return min(markers, key=lambda mark: mark.frame).camera if markers else scene.camera
