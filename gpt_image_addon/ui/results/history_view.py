"""The history as the panel shows it: a page of rows, read in a thread and kept until something changes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ... import api
from ...core.errors import GptImageError
from ...core.journal.states import JobState

if TYPE_CHECKING:
    from ...core.journal.history import HistoryItem

PAGE = 8  # rows at once

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

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // PAGE))


view = View()
_asked: tuple[str, str, int] | None = None
"""Search, filter and page."""
_questions = itertools.count(1)
_answer = 0
"""Which question the rows answer: threads may be done in another order."""
_known: tuple[Any, ...] = ()


def changed(jobs: Any) -> bool:
    """Look again when a job has changed its state since; returns whether one has."""
    global _known
    states = tuple((job.id, job.state) for job in jobs)
    if states == _known:
        return False
    _known, view.stale = states, True
    return True


def look(search: str, which: str) -> None:
    """Read the page again if it, the search or the journal has changed.

    Returns at once; `view` changes later.
    """
    global _asked
    if _asked is not None and _asked[:2] != (search, which):
        view.page = 0
    asked = (search, which, view.page)
    if not view.stale and _asked == asked:
        return
    _asked, view.stale = asked, False
    try:
        api.look_back(
            partial(_answered, next(_questions)),
            search=search,
            states=FILTERS[which],
            favourites=which == "favourites",
            start=view.page * PAGE,
            limit=PAGE,
        )
    except GptImageError as error:
        view.error = error.text


def _answered(question: int, found: Any, error: GptImageError | None) -> None:
    global _answer
    if question < _answer:
        return
    _answer = question
    if error is not None:
        view.error = error.text
        return
    view.rows, view.count = found.jobs, found.count
    view.spent_usd, view.reserved_usd, view.error = found.spent_usd, found.reserved_usd, ""
    view.page = min(view.page, view.pages - 1)
