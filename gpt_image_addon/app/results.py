"""What can be done with results that are there: use them elsewhere, ask again, clear their traces."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import GptImageError, InvalidRequestError
from ..core.jobs.job import Apply, Deliver, Job, Task
from ..core.request.request import NO_FILES, Application, GenerationRequest
from ..core.request.targets import TargetInfo, find_target, list_targets
from ..core.request.validation import check_target
from ..core.results.folders import IMAGE_STEM
from ..core.text.log import get_logger
from ..core.text.message import Message, message
from . import blend_paths, session, settings
from .apply_queue import push_undo
from .material_maps import can_remake, show_variation
from .submission import Submitter

if TYPE_CHECKING:
    from ..core.journal.journal import Entry
    from ..core.results.store import PreparedResult
    from ..scene.targets.base import Applied
    from .submission import PreparedRequest

log = get_logger(__name__)

JOB, NUMBER = "gpt_image_job", "gpt_image_number"
"""Custom properties of images: whose result they are, and which of its images."""
IS_PAINTED = "gpt_image_is_painted"
"""Custom property of an image of an object that such an image was painted into."""
FOLDERS = ("textures_dir", "export_dir")
"""Parameters of `Application` that name one."""


def entry(job: str) -> Entry:
    """What the journal knows of a job, of any session.

    :raises InvalidRequestError: there is no such job.
    """
    found = session.journal(settings.load(with_key=False)).entry(job)
    if found is None:
        raise InvalidRequestError(message("There is no job {job}.", job=job), code="no_such_job", param="job")
    return found


def list_targets_for(job: str) -> list[tuple[str, TargetInfo]]:
    """What can be made of what came for a job; everything where nothing is known of it."""
    try:
        request = entry(job).request
    except GptImageError:
        return list_targets()
    return [(target, info) for target, info in list_targets() if _fits(request, target)]


def _fits(request: GenerationRequest, target: str) -> bool:
    try:
        check_target(request, Application(target=target))
    except InvalidRequestError:
        return False
    return True


def files(job: str) -> list[str]:
    """The received images of a job.

    :raises InvalidRequestError: there is no such job, or its files are gone.
    """
    from ..core.journal.history import images_of

    journal = session.journal(settings.load(with_key=False))
    found = list(map(str, images_of(journal, entry(job))))
    if not found:
        raise InvalidRequestError(
            message("The files of job {job} are gone.", job=job), code="no_result", param="job"
        )
    return found


def apply(job: str, *, seamless: bool = False, **application: Any) -> Job:
    """Put a result into the open scene once more; nothing is sent and nothing paid. Returns at once.

    :param seamless: make its images tile.
    :param application: parameters of `Application`; what is left out is as it was at first.
    :raises InvalidRequestError: there is no such job, or its files are gone.
    """
    stored = entry(job).application
    fresh = {
        "scene_uid": None,
        "object_uid": None,
        "object_uids": (),
        "view_matrix": None,
        **NO_FILES,
        "object_name": None,
    }
    wanted = dataclasses.replace(stored, **{**fresh, **_resolve_paths(application)})
    return Submitter(settings.load(with_key=False)).recover(job, wanted, seamless=seamless)


def unfinished(job: str) -> Task | None:
    """What of this session failed as a part of an edit that can go on; see `Task.resume`.

    :param job: its id.
    """
    newest = next((one for one in reversed(session.jobs()) if one.id == job), None)
    return newest if newest is not None and newest.error is not None and newest.resume is not None else None


def resume(task: Task, **answers: bool) -> None:
    """Go on with the edit whose part failed.

    :param answers: parameters of `PreparedRequest.submit`.
    :raises GptImageError: it can't be sent; nothing was.
    """
    assert task.resume is not None
    task.resume(answers)
    session.forget(task)


def running(job: str) -> Entry | None:
    """The newest request on its way that is equal to that of a job.

    :raises InvalidRequestError: there is no such job, or an image of its request can't be read.
    """
    return Submitter(settings.load(with_key=False)).find_running(entry(job).request)


def again(job: str, *, apply: Apply | None = None, **application: Any) -> Job:
    """Send the same request once more; it is paid again.

    :param apply: see `Job.apply`.
    :param application: parameters of `Application`, as for `apply`.
    :raises GptImageError: it can't be sent; nothing was.
    """
    return _prepare_again(job, application).submit(reuse=False, retry_unknown=True, apply=apply)


def price_again(job: str, **application: Any) -> float:
    """What `again` would cost today, in USD at most: prices may have changed since.

    :raises GptImageError: it can't be sent.
    """
    return _prepare_again(job, application).checked.price.high_usd


def _prepare_again(job: str, application: dict[str, Any]) -> PreparedRequest:
    stored = entry(job)
    wanted = dataclasses.replace(stored.application, **fresh_place(application))
    return Submitter(settings.load()).prepare(stored.request, wanted)


def fresh_place(application: dict[str, Any]) -> dict[str, Any]:
    """Where a result of a request of before goes now: its scene, object and view may be of another session.

    :param application: parameters of `Application` that are given.
    """
    fresh = {
        "scene_uid": None,
        "object_uid": None,
        "object_uids": (),
        "view_matrix": None,
        **NO_FILES,
    }
    return {**fresh, **_resolve_paths(application)}


def _resolve_paths(application: dict[str, Any]) -> dict[str, Any]:
    folders = {name: application[name] for name in FOLDERS if application.get(name) is not None}
    return {**application, **{name: str(blend_paths.resolve(path, name)) for name, path in folders.items()}}


def receivers(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The objects that a texture or material goes onto in the panel; the active one is the first, if any.

    Those selected; in Edit Mode those that are edited; the active one where none is selected that can take
    it, and in modes that know but one object. Linked ones are among them. Quick enough for drawing.
    """
    from ..scene.context import MATERIAL_TYPES

    active = context.active_object
    if active is not None and active.mode not in ("OBJECT", "EDIT"):
        return _alone(active)
    found = [obj for obj in context.selected_objects if obj.type in MATERIAL_TYPES]
    if active is not None and active.mode == "EDIT":
        edited = [*(obj for obj in found if obj.mode == "EDIT"), *_alone(active)]
        found = list({obj.data: obj for obj in edited}.values())  # a mesh has one selection of faces
    found.sort(key=lambda obj: obj != active)
    return found or _alone(active)


