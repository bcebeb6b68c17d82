"""What the journal notes of batches that run at a server."""

from __future__ import annotations

import time
from enum import StrEnum

from ..errors import GptImageError
from ..journal.entries import OF_BATCH
from ..journal.journal import Journal
from ..journal.states import JobState


class BatchState(StrEnum):
    """Where one of our batches is."""

    WRITING = "WRITING"
    """Its file is being written or uploaded; nothing has begun."""
    STARTING = "STARTING"
    """It may have begun."""
    RUNNING = "RUNNING"
    CLOSED = "CLOSED"
    """Nothing more comes."""


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
