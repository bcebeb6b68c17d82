"""Requests that are equal to one that is asked for, so that none is paid twice by accident.

There are two kinds: a result that an earlier process paid for and did not deliver before it ended, and a
request that is on its way just now, in this process or in another.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..common.process_lock import is_alive
from ..journal.entries import OPEN, BatchPosition
from ..journal.recovery import recover_orphans
from ..journal.states import JobState
from ..results.store import PreparedResult
from ..text.message import message
from .queue import Emit, Job, JobEvent, Work

if TYPE_CHECKING:
    from ..journal.journal import Entry, Journal

POLL_SECONDS = 0.2  # between looks at a request that another process has sent
ON_ITS_WAY = "digest = ? AND state IN (?, ?) AND batch = ''"
"""Requests of remote batches are left out: those take up to a day."""


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
        answered = "digest = ? AND state IN (?, ?) AND updated >= ?"
        values = (self.digest, JobState.RECEIVED, JobState.APPLIED, self.since)
        if connection.execute(f"SELECT 1 FROM jobs WHERE {answered}", values).fetchone():
            raise EqualRequestError
        rows = connection.execute(f"SELECT process FROM jobs WHERE {ON_ITS_WAY}", (self.digest, *OPEN))
        if any(is_alive(self.locks, row["process"]) for row in rows):
            raise EqualRequestError


def find_result(
    journal: Journal, digest: str, reuse: bool | None, *, is_paid: bool
) -> tuple[Entry | None, str]:
    """The result that is taken instead of sending a request, and a sentence about it.

    :param reuse: True takes each, None only one that was not delivered, False none.
    :param is_paid: the request would cost something.
    """
    stored = journal.find_stored(digest) if reuse else None
    if stored is not None and stored.folder is not None and stored.folder.is_dir():
        return stored, message("The stored result of job {job} was used; nothing was sent.", job=stored.id)
    stored = take_undelivered(journal, digest) if reuse is None and is_paid else None
    if stored is None:
        return None, ""
    return stored, (
        message(
            "The same request was paid for on {when} as job {job}, which ended before it delivered "
            "its result: that was used, and nothing was sent.",
            when=f"{stored.created:%Y-%m-%d %H:%M}",
            job=stored.id,
        )
    )


def take_undelivered(journal: Journal, digest: str) -> Entry | None:
    """The newest equal result that its process paid for and did not deliver; now this process does.

    One result goes to one caller, however many processes ask at once.
    """
    rows = journal.rows(
        "digest = ? AND state = ? AND folder IS NOT NULL ORDER BY created DESC", digest, JobState.RECEIVED
    )
    for row in rows:
        process = row["process"]
        if process == journal.process or is_alive(journal.locks, process):
            continue
        for entry in journal.readable([row]):
            if entry.folder is not None and entry.folder.is_dir() and _take(journal, entry.id, process):
                return entry
    return None


def _take(journal: Journal, job: str, process: str) -> bool:
    statement = "UPDATE jobs SET process = ? WHERE id = ? AND process = ? AND state = ?"
    with journal.transaction() as connection:
        values = (journal.process, job, process, JobState.RECEIVED)
        return connection.execute(statement, values).rowcount == 1


def find_running(journal: Journal, digest: str) -> Entry | None:
    """The newest equal request that a living process has not got an answer to yet."""
    for row in journal.rows(f"{ON_ITS_WAY} ORDER BY created DESC", digest, *OPEN):
        if is_alive(journal.locks, row["process"]):
            return journal.read(row)
        recover_orphans(journal)
    return None


def after_running(journal: Journal, digest: str, reserve: Callable[[Job, float], None], send: Work) -> Work:
    """The work of a job that waits for an equal request: its result, or where it has none one of its own.

    :param reserve: sets the price aside and adds the job to the journal, see `Alone.since`.
    :param send: the work then.
    """

    def work(job: Job, emit: Emit) -> PreparedResult:
        while True:
            running = _wait(journal, digest, job, emit)
            since = time.time()
            stored = journal.find_stored(digest)
            if stored is not None and stored.folder is not None and stored.folder.is_dir():
                emit(JobEvent(job, result_of=stored.id))
                return _prepared(job, stored, running)
            try:
                reserve(job, since)
            except EqualRequestError:  # another one that waited was quicker
                continue
            return send(job, emit)

    return work


def _wait(journal: Journal, digest: str, job: Job, emit: Emit) -> str:
    """Wait until no equal request is on its way; returns the id of the last one."""
    last = ""
    while (running := find_running(journal, digest)) is not None:
        if running.id != last:
            last = running.id
            emit(JobEvent(job, message=message("Waiting for the same request of job {job}", job=last)))
        job.check_cancelled()
        time.sleep(POLL_SECONDS)
    job.check_cancelled()
    return last


def _prepared(job: Job, stored: Entry, running: str) -> PreparedResult:
    from .postprocess import prepare

    assert stored.folder is not None
    prepared = prepare(stored.id, job.request, job.application, stored.folder)
    notice = message(
        "The same request was on its way as job {job}: its result was used, unpaid.", job=running or stored.id
    )
    return dataclasses.replace(prepared, warnings=(*prepared.warnings, notice))
