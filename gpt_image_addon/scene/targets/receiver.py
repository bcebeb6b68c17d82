"""What a result goes onto or into: found by one rule, before money is spent and again when the result comes.

Main thread only. Before, everything that can't take it is refused. Afterwards what is in the way is waited
for where somebody can change it, and a result whose object is gone comes without it.
"""

from __future__ import annotations

import unicodedata

import bpy

from ...core.errors import InvalidRequestError
from ...core.request.parameters import NO_OBJECT
from ...core.request.request import Application
from ...core.request.targets import find_target
from ...core.text.message import Message, message
from ...core.text.names import suggestion
from ..context import MATERIAL_TYPES, find_scene, view_layer_of

OWN_UNDO_MODES = {"EDIT": Message("Edit Mode"), "SCULPT": Message("Sculpt Mode")}
"""Modes that keep the mesh, and undo steps, of their own."""
BUSY_JOBS = {"RENDER": Message("A render is running"), "OBJECT_BAKE": Message("A bake is running")}
"""What Blender does meanwhile and lets nothing be changed, as the beginning of a sentence."""


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
        return _named(scene, application.object_name)
    return view_layer_of(scene).objects.active if application.object_uid is None else None


def _named(scene: bpy.types.Scene, name: str) -> bpy.types.Object | None:
    """The object of a name, local before linked, where need be in another Unicode form of the name."""
    first = scene.objects.get(name)
    if first is not None and first.library is None:
        return first
    form = unicodedata.normalize("NFC", name)
    alike = [obj for obj in scene.objects if unicodedata.normalize("NFC", obj.name) == form]
    return min(
        alike,
        key=lambda obj: (obj.library is not None, obj.override_library is not None, obj.name != name),
        default=None,
    )


def find_receiver(application: Application) -> tuple[bpy.types.Object | None, str]:
    """The object that a texture or material goes onto; without one, a sentence that says why."""
    obj = find_object(application)
    if obj is None:
        if application.object_name:
            return None, message("There is no object '{name}' in the scene.", name=application.object_name)
        if application.object_uid == NO_OBJECT:
            return None, "No object was named."
        return None, "There is no active object." if application.object_uid is None else "The object is gone."
    if obj.type not in MATERIAL_TYPES:
        return None, message("'{obj}' can't have a material.", obj=obj.name)
    return obj, ""


def check_receiver(application: Application, *, at_once: bool = False) -> None:
    """Refuse what could not be applied if the result came now; nothing is changed.

    :param at_once: nobody can change anything before the result comes, as in background.
    :raises InvalidRequestError: the scene or the object can't take it.
    """
    scene = find_scene(application)
    if scene is None:
        raise InvalidRequestError(
            "The scene that this is for is not open.", code="no_such_scene", param="scene_uid"
        )
    is_by_id = application.object_uid is not None and not application.object_name
    param = "object_uid" if is_by_id else "object_name"
    obj = None
    if find_target(application.target).onto_object:
        obj, problem = find_receiver(application)
        is_named = application.object_name or application.object_uid is not None
        if obj is None and is_named and (application.object_name or find_object(application) is None):
            raise _not_found(application, scene, problem, param)
    why = _why_read_only(application, scene, obj)
    if why:
        raise InvalidRequestError(why, code="read_only", param=param)
    if at_once or bpy.app.background:
        _check_idle(_holder(application, scene, obj), param)


def _not_found(
    application: Application, scene: bpy.types.Scene, problem: str, param: str
) -> InvalidRequestError:
    """Why an object that is named can't be used.

    By its id alone the interface names whatever is active: that may be a lamp, and is no fault.
    """
    name = application.object_name
    if name and find_object(application) is not None:
        types = ", ".join(MATERIAL_TYPES)
        return InvalidRequestError(
            problem,
            code="no_surface",
            param=param,
            next_step=message("Name an object of one of these types: {types}.", types=types),
        )
    if name:
        problem = message("There is no object '{name}' in the scene '{scene}'.", name=name, scene=scene.name)
    step = suggestion(name, (obj.name for obj in scene.objects)) if name else ""
    return InvalidRequestError(problem, code="no_such_object", param=param, next_step=step)


def _check_idle(obj: bpy.types.Object | None, param: str) -> None:
    """:raises InvalidRequestError: Blender is at something that it would have to end first."""
    for job, sentence in BUSY_JOBS.items():
        if bpy.app.is_job_running(job):
            raise InvalidRequestError(
                message("{reason}.", reason=sentence), code="busy", next_step="Wait until it has finished."
            )
    mode = _own_mode(obj)
    if obj is not None and mode:
        raise InvalidRequestError(
            message("'{obj}' is in {mode}.", obj=obj.name, mode=mode),
            code="wrong_mode",
            param=param,
            next_step="Leave it first.",
        )


def why_deferred(application: Application) -> str | None:
    """One sentence why the result can't be applied right now, or None."""
    for job, sentence in BUSY_JOBS.items():
        if bpy.app.is_job_running(job):
            return message("{reason}; the result is imported when it has finished.", reason=sentence)
    scene = find_scene(application)
    if scene is None:
        return "The scene that this was made for is not open."
    obj = find_receiver(application)[0] if find_target(application.target).onto_object else None
    why = _why_read_only(application, scene, obj)
    holder = _holder(application, scene, obj)
    mode = _own_mode(holder)
    takes_faces = obj is not None and obj.type == "MESH" and obj.mode == "EDIT"
    if holder is None or not mode or why or takes_faces:
        return why
    return message(
        "'{obj}' is in {mode}; the result is imported when it is left.", obj=holder.name, mode=mode
    )


def why_read_only(obj: bpy.types.Object) -> str | None:
    """Why an object can't get a material although it has a surface; None where it can."""
    for block in (obj, obj.data):
        if block.library:
            return message(
                "'{obj}' is linked from {library}; make it local to give it a material.",
                obj=obj.name,
                library=block.library.filepath,
            )
        if block.override_library:
            return message(
                "'{obj}' is a library override; make it local to give it a material.", obj=obj.name
            )
    return None


def _why_read_only(
    application: Application, scene: bpy.types.Scene, obj: bpy.types.Object | None
) -> str | None:
    """What a result would have to change and can't, as a sentence."""
    if scene.library and find_target(application.target).changes_scene:
        return message(
            "The scene '{scene}' is linked from another file and can't be changed.", scene=scene.name
        )
    return why_read_only(obj) if obj is not None else None


def _holder(
    application: Application, scene: bpy.types.Scene, obj: bpy.types.Object | None
) -> bpy.types.Object | None:
    """The object whose mode may be in the way: the receiver, or the active one where others become active."""
    activates = find_target(application.target).activates_objects
    return view_layer_of(scene).objects.active if activates else obj


def _own_mode(obj: bpy.types.Object | None) -> str | None:
    return OWN_UNDO_MODES.get(obj.mode) if obj else None
