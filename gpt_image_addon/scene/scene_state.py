"""Where a result goes, and whether it can go there now."""

from __future__ import annotations

import bpy

from ..core.request import Application

OBJECT_TARGETS = ("texture", "material")  # those that go onto an existing object
OWN_UNDO_MODES = {"EDIT": "Edit Mode", "SCULPT": "Sculpt Mode"}
"""Modes that keep the mesh, and undo steps, of their own."""
BUSY_JOBS = {"RENDER": "A render is running", "OBJECT_BAKE": "A bake is running"}
MATERIAL_TYPES = ("MESH", "CURVE", "SURFACE", "FONT", "META", "CURVES", "POINTCLOUD")
"""Types of objects whose surface shows a picture."""


def find_scene(application: Application) -> bpy.types.Scene | None:
    """The scene that the request came from; the current one when it names none; None when it is gone."""
    if application.scene_uid is None:
        return bpy.context.scene
    return next((s for s in bpy.data.scenes if s.session_uid == application.scene_uid), None)


def view_layer_of(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """The view layer that the user sees of a scene."""
    return bpy.context.view_layer if scene == bpy.context.scene else scene.view_layers[0]


def find_object(application: Application) -> bpy.types.Object | None:
    """The object by `session_uid`, else by name; the active one only when the request names neither."""
    scene = find_scene(application)
    if scene is None:
        return None
    if application.object_uid is not None:
        for candidate in scene.objects:
            if candidate.session_uid == application.object_uid:
                return candidate
    if application.object_name:
        return scene.objects.get(application.object_name)
    return view_layer_of(scene).objects.active if application.object_uid is None else None


def why_deferred(application: Application) -> str | None:
    """One sentence why the result can't be applied right now, or None."""
    for job, sentence in BUSY_JOBS.items():
        if bpy.app.is_job_running(job):
            return f"{sentence}; the result is imported when it has finished."
    scene = find_scene(application)
    if scene is None:
        return "The scene that this was made for is not open."
    if scene.library:
        return f"The scene '{scene.name}' is linked from another file and can't be changed."
    if application.target == "plane":
        return _why_mode(view_layer_of(scene).objects.active)
    obj = find_object(application) if application.target in OBJECT_TARGETS else None
    if obj is None or obj.type not in MATERIAL_TYPES:
        return None
    return _why_mode(obj) or _why_linked(obj)


def _why_mode(obj: bpy.types.Object | None) -> str | None:
    mode = OWN_UNDO_MODES.get(obj.mode) if obj else None
    return f"'{obj.name}' is in {mode}; the result is imported when it is left." if obj and mode else None


def _why_linked(obj: bpy.types.Object) -> str | None:
    for block in (obj, obj.data):
        if block.library:
            return (
                f"'{obj.name}' is linked from {block.library.filepath}; make it local to give it a material."
            )
        if block.override_library:
            return f"'{obj.name}' is a library override; make it local to give it a material."
    return None
