"""Operators for single points, and how the panel draws them."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from ..common import sidebar, state
from ..common.operator import CANCELLED, FINISHED, Returned, reporting
from . import overlay
from . import values as points
from .placing import GPT_IMAGE_OT_place_points


def _has_points(cls: Any, context: bpy.types.Context) -> bool:
    if context.scene is None or not len(context.scene.gpt_image.points):
        cls.poll_message_set("There are no points.")
        return False
    return True


class GPT_IMAGE_OT_add_point(bpy.types.Operator):
    """Mark one place on the first reference"""

    bl_idname = "gpt_image.add_point"
    bl_label = "Add Point"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    x: FloatProperty(name="X", description="From the left, 0 to 1", default=0.5, min=0.0, max=1.0)
    y: FloatProperty(name="Y", description="From below, 0 to 1", default=0.5, min=0.0, max=1.0)
    text: StringProperty(name="Text", description="What should happen there")

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        points.add(context.scene.gpt_image, self.x, self.y, self.text)
        overlay.sync()
        return FINISHED


class GPT_IMAGE_OT_remove_point(bpy.types.Operator):
    """Remove this point; those after it get the number before"""

    bl_idname = "gpt_image.remove_point"
    bl_label = "Remove Point"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    number: IntProperty(name="Number", description="Of the point, from 1", default=1, min=1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_points(cls, context)

    def execute(self, context: bpy.types.Context) -> Returned:
        found = context.scene.gpt_image.points
        if self.number > len(found):
            return CANCELLED
        found.remove(self.number - 1)
        overlay.sync()
        return FINISHED


class GPT_IMAGE_OT_clear_points(bpy.types.Operator):
    """Remove all points"""

    bl_idname = "gpt_image.clear_points"
    bl_label = "Clear Points"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_points(cls, context)

    def execute(self, context: bpy.types.Context) -> Returned:
        context.scene.gpt_image.points.clear()
        overlay.sync()
        sidebar.redraw()
        return FINISHED


def draw(layout: Any, values: Any) -> None:
    """The button, and a row for each point."""
    head = layout.row(align=True)
    head.operator(
        GPT_IMAGE_OT_place_points.bl_idname,
        icon="PIVOT_CURSOR",
        depress=state.part(overlay.Overlay).is_placing,
    )
    head.operator(GPT_IMAGE_OT_clear_points.bl_idname, text="", icon="X")
    if not len(values.points):
        return
    rows = layout.column(align=True)
    for number, point in enumerate(values.points, 1):
        row = rows.row(align=True)
        sign = row.row(align=True)
        sign.ui_units_x = 1.2
        sign.label(text=str(number), translate=False)
        row.prop(point, "text", text="", placeholder="What should happen here")
        row.operator(GPT_IMAGE_OT_remove_point.bl_idname, text="", icon="X").number = number


CLASSES = (GPT_IMAGE_OT_add_point, GPT_IMAGE_OT_remove_point, GPT_IMAGE_OT_clear_points)
