"""The operators: each a few lines into `api`."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from .. import api, settings
from ..core.errors import GptImageError
from . import properties

Returned = set[str]


class GPT_IMAGE_OT_generate(bpy.types.Operator):
    """Make a picture from the prompt; Blender stays usable meanwhile"""

    bl_idname = "gpt_image.generate"
    bl_label = "Generate"
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
        items=properties.BACKGROUND_ITEMS,
        options={"SKIP_SAVE"},
    )
    n: IntProperty(
        name="Count", description="How many pictures", default=1, min=1, max=10, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return self._run(context, api.submit)

    def execute(self, context: bpy.types.Context) -> Returned:
        return self._run(context, api.generate)

    def _run(self, context: bpy.types.Context, start: Any) -> Returned:
        try:
            started = start(**{**properties.to_parameters(context), **self._given()})
        except GptImageError as error:
            self.report({"ERROR"}, error.text)
            return {"CANCELLED"}
        for warning in started.warnings:
            self.report({"WARNING"}, warning)
        return {"FINISHED"}

    def _given(self) -> dict[str, Any]:
        names = ("prompt", "provider", "target", "model", "size", "quality", "background", "n")
        return {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}


class GPT_IMAGE_OT_cancel(bpy.types.Operator):
    """Stop this job; a picture that has already arrived is kept"""

    bl_idname = "gpt_image.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    job: StringProperty(name="Job", description="Id of the job to stop", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> Returned:
        for job in api.jobs():
            if job.id == self.job:
                job.cancel()
        return {"FINISHED"}


class GPT_IMAGE_OT_clear_finished(bpy.types.Operator):
    """Take finished jobs off this list; their pictures stay"""

    bl_idname = "gpt_image.clear_finished"
    bl_label = "Clear Finished"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        api.forget_finished()
        return {"FINISHED"}


class GPT_IMAGE_OT_open_preferences(bpy.types.Operator):
    """Open the add-on's preferences, where the key is entered"""

    bl_idname = "gpt_image.open_preferences"
    bl_label = "Connect to OpenAI..."
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        bpy.ops.preferences.addon_show(module=settings.PACKAGE)
        return {"FINISHED"}


class GPT_IMAGE_OT_paste_key(bpy.types.Operator):
    """Take the key from the clipboard and keep it in a file that only you can read"""

    bl_idname = "gpt_image.paste_key"
    bl_label = "Paste Key from Clipboard"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        key = context.window_manager.clipboard.strip()
        if not key or any(character.isspace() for character in key):
            self.report({"ERROR"}, "The clipboard holds no key.")
            return {"CANCELLED"}
        try:
            settings.store_key(key)
        except GptImageError as error:
            self.report({"ERROR"}, error.text)
            return {"CANCELLED"}
        self.report({"INFO"}, "The key is stored.")
        return {"FINISHED"}


class GPT_IMAGE_OT_forget_key(bpy.types.Operator):
    """Delete the stored key from this computer"""

    bl_idname = "gpt_image.forget_key"
    bl_label = "Forget Key"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        settings.store_key("")
        return {"FINISHED"}
