"""How jobs end, told where the user is: in the status bar; a failure in a popup where no panel shows."""

from __future__ import annotations

import textwrap
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ...core.journal.states import JobState
from ..common import sidebar, state
from ..common.translate import translate

if TYPE_CHECKING:
    from ...api import Task

SHOWN_SECONDS = 15.0  # in the status bar
STATUS_LIMIT = 80  # characters
LINE = 60  # characters of the popup
FAILURES = (JobState.FAILED, JobState.UNKNOWN)


@dataclass
class Outcomes:
    """What has been told."""

    told: weakref.WeakSet[Task] = field(default_factory=weakref.WeakSet)
    newest: Task | None = None
    since: float = 0.0
    """`time.monotonic` when it ended."""


def tell(jobs: Iterable[Task]) -> None:
    """Tell of the jobs that have ended since the last call."""
    outcomes = state.part(Outcomes)
    for job in jobs:
        if not job.done or job in outcomes.told:
            continue
        outcomes.told.add(job)
        outcomes.newest, outcomes.since = job, time.monotonic()
        if job.state in FAILURES and not bpy.app.background and not sidebar.is_visible():
            _pop_up(job)


def draw_newest(layout: Any) -> None:
    """One line about the job that ended last, for some seconds."""
    outcomes = state.part(Outcomes)
    job = outcomes.newest
    if job is None or time.monotonic() - outcomes.since > SHOWN_SECONDS:
        return
    icon = "CHECKMARK" if job.state is JobState.APPLIED else "ERROR" if job.state in FAILURES else "CANCEL"
    text = f"{job.title}: {translate(job.message)}"
    layout.label(text=textwrap.shorten(text, STATUS_LIMIT, placeholder="…"), icon=icon, translate=False)


def _pop_up(job: Task) -> None:
    lines = textwrap.wrap(translate(job.message), LINE)

    def draw(popup: Any, context: bpy.types.Context) -> None:
        for line in lines:
            popup.layout.label(text=line, translate=False)

    title = f"GPT Image: {textwrap.shorten(job.title, LINE, placeholder='…')}"
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=manager.windows[0]):
        manager.popup_menu(draw, title=title, icon="ERROR")