def _alone(obj: bpy.types.Object | None) -> list[bpy.types.Object]:
    from ..scene.context import MATERIAL_TYPES

    return [obj] if obj is not None and obj.type in MATERIAL_TYPES else []


def why_not_onto(obj: bpy.types.Object | None, target: str, objects: Sequence[bpy.types.Object] = ()) -> str:
    """Why a result for a target can't go onto an object; empty where it can. Quick enough for drawing.

    :param objects: the `receivers`, where there may be several; then why none of them can take it.
    """
    from ..scene.targets.receiver import why_read_only

    objects = objects or _alone(obj)
    if not objects or not find_target(target).onto_object:
        return ""
    reasons = [why_read_only(obj) for obj in objects]
    return reasons[0] or "" if all(reasons) else ""


def describe_place(
    active: bpy.types.Object | None,
    target: str,
    objects: Sequence[bpy.types.Object] = (),
    *,
    new_material: bool = False,
    places: int = 0,
) -> tuple[str, bool]:
    """Where a result for a target will go, and whether that is not what one would expect. Quick.

    :param active: the active object.
    :param objects: the `receivers`, where there may be several.
    :param new_material: see `Application`.
    :param places: how many were chosen for decals; 0 for the 3D cursor.
    """
    from ..scene.targets.receiver import OWN_UNDO_MODES, why_read_only

    info = find_target(target)
    if not info.onto_object:
        if info.activates_objects and active is not None and active.mode in OWN_UNDO_MODES:
            mode = Message.of(OWN_UNDO_MODES[active.mode])
            return message("Image at once; plane after {mode}", mode=mode), True
        return info.place, False
    objects = objects or _alone(active)
    if active is None and not objects:
        return "Nothing is active: it is only kept in the file.", True
    if not objects:
        assert active is not None
        return message("'{obj}' can't have a material: it is only kept in the file.", obj=active.name), True
    problem = why_not_onto(active, target, objects)
    if problem:
        return problem, True
    usable = [obj for obj in objects if why_read_only(obj) is None]
    if len(objects) > 1 and not info.is_decal:
        is_material = bool(info.maps) or new_material
        return _describe_several(len(usable), len(objects), usable[0].mode == "EDIT", is_material), False
    obj = usable[0]
    if info.is_decal and obj.mode not in OWN_UNDO_MODES:
        if places and len(usable) > 1:
            return message("At {count} places on {objects} objects", count=places, objects=len(usable)), False
        if places:
            return message("On {obj}, at {count} places", obj=obj.name, count=places), False
        return message("On {obj}, at the 3D cursor", obj=obj.name), False
    if obj.mode == "EDIT" and obj.type == "MESH" and not info.is_decal:
        return message("On the selected faces of {obj}", obj=obj.name), False
    if obj.mode in OWN_UNDO_MODES:
        mode = Message.of(OWN_UNDO_MODES[obj.mode])
        return message("Image at once; onto {obj} after {mode}", obj=obj.name, mode=mode), True
    material = obj.active_material
    if material is None:
        return message("On {obj}", obj=obj.name), False
    if new_material and not info.maps:
        return message("New material on {obj}", obj=obj.name), False
    return message("On {obj} › {material}", obj=obj.name, material=material.name), False


