"""Previews in the scene while an image is made: a data-block, and on an object a material of its own.

Main thread only. What a preview replaced is kept as a property of its material, so that undo, redo and saving
can't separate the two; a preview never gets into a saved file, and none stays after an undo.
"""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...core.imaging.thumbnails import Color, Preview, mean_of_preview
from ...core.request.request import Application
from ...core.request.targets import find_target
from ...core.text.names import safe_name
from .. import display
from ..context import find_scene
from ..transaction import Transaction
from . import texture
from .receiver import find_receivers, why_deferred

JOB = "gpt_image_preview"  # custom property of image and material: whose preview it is
BEFORE = "gpt_image_before"  # custom property of the material: what was in the slot
_HANDLERS = ("save_pre", "undo_post", "redo_post", "load_post")


def show(job: str, preview: Preview, application: Application, name: str) -> None:
    """Show the newest preview of a job; nothing happens where the scene is gone or Blender is busy.

    :param name: for the data-blocks.
    """
    if find_scene(application) is None or why_deferred(application):
        return
    info = find_target(application.target)
    onto_object = info.onto_object and not info.is_decal
    objects = find_receivers(application).objects if onto_object else ()
    if any(obj.mode == "EDIT" for obj in objects):
        return  # only some of its faces may get the result
    _watch()
    image = _find(bpy.data.images, job)
    if image is None or tuple(image.size) != (preview.width, preview.height):
        clear(job)
        image = bpy.data.images.new(f"Preview {safe_name(name)}", preview.width, preview.height, alpha=True)
        image[JOB] = job
        display.show_image(image)
    image.pixels.foreach_set(preview.pixels)
    image.update()
    color = mean_of_preview(preview)
    materials = [block for block in bpy.data.materials if _is_of(block, job)]
    for material in materials:
        material.diffuse_color = (*color, 1.0)
    for obj in () if materials else objects:
        _put_on(obj, image, color, job)


def clear(job: str | None = None) -> None:
    """Take a job's preview, or all of them, out of the scene; what was there before is there again."""
    for material in [block for block in bpy.data.materials if _is_of(block, job)]:
        _take_off(material)
        bpy.data.materials.remove(material)
    for image in [block for block in bpy.data.images if _is_of(block, job)]:
        bpy.data.images.remove(image)


def close() -> None:
    """Take all previews out, and listen to Blender no longer."""
    if _clear_all not in bpy.app.handlers.save_pre:
        return
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(_clear_all)
    clear()


def _watch() -> None:
    for name in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if _clear_all not in handlers:
            handlers.append(_clear_all)


@persistent  # type: ignore[untyped-decorator]
def _clear_all(*_: object) -> None:
    clear()


def _is_of(block: Any, job: str | None) -> bool:
    return JOB in block and job in (None, block[JOB])


def _find(blocks: Any, job: str) -> Any:
    return next((block for block in blocks if _is_of(block, job)), None)


def _put_on(obj: bpy.types.Object, image: bpy.types.Image, color: Color, job: str) -> None:
    """Into the active slot; an object without one, or whose mesh others share, is left alone."""
    if not obj.material_slots or obj.data.users > 1:
        return
    slot = obj.material_slots[obj.active_material_index]
    if slot.material is not None and JOB in slot.material:
        return  # another job shows its own there
    material = bpy.data.materials.new(image.name)
    material.diffuse_color = (*color, 1.0)
    with Transaction() as changes:
        texture.wire(material, image, changes)
    material[JOB] = job
    if slot.material is not None:
        material[BEFORE] = slot.material
    slot.material = material


def _take_off(material: bpy.types.Material) -> None:
    before = material.get(BEFORE)
    for obj in bpy.data.objects:
        for slot in obj.material_slots:
            if slot.material == material:
                slot.material = before
