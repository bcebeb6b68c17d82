"""Versions of a result in the card: back and forth between them, compared, and edited further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from ... import api
from ...app.editing import further_edits, shown_versions
from ...core.text.message import message
from ..common.operator import CANCELLED, FINISHED, Returned, finish_in_background, reporting
from ..common.translate import translate
from ..references import compare_overlay
from ..request import confirm, generate, quote, to_parameters
from . import chosen, history_view

if TYPE_CHECKING:
    from .chosen import Chosen

SHOWN_PROMPT = 40  # characters


class _OnJob:
    """About one result."""

    bl_options = {"REGISTER"}  # noqa: RUF012
    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})


class GPT_IMAGE_OT_show_version(_OnJob, bpy.types.Operator):
    """Put this version in the place of the one that is shown; all of them stay"""

    bl_idname = "gpt_image.show_version"
    bl_label = "Show Version"

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """The tooltip names the prompt, too."""
        said = translate(str(cls.__doc__))
        prompts = {version.job: version.prompt for version in chosen.current().versions}
        return "\n".join(filter(None, (prompts.get(properties.job, ""), said)))

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        told = shown_versions.show_version(self.job, **to_parameters.place(context))
        for text in told:
            self.report({"INFO"}, translate(text))
        chosen.choose(self.job, api.jobs(), history_view.current().rows)
        return FINISHED


class GPT_IMAGE_OT_make_it(_OnJob, generate.Sending, bpy.types.Operator):
    """Change one thing in this image and keep everything else; the result takes its place"""

    bl_idname = "gpt_image.make_it"
    bl_label = "Make It"

    instruction: StringProperty(
        name="Change", description="What to change; the panel's own text when empty", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if getattr(context, JOB_OF_BUTTON, None) is not None and not _instruction(context):
            cls.poll_message_set(NO_CHANGE)
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return self._consider(context)

    @reporting
    def _consider(self, context: bpy.types.Context) -> Returned | None:
        """Ask where something speaks against it, else submit."""
        prepared = self._prepare(context)
        if prepared is None:
            return CANCELLED
        returned = self.ask_or_send(context, prepared, further_edits.way_back(self.job), {})
        if returned == FINISHED:
            context.window_manager.gpt_image.instruction = ""
        return returned

    def draw(self, context: bpy.types.Context) -> None:
        self.draw_question(self.layout)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        """From a script, or after the OK of a dialog."""
        if hasattr(self, "_question") and self._question is not None:
            context.window_manager.gpt_image.instruction = ""
            return self.send(confirm.collect_answers(self._question, "send"))
        prepared = self._prepare(context)
        if prepared is None:
            return CANCELLED
        job = prepared.submit(apply=further_edits.way_back(self.job))
        finish_in_background(job)
        self.tell(job.all_warnings)
        return FINISHED

    def _prepare(self, context: bpy.types.Context) -> Any:
        instruction = self.instruction or _instruction(context)
        if not instruction:
            self.report({"ERROR"}, translate(NO_CHANGE))
            return None
        return further_edits.prepare_edit(self.job, instruction, **to_parameters.place(context))


NO_CHANGE = "Write what to change first."
JOB_OF_BUTTON = "gpt_image_edited"
"""Set in the layout around the button of the card."""


def _instruction(context: bpy.types.Context) -> str:
    return str(context.window_manager.gpt_image.instruction).strip()


class GPT_IMAGE_MT_branches(bpy.types.Menu):
    """Other versions that were made from the same image"""

    bl_idname = "GPT_IMAGE_MT_branches"
    bl_label = "Branches"

    def draw(self, context: bpy.types.Context) -> None:
        shown = chosen.current()
        for job, prompt in shown.branches:
            text = prompt if len(prompt) <= SHOWN_PROMPT else prompt[: SHOWN_PROMPT - 1] + "…"
            icon = "CHECKMARK" if job == shown.job else "BLANK1"
            button = self.layout.operator(
                GPT_IMAGE_OT_show_version.bl_idname, text=text, icon=icon, translate=False
            )
            button.job = job


def draw_versions(row: Any, shown: Chosen, *, is_running: bool) -> None:
    """The chain of a result: one back, where it stands with its branches, one on, and the comparison."""
    place, count = shown.place, len(shown.versions)
    is_chain = count > 1 and place >= 0 and not is_running
    _draw_step(row, shown, place - 1 if is_chain else -1, "TRIA_LEFT")
    middle = row.row(align=True)
    middle.enabled = is_chain
    text = translate(message("{number} of {count}", number=place + 1, count=count)) if is_chain else ""
    if is_chain and shown.branches:
        number = [job for job, _ in shown.branches].index(shown.job) + 1
        branch = message(
            "{text}, branch {number} of {count}", text=text, number=number, count=len(shown.branches)
        )
        middle.menu(GPT_IMAGE_MT_branches.bl_idname, text=translate(branch), translate=False)
    else:
        middle.label(text=text, icon="NONE" if is_chain else "BLANK1", translate=False)
    _draw_step(row, shown, place + 1 if is_chain else -1, "TRIA_RIGHT")
    end = row.row(align=True)
    end.enabled = is_chain and place > 0
    compare = compare_overlay.GPT_IMAGE_OT_compare_versions.bl_idname
    end.operator(compare, text="", icon="IMAGE_ALPHA").job = shown.job


def _draw_step(row: Any, shown: Chosen, place: int, icon: str) -> None:
    button = row.row(align=True)
    button.enabled = 0 <= place < len(shown.versions)
    job = shown.versions[place].job if button.enabled else ""
    button.operator(GPT_IMAGE_OT_show_version.bl_idname, text="", icon=icon).job = job


def draw_edit(row: Any, context: bpy.types.Context, shown: Chosen, *, is_running: bool) -> None:
    """A field for one change, and the button that sends it with its price."""
    row.enabled = bool(shown.images) and not is_running
    row.prop(context.window_manager.gpt_image, "instruction", text="", placeholder=PLACEHOLDER)
    end = row.row(align=True)
    end.context_pointer_set(JOB_OF_BUTTON, context.window_manager.gpt_image)
    text = quote.with_price(translate(GPT_IMAGE_OT_make_it.bl_label), shown.edit_usd)
    end.operator(GPT_IMAGE_OT_make_it.bl_idname, text=text, translate=False).job = shown.job


PLACEHOLDER = "Make it …"

CLASSES = (
    GPT_IMAGE_OT_show_version,
    GPT_IMAGE_OT_make_it,
    GPT_IMAGE_MT_branches,
    compare_overlay.GPT_IMAGE_OT_compare_versions,
)
