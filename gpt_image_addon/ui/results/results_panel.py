"""Everything that was made and is being made, as one grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...app import settings
from ...core.journal.states import JobState
from ...core.request.targets import find_target
from ..common import thumbnails
from ..common.sidebar import TRANSLATIONS, Sidebar, in_every_sidebar
from ..common.translate import translate
from ..common.widgets import blank_icon, draw_sentence, region_units, sidebar_width
from ..request import job_operators, quote
from . import chosen, failures, history_view, operators_failures, operators_history, operators_results
from .outcomes import STATE_ICONS

if TYPE_CHECKING:
    from ...api import Task
    from ...core.journal.history import HistoryItem

WORDS = {JobState.FAILED: "Failed", JobState.CANCELLED: "Cancelled", JobState.UNKNOWN: "Unknown"}
"""What cells without a result say in place of the cost."""
COLUMNS = 3
NARROW = 250  # units of a region; below it there are two columns
THUMBNAIL_SCALE = 3.4  # of an icon
NARROW_SCALE = 4.0


class GPT_IMAGE_PT_results(Sidebar):
    """Everything that is made and was made, with what it cost"""

    bl_label = "Results"
    bl_translation_context = TRANSLATIONS

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        count = history_view.current().count
        layout.label(text=f"{count:,}" if count else "", translate=False)

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        shown = context.window_manager.gpt_image
        history_view.look(shown.search, shown.which)
        view = history_view.current()
        row = layout.row(align=True)
        row.prop(shown, "search", text="", icon="VIEWZOOM")
        row.prop(shown, "which", text="", icon="FILTER", icon_only=True)
        row.menu(GPT_IMAGE_MT_results.__name__, text="", icon="DOWNARROW_HLT")
        if view.error:
            draw_sentence(layout, translate(view.error), "ERROR", sidebar_width(context))
        begun = [job for job in api.jobs() if not job.done]
        ids = {job.id for job in begun}
        is_narrow = region_units(context) < NARROW
        scale = NARROW_SCALE if is_narrow else THUMBNAIL_SCALE
        grid = layout.grid_flow(row_major=True, columns=COLUMNS - is_narrow, even_columns=True)
        for job in reversed(begun):
            _draw_running(grid.column(align=True), job, scale)
        for item in view.rows:
            if item.job not in ids:
                _draw_result(grid.column(align=True), item, scale)
        if not view.rows and not begun:
            layout.label(text="Nothing was found" if shown.search else "Nothing yet")
        _draw_pages(layout, view)
        _draw_spending(layout, view)


class GPT_IMAGE_MT_results(bpy.types.Menu):
    """What concerns all results"""

    bl_label = "Results"

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.operator(operators_history.GPT_IMAGE_OT_recover_all.bl_idname, icon="RECOVER_LAST")
        self.layout.operator(operators_history.GPT_IMAGE_OT_open_folder.bl_idname, icon="FILE_FOLDER")
        self.layout.operator(operators_history.GPT_IMAGE_OT_clean_results.bl_idname, icon="TRASH")
        self.layout.separator()
        self.layout.operator(job_operators.GPT_IMAGE_OT_cancel_all.bl_idname, icon="X")


PANELS = in_every_sidebar(GPT_IMAGE_PT_results)


def _draw_running(cell: Any, job: Task, scale: float) -> None:
    cell.template_icon(icon_value=thumbnails.of_preview(job) or blank_icon(), scale=scale)
    row = cell.row(align=True)
    if job in api.waiting():
        row.label(text="", icon=STATE_ICONS[JobState.QUEUED])
    else:
        left = job.remaining
        text = f"{left:.0f} s" if left is not None else "…"
        row.progress(text=text, factor=job.shown_progress, translate=False)
    row.operator(job_operators.GPT_IMAGE_OT_cancel.bl_idname, text="", icon="X").job = job.id


def _draw_result(cell: Any, item: HistoryItem, scale: float) -> None:
    first = item.images[0] if item.images else ""
    cell.template_icon(icon_value=thumbnails.of_file(first) or blank_icon(), scale=scale)
    row = cell.row(align=True)
    row.alert = item.state is JobState.FAILED
    failure = failures.failure_of_item(item) if item.state in WORDS else None
    mend = failure.button if failure is not None else None
    is_mended_here = mend is not None and not mend.mend.of_job
    cost = chosen.cost(item.cost_usd, item.provider)
    text = translate(WORDS[item.state]) if item.state in WORDS else cost
    button = row.operator(
        operators_history.GPT_IMAGE_OT_show_result.bl_idname,
        text="" if is_mended_here else text,
        icon=find_target(item.target).icon if item.state is JobState.APPLIED else STATE_ICONS[item.state],
        depress=item.job == chosen.current().job,
        translate=False,
    )
    button.job = item.job
    if mend is not None and is_mended_here:
        failures.draw_button(row, mend, mend.word, icon=False)
    elif failure is not None:
        row.context_string_set(operators_results.JOB_STRING, item.job)
        row.menu(operators_failures.GPT_IMAGE_MT_failed.bl_idname, text="", icon="DOWNARROW_HLT")


def _draw_pages(layout: Any, view: history_view.View) -> None:
    if view.pages < 2:
        return
    row = layout.row(align=True)
    turn = operators_history.GPT_IMAGE_OT_turn_page.bl_idname
    back = row.row(align=True)
    back.enabled = view.page > 0
    back.operator(turn, text="", icon="TRIA_LEFT").step = -1
    label = row.row()
    label.alignment = "CENTER"
    first = view.page * history_view.PAGE
    text = bpy.app.translations.pgettext_iface("{:,d} to {:,d} of {:,d}")
    label.label(text=text.format(first + 1, first + len(view.rows), view.count), translate=False)
    on = row.row(align=True)
    on.enabled = view.page < view.pages - 1
    on.operator(turn, text="", icon="TRIA_RIGHT").step = 1


def _draw_spending(layout: Any, view: history_view.View) -> None:
    budget = getattr(settings.preferences(), "monthly_budget_usd", 0.0)
    text = bpy.app.translations.pgettext_iface("This month: {:s}").format(quote.usd(view.spent_usd))
    if budget:
        text = bpy.app.translations.pgettext_iface("This month: {:s} of {:s}").format(
            quote.usd(view.spent_usd), quote.usd(budget)
        )
        used = min(1.0, (view.spent_usd + view.reserved_usd) / budget)
        layout.progress(text=text, factor=used, translate=False)
        return
    row = layout.row()
    row.active = False
    row.label(text=text, translate=False)
