"""The list of jobs: what runs, what waits, and what became of it."""

from __future__ import annotations

from typing import Any

import bpy

from ... import api
from ...core.journal.states import JobState
from ..common import thumbnails
from ..common.sidebar import Sidebar, in_every_sidebar
from ..common.translate import translate
from ..common.widgets import draw_sentence, sidebar_width
from ..request import generate, quote
from . import operators_results as results
from . import outcomes

STATE_ICONS = {
    JobState.QUEUED: "TIME",
    JobState.SENDING: "EXPORT",
    JobState.RECEIVED: "IMPORT",
    JobState.APPLIED: "CHECKMARK",
    JobState.FAILED: "ERROR",
    JobState.CANCELLED: "CANCEL",
    JobState.UNKNOWN: "QUESTION",
}
PREVIEW_SCALE = 8.0  # of an icon
VARIATION_SCALE = 4.0


class GPT_IMAGE_PT_jobs(Sidebar):
    """What runs, and what became of it"""

    bl_label = "Jobs"

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        jobs = api.jobs()
        if not jobs:
            layout.label(text="Nothing runs")
            return
        waiting = api.waiting()
        for job in reversed(jobs):
            column = layout.box().column(align=True)
            draw = _draw_done if job.done else _draw_waiting if job in waiting else _draw_running
            draw(column, job)
        row = layout.row(align=True)
        row.operator(generate.GPT_IMAGE_OT_cancel_all.bl_idname, icon="X")
        row.operator(generate.GPT_IMAGE_OT_clear_finished.bl_idname, icon="TRASH")


PANELS = in_every_sidebar(GPT_IMAGE_PT_jobs)


def draw_newest(layout: Any) -> None:
    """What runs and was begun last, for right below the button."""
    running = [job for job in api.jobs() if not job.done and job.started is not None]
    if running:
        _draw_running(layout.box().column(align=True), running[-1])


def _draw_title(layout: Any, job: Any) -> Any:
    row = layout.row(align=True)
    row.label(text=job.title, icon=STATE_ICONS[job.state], translate=False)
    return row


def _draw_cancel(row: Any, job: Any) -> None:
    row.operator(generate.GPT_IMAGE_OT_cancel.bl_idname, text="", icon="X", emboss=False).job = job.id


def _draw_waiting(layout: Any, job: Any) -> None:
    row = _draw_title(layout, job)
    for icon, step in (("TRIA_UP", -1), ("TRIA_DOWN", 1)):
        button = row.operator(generate.GPT_IMAGE_OT_move_job.bl_idname, text="", icon=icon, emboss=False)
        button.job, button.step = job.id, step
    _draw_cancel(row, job)


def _draw_running(layout: Any, job: Any) -> None:
    _draw_cancel(_draw_title(layout, job), job)
    icon = thumbnails.of_preview(job)
    if icon:
        layout.template_icon(icon_value=icon, scale=PREVIEW_SCALE)
    text = translate("Cancelling" if job.cancelled else job.message)
    layout.progress(text=f"{text}, {job.elapsed:.0f} s", factor=job.shown_progress, translate=False)


def _draw_done(layout: Any, job: Any) -> None:
    row = _draw_title(layout, job)
    width = sidebar_width(bpy.context)
    if job.state is not JobState.APPLIED:
        draw_sentence(layout, translate(job.message), width=width)
        if isinstance(job, api.Job) and job.state is not JobState.RECEIVED:
            _draw_retry(layout, job)
        return
    if not isinstance(job, api.Job):
        return
    if job.cost_usd:
        row.label(text=quote.usd(job.cost_usd), translate=False)
    pictures = results.pictures_of(job)
    if len(pictures) > 1:
        _draw_variations(layout, job, pictures)
    row.context_string_set(results.JOB_STRING, job.id)
    row.menu(results.GPT_IMAGE_MT_result.bl_idname, text="", icon="DOWNARROW_HLT")
    _draw_place(layout, job.applied, width)


def _draw_retry(layout: Any, job: Any) -> None:
    """What can be done about a request without a result."""
    row = layout.row(align=True)
    text = results.with_price(translate("Try Again"), job.estimated_usd)
    row.operator(results.GPT_IMAGE_OT_again.bl_idname, text=text, translate=False).job = job.id
    row.operator(results.GPT_IMAGE_OT_recall.bl_idname, text="Load Settings").job = job.id


def _draw_place(layout: Any, applied: Any, width: int) -> None:
    """Where a result went, and what the user should know about that."""
    if applied.object:
        text = " › ".join(filter(None, (applied.object, applied.material)))
        layout.label(text=text, icon="OBJECT_DATA", translate=False)
    for text in applied.messages:
        draw_sentence(layout, translate(text), "INFO", width)


def _draw_variations(layout: Any, job: Any, pictures: list[Any]) -> None:
    """Side by side, with a click to use one."""
    grid = layout.grid_flow(row_major=True, columns=min(3, len(pictures)), align=True)
    for number, picture in enumerate(pictures):
        cell = grid.column(align=True)
        icon = thumbnails.of_file(picture.file)
        if icon:
            cell.template_icon(icon_value=icon, scale=VARIATION_SCALE)
        button = cell.operator(
            results.GPT_IMAGE_OT_use_variation.bl_idname, text=str(number + 1), depress=number == job.used
        )
        button.job, button.number = job.id, number


def draw_status(header: Any, context: bpy.types.Context) -> None:
    """In the status bar: how much runs and waits."""
    open_jobs = [job for job in api.jobs() if not job.done]
    if not open_jobs:
        outcomes.draw_newest(header.layout)
        return
    waiting = len(api.waiting())
    text = bpy.app.translations.pgettext_iface("GPT Image: {:d} running, {:d} waiting")
    factor = sum(job.shown_progress for job in open_jobs) / len(open_jobs)
    row = header.layout.row()
    row.ui_units_x = 12
    row.progress(text=text.format(len(open_jobs) - waiting, waiting), factor=factor, translate=False)
