"""Operators on results: use a variation, put it elsewhere, make it again, make something of it."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ... import api
from ...app import inpainting, results, settings
from ...core.errors import GptImageError
from ...core.references.kinds import PREVIOUS
from ...core.request.providers import find_provider
from ...core.text.message import message
from ..common import enum_items
from ..common.operator import (
    CANCELLED,
    FINISHED,
    Returned,
    ask,
    draw_question,
    finish_in_background,
    reporting,
)
from ..common.translate import translate
from ..references import inpaint
from ..request import confirm, from_job, quote, to_parameters
from . import chosen

LINE = 60  # characters of a popup
JOB_STRING = "gpt_image_job"
"""Set in the layout around a menu that is about one job."""


def messages_of(job: Any) -> list[str]:
    """What the user should know of a job that was applied, translated."""
    told = (*getattr(job, "all_warnings", job.warnings), *getattr(job.applied, "messages", ()))
    return [translate(text) for text in dict.fromkeys(told)]


class _OnResult:
    """About one result: of this session, or of the history."""

    bl_options = {"REGISTER"}  # noqa: RUF012
    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})


class GPT_IMAGE_OT_use_variation(_OnResult, bpy.types.Operator):
    """Use this image in place of the others, which all stay in the file"""

    bl_idname = "gpt_image.use_variation"
    bl_label = "Use Variation"

    number: IntProperty(name="Number", description="0 is the first", min=0, options={"SKIP_SAVE"})

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        job = results.use_variation(self.job, self.number)
        if job is not None:
            finish_in_background(job)
        return FINISHED


class GPT_IMAGE_OT_apply_result(_OnResult, bpy.types.Operator):
    """Put a result into the scene once more; nothing is sent and nothing paid"""

    bl_idname = "gpt_image.apply_result"
    bl_label = "Use Result As"

    target: EnumProperty(name="Target", description="What becomes of the image", items=enum_items.TARGETS)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        shown = results.received_number(self.job)
        finish_in_background(
            results.apply(self.job, target=self.target, picture=shown, **to_parameters.place(context))
        )
        return FINISHED


class GPT_IMAGE_OT_again(_OnResult, bpy.types.Operator):
    """Send the same request once more; it is paid again"""

    bl_idname = "gpt_image.again"
    bl_label = "Another One"

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """What the tooltip says: also where it is sent, and what it may cost."""
        said = translate(str(cls.__doc__))
        try:
            found = results.entry(properties.job)
        except GptImageError:  # the operator says why
            return said
        provider = translate(find_provider(found.request.provider).label)
        price = quote.price_text(
            found.estimated_usd, found.estimated_usd, is_paid=find_provider(found.request.provider).is_paid
        )
        return f"{said}.\n{provider}, {price}"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return self._consider(context)

    @reporting
    def _consider(self, context: bpy.types.Context) -> Returned | None:
        """Ask where it is dear, else do it."""
        part = results.unfinished(self.job)
        if part is not None:
            self._dear_usd = confirm.dear_usd(part.estimated_usd)
            return self._ask_or_send(context)
        if confirm.is_just_sent(results.running(self.job)):
            self.report({"INFO"}, translate(confirm.JUST_SENT))
            return CANCELLED
        price = results.price_again(self.job, **to_parameters.place(context))
        is_more = price > quote.CERTAIN * results.entry(self.job).estimated_usd  # than the button said
        self._dear_usd = price if is_more else confirm.dear_usd(price)
        return self._ask_or_send(context)

    def _ask_or_send(self, context: bpy.types.Context) -> Returned:
        if not self._dear_usd:
            self._send(context)
            return FINISHED
        return context.window_manager.invoke_props_dialog(self, confirm_text="Send Again")

    def draw(self, context: bpy.types.Context) -> None:
        confirm.draw_price(self.layout, self._dear_usd)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        job = self._send(context)
        if job is not None:
            finish_in_background(job)
        return FINISHED

    def _send(self, context: bpy.types.Context) -> api.Job | None:
        """None where an edit goes on, whose next parts follow by themselves."""
        part = results.unfinished(self.job)
        if part is not None:
            results.resume(part, reuse=False, retry_unknown=True)
            return None
        job = results.again(self.job, apply=inpainting.inpaint_of(self.job), **to_parameters.place(context))
        for warning in job.warnings:
            self.report({"WARNING"}, translate(warning))
        return job


class GPT_IMAGE_OT_show_messages(_OnResult, bpy.types.Operator):
    """Show what is to know"""

    bl_idname = "gpt_image.show_messages"
    bl_label = "Show Messages"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """The tooltip says it, too."""
        return "\n".join(_list_messages(properties.job)) or translate(str(cls.__doc__))

    def execute(self, context: bpy.types.Context) -> Returned:
        lines = [line for text in _list_messages(self.job) for line in textwrap.wrap(text, LINE)]

        def draw(popup: Any, context: bpy.types.Context) -> None:
            for line in lines:
                popup.layout.label(text=line, translate=False)

        if lines and not bpy.app.background:
            context.window_manager.popup_menu(draw, title="GPT Image", icon="INFO")
        return FINISHED


def _list_messages(job: str) -> list[str]:
    """
    :param job: empty for the panel's request.
    """
    if not job:
        scene = bpy.context.scene
        return [translate(text) for text in quote.messages(scene.gpt_image, quote.current(scene))]
    found = next((one for one in api.jobs() if one.id == job), None)
    return messages_of(found) if found is not None else []


class GPT_IMAGE_OT_recall(_OnResult, bpy.types.Operator):
    """Bring prompt and settings back into the panel, to change them"""

    bl_idname = "gpt_image.recall"
    bl_label = "Load Settings"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        values = context.scene.gpt_image
        from_job.fill_panel(values, results.entry(self.job), keep_images=inpaint.is_about(values, self.job))
        return FINISHED


class GPT_IMAGE_OT_use_as_reference(_OnResult, bpy.types.Operator):
    """Show this image to the model with the next request"""

    bl_idname = "gpt_image.use_as_reference"
    bl_label = "Use as Reference"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        return bpy.ops.gpt_image.add_reference(
            kind="file",
            file=results.reference_file(self.job),
            reference_kind=PREVIOUS,
            edit_of=results.version_name(self.job),
        )


class GPT_IMAGE_OT_edit_region(_OnResult, bpy.types.Operator):
    """Change a part of this image in place: paint it in the Image Editor, and write what shall be there"""

    bl_idname = "gpt_image.edit_region"
    bl_label = "Inpaint"
    # No UNDO: `inpaint.begin` makes the step, for scripts too.
    bl_options = {"REGISTER"}  # noqa: RUF012

    image: StringProperty(
        name="Image",
        description="Name of an image of this file; the one that the editor shows without it",
        options={"SKIP_SAVE"},
    )

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        if self.job:
            image = inpainting.image_of(self.job)
        else:
            image = bpy.data.images.get(self.image) or getattr(context.space_data, "image", None)
        if image is None:
            self.report({"ERROR"}, translate("There is no image to inpaint: open one in the Image Editor."))
            return CANCELLED
        if not inpaint.begin(context, inpainting.masked_image(image) or image):
            self.report({"WARNING"}, translate("Open an Image Editor to paint the mask."))
        return FINISHED


class GPT_IMAGE_OT_revert(_OnResult, bpy.types.Operator):
    """Let this image and the one before the inpaint change places; both stay in the file"""

    bl_idname = "gpt_image.revert"
    bl_label = "Revert"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        job = getattr(context, JOB_STRING, "")
        if job and not inpainting.can_revert(job):
            cls.poll_message_set("There is no image before this one in the file.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        for text in inpainting.revert(self.job):
            self.report({"INFO"}, translate(text))
        chosen.look_before()
        return FINISHED


class GPT_IMAGE_OT_make_seamless(_OnResult, bpy.types.Operator):
    """Make this image tile without seams; nothing is sent"""

    bl_idname = "gpt_image.make_seamless"
    bl_label = "Make Seamless"

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        shown = results.received_number(self.job)
        finish_in_background(
            results.apply(self.job, seamless=True, picture=shown, **to_parameters.place(context))
        )
        return FINISHED


class GPT_IMAGE_OT_strip(bpy.types.Operator):
    """Take prompts, costs and ids out of this file before it is shared; images and materials stay"""

    bl_idname = "gpt_image.strip"
    bl_label = "Remove GPT Image Metadata"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return ask(self, context, "Remove")

    def draw(self, context: bpy.types.Context) -> None:
        draw_question(self.layout, "Prompts, costs and ids leave the whole file, not just one result.")

    def execute(self, context: bpy.types.Context) -> Returned:
        number = results.strip_facts()
        if not number:
            self.report({"INFO"}, translate("There was nothing to remove."))
            return CANCELLED
        self.report({"INFO"}, translate(message("{number} facts were removed.", number=number)))
        return FINISHED


class GPT_IMAGE_OT_mark_asset(bpy.types.Operator):
    """Make the material of this result an asset with preview, catalog, tags and description"""

    bl_idname = "gpt_image.mark_asset"
    bl_label = "Mark Material as Asset"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    job: StringProperty(
        name="Job",
        description="Whose material is meant; the active object's when empty",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        job = getattr(context, JOB_STRING, "")
        if job:
            if results.material_of(job) is None:
                cls.poll_message_set("This result is in no material of this file.")
                return False
            return True
        active = context.active_object
        if active is None or active.active_material is None:
            cls.poll_message_set("The active object has no material.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        library = getattr(settings.preferences(), "asset_library", "")
        material = results.material_of(self.job) if self.job else context.active_object.active_material
        if material is None:
            self.report({"ERROR"}, translate("This result is in no material of this file."))
            return CANCELLED
        path = results.mark_asset(material, library)
        told = message(
            "'{material}' is an asset of this file alone: save the file in the folder of an asset library, "
            "or choose a library in the preferences.",
            material=material.name,
        )
        if path is not None:
            told = message("The asset was written to {path}.", path=path)
        self.report({"INFO"}, translate(told))
        return FINISHED


CLASSES = (
    GPT_IMAGE_OT_use_variation,
    GPT_IMAGE_OT_apply_result,
    GPT_IMAGE_OT_again,
    GPT_IMAGE_OT_show_messages,
    GPT_IMAGE_OT_recall,
    GPT_IMAGE_OT_use_as_reference,
    GPT_IMAGE_OT_edit_region,
    GPT_IMAGE_OT_revert,
    GPT_IMAGE_OT_make_seamless,
    GPT_IMAGE_OT_strip,
    GPT_IMAGE_OT_mark_asset,
)
