"""Operators on jobs that run or wait: each a few lines into `api`."""

from __future__ import annotations

import bpy
from bpy.props import IntProperty, StringProperty

from ... import api
from ..common.operator import FINISHED, Returned


class _OnJob:
    """About one job of the list."""

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})


class GPT_IMAGE_OT_cancel(_OnJob, bpy.types.Operator):
    """Stop this job; an image that has already arrived is kept"""

    bl_idname = "gpt_image.cancel"
    bl_label = "Cancel Job"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        api.cancel(self.job)
        return FINISHED


class GPT_IMAGE_OT_cancel_all(bpy.types.Operator):
    """Stop everything that runs or waits; images that have already arrived are kept"""

    bl_idname = "gpt_image.cancel_all"
    bl_label = "Cancel All Jobs"
    bl_options = {"REGISTER"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if all(job.done for job in api.jobs()):
            cls.poll_message_set("Nothing runs.")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Returned:
        api.cancel()
        return FINISHED


class GPT_IMAGE_OT_move_job(_OnJob, bpy.types.Operator):
    """Let this job begin earlier or later"""

    bl_idname = "gpt_image.move_job"
    bl_label = "Move Job"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    step: IntProperty(name="Step", description="-1 is earlier, 1 is later", default=-1, min=-1, max=1)

    def execute(self, context: bpy.types.Context) -> Returned:
        api.move(self.job, self.step)
        return FINISHED


class GPT_IMAGE_OT_clear_finished(bpy.types.Operator):
    """Take finished jobs off this list; their images stay"""

    bl_idname = "gpt_image.clear_finished"
    bl_label = "Clear Finished"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        api.forget_finished()
        return FINISHED


CLASSES = (
    GPT_IMAGE_OT_cancel,
    GPT_IMAGE_OT_cancel_all,
    GPT_IMAGE_OT_move_job,
    GPT_IMAGE_OT_clear_finished,
)
