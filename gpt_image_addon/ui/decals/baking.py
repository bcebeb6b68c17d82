"""A decal as paint in the texture below it, and back; and the buttons of all that can be done with one."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from ... import api
from ...app.decals import baking, moving
from ..common.operator import FINISHED, Returned, finish_in_background, reporting
from .placing import GPT_IMAGE_OT_place_decal, draw_places


class _OnDecal:
    """What both operators share."""

    @classmethod
    def poll(cls: Any, context: bpy.types.Context) -> bool:
        if not moving.is_decal(context.active_object):
            cls.poll_message_set("Select a decal first.")
            return False
        return True


class GPT_IMAGE_OT_bake_decal(_OnDecal, bpy.types.Operator):
    """Paint the active decal into the image of the base color below it, where all else stays, and hide it;
    nothing is sent"""

    bl_idname = "gpt_image.bake_decal"
    bl_label = "Bake into Texture"
    bl_options = {"REGISTER"}  # noqa: RUF012

    decal: StringProperty(
        name="Decal",
        description="Name of the decal (the active object without it)",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        finish_in_background(api.submit_bake_decal(self.decal or context.active_object.name))
        return FINISHED


class GPT_IMAGE_OT_take_out_decal(_OnDecal, bpy.types.Operator):
    """Bring the image back that was there before the active decal was painted into it, and show the decal
    again"""

    bl_idname = "gpt_image.take_out_decal"
    bl_label = "Take out of Texture"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    decal: StringProperty(
        name="Decal",
        description="Name of the decal (the active object without it)",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        api.take_out_decal(self.decal or context.active_object.name)
        return FINISHED


def draw(layout: Any, context: bpy.types.Context) -> None:
    """Buttons of what can be done with the active decal, and without one the choice of a place."""
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator(GPT_IMAGE_OT_place_decal.bl_idname, icon="RESTRICT_SELECT_OFF")
    draw_places(layout, context.scene.gpt_image)
    if not moving.is_decal(context.active_object):
        return
    if baking.is_baked(context.active_object):
        layout.operator(GPT_IMAGE_OT_take_out_decal.bl_idname, icon="LOOP_BACK")
    else:
        layout.operator(GPT_IMAGE_OT_bake_decal.bl_idname, icon="TPAINT_HLT")


def draw_menu(self: Any, context: bpy.types.Context) -> None:
    """The same in the context menu of objects, of a decal alone."""
    if moving.is_decal(context.active_object):
        self.layout.separator()
        draw(self.layout, context)


CLASSES = (GPT_IMAGE_OT_bake_decal, GPT_IMAGE_OT_take_out_decal)
