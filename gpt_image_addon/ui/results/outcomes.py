"""How jobs get on and end, told where the user is: in the status bar, failures also in a popup."""

from __future__ import annotations

import textwrap
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...core.journal.states import JobState
from ...core.text.message import message
from ..common import sidebar, state
from ..common.translate import translate
from ..common.widgets import draw_sentence
from . import failures, operators_results

if TYPE_CHECKING:
    from ...api import Task

SHOWN_SECONDS = 15.0  # in the status bar
STATUS_LIMIT = 80  # characters
LINE = 46  # characters of the popup
POPUP_UNITS = 16  # its width, in heights of a button
FAILURES = (JobState.FAILED, JobState.UNKNOWN)
STATE_ICONS = {
    JobState.QUEUED: "TIME",
    JobState.SENDING: "EXPORT",
    JobState.RECEIVED: "IMPORT",
    JobState.APPLIED: "CHECKMARK",
    JobState.FAILED: "ERROR",
    JobState.CANCELLED: "CANCEL",
    JobState.UNKNOWN: "QUESTION",
}
GATHERED = 0.3  # seconds in which failures come into one popup
REST = 10.0  # seconds after a popup in which another one would be a nuisance
PATIENCE = 60.0  # seconds that a popup waits for a running tool


@dataclass
class Outcomes:
    """What has been told."""

    told: weakref.WeakSet[Task] = field(default_factory=weakref.WeakSet)
    newest: Task | None = None
    since: float = 0.0
    """`time.monotonic` when it ended."""
    failed: list[Task] = field(default_factory=list)
    """Those that a popup is to tell of, oldest first."""
    failed_since: float = 0.0
    """`time.monotonic` of the first of them."""
    popped_up: float = -REST
    """`time.monotonic` of the last popup."""


def tell(jobs: Sequence[Task]) -> list[Task]:
    """Tell of the jobs that have ended since the last call; returns them."""
    outcomes = state.part(Outcomes)
    ended = [job for job in jobs if job.done and job not in outcomes.told]
    for job in ended:
        outcomes.told.add(job)
        outcomes.newest, outcomes.since = job, time.monotonic()
        if _is_failure(job) and not bpy.app.background and not sidebar.is_visible():
            _gather(outcomes, job)
    return ended


def draw_status(header: Any, context: bpy.types.Context) -> None:
    """In the status bar: how much runs and waits, else how the last job ended."""
    open_jobs = [job for job in api.jobs() if not job.done]
    if not open_jobs:
        draw_newest(header.layout)
        return
    waiting = len(api.waiting())
    text = bpy.app.translations.pgettext_iface("GPT Image: {:d} running, {:d} waiting")
    factor = sum(job.shown_progress for job in open_jobs) / len(open_jobs)
    row = header.layout.row()
    row.ui_units_x = 12
    row.progress(text=text.format(len(open_jobs) - waiting, waiting), factor=factor, translate=False)


def _is_failure(job: Task) -> bool:
    """Also of a result that could not be put into the scene."""
    return job.state in FAILURES or (job.error is not None and job.state is JobState.RECEIVED)


def draw_newest(layout: Any) -> None:
    """One line about the job that ended last, for some seconds."""
    outcomes = state.part(Outcomes)
    job = outcomes.newest
    if job is None or time.monotonic() - outcomes.since > SHOWN_SECONDS:
        return
    failure = failures.failure_of(job)
    icon = "ERROR" if _is_failure(job) else STATE_ICONS[job.state]
    told = operators_results.messages_of(job) if failure is None else [failure.sentence]
    text = f"{job.title}: {told[0] if told else translate(job.message)}"
    row = layout.row()
    row.alert = _is_failure(job)
    row.label(text=textwrap.shorten(text, STATUS_LIMIT, placeholder="…"), icon=icon, translate=False)


def _gather(outcomes: Outcomes, job: Task) -> None:
    """Several that fail together get one popup; those that follow at once are told in the status bar."""
    from ...app import scheduler

    if time.monotonic() - outcomes.popped_up < REST:
        return
    if not outcomes.failed:
        outcomes.failed_since = time.monotonic()
    outcomes.failed.append(job)
    scheduler.keep_asking(_pop_up_when_free)


def _pop_up_when_free() -> bool:
    """Not in the middle of a stroke or a transform: a popup takes the mouse from it.

    :returns: whether that is done with.
    """
    outcomes = state.part(Outcomes)
    waited = time.monotonic() - outcomes.failed_since
    is_busy = any(len(window.modal_operators) for window in bpy.context.window_manager.windows)
    if waited < GATHERED or (is_busy and waited < PATIENCE):
        return False
    failed, outcomes.failed = outcomes.failed, []
    if not is_busy and not sidebar.is_visible():
        outcomes.popped_up = time.monotonic()
        _pop_up(failed)
    return True


def _pop_up(jobs: list[Task]) -> None:
    def draw(popup: Any, context: bpy.types.Context) -> None:
        draw_popup(popup.layout, jobs)

    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=manager.windows[0]):
        manager.popover(draw, ui_units_x=POPUP_UNITS)


def draw_popup(layout: Any, jobs: list[Task]) -> None:
    """The newest of the failures with what mends it, and how many more there are.

    It comes under the mouse, perhaps in the middle of a click: nothing in it sends a request.
    """
    title = f"GPT Image: {textwrap.shorten(jobs[-1].title, LINE, placeholder='…')}"
    layout.label(text=title, translate=False)
    layout.separator(type="LINE")
    failure = failures.failure_of(jobs[-1])
    if failure is not None:
        failures.draw_short(layout, failure, LINE)
        draw_sentence(layout, failure.billed, width=LINE)
    if len(jobs) > 1:
        text = message("More jobs failed: {count}. The sidebar (N) lists them.", count=len(jobs) - 1)
        layout.label(text=translate(text), translate=False)
