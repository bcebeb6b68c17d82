"""One row of the journal as a value, and the ways that it may go."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..common.process_lock import is_alive
from ..errors import Billed, EditMismatchError, RowTakenError, StorageError
from ..request.request import Application, GenerationRequest
from ..results.folders import named
from ..text.json_reader import load_json
from ..text.message import message
from .states import JobState
from .stored_values import clean_billed, load_object, read_values

STORED = (JobState.RECEIVED, JobState.APPLIED)
OPEN = (JobState.QUEUED, JobState.SENDING)
MOVES: Mapping[JobState, tuple[JobState, ...]] = {
    JobState.SENDING: (JobState.QUEUED,),
    JobState.RECEIVED: (JobState.SENDING, JobState.UNKNOWN),
    JobState.APPLIED: (*STORED, JobState.FAILED),  # an answer that was refused, and accepted later
    JobState.FAILED: (*OPEN, JobState.UNKNOWN, JobState.RECEIVED),
    JobState.CANCELLED: (*OPEN, JobState.RECEIVED),
    JobState.UNKNOWN: (JobState.SENDING,),
}
"""The states from which each one is reached; a move from any other changes nothing."""
ENDED = (JobState.FAILED, JobState.CANCELLED)
"""Without a result."""
UNPAID = (
    f"((state IN ('{ENDED[0]}', '{ENDED[1]}') AND billed <> 'yes')"
    f" OR (state = '{JobState.UNKNOWN}' AND billed = 'no'))"
)
"""Finds jobs that ended without a result and cost nothing: their requests may be sent again."""
OF_ROW = "row = ? AND row <> ''"
"""Finds the jobs of a row; without its second half sqlite reads the whole table: the index has no others."""
OF_BATCH = "batch = ? AND batch <> ''"
"""The same for the jobs of a remote batch."""
ON_ITS_WAY = "digest = ? AND state IN (?, ?) AND batch = ''"
"""Equal requests without an answer, except those of remote batches: these take up to a day."""


@dataclass(frozen=True)
class Entry:
    """One row of the journal."""

    id: str
    state: JobState
    created: datetime
    """Local time."""
    request: GenerationRequest
    application: Application
    estimated_usd: float
    cost_usd: float | None
    usage: Mapping[str, Any] | None
    request_id: str | None
    folder: Path | None
    """None where nothing came, or it was cleaned away."""
    error: Mapping[str, Any] | None
    billed: Billed
    favourite: bool = False

    @property
    def is_refused(self) -> bool:
        """Whether it has an answer that does not match its image, and is kept."""
        is_mismatch = (self.error or {}).get("code") == EditMismatchError.default_code
        return is_mismatch and self.folder is not None and self.folder.is_dir()


@dataclass(frozen=True)
class BatchPosition:
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
        statement = f"SELECT COUNT(*) FROM jobs WHERE {OF_ROW} AND NOT {UNPAID}"
        if connection.execute(statement, (self.row,)).fetchone()[0] != self.others:
            raise RowTakenError("Another process works on this row.")


class EqualRequestError(Exception):
    """There is an equal request that the caller did not know of."""


@dataclass(frozen=True)
class Alone(BatchPosition):
    """Lets a request into the journal only while no equal one is on its way, or was answered meanwhile."""

    digest: str = ""
    locks: Path = Path()
    """Folder of the marks of living processes."""
    since: float = 0.0
    """`time.time` before the caller looked for equal requests."""

    def check(self, connection: sqlite3.Connection) -> None:
        """:raises EqualRequestError: there is one."""
        answered = "SELECT 1 FROM jobs WHERE digest = ? AND state IN (?, ?) AND updated >= ?"
        if connection.execute(answered, (self.digest, *STORED, self.since)).fetchone():
            raise EqualRequestError
        rows = connection.execute(f"SELECT process FROM jobs WHERE {ON_ITS_WAY}", (self.digest, *OPEN))
        if any(is_alive(self.locks, row["process"]) for row in rows):
            raise EqualRequestError


def read_entry(row: sqlite3.Row, results: Path) -> Entry:
    """A row of the file as a value.

    :param results: the ``results`` folder.
    :raises StorageError: a broken disk, or somebody's hand, left something else there.
    """
    try:
        cost = row["cost_usd"]
        return Entry(
            id=_text(row["id"]),
            state=JobState(row["state"]),
            created=datetime.fromtimestamp(row["created"]),
            request=read_values(GenerationRequest, load_json(_text(row["request"]))),
            application=read_values(Application, load_json(_text(row["application"]))),
            estimated_usd=float(row["estimated_usd"]),
            cost_usd=None if cost is None else float(cost),
            usage=load_object(row["usage"]),
            request_id=row["request_id"] and _text(row["request_id"]),
            folder=named(results, row["id"], row["folder"]),
            error=load_object(row["error"]),
            billed=clean_billed(row["billed"]),
            favourite=bool(row["favourite"]),
        )
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise StorageError(
            message(
                "The row of job {job} in the journal can't be read: {problem}.",
                job=f"{row['id']!s:.100}",
                problem=f"{error!s:.200}",
            ),
            code="journal_row",
            next_step="Its result, where there is one, is in the results folder.",
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} in place of a text")
    return value
