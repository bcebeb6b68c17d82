"""The history as the panel shows it: a page of rows, read in a thread and kept until something changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ... import api
from ...core.errors import GptImageError
from ...core.journal.states import JobState
from ..common import state
from . import chosen

if TYPE_CHECKING:
    from ...core.journal.history import HistoryItem

PAGE = 12  # results at once: three or two in a row

FILTERS = {
    "all": (),
    "favourites": (),
    "unapplied": (JobState.RECEIVED,),
    "unknown": (JobState.UNKNOWN,),
    "failed": (JobState.FAILED, JobState.CANCELLED),
}
"""By name: the states that are shown; all where there are none."""


@dataclass
class View:
    """What is shown."""

    rows: tuple[HistoryItem, ...] = ()
    """The page, newest first."""
    count: int = 0
    """How many jobs the search lets through."""
    spent_usd: float = 0.0
    reserved_usd: float = 0.0
    page: int = 0
    error: str = ""
    stale: bool = True
    """Something has changed since the rows were read."""
    asked: tuple[str, str, int] | None = None
    """Search, filter and page."""
    questions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    answer: int = 0
    """Which question the rows answer: threads may be done in another order."""
    job_states: tuple[Any, ...] = ()
    """Of this session's jobs, when they were last looked at."""

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // PAGE))


def current() -> View:
    """What is shown now; it changes."""
    return state.part(View)


def changed(jobs: Any) -> bool:
    """Look again when a job has changed its state since, or ended; returns whether one has."""
    view, states = current(), tuple((job.id, job.state, job.done) for job in jobs)
    if states == view.job_states:
        return False
    view.job_states, view.stale = states, True
    return True


def look(search: str, which: str) -> None:
    """Read the page again if it, the search or the journal has changed.

    Returns at once; the view changes later.
    """
    view = current()
    if view.asked is not None and view.asked[:2] != (search, which):
        view.page = 0
    asked = (search, which, view.page)
    if not view.stale and view.asked == asked:
        return
    view.asked, view.stale = asked, False
    try:
        api.look_back(
            partial(_take_answer, view, next(view.questions)),
            search=search,
            states=FILTERS[which],
            favourites=which == "favourites",
            start=view.page * PAGE,
            limit=PAGE,
        )
    except GptImageError as error:
        view.error = error.text


def _take_answer(view: View, question: int, found: Any, error: GptImageError | None) -> None:
    if question < view.answer:
        return
    view.answer = question
    if error is not None:
        view.error = error.text
        return
    view.rows, view.count = found.jobs, found.count
    view.spent_usd, view.reserved_usd, view.error = found.spent_usd, found.reserved_usd, ""
    view.page = min(view.page, view.pages - 1)
    chosen.refresh(found.jobs)
