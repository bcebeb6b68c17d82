"""The history as the panel shows it: plain rows, read in a thread and kept until something changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import api
from ..core.errors import GptImageError
from ..core.states import JobState

PAGE = 8  # rows at once

FILTERS = {
    "all": (),
    "favourites": (),
    "unapplied": (JobState.RECEIVED,),
    "unknown": (JobState.UNKNOWN,),
    "failed": (JobState.FAILED, JobState.CANCELLED),
}
"""By name: the states that are shown; all where there are none."""


@dataclass(frozen=True)
class Row:
    """One job of the past."""

    job: str
    prompt: str
    state: JobState
    when: str
    cost_usd: float | None
    picture: str
    """Path of the first picture; empty where there is none."""
    favourite: bool


@dataclass
class View:
    """What is shown."""

    rows: tuple[Row, ...] = ()
    """All that the search lets through, newest first."""
    spent_usd: float = 0.0
    reserved_usd: float = 0.0
    page: int = 0
    error: str = ""
    stale: bool = True
    """Something has changed since the rows were read."""

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-len(self.rows) // PAGE))

    @property
    def shown(self) -> tuple[Row, ...]:
        """The rows of the page."""
        self.page = min(self.page, self.pages - 1)
        return self.rows[self.page * PAGE : (self.page + 1) * PAGE]


view = View()
_asked: tuple[str, str] | None = None
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
    """Read the rows again if the search or the journal has changed. Returns at once; `view` changes later."""
    global _asked
    if not view.stale and _asked == (search, which):
        return
    if _asked != (search, which):
        view.page = 0
    _asked, view.stale = (search, which), False
    try:
        api.look_back(_answered, search=search, states=FILTERS[which], favourites=which == "favourites")
    except GptImageError as error:
        view.error = error.text


def _answered(found: Any, error: GptImageError | None) -> None:
    if error is not None:
        view.error = error.text
        return
    view.rows = tuple(map(_row, found.jobs))
    view.spent_usd, view.reserved_usd, view.error = found.spent_usd, found.reserved_usd, ""


def _row(seen: Any) -> Row:
    entry = seen.entry
    return Row(
        entry.id,
        entry.request.prompt,
        entry.state,
        f"{entry.created:%Y-%m-%d %H:%M}",
        entry.cost_usd,
        seen.picture,
        entry.favourite,
    )
