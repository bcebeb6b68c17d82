"""The menu of what can be done with a result."""

from __future__ import annotations

import bpy

from ...app import results
from ...core.errors import GptImageError
from ...core.request.targets import find_target
from ..common.translate import translate
from ..editing.bake_out import GPT_IMAGE_OT_bake_out, can_bake_out
from ..editing.blend_again import GPT_IMAGE_OT_blend_again
from ..editing.export_material import GPT_IMAGE_OT_export_material
from ..editing.show_sides import GPT_IMAGE_OT_show_painted_views
from ..request import quote
from . import operators_history
from .operators_results import (
    JOB_STRING,
    GPT_IMAGE_OT_again,
    GPT_IMAGE_OT_apply_result,
    GPT_IMAGE_OT_edit_region,
    GPT_IMAGE_OT_make_seamless,
    GPT_IMAGE_OT_mark_asset,
    GPT_IMAGE_OT_recall,
    GPT_IMAGE_OT_revert,
    GPT_IMAGE_OT_use_as_reference,
)


def _made_material(job: str) -> bool:
    try:
        return bool(find_target(results.entry(job).application.target).maps)
    except GptImageError:  # there is nothing to export then
        return False


def _another_one(job: str) -> str:
    try:
        return quote.with_price(translate("Another One"), results.entry(job).estimated_usd)
    except GptImageError:  # the operator says why
        return translate("Another One")


class GPT_IMAGE_MT_result(bpy.types.Menu):
    """What can be done with a result"""

    bl_idname = "GPT_IMAGE_MT_result"
    bl_label = "Result"

    def draw(self, context: bpy.types.Context) -> None:
        job = getattr(context, JOB_STRING, "")
        for target, info in results.list_targets_for(job):
            button = self.layout.operator(
                GPT_IMAGE_OT_apply_result.bl_idname, text=info.use_label, icon=info.icon
            )
            button.job, button.target = job, target
        self.layout.separator()
        button = self.layout.operator(
            GPT_IMAGE_OT_again.bl_idname, text=_another_one(job), icon="FILE_REFRESH", translate=False
        )
        button.job = job
        for operator, icon in ACTIONS:
            self.layout.operator(operator.bl_idname, icon=icon).job = job
        self.layout.separator()
        if _made_material(job):
            self.layout.operator(
                GPT_IMAGE_OT_export_material.bl_idname, text="Export Material...", icon="EXPORT"
            ).job = job
        if can_bake_out(job):
            for operator, icon in OF_MODELS:
                self.layout.operator(operator.bl_idname, icon=icon).job = job
        for operator, icon in ON_FILES:
            self.layout.operator(operator.bl_idname, icon=icon).job = job


ACTIONS = (
    (GPT_IMAGE_OT_recall, "LOOP_BACK"),
    (GPT_IMAGE_OT_use_as_reference, "IMAGE_REFERENCE"),
    (GPT_IMAGE_OT_edit_region, "BRUSH_DATA"),
    (GPT_IMAGE_OT_revert, "FRAME_PREV"),
    (GPT_IMAGE_OT_make_seamless, "UV_ISLANDSEL"),
)

OF_MODELS = (
    (GPT_IMAGE_OT_blend_again, "MOD_MASK"),
    (GPT_IMAGE_OT_show_painted_views, "HIDE_OFF"),
    (GPT_IMAGE_OT_bake_out, "EXPORT"),
)
"""What can be done with what was painted onto objects."""

ON_FILES = (
    (GPT_IMAGE_OT_mark_asset, "ASSET_MANAGER"),
    (operators_history.GPT_IMAGE_OT_open_folder, "FILE_FOLDER"),
    (operators_history.GPT_IMAGE_OT_delete_result, "TRASH"),
)
