"""The relief and the real size of the active material: what is dragged is seen at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import bpy

from ...app.materials import relief as material_relief
from ..common.operator import Returned


def active_material(context: bpy.types.Context) -> Any:
    """The material of the active object; None where there is none."""
    active = context.active_object
    return active.active_material if active is not None else None


def read_relief(owner: Any) -> float:
    """Millimetres of the active material; 0 where it says none."""
    return material_relief.read_relief(active_material(bpy.context)) or 0.0


def set_relief(owner: Any, millimetres: float) -> None:
    """The setter of the property."""
    material = active_material(bpy.context)
    if material_relief.can_tune(material):
        material_relief.tune(material, millimetres=millimetres)
        _watch_drag()


def read_size(owner: Any) -> float:
    """Metres that the image of the active material spans; 0 where it says none."""
    return material_relief.read_size(active_material(bpy.context)) or 0.0


def set_size(owner: Any, metres: float) -> None:
    """The setter of the property."""
    material = active_material(bpy.context)
    if material_relief.can_tune(material):
        material_relief.tune(material, metres=metres)
        _watch_drag()


def _is_pressed(kind: str, value: str) -> bool:
    return kind == "LEFTMOUSE" and value == "PRESS"


def _watch_drag() -> None:
    """Find out when the mouse lets go of what changes."""
    name = GPT_IMAGE_OT_watch_drag.__name__
    window = None if bpy.app.background else bpy.context.window
    if window is not None and not any(running.bl_idname == name for running in window.modal_operators):
        bpy.ops.gpt_image.watch_drag("INVOKE_DEFAULT")


class GPT_IMAGE_OT_watch_drag(bpy.types.Operator):
    """Wait until the mouse lets go of a value of the active material"""

    bl_idname = "gpt_image.watch_drag"
    bl_label = "Watch the Drag"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        material_relief.hold(_is_pressed(event.type, event.value))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        """The event of a button before tells whether it is held, where this one is a move."""
        is_release = event.type == "LEFTMOUSE" and event.value == "RELEASE"
        is_held = not is_release and _is_pressed(event.type_prev, event.value_prev)
        material_relief.hold(is_held)
        return {"PASS_THROUGH"} if is_held else {"FINISHED", "PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        material_relief.hold(False)


def draw(layout: Any, material: bpy.types.Material | None) -> None:
    """Both, where the material says them."""
    if not material_relief.can_tune(material):
        return
    column = layout.box().column(align=True)
    assert material is not None
    column.label(text=material.name, icon="MATERIAL", translate=False)
    column.prop(bpy.context.window_manager.gpt_image, "material_relief")
    if material_relief.can_resize(material):
        column.prop(bpy.context.window_manager.gpt_image, "material_size")


@lru_cache(maxsize=8)
def usual_relief(prompt: str) -> float | None:
    """Millimetres that the relief of what a prompt names usually measures; None where nothing known."""
    from ...core.textures.material_guess import guess_material

    guess = guess_material(prompt)
    return guess.depth_mm if guess.known else None


CLASSES = (GPT_IMAGE_OT_watch_drag,)