def _describe_several(usable: int, selected: int, is_edit: bool, is_material: bool) -> str:
    if is_edit:
        return message("On the selected faces of {count} objects", count=usable)
    if usable < selected:  # some are linked
        return message("On {count} of {selected} selected objects", count=usable, selected=selected)
    if is_material:
        return message("New material on {count} selected objects", count=usable)
    return message("On {count} selected objects", count=usable)


def use_variation(job: str, number: int) -> Job | None:
    """Show another of a job's images where it is used, at once; a material's maps follow when they are made.

    Of a job of another session it is only noted which image whatever is done with it is about.

    :param number: 0 for the first.
    :returns: what is still at work, where an image is worked into something first.
    :raises InvalidRequestError: there is no such job, or it is not finished.
    :raises SceneError: images or material are gone.
    """
    from ..scene.targets.base import Applied
    from ..scene.targets.registry import swap

    found = _newest(job)
    if found is None and number < len(files(job)):
        if _find_painted(job) is not None:
            return _paint_answer(job, number)
        session.choose_image(job, number)
        return None
    if found is None or not isinstance(found.applied, Applied):
        raise InvalidRequestError(
            message("There is no finished job {job} in this session.", job=job), code="no_such_job"
        )
    if found.prepared is not None and found.prepared.answers:
        return _paint_answer(found.id, number)
    if find_target(found.application.target).is_panorama:  # each has a sun of its own
        return apply(job, picture=(number + found.application.picture) % len(files(job)))
    swap(found.applied, number)
    found.show(number)
    push_undo(found.title)
    if found.application.map_kinds:
        for material, shown in _list_with_maps(found, found.applied):
            show_variation(material, shown, partial(_show_maps, found, number))
    return None


def _paint_answer(job: str, number: int) -> Job:
    """Paint another answer onto the objects that show one, as they were painted last; nothing is sent."""
    from ..core.painting.projection import Projection
    from ..core.painting.reports import read_last, settle

    stored, folder = entry(job), Path(files(job)[0]).parent
    last = read_last(folder)
    projection = settle(Projection.from_text(stored.application.projection or ""), folder)
    return apply(
        job,
        picture=number,
        projection=projection.to_text(),
        accept=stored.application.accept or last.accept,
        object_name=last.objects[0] if len(last.objects) == 1 else None,
    )


def _find_painted(job: str) -> bpy.types.Image | None:
    """An image of the open file that shows an answer of a job; None where none does."""
    ours = (image for image in bpy.data.images if image.get(JOB) == job and image.users)
    numbered = (image for image in ours if isinstance(image.get(NUMBER), int))
    return next((image for image in numbered if IS_PAINTED in image), None)


def _list_with_maps(job: Job, applied: Applied) -> list[tuple[str, int]]:
    """The materials of a result with maps of their own, and the received image that each of them shows."""
    from ..scene.targets.material import find_shown

    count = len(job.prepared.images) if job.prepared is not None else 1
    first = applied.material
    listed = [(first, received_number(job.id))] if first and can_remake(first) else []
    for material in filter(can_remake, applied.materials):
        image = find_shown(bpy.data.materials[material])
        if image in applied.images:
            listed.append((material, (applied.images.index(image) + job.application.picture) % count))
    return listed


