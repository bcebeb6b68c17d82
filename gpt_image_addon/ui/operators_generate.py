"""Operators that start and stop jobs: each a few lines into `api`."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from .. import api, settings
from . import choices, parameters, pictures, quote
from .operators import FINISHED, Returned, reporting

REQUEST_POINTER = "gpt_image_request"
"""Set in the layout around a button that is about the panel's request."""
GIVEN = ("prompt", "provider", "target", "model", "size", "quality", "background", "n", "reuse")
DIALOG_WIDTH = 400  # pixels at scale 1


class GPT_IMAGE_OT_generate(bpy.types.Operator):
    """Make a picture from the prompt; Blender stays usable meanwhile"""

    bl_idname = "gpt_image.generate"
    bl_label = "Generate from Prompt"
    # No UNDO: Adjust Last Operation would run it, and bill it, again.
    bl_options = {"REGISTER"}  # noqa: RUF012

    prompt: StringProperty(
        name="Prompt", description="What to make; the panel's prompt when empty", options={"SKIP_SAVE"}
    )
    provider: StringProperty(name="Provider", description="openai or offline", options={"SKIP_SAVE"})
    target: StringProperty(
        name="Target", description="image, texture, plane or material", options={"SKIP_SAVE"}
    )
    model: StringProperty(
        name="Model", description="Model; the default one when empty", options={"SKIP_SAVE"}
    )
    size: StringProperty(name="Size", description="WIDTHxHEIGHT or auto", options={"SKIP_SAVE"})
    quality: StringProperty(
        name="Quality", description="low, medium, high, xhigh, max or auto", options={"SKIP_SAVE"}
    )
    background: EnumProperty(
        name="Background",
        description="Behind the subject",
        items=choices.BACKGROUNDS,
        options={"SKIP_SAVE"},
    )
    n: IntProperty(
        name="Count", description="How many pictures", default=1, min=1, max=10, options={"SKIP_SAVE"}
    )
    reuse: BoolProperty(
        name="Use the Stored Result",
        description="Take what the same request made before, without paying again",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene.")
            return False
        if getattr(context, REQUEST_POINTER, None) is not None:
            problem = quote.current(context.scene).problem
            if problem:
                cls.poll_message_set(problem)
                return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        self._dialog = ""
        if not self.prompt and not parameters.prompt_of(context.scene.gpt_image):
            return self._ask(context, "prompt")
        if self._is_dear(context):
            return self._ask(context, "price")
        return self._start(context)

    def _ask(self, context: bpy.types.Context, dialog: str) -> Returned:
        """Open a dialog; its OK comes back through `execute`."""
        self._dialog = dialog
        return context.window_manager.invoke_props_dialog(self, width=DIALOG_WIDTH)

    def _is_dear(self, context: bpy.types.Context) -> bool:
        limit = getattr(settings.preferences(), "confirm_above_usd", 0.0)
        return 0 < limit < quote.settled(context.scene).high_usd

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if self._dialog == "prompt":
            layout.prop(self, "prompt")
            layout.prop(context.scene.gpt_image, "target")
        else:
            text = bpy.app.translations.pgettext_iface("This may cost up to {:s}.")
            layout.label(text=text.format(quote.usd(quote.current(context.scene).high_usd)), translate=False)
        layout.label(text=quote.current(context.scene).price, icon="INFO", translate=False)

    def execute(self, context: bpy.types.Context) -> Returned:
        return self._start(context) if getattr(self, "_dialog", "") else self._finish(context)

    @reporting
    def _start(self, context: bpy.types.Context) -> Returned | None:
        """Submit, and come back at once."""
        self._tell(api.submit(**self._parameters(context)))
        return FINISHED

    @reporting
    def _finish(self, context: bpy.types.Context) -> Returned | None:
        """For scripts: come back with the result."""
        self._tell(api.generate(**self._parameters(context)))
        return FINISHED

    def _tell(self, started: Any) -> None:
        for warning in started.warnings:
            self.report({"WARNING"}, warning)

    def _parameters(self, context: bpy.types.Context) -> dict[str, Any]:
        values = context.scene.gpt_image
        wanted = parameters.plain(values)
        wanted["size"] = quote.settled(context.scene).size or wanted["size"]
        given = {name: getattr(self, name) for name in GIVEN if self.properties.is_property_set(name)}
        return {**wanted, **parameters.place(context), **pictures.parameters(values), **given}


class _OnJob:
    """About one job of the list."""

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})


class GPT_IMAGE_OT_cancel(_OnJob, bpy.types.Operator):
    """Stop this job; a picture that has already arrived is kept"""

    bl_idname = "gpt_image.cancel"
    bl_label = "Cancel Job"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        api.cancel(self.job)
        return FINISHED


class GPT_IMAGE_OT_cancel_all(bpy.types.Operator):
    """Stop everything that runs or waits; pictures that have already arrived are kept"""

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
    """Take finished jobs off this list; their pictures stay"""

    bl_idname = "gpt_image.clear_finished"
    bl_label = "Clear Finished"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        api.forget_finished()
        return FINISHED


CLASSES = (
    GPT_IMAGE_OT_generate,
    GPT_IMAGE_OT_cancel,
    GPT_IMAGE_OT_cancel_all,
    GPT_IMAGE_OT_move_job,
    GPT_IMAGE_OT_clear_finished,
)
