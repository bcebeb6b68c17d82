"""What can be done about a failed job: a menu, and an operator."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from ... import api
from ...app import results
from ...core.errors import GptImageError
from ..common.operator import CANCELLED, FINISHED, Returned, reporting
from ..common.translate import translate
from ..request import quote
from . import failures
from . import operators_results as of_results


class GPT_IMAGE_OT_copy_error(bpy.types.Operator):
    """Copy what the error says, with what helps to look it up, to the clipboard"""

    bl_idname = "gpt_image.copy_error"
    bl_label = "Copy Error"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        begun = next((job for job in api.jobs() if job.id == self.job), None)
        error: Any = begun.error if begun is not None else results.entry(self.job).error
        if error is None:
            self.report({"INFO"}, translate("Nothing went wrong with this job."))
            return CANCELLED
        context.window_manager.clipboard = failures.text_of(error)
        self.report({"INFO"}, translate("The error is on the clipboard."))
        return FINISHED


class GPT_IMAGE_MT_failed(bpy.types.Menu):
    """What can be done about a failed job"""

    bl_idname = "GPT_IMAGE_MT_failed"
    bl_label = "Failed Job"

    def draw(self, context: bpy.types.Context) -> None:
        job = getattr(context, of_results.JOB_STRING, "")
        try:
            failure = failures.failure_of_id(job)
            usd = results.entry(job).estimated_usd
        except GptImageError:  # the operators say why
            failure, usd = None, 0.0
        again = of_results.GPT_IMAGE_OT_again.bl_idname
        text = quote.with_price(translate("Try Again"), usd)
        self.layout.operator(again, text=text, icon="FILE_REFRESH", translate=False).job = job
        self.layout.operator(of_results.GPT_IMAGE_OT_recall.bl_idname, icon="LOOP_BACK").job = job
        self.layout.operator(GPT_IMAGE_OT_copy_error.bl_idname, icon="COPYDOWN").job = job
        button = failure.button if failure is not None else None
        if button is not None and not button.mend.of_job:
            self.layout.separator()
            failures.draw_button(self.layout, button)


CLASSES = (GPT_IMAGE_OT_copy_error, GPT_IMAGE_MT_failed)
