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
from ..common import sidebar, state
from ..common.translate import translate

if TYPE_CHECKING:
    from ...api import Task

SHOWN_SECONDS = 15.0  # in the status bar
STATUS_LIMIT = 80  # characters
LINE = 60  # characters of the popup
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


@dataclass
class Outcomes:
    """What has been told."""

    told: weakref.WeakSet[Task] = field(default_factory=weakref.WeakSet)
    newest: Task | None = None
    since: float = 0.0
    """`time.monotonic` when it ended."""


def tell(jobs: Sequence[Task]) -> list[Task]:
    """Tell of the jobs that have ended since the last call; returns them."""
    outcomes = state.part(Outcomes)
    ended = [job for job in jobs if job.done and job not in outcomes.told]
    for job in ended:
        outcomes.told.add(job)
        outcomes.newest, outcomes.since = job, time.monotonic()
        if job.state in FAILURES and not bpy.app.background and not sidebar.is_visible():
            _pop_up(job)
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


def draw_newest(layout: Any) -> None:
    """One line about the job that ended last, for some seconds."""
    outcomes = state.part(Outcomes)
    job = outcomes.newest
    if job is None or time.monotonic() - outcomes.since > SHOWN_SECONDS:
        return
    text = f"{job.title}: {translate(job.message)}"
    shortened = textwrap.shorten(text, STATUS_LIMIT, placeholder="…")
    layout.label(text=shortened, icon=STATE_ICONS[job.state], translate=False)


def _pop_up(job: Task) -> None:
    lines = textwrap.wrap(translate(job.message), LINE)

    def draw(popup: Any, context: bpy.types.Context) -> None:
        for line in lines:
            popup.layout.label(text=line, translate=False)

    title = f"GPT Image: {textwrap.shorten(job.title, LINE, placeholder='…')}"
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=manager.windows[0]):
        manager.popup_menu(draw, title=title, icon="ERROR")
