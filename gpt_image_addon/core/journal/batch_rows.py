"""What the journal knows of the rows of batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..common.process_lock import is_alive
from .entries import ENDED, OF_ROW, Entry
from .journal import Journal
from .recovery import settle_dead
from .states import JobState


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
