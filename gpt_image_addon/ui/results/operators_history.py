"""Operators on the history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import IntProperty, StringProperty

from ... import api
from ...app import results, settings
from ...core.errors import GptImageError
from ...core.request.parameters import NO_OBJECT
from ...core.text.message import message
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
from ..request import to_parameters
from . import chosen, disk_usage, history_view

RUNNING: Returned = {"RUNNING_MODAL"}
PASSED_ON: Returned = {"PASS_THROUGH"}
ASKING_SECONDS = 0.1  # between looks whether servers have answered


class _OnJob:
    """About one job of the past."""

    bl_options = {"REGISTER"}  # noqa: RUF012
    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})


class GPT_IMAGE_OT_turn_page(bpy.types.Operator):
    """Show older or newer jobs"""

    bl_idname = "gpt_image.turn_page"
    bl_label = "Turn Page"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    step: IntProperty(name="Step", description="1 is older, -1 newer", default=1, min=-1, max=1)

    def execute(self, context: bpy.types.Context) -> Returned:
        view = history_view.current()
        view.page = min(max(0, view.page + self.step), view.pages - 1)
        return FINISHED


class GPT_IMAGE_OT_show_result(_OnJob, bpy.types.Operator):
    """Show this result below the Generate button"""

    bl_idname = "gpt_image.show_result"
    bl_label = "Show Result"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """The tooltip of the button: what it is."""
        item = next((item for item in history_view.current().rows if item.job == properties.job), None)
        if item is None:
            return translate(str(cls.__doc__))
        facts = (f"{item.created:%Y-%m-%d %H:%M}", chosen.cost(item.cost_usd, item.provider), item.job)
        said = translate(str(item.error.get("message", ""))) if item.error is not None else ""
        return "\n".join(filter(None, (item.prompt, " · ".join(filter(None, facts)), said)))

    def execute(self, context: bpy.types.Context) -> Returned:
        chosen.choose(self.job, api.jobs(), history_view.current().rows)
        return FINISHED


class GPT_IMAGE_OT_turn_variations(bpy.types.Operator):
    """Show the other variations"""

    bl_idname = "gpt_image.turn_variations"
    bl_label = "More Variations"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        shown = chosen.current()
        shown.page = (shown.page + 1) % shown.pages
        return FINISHED


class GPT_IMAGE_OT_favourite(_OnJob, bpy.types.Operator):
    """Mark this result as a favourite, which is never cleaned away, or take the mark off"""

    bl_idname = "gpt_image.favourite"
    bl_label = "Favourite"

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        is_favourite = not results.entry(self.job).favourite
        api.set_favourite(self.job, is_favourite)
        chosen.mark_favourite(self.job, is_favourite)
        history_view.current().stale = True
        return FINISHED


class GPT_IMAGE_OT_recover(_OnJob, bpy.types.Operator):
    """Put this result where it was meant to go"""

    bl_idname = "gpt_image.recover"
    bl_label = "Recover Result"

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        finish_in_background(results.apply(self.job, **to_parameters.place(context)))
        history_view.current().stale = True
        return FINISHED


class GPT_IMAGE_OT_accept_answer(_OnJob, bpy.types.Operator):
    """Put this answer into its image although it does not match; nothing is sent"""

    bl_idname = "gpt_image.accept_answer"
    bl_label = "Use Anyway"

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        part = results.unfinished(self.job)
        if part is not None:
            results.resume(part, accept=True)
            return FINISHED
        finish_in_background(results.apply(self.job, accept=True, **to_parameters.place(context)))
        history_view.current().stale = True
        return FINISHED


class GPT_IMAGE_OT_recover_all(bpy.types.Operator):
    """Put all results that are paid for and in no scene into this one"""

    bl_idname = "gpt_image.recover_all"
    bl_label = "Recover Unapplied Results"
    bl_options = {"REGISTER"}  # noqa: RUF012

    _timer = None
    _answers = list[int]()  # noqa: RUF012
    """How many answers servers had; empty while they are asked."""
    _asks = True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return self._begin(context)

    @reporting
    def _begin(self, context: bpy.types.Context) -> Returned | None:
        """Servers are asked meanwhile; Blender stays usable, and Esc ends the wait."""
        self._asks = False
        answers: list[int] = []  # the answer may come when Blender has freed this operator
        self._answers = answers
        if not api.ask_servers(lambda found, error: answers.append(found)):
            return self._recover(context)
        manager = context.window_manager
        self._timer = manager.event_timer_add(ASKING_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        context.workspace.status_text_set(translate("Asking servers for lost answers; Esc ends the wait"))
        return RUNNING

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        if not self._answers and event.type != "ESC":
            return PASSED_ON
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)
        return self._recover(context)

    def execute(self, context: bpy.types.Context) -> Returned:
        return self._recover(context)

    @reporting
    def _recover(self, context: bpy.types.Context) -> Returned | None:
        recovered = 0
        for entry in api.unapplied(asks=self._asks):
            # Not all of them onto the active object, one over the other.
            place = to_parameters.place(context) | {"object_uid": NO_OBJECT, "object_uids": ()}
            try:
                finish_in_background(
                    results.apply(entry.id, **place, object_name=entry.application.object_name)
                )
            except GptImageError as error:  # one whose files are gone keeps no other back
                self.report({"WARNING"}, translate(error.text))
            else:
                recovered += 1
        self.report({"INFO"}, translate(message("{count} results were recovered.", count=recovered)))
        history_view.current().stale = True
        return FINISHED


class GPT_IMAGE_OT_delete_result(_OnJob, bpy.types.Operator):
    """Delete the files of this result from the disk; what it cost stays in the books"""

    bl_idname = "gpt_image.delete_result"
    bl_label = "Delete Result"

    _edits = 0

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return self._ask(context)

    @reporting
    def _ask(self, context: bpy.types.Context) -> Returned | None:
        self._edits = results.count_edits(self.job)
        return ask(self, context, "Delete")

    def draw(self, context: bpy.types.Context) -> None:
        draw_question(self.layout, "Its image files are deleted; what shows them in this file stays.")
        if self._edits:
            told = message(
                "{count} versions were made from it: they stay, but can't be requested again.",
                count=self._edits,
            )
            draw_question(self.layout, told)

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        results.delete(self.job)
        chosen.forget_task(self.job)
        history_view.current().stale = True
        return FINISHED


class GPT_IMAGE_OT_clean_results(bpy.types.Operator):
    """Delete the files of old results; favourites and what is in no scene yet stay"""

    bl_idname = "gpt_image.clean_results"
    bl_label = "Clean Up Results"
    bl_options = {"REGISTER"}  # noqa: RUF012

    days: IntProperty(
        name="Older Than (Days)", description="Age of results that are deleted", default=90, min=0
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return context.window_manager.invoke_props_dialog(self, confirm_text="Delete")

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        disk_usage.clean(self.days)
        history_view.current().stale = True
        return FINISHED


class GPT_IMAGE_OT_open_folder(_OnJob, bpy.types.Operator):
    """Open the folder with the files of this result, or of all"""

    bl_idname = "gpt_image.open_folder"
    bl_label = "Open Results Folder"

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        folder = results.entry(self.job).folder if self.job else settings.load(with_key=False).state_folder
        if folder is None or not Path(folder).is_dir():
            self.report({"ERROR"}, translate("There is no folder."))
            return CANCELLED
        bpy.ops.wm.path_open(filepath=str(folder))
        return FINISHED


CLASSES = (
    GPT_IMAGE_OT_show_result,
    GPT_IMAGE_OT_turn_variations,
    GPT_IMAGE_OT_turn_page,
    GPT_IMAGE_OT_favourite,
    GPT_IMAGE_OT_recover,
    GPT_IMAGE_OT_accept_answer,
    GPT_IMAGE_OT_recover_all,
    GPT_IMAGE_OT_delete_result,
    GPT_IMAGE_OT_clean_results,
    GPT_IMAGE_OT_open_folder,
)