def _show_maps(job: Job, number: int, deliver: Deliver | None, error: GptImageError | None) -> None:
    """Put the maps of a variation into its material, unless yet another one was chosen meanwhile."""
    if job.used != number:
        return
    try:
        if error is not None:
            raise error
        assert deliver is not None
        deliver()
    except GptImageError as problem:
        job.warn(problem.text)
        log.warning("Job %s: %s", job.id, problem.text)


def shown_file(job: str) -> str:
    """The received file of the image that a job shows now: the variation that was chosen, else its first.

    :raises InvalidRequestError: there is no such job, or its files are gone.
    """
    found = files(job)
    return found[min(received_number(job), len(found) - 1)]


def reference_file(job: str) -> str:
    """The file of that image as a model is shown it: of a sheet of image and height the image alone.

    :raises InvalidRequestError: there is no such job, or its files are gone.
    """
    from ..core.versions.edited_image import newest_file

    file = shown_file(job)
    return str(newest_file(Path(file))) if entry(job).request.height_sheet else file


def shown_number(job: str) -> int:
    """Which of its images a job shows, as its row has them; 0 for the first."""
    found = _newest(job)
    if found is None:
        image = _find_painted(job)
        return session.chosen_image(job) if image is None else int(image[NUMBER]) - 1
    if found.prepared is not None and found.prepared.answers:
        return _find_shown_answer(found.prepared)
    return found.used


def _find_shown_answer(prepared: PreparedResult) -> int:
    """Which answer objects show now, as the file says: undo does not tell anybody else."""
    image = _find_painted(prepared.job)
    names = [Path(answer).stem for answer in prepared.answers]
    name = f"{IMAGE_STEM}{image[NUMBER]}" if image is not None else ""
    return names.index(name) if name in names else prepared.shown_answer


def received_number(job: str) -> int:
    """The same, of the images as they were received: a result may be used again from another one on."""
    found = _newest(job)
    if found is None or found.prepared is None or found.prepared.answers:
        return shown_number(job)
    return (found.used + found.application.picture) % max(1, len(found.prepared.images))


def version_name(job: str) -> str:
    """The image that a job shows, as `Application.edit_of` names it."""
    return f"{job}/{received_number(job) + 1}"


def delete(job: str) -> None:
    """Delete the files of a result; its row, and so the spending, stays.

    :raises InvalidRequestError: there is no such job, it is a favourite, or a later edit needs its image.
    """
    from ..core.journal.history import delete_result, needed_by

    found = entry(job)
    if found.favourite:
        raise InvalidRequestError("A favourite is not deleted; take the mark off first.", param="job")
    journal = session.journal(settings.load(with_key=False))
    needing = sorted(needed_by(journal, job))
    if needing:
        raise InvalidRequestError(
            message("Job {job} is an edit of this image and holds no copy of it.", job=needing[0]),
            code="needed",
            param="job",
            next_step="Delete that one first.",
        )
    delete_result(journal, job)


def count_edits(job: str) -> int:
    """How many results were made from an image of a job."""
    return len(session.journal(settings.load(with_key=False)).find_children(job))


def material_of(job: str) -> bpy.types.Material | None:
    """The material of the open file that shows the result of a job; None where there is none."""
    from ..scene.targets.asset_libraries import find_material
    from ..scene.targets.base import Applied

    found = _newest(job)
    if found is not None and isinstance(found.applied, Applied):
        material = bpy.data.materials.get(found.applied.material or "")
        if material is not None:
            return material
    return find_material(job)


def _newest(job: str) -> Job | None:
    """The job of this session that used a result last."""
    alike = (one for one in reversed(session.jobs()) if one.id == job and isinstance(one, Job))
    return next((one for one in alike if one.applied is not None), None)


def mark_asset(material: bpy.types.Material, library: str = "", *, overwrite: bool = False) -> Path | None:
    """Make a material an asset; see `scene.asset_libraries.mark`.

    :param overwrite: replace whatever has its name in the library; without, it gets another name.
    :raises SceneError: there is no such library, or it can't be written.
    """
    from ..scene.targets.asset_libraries import mark

    return mark(material, library, session.outputs(overwrite=overwrite))


def strip_facts() -> int:
    """Take prompts, costs and ids out of the open file; returns how many there were."""
    from ..scene.targets.metadata import strip

    return strip()
