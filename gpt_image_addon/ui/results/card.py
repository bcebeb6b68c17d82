"""The card below the button: one result, always as large, whatever became of it.

Its rows are the same in every state, so that nothing moves under the mouse: a title, an image or what stands
in its place, a line about the state, a strip of variations, and what can be done next.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...app import inpainting
from ...core.journal.states import JobState
from ...core.text.message import message
from ..common import thumbnails
from ..common.translate import translate
from ..common.widgets import blank_icon, region_units, sidebar_width
from ..presets import presets
from ..request import job_operators, quote
from . import (
    chosen,
    failures,
    operators_failures,
    operators_history,
    operators_results,
    operators_versions,
    result_menu,
)
from .outcomes import FAILURES, STATE_ICONS

if TYPE_CHECKING:
    from ...api import Task
    from .chosen import Chosen
    from .failures import Failure

IMAGE_SCALE = 10.0  # of an icon
STRIP_SCALE = 1.8
CONNECT = "gpt_image.open_preferences"
NARROW = 250  # units of a region; below it buttons stand one over the other
WITHOUT_RESULT = (*FAILURES, JobState.CANCELLED)
MARGIN = 62  # units of a region that the image leaves free
EXACT = 10.0  # seconds; above them the time left is said in steps, so that it holds still
STEP = 5  # seconds
MINUTE = 60.0


def draw(layout: Any, context: bpy.types.Context) -> None:
    """The chosen result; where there is none yet, what to begin with."""
    shown = chosen.current()
    units = region_units(context)
    column = layout.box().column()
    _draw_title(column, shown)
    scale = min(IMAGE_SCALE, (units - MARGIN) / 20)
    row = column.row()
    strut = row.column()
    strut.ui_units_x = 0.01
    strut.template_icon(icon_value=blank_icon(), scale=scale)
    _draw_middle(row.column(), shown, scale, context)
    _draw_state(column.row(align=True), shown)
    _draw_strip(column.column(align=True), shown, sidebar_width(context))
    operators_versions.draw_versions(column.row(align=True), shown, is_running=_is_running(shown))
    operators_versions.draw_edit(column.row(align=True), context, shown, is_running=_is_running(shown))
    _draw_actions(column, shown, is_narrow=units < NARROW)


def _is_running(shown: Chosen) -> bool:
    return shown.task is not None and not shown.task.done


def _is_without_result(shown: Chosen) -> bool:
    one = shown.task or shown.item
    return one is not None and one.state in WITHOUT_RESULT


def _draw_title(layout: Any, shown: Chosen) -> None:
    row = layout.row(align=True)
    if not shown.job:
        row.label(text="Start With")
        return
    task, item = shown.task, shown.item
    title = task.title if task is not None else item.prompt if item is not None else ""
    row.label(text=title, translate=False)
    end = row.row(align=True)
    end.alignment = "RIGHT"
    end.label(text=_cost(shown), translate=False)
    if isinstance(task, api.Job) or item is not None:
        end.context_string_set(operators_results.JOB_STRING, shown.job)
        star = "SOLO_ON" if item is not None and item.favourite else "SOLO_OFF"
        favourite = operators_history.GPT_IMAGE_OT_favourite.bl_idname
        end.operator(favourite, text="", icon=star, emboss=False).job = shown.job
        is_failed = _is_without_result(shown)
        menu = operators_failures.GPT_IMAGE_MT_failed if is_failed else result_menu.GPT_IMAGE_MT_result
        end.menu(menu.bl_idname, text="", icon="DOWNARROW_HLT")


def _cost(shown: Chosen) -> str:
    if isinstance(shown.task, api.Job):
        return chosen.cost(shown.task.cost_usd, shown.task.request.provider)
    return chosen.cost(shown.item.cost_usd, shown.item.provider) if shown.item is not None else ""


def _draw_middle(layout: Any, shown: Chosen, scale: float, context: bpy.types.Context) -> None:
    """An image, or what stands in its place."""
    if not shown.job:
        _draw_beginnings(layout)
        return
    icon = _image_icon(shown)
    failure = _failure(shown)
    if icon or failure is None:
        layout.template_icon(icon_value=icon or blank_icon(), scale=scale)
        return
    layout.separator(factor=2)
    failures.draw_short(layout, failure, sidebar_width(context))


def _image_icon(shown: Chosen) -> int:
    if _is_running(shown):
        return thumbnails.of_preview(shown.task)
    images = shown.images
    return thumbnails.of_file(images[min(shown.used, len(images) - 1)]) if images else 0


def _failure(shown: Chosen) -> Failure | None:
    """What went wrong; None where nothing did."""
    if shown.task is not None:
        return failures.failure_of(shown.task)
    return failures.failure_of_item(shown.item) if shown.item is not None else None


def _draw_beginnings(layout: Any) -> None:
    layout.separator()
    buttons = layout.column(align=True)
    buttons.scale_y = 1.3
    for name, label in presets.SHIPPED:
        button = buttons.operator("script.execute_preset", text=label)
        button.filepath = presets.shipped_file(name)
        button.menu_idname = presets.GPT_IMAGE_MT_presets.__name__
    layout.separator()
    layout.operator(CONNECT, icon="URL")


def _draw_state(row: Any, shown: Chosen) -> None:
    """What happens, or where the result went."""
    task, item = shown.task, shown.item
    if task is not None and not task.done:
        _draw_progress(row, task)
    elif task is not None and task.state is JobState.APPLIED:
        _draw_place(row, task)
    elif task is not None and task.state is JobState.RECEIVED:
        row.label(text=translate(task.message), icon=STATE_ICONS[task.state], translate=False)
    elif _is_without_result(shown):
        failure = _failure(shown)
        row.label(text=failure.billed if failure is not None else "", icon="INFO", translate=False)
    elif item is not None:
        row.label(text=f"{item.created:%Y-%m-%d %H:%M}", icon=STATE_ICONS[item.state], translate=False)
    else:
        row.label(text="")


def _draw_progress(row: Any, task: Task) -> None:
    text = translate("Cancelling" if task.cancelled else task.message)
    if task in api.waiting():
        row.label(text=text, icon="TIME", translate=False)
        for icon, step in (("TRIA_UP", -1), ("TRIA_DOWN", 1)):
            button = row.operator(job_operators.GPT_IMAGE_OT_move_job.bl_idname, text="", icon=icon)
            button.job, button.step = task.id, step
    else:
        row.progress(text=progress_text(task), factor=task.shown_progress, translate=False)
    row.operator(job_operators.GPT_IMAGE_OT_cancel.bl_idname, text="", icon="X").job = task.id


def _draw_place(row: Any, task: Task) -> None:
    """Where a result went, with a button that tells all that is to know of it."""
    applied = task.applied
    place = " › ".join(filter(None, (getattr(applied, "object", ""), getattr(applied, "material", ""))))
    row.label(text=place or translate("Done"), icon="CHECKMARK", translate=False)
    if operators_results.messages_of(task):
        tell = operators_results.GPT_IMAGE_OT_show_messages.bl_idname
        row.operator(tell, text="", icon="INFO", emboss=False).job = task.id


def _draw_strip(layout: Any, shown: Chosen, width: int) -> None:
    """The image before and the variations, with their buttons; where there is nothing to choose from, what is
    to know about the result.

    :param width: characters of a line.
    """
    is_running = _is_running(shown)
    can_revert = shown.has_before and not is_running and inpainting.can_revert(shown.job)
    images = shown.images if not is_running and len(shown.images) > 1 else ()
    told = operators_results.messages_of(shown.task) if shown.task is not None else []
    if told and not images and not can_revert:
        _draw_told(layout, told[0], width)
    else:
        _draw_thumbnails(layout, shown, images, can_revert=can_revert)
    _draw_choices(layout, shown, len(images), can_revert=can_revert)


def _draw_told(layout: Any, text: str, width: int) -> None:
    """A sentence in a row as high as the thumbnails."""
    row = layout.row()
    strut = row.column()
    strut.ui_units_x = 0.01
    strut.template_icon(icon_value=blank_icon(), scale=STRIP_SCALE)
    column = row.column()
    column.active = False
    column.label(text=textwrap.shorten(text, width, placeholder="…"), icon="INFO", translate=False)


def _draw_thumbnails(layout: Any, shown: Chosen, images: Sequence[str], *, can_revert: bool) -> None:
    first = shown.page * chosen.SHOWN_AT_ONCE
    before = shown.before if can_revert else ""
    page = images[first : first + chosen.SHOWN_AT_ONCE]
    files = (before, *page, *[""] * (chosen.SHOWN_AT_ONCE - len(page)), "")
    grid = layout.grid_flow(row_major=True, columns=len(files), even_columns=True, align=True)
    for file in files:
        icon = thumbnails.of_file(file) or blank_icon()
        grid.column().template_icon(icon_value=icon, scale=STRIP_SCALE)


def _draw_choices(layout: Any, shown: Chosen, count: int, *, can_revert: bool) -> None:
    """The way back, the numbers of the variations, and the button to the next page."""
    first = shown.page * chosen.SHOWN_AT_ONCE
    cells = chosen.SHOWN_AT_ONCE + 2
    grid = layout.grid_flow(row_major=True, columns=cells, even_columns=True, align=True)
    back = grid.column()
    back.enabled = can_revert
    revert = operators_results.GPT_IMAGE_OT_revert.bl_idname
    back.operator(revert, text="", icon="LOOP_BACK").job = shown.job
    shown_now = shown.used
    for number in range(first, first + chosen.SHOWN_AT_ONCE):
        cell = grid.column()
        cell.enabled = number < count
        use = operators_results.GPT_IMAGE_OT_use_variation.bl_idname
        is_used = number < count and number == shown_now
        button = cell.operator(use, text=str(number + 1), depress=is_used, translate=False)
        button.job, button.number = shown.job, number
    more = grid.column()
    more.enabled = shown.pages > 1
    more.operator(operators_history.GPT_IMAGE_OT_turn_variations.bl_idname, text="", icon="TRIA_RIGHT")


def _draw_actions(layout: Any, shown: Chosen, *, is_narrow: bool) -> None:
    """Once more, and on from here."""
    parts = layout.column(align=True) if is_narrow else layout.split(factor=0.68, align=True)
    task, item = shown.task, shown.item
    failed = _is_without_result(shown)
    once_more, further = parts.row(align=True), parts.row(align=True)
    is_request = isinstance(task, api.Job) or item is not None
    can_go_on = failed and task is not None and task.resume is not None
    once_more.enabled = (is_request or can_go_on) and not _is_running(shown)
    further.enabled = is_request and (failed or bool(shown.images))
    is_of_part = isinstance(task, api.Job) and bool(task.result_of)  # such as of the poles of a stored world
    known = item if task is None or is_of_part else task
    estimated = known.estimated_usd if known is not None else 0.0
    label = translate("Try Again" if failed else "Another One")
    text = f"{label}  ·  {quote.usd(estimated)}" if estimated else label
    again = operators_results.GPT_IMAGE_OT_again.bl_idname
    once_more.operator(again, text=text, translate=False).job = shown.job
    if failed:
        further.operator(operators_results.GPT_IMAGE_OT_recall.bl_idname, text="Edit").job = shown.job
    else:
        further.operator(operators_results.GPT_IMAGE_OT_edit_region.bl_idname).job = shown.job


def progress_text(job: Any) -> str:
    """What a job that is not done is at, and how long it takes still; quick enough for drawing."""
    doing = translate("Cancelling" if job.cancelled else job.message)
    time = _time_text(job)
    return f"{doing} · {translate(time)}" if time else doing


def _time_text(job: Any) -> str:
    """The time left, where it is known; else the time taken, of what is at work."""
    left = job.remaining
    if job.deferred or job.started is None:
        return ""
    if left is None:
        return message("{seconds} s so far", seconds=f"{job.elapsed:.0f}")
    if left <= EXACT:
        return message("{seconds} s left", seconds=f"{max(1, round(left))}")
    if left < MINUTE:
        return message("≈ {seconds} s left", seconds=-int(-left // STEP) * STEP)
    return message("≈ {minutes} min left", minutes=f"{left / MINUTE:.0f}")
