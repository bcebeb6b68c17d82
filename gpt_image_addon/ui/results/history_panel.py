"""The history: everything that was made, on every file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...app import settings
from ..common import thumbnails
from ..common.sidebar import TRANSLATIONS, Sidebar, in_every_sidebar
from ..common.translate import translate
from ..common.widgets import draw_sentence, sidebar_width
from ..request import quote
from . import history_view, operators_history
from . import operators_results as results
from .jobs_panel import STATE_ICONS

if TYPE_CHECKING:
    from ...core.journal.history import HistoryItem

THUMBNAIL_SCALE = 3.0  # of an icon


class GPT_IMAGE_PT_history(Sidebar):
    """Everything that was made, with what it cost"""

    bl_label = "History"
    bl_translation_context = TRANSLATIONS
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        shown = context.window_manager.gpt_image
        history_view.look(shown.search, shown.which)
        view = history_view.current()
        _draw_spending(layout, view)
        row = layout.row(align=True)
        row.prop(shown, "search", text="", icon="VIEWZOOM")
        row.prop(shown, "which", text="")
        if view.error:
            draw_sentence(layout, translate(view.error), "ERROR", sidebar_width(context))
        begun = {job.id for job in api.jobs() if not job.done}
        for entry in view.rows:
            _draw_row(layout, entry, shown=entry.job not in begun)
        _draw_pages(layout, view)
        layout.operator(operators_history.GPT_IMAGE_OT_recover_all.bl_idname, icon="RECOVER_LAST")


PANELS = in_every_sidebar(GPT_IMAGE_PT_history)


def _draw_spending(layout: Any, view: history_view.View) -> None:
    budget = getattr(settings.preferences(), "monthly_budget_usd", 0.0)
    text = bpy.app.translations.pgettext_iface("This month: {:s}").format(quote.usd(view.spent_usd))
    if budget:
        text = bpy.app.translations.pgettext_iface("This month: {:s} of {:s}").format(
            quote.usd(view.spent_usd), quote.usd(budget)
        )
        used = min(1.0, (view.spent_usd + view.reserved_usd) / budget)
        layout.progress(text=text, factor=used, translate=False)
    else:
        layout.label(text=text, translate=False)


def _draw_row(layout: Any, entry: HistoryItem, *, shown: bool) -> None:
    """
    :param shown: its picture is; the thumbnail of a job that is not done may still be in the making.
    """
    box = layout.box().row()
    icon = thumbnails.of_file(entry.picture) if shown else 0
    if icon:
        box.template_icon(icon_value=icon, scale=THUMBNAIL_SCALE)
    column = box.column(align=True)
    column.label(text=entry.prompt, icon=STATE_ICONS[entry.state], translate=False)
    cost = f"  {quote.usd(entry.cost_usd)}" if entry.cost_usd else ""
    column.label(text=f"{entry.created:%Y-%m-%d %H:%M}{cost}", translate=False)
    row = column.row(align=True)
    row.context_string_set(results.JOB_STRING, entry.job)
    star = "SOLO_ON" if entry.favourite else "SOLO_OFF"
    row.operator(operators_history.GPT_IMAGE_OT_favourite.bl_idname, text="", icon=star).job = entry.job
    row.operator(results.GPT_IMAGE_OT_recall.bl_idname, text="", icon="LOOP_BACK").job = entry.job
    if not entry.picture:
        return
    row.operator(
        operators_history.GPT_IMAGE_OT_open_folder.bl_idname, text="", icon="FILE_FOLDER"
    ).job = entry.job
    row.operator(
        operators_history.GPT_IMAGE_OT_delete_result.bl_idname, text="", icon="TRASH"
    ).job = entry.job
    row.menu(results.GPT_IMAGE_MT_result.bl_idname, text="", icon="DOWNARROW_HLT")


def _draw_pages(layout: Any, view: history_view.View) -> None:
    if view.pages < 2:
        return
    row = layout.row(align=True)
    row.operator(operators_history.GPT_IMAGE_OT_turn_page.bl_idname, text="", icon="TRIA_LEFT").step = -1
    label = row.row()
    label.alignment = "CENTER"
    label.label(text=f"{view.page + 1} / {view.pages}", translate=False)
    row.operator(operators_history.GPT_IMAGE_OT_turn_page.bl_idname, text="", icon="TRIA_RIGHT").step = 1
