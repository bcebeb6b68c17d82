"""A look back for the interface: one page of jobs with their first pictures, and the month's spending.

It is looked at each time that a job takes a step, while the window is in use: so the file is asked for no
more than what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .history import Filter, condition
from .results import PICTURE_STEM
from .states import JobState

if TYPE_CHECKING:
    from .journal import Journal

_COLUMNS = "id, state, created, cost_usd, folder, favourite, json_extract(request, '$.prompt') AS prompt"


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
    where, values = condition(which)
    count = journal.query(f"SELECT COUNT(*) FROM jobs WHERE {where}", *values)[0][0]
    limit = -1 if which.limit is None else which.limit
    page = f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY created DESC, id LIMIT ? OFFSET ?"
    jobs = tuple(_seen(row, journal.folder) for row in journal.query(page, *values, limit, start))
    return Glance(journal.spent_usd(), journal.reserved_usd(), count, jobs)


def _seen(row: Any, state_folder: Path) -> Seen:
    return Seen(
        job=row["id"],
        prompt=row["prompt"] or "",
        state=JobState(row["state"]),
        created=datetime.fromtimestamp(row["created"]),
        cost_usd=row["cost_usd"],
        picture=_first_picture(state_folder / row["folder"]) if row["folder"] else "",
        favourite=bool(row["favourite"]),
    )


def _first_picture(folder: Path) -> str:
    return min(map(str, folder.glob(f"{PICTURE_STEM}1.*")), default="")
