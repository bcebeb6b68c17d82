"""A look back for the interface: one page of jobs with their first pictures, and the month's spending.

It is looked at each time that a job takes a step, while the window is in use: so the file is asked for no
more than what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..results.folders import PICTURE_STEM, named
from .history import BY_AGE, ORDER, Filter, condition, received_files
from .schema import PROMPT
from .states import JobState

if TYPE_CHECKING:
    from .journal import Journal

_COLUMNS = f"id, state, created, cost_usd, folder, favourite, {PROMPT} AS prompt"


@dataclass(frozen=True)
class Seen:
    """One job."""

    job: str
    prompt: str
    state: JobState
    created: datetime
    cost_usd: float | None
    picture: str
    """Path of the first picture; empty where there is none."""
    favourite: bool


@dataclass(frozen=True)
class Glance:
    """What `glance` finds."""

    spent_usd: float
    """This month."""
    reserved_usd: float
    count: int
    """How many jobs the filter lets through."""
    jobs: tuple[Seen, ...]
    """Those of the page, newest first."""


def glance(journal: Journal, which: Filter, start: int = 0) -> Glance:
    """A page of the jobs that a filter lets through; usable from every thread.

    :param which: its limit is the length of the page.
    :param start: how many jobs stand on the pages before.
    :raises StorageError: the journal can't be read.
    """
    where, values = condition(journal, which)
    limit = -1 if which.limit is None else which.limit
    ids = f"SELECT rowid FROM {BY_AGE} WHERE {where} {ORDER} LIMIT ? OFFSET ?"
    page = f"SELECT {_COLUMNS} FROM jobs WHERE rowid IN ({ids}) {ORDER}"
    rows = journal.query(page, *values, limit, start)
    count = start + len(rows)
    if len(rows) == limit or (start and not rows):  # else these were the last ones
        count = journal.query(f"SELECT COUNT(*) FROM {BY_AGE} WHERE {where}", *values)[0][0]
    jobs = tuple(seen for seen in (_seen(row, journal.results) for row in rows) if seen is not None)
    return Glance(journal.spent_usd(), journal.reserved_usd(), count, jobs)


def _seen(row: Any, results: Path) -> Seen | None:
    """None for a row that can't be read."""
    folder = named(results, row["id"], row["folder"])
    try:
        return Seen(
            job=row["id"],
            prompt=str(row["prompt"]),
            state=JobState(row["state"]),
            created=datetime.fromtimestamp(row["created"]),
            cost_usd=None if row["cost_usd"] is None else float(row["cost_usd"]),
            picture=_first_picture(folder) if folder else "",
            favourite=bool(row["favourite"]),
        )
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _first_picture(folder: Path) -> str:
    return next((str(path) for path in received_files(folder) if path.stem == f"{PICTURE_STEM}1"), "")
