"""Requests that are equal to one that is asked for, so that none is paid twice by accident.

There are two kinds: a result that an earlier process paid for and did not deliver before it ended, and a
request that is on its way just now, in this process or in another.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..common.process_lock import is_alive
from ..journal.entries import EqualRequestError as EqualRequestError
from ..journal.recovery import recover_orphans
from ..results.store import PreparedResult
from ..text.message import message
from .job import Emit, Job, JobEvent, Work

if TYPE_CHECKING:
    from ..journal.journal import Entry, Journal

KEY_DIGITS = 24  # of the hash in the id of a job that has a key
POLL_SECONDS = 0.2  # between looks at a request that another process has sent


def find_reusable(
    journal: Journal, digest: str, reuse: bool | None, *, is_paid: bool
) -> tuple[Entry | None, str]:
    """The result that is taken instead of sending a request, and a sentence about it.

    :param reuse: True takes each, None only one that was not delivered, False none.
    :param is_paid: the request would cost something.
    """
    stored = journal.find_stored(digest) if reuse else None
    if stored is not None and stored.folder is not None and stored.folder.is_dir():
        return stored, message("The stored result of job {job} was used; nothing was sent.", job=stored.id)
    stored = journal.take_undelivered(digest) if reuse is None and is_paid else None
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


def job_of_key(key: str) -> str:
    """The id of the job that a caller's idempotency key stands for.

    The journal takes each id once, whichever process comes with it: so no key is paid twice.
    """
    return f"key-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:KEY_DIGITS]}"


def find_running(journal: Journal, digest: str) -> Entry | None:
    """The newest equal request that a living process has not got an answer to yet."""
    for row in journal.on_its_way(digest):
        if is_alive(journal.locks, row["process"]):
            return journal.read(row)
        recover_orphans(journal)
    return None


def after_running(
    journal: Journal,
    digest: str,
    reserve: Callable[[Job, float], None],
    send: Work,
    take: Callable[[Path, str], Work],
) -> Work:
    """The work of a job that waits for an equal request: its result, or where it has none one of its own.

    :param reserve: sets the price aside and adds the job to the journal, see `Alone.since`.
    :param send: the work then.
    :param take: the work where there is a result: that of the folder, and of the job, given to it.
    """

    def work(job: Job, emit: Emit) -> PreparedResult:
        while True:
            running = _wait(journal, digest, job, emit)
            since = time.time()
            stored = journal.find_stored(digest)
            if stored is not None and stored.folder is not None and stored.folder.is_dir():
                emit(JobEvent(job, result_of=stored.id))
                prepared = take(stored.folder, stored.id)(job, emit)
                notice = message(
                    "The same request was on its way as job {job}: its result was used, unpaid.",
                    job=running or stored.id,
                )
                return dataclasses.replace(prepared, warnings=(*prepared.warnings, notice))
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
