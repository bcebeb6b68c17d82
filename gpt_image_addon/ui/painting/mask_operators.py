"""Operators on the mask of an object: paint it, and do without it."""

from __future__ import annotations

from typing import Any

import bpy

from ...app.painting import masks
from ...core.request.parameters import PAINTED
from ..common.operator import FINISHED, Returned, reporting
from . import mask_painting


def draw_faces(layout: Any, values: Any) -> None:
    """Which faces are painted, and the mask that says it."""
    column = layout.column(align=True)
    column.prop(values, "faces")
    if values.faces != PAINTED:
        return
    is_painting = mask_painting.find_object() is not None
    row = column.row(align=True)
    row.operator(
        GPT_IMAGE_OT_paint_mask.bl_idname,
        text="Stop Painting" if is_painting else "Paint Mask",
        icon="TPAINT_HLT",
        depress=is_painting,
    )
    row.operator(GPT_IMAGE_OT_remove_painted_mask.bl_idname, text="", icon="X")


class GPT_IMAGE_OT_paint_mask(bpy.types.Operator):
    """Paint on the active object where it may be painted by a model, with a white brush; again to end it"""

    bl_idname = "gpt_image.paint_mask"
    bl_label = "Paint Mask"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        obj = context.active_object
        if obj is None or obj.type != "MESH":
            cls.poll_message_set("A mask is painted on a mesh: make one active.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        if mask_painting.find_object() is not None:
            mask_painting.finish()
        else:
            mask_painting.start(context)
        return FINISHED


class GPT_IMAGE_OT_remove_painted_mask(bpy.types.Operator):
    """Take the mask off the active object, to begin with a new one"""

    bl_idname = "gpt_image.remove_painted_mask"
    bl_label = "Remove Mask"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return masks.find_mask(context.active_object) is not None

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        mask_painting.finish()
        masks.remove_mask(context.active_object)
        return FINISHED


CLASSES = (GPT_IMAGE_OT_paint_mask, GPT_IMAGE_OT_remove_painted_mask)
