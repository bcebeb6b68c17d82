"""The panels in the sidebar. Drawing only reads."""

from __future__ import annotations

from typing import Any

import bpy

from .. import api, health
from ..core.states import JobState
from . import operators, properties

CATEGORY = "GPT Image"

STATE_ICONS = {
    JobState.QUEUED: "TIME",
    JobState.SENDING: "EXPORT",
    JobState.RECEIVED: "IMPORT",
    JobState.APPLIED: "CHECKMARK",
    JobState.FAILED: "ERROR",
    JobState.CANCELLED: "CANCEL",
    JobState.UNKNOWN: "QUESTION",
}


class GPT_IMAGE_PT_view3d(bpy.types.Panel):
    """From a prompt to the scene"""

    bl_label = "GPT Image"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        values = getattr(context.scene, properties.PROPERTY)
        missing = health.missing_modules()
        if missing:
            layout.label(text=missing, icon="ERROR")
            return
        _draw_prompt(layout, values)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        _draw_request(column, values)
        _draw_provider(layout, values)
        row = layout.row()
        row.scale_y = 1.5
        row.enabled = bool(values.prompt.strip())
        row.operator(operators.GPT_IMAGE_OT_generate.bl_idname, icon="SHADERFX")


def _draw_prompt(layout: bpy.types.UILayout, values: properties.GPT_IMAGE_PG_request) -> None:
    if hasattr(layout, "textbox"):  # Blender 5.2
        layout.textbox(values, "prompt", initial_visible_lines=3, placeholder="What do you want to make?")
    else:
        layout.prop(values, "prompt", text="", placeholder="What do you want to make?")


def _draw_request(layout: bpy.types.UILayout, values: properties.GPT_IMAGE_PG_request) -> None:
    layout.prop(values, "target")
    layout.prop(values, "size")
    if values.size == "custom":
        sizes = layout.column(align=True)
        sizes.prop(values, "width")
        sizes.prop(values, "height")
    layout.prop(values, "quality")
    layout.prop(values, "background")
    layout.prop(values, "n")
    layout.prop(values, "seamless")
    layout.prop(values, "reference")
    if values.reference == "file":
        layout.prop(values, "reference_file")


def _draw_provider(layout: bpy.types.UILayout, values: properties.GPT_IMAGE_PG_request) -> None:
    row = layout.row()
    row.use_property_split = True
    row.use_property_decorate = False
    row.prop(values, "provider")
    if properties.provider_of(values) != "offline":
        return
    box = layout.box()
    box.label(text="Offline draft: drawn on this computer", icon="INTERNET_OFFLINE")
    box.operator(operators.GPT_IMAGE_OT_open_preferences.bl_idname, icon="URL")


class GPT_IMAGE_PT_view3d_jobs(bpy.types.Panel):
    """What runs, and what became of it"""

    bl_label = "Jobs"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_parent_id = "GPT_IMAGE_PT_view3d"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        jobs = api.jobs()
        if not jobs:
            layout.label(text="Nothing runs")
            return
        for job in reversed(jobs):
            _draw_job(layout.box().column(align=True), job)
        layout.operator(operators.GPT_IMAGE_OT_clear_finished.bl_idname)


def _draw_job(layout: bpy.types.UILayout, job: Any) -> None:
    row = layout.row()
    row.label(text=job.request.prompt, icon=STATE_ICONS[job.state], translate=False)
    if not job.done:
        row.operator(operators.GPT_IMAGE_OT_cancel.bl_idname, text="", icon="X", emboss=False).job = job.id
        layout.progress(text=f"{job.message}, {job.elapsed:.0f} s", factor=job.progress, translate=False)
    else:
        layout.label(text=job.message, translate=False)


def redraw() -> None:
    """Draw the sidebars again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
