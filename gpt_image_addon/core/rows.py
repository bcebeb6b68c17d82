"""What the journal knows of the rows of batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import RowTakenError
from .processes import is_alive
from .settling import settle_dead
from .states import JobState

if TYPE_CHECKING:
    from .journal import Entry, Journal

ENDED = (JobState.FAILED, JobState.CANCELLED)
"""States after which a row may be sent again, since it was not paid for."""
OF_ROW = "row = ? AND row <> ''"
"""Finds the jobs of a row; without its second half sqlite reads the whole table: the index has no others."""
OF_BATCH = "batch = ? AND batch <> ''"
"""The same for the jobs of a remote batch."""


@dataclass(frozen=True)
class Place:
    """Where a job belongs in a batch; for single requests everything is empty."""

    row: str = ""
    """The row's key: equal for equal rows of whichever manifest."""
    others: int = 0
    """Jobs of the same row that the caller knows of and that stand in the way of none."""
    batch: str = ""
    """Our id of the remote batch that it is part of."""

    def check(self, connection: sqlite3.Connection) -> None:
        """:raises RowTakenError: there are other jobs of the row than the caller knows of."""
        if not self.row:
            return
        statement = f"SELECT COUNT(*) FROM jobs WHERE {OF_ROW} AND state NOT IN (?, ?)"
        if connection.execute(statement, (self.row, *ENDED)).fetchone()[0] != self.others:
            raise RowTakenError("Another process works on this row.")


@dataclass(frozen=True)
class Known:
    """What was done for a row before."""

    stored: Entry | None = None
    """Its answer."""
    running: Entry | None = None
    """Its request, on the way in a living process or in a remote batch."""
    unknown: tuple[Entry, ...] = ()
    """Requests that may have been billed and got no answer."""


def last_error(journal: Journal, row: str) -> Mapping[str, Any] | None:
    """Why the row's newest request that ended without a result did so."""
    rows = journal.rows(f"{OF_ROW} AND state IN (?, ?) ORDER BY created DESC LIMIT 1", row, *ENDED)
    return journal.read(rows[0]).error if rows else None


def known(journal: Journal, row: str) -> Known:
    """Look a row up.

    :raises StorageError: the journal can't be read.
    """
    stored = running = None
    unknown = []
    for found in journal.rows(f"{OF_ROW} AND state NOT IN (?, ?) ORDER BY created", row, *ENDED):
        entry = journal.read(found)
        if entry.state in (JobState.RECEIVED, JobState.APPLIED):
            stored = entry
        elif entry.state is JobState.UNKNOWN:
            unknown.append(entry)
        elif found["batch"] or is_alive(journal.locks, found["process"]):
            running = entry
        else:
            settle_dead(journal)
            return known(journal, row)
    return Known(stored, running, tuple(unknown))
