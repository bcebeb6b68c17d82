"""What the journal knows of the rows of batches, and of batches that run at a server."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..common.process_lock import is_alive
from ..errors import GptImageError
from .entries import ENDED, OF_BATCH, OF_ROW, UNPAID, Entry
from .journal import Journal
from .recovery import recover_orphans
from .states import JobState


@dataclass(frozen=True)
class RowHistory:
    """What was done for a row before."""

    stored: Entry | None = None
    """Its answer."""
    running: Entry | None = None
    """Its request, on the way in a living process or in a remote batch."""
    lost: tuple[Entry, ...] = ()
    """Requests that were, or may have been, billed and brought no result."""


def last_error(journal: Journal, row: str) -> Mapping[str, Any] | None:
    """Why the row's newest request that ended without a result did so."""
    rows = journal.rows(f"{OF_ROW} AND state IN (?, ?) ORDER BY created DESC LIMIT 1", row, *ENDED)
    return journal.read(rows[0]).error if rows else None


def find_row_history(journal: Journal, row: str) -> RowHistory:
    """Look a row up.

    :raises StorageError: the journal can't be read.
    """
    stored = running = None
    lost = []
    for found in journal.rows(f"{OF_ROW} AND NOT {UNPAID} ORDER BY created", row):
        entry = journal.read(found)
        if entry.state in (JobState.RECEIVED, JobState.APPLIED):
            stored = entry
        elif entry.state is JobState.UNKNOWN or entry.state in ENDED:
            lost.append(entry)
        elif found["batch"] or is_alive(journal.locks, found["process"]):
            running = entry
        else:
            recover_orphans(journal)
            return find_row_history(journal, row)
    return RowHistory(stored, running, tuple(lost))


class BatchState(StrEnum):
    """Where one of our batches is."""

    WRITING = "WRITING"
    """Its file is being written or uploaded; nothing has begun."""
    STARTING = "STARTING"
    """It may have begun."""
    RUNNING = "RUNNING"
    CLOSED = "CLOSED"
    """Nothing more comes."""


def add_batch(journal: Journal, batch: str, server: str) -> None:
    """Note a batch whose file is about to be written.

    :param server: the base URL.
    """
    values = (batch, time.time(), journal.process, server, BatchState.WRITING)
    with journal.transaction() as connection:
        connection.execute(
            "INSERT INTO batches (id, created, process, server, state) VALUES (?, ?, ?, ?, ?)", values
        )


def open_batches(journal: Journal, server: str) -> list[sqlite3.Row]:
    """Rows of the batches of a server that may still bring something, oldest first.

    :raises StorageError: the journal can't be read.
    """
    where = "server = ? AND state <> ? ORDER BY created"
    return journal.query(f"SELECT * FROM batches WHERE {where}", server, BatchState.CLOSED)


def find_in_batch(journal: Journal, batch: str, job: str) -> Entry | None:
    """A job of a batch; None for one of another batch, or a row that can't be read."""
    return next(iter(journal.find(f"id = ? AND {OF_BATCH}", job, batch)), None)


def note(journal: Journal, batch: str, **values: str) -> None:
    """Change columns of a batch; on the disk when this returns."""
    columns = ", ".join(f"{name} = ?" for name in values)
    with journal.transaction(durable=True) as connection:
        connection.execute(f"UPDATE batches SET {columns} WHERE id = ?", (*values.values(), batch))


def begin(journal: Journal, batch: str, input_file: str) -> None:
    """From now on the batch may run, and cost: on the disk before it is asked for."""
    with journal.transaction(durable=True) as connection:
        connection.execute(
            "UPDATE batches SET state = ?, input_file = ? WHERE id = ?",
            (BatchState.STARTING, input_file, batch),
        )
        connection.execute(
            f"UPDATE jobs SET state = ?, updated = ? WHERE {OF_BATCH} AND state = ?",
            (JobState.SENDING, time.time(), batch, JobState.QUEUED),
        )


def end_batch(journal: Journal, batch: str, error: GptImageError) -> None:
    """Close a batch; its rows without an answer fail with this error."""
    fail_rows(journal, batch, error)
    note(journal, batch, state=BatchState.CLOSED.value)


def fail_rows(journal: Journal, batch: str, error: GptImageError) -> None:
    """End the rows of a batch that have no answer."""
    for row in journal.query(
        f"SELECT id FROM jobs WHERE {OF_BATCH} AND state IN (?, ?)", batch, JobState.QUEUED, JobState.SENDING
    ):
        journal.failed(row["id"], error)
