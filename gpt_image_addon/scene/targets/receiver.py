"""What a result goes onto or into: found by one rule, before money is spent and again when the result comes.

Main thread only. Before, everything that can't take it is refused. Afterwards what is in the way is waited
for where somebody can change it, and a result whose object is gone comes without it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import bpy

from ...core.errors import InvalidRequestError
from ...core.request.parameters import NO_OBJECT
from ...core.request.request import Application
from ...core.request.targets import find_target
from ...core.text.message import Message, message
from ...core.text.names import suggestion
from ..context import MATERIAL_TYPES, find_scene, view_layer_of
from ..shading.slots import has_selected_faces, names_for_people

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
        return _find_named(scene, application.object_name)
    return view_layer_of(scene).objects.active if application.object_uid is None else None


def _find_named(scene: bpy.types.Scene, name: str) -> bpy.types.Object | None:
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


@dataclass(frozen=True)
class Receivers:
    """The objects that a texture or material goes onto, all of which can take it."""

    objects: tuple[bpy.types.Object, ...] = ()
    problem: str = ""
    """Why there is none: they are gone, or can't have a material. Then the result comes without."""
    read_only: str | None = None
    """Why none of those that are there can be changed."""
    told: tuple[str, ...] = ()
    """Sentences about those that were left out."""


def find_receivers(application: Application) -> Receivers:
    """What a texture or material goes onto: the objects of a selection, or the one of `find_receiver`."""
    if application.object_name or not application.object_uids:
        obj, problem = find_receiver(application)
        if obj is None:
            return Receivers(problem=problem)
        why = why_read_only(obj)
        return Receivers(() if why else (obj,), read_only=why)
    scene = find_scene(application)
    by_uid = {obj.session_uid: obj for obj in scene.objects} if scene else {}
    there = [by_uid[uid] for uid in dict.fromkeys(application.object_uids) if uid in by_uid]
    there = [obj for obj in there if obj.type in MATERIAL_TYPES]
    usable = [obj for obj in there if why_read_only(obj) is None]
    usable = [obj for obj in usable if has_selected_faces(obj)] or usable
    told = []
    gone = len(set(application.object_uids)) - len(there)
    if gone:
        told.append(message("Selected objects that are gone: {count}.", count=gone))
    left_out = [obj.name for obj in there if why_read_only(obj) is not None]
    if left_out:
        told.append(
            message(
                "{names} got nothing: linked from another file, or a library override.",
                names=names_for_people(left_out),
            )
        )
    if not there:
        return Receivers(problem="The objects are gone.")
    return Receivers(tuple(usable), read_only=None if usable else why_read_only(there[0]), told=tuple(told))


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
    receivers = _receivers(application)
    if receivers.problem:
        is_named = bool(application.object_name or application.object_uid is not None)
        if is_named and (application.object_name or find_object(application) is None):
            raise _not_found(application, scene, receivers.problem, param)
    why = _why_read_only(application, scene, receivers)
    if why:
        raise InvalidRequestError(why, code="read_only", param=param)
    if at_once or bpy.app.background:
        _check_idle(_holders(application, scene, receivers), param)


def _receivers(application: Application) -> Receivers:
    return find_receivers(application) if find_target(application.target).onto_object else Receivers()


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


def _check_idle(objects: tuple[bpy.types.Object, ...], param: str) -> None:
    """:raises InvalidRequestError: Blender is at something that it would have to end first."""
    for job, sentence in BUSY_JOBS.items():
        if bpy.app.is_job_running(job):
            raise InvalidRequestError(
                message("{reason}.", reason=sentence), code="busy", next_step="Wait until it has finished."
            )
    for obj in objects:
        mode = OWN_UNDO_MODES.get(obj.mode)
        if mode:
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
    receivers = _receivers(application)
    why = _why_read_only(application, scene, receivers)
    obj = _find_busy(application, scene, receivers)
    if obj is None or why:
        return why
    return message(
        "'{obj}' is in {mode}; the result is imported when it is left.",
        obj=obj.name,
        mode=OWN_UNDO_MODES[obj.mode],
    )


def mode_in_the_way(application: Application) -> str | None:
    """The name of the mode that has to be left before the result can be applied, or None."""
    scene = find_scene(application)
    obj = _find_busy(application, scene, _receivers(application)) if scene else None
    return OWN_UNDO_MODES[obj.mode] if obj else None


def _find_busy(
    application: Application, scene: bpy.types.Scene, receivers: Receivers
) -> bpy.types.Object | None:
    """An object whose mode has to be left first."""
    is_decal = find_target(application.target).is_decal  # which is an object, and no part of the mesh
    for obj in _holders(application, scene, receivers):
        takes_faces = obj in receivers.objects and obj.type == "MESH" and obj.mode == "EDIT" and not is_decal
        if obj.mode in OWN_UNDO_MODES and not takes_faces:
            return obj
    return None


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


def _why_read_only(application: Application, scene: bpy.types.Scene, receivers: Receivers) -> str | None:
    """What a result would have to change and can't, as a sentence."""
    if scene.library and find_target(application.target).changes_scene:
        return message(
            "The scene '{scene}' is linked from another file and can't be changed.", scene=scene.name
        )
    return receivers.read_only


def _holders(
    application: Application, scene: bpy.types.Scene, receivers: Receivers
) -> tuple[bpy.types.Object, ...]:
    """The objects whose mode may be in the way: the receivers; the active one where others become active."""
    if not find_target(application.target).activates_objects:
        return receivers.objects
    active = view_layer_of(scene).objects.active
    return (active,) if active is not None else ()
