"""What becomes of jobs whose process died, and of results that the journal does not know."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..common.paths import is_job_id
from ..common.process_lock import sweep
from ..results.folders import present
from ..results.store import find_result, read_answer
from .entries import Entry
from .journal import Journal
from .schema import describe_job, insert, month_of
from .states import JobState
from .stored_values import (
    ID_LIMIT,
    clean_moment,
    clean_text,
    clean_usage,
    clean_usd,
    sanitize_application,
    sanitize_request,
)

SOMEBODY_ELSES = (KeyError, TypeError, ValueError, OverflowError, OSError)
"""What reading an answer that is none of ours raises."""


def open_journal(folder: Path, read_body: Callable[[Journal, Entry], bool] | None = None) -> Journal:
    """The journal of a state folder, in which nothing waits for a process that is gone.

    :param read_body: makes a result of an answer of which only the body was kept; returns whether it could.
    :raises StorageError: it can't be written, or it is damaged.
    """
    journal = Journal(folder)
    journal.read_body = read_body
    try:
        recover_orphans(journal)
        if journal.is_new:
            import_unknown_results(journal)
    except BaseException:
        journal.close()
        raise
    return journal


def recover_orphans(journal: Journal) -> None:
    """Decide the open rows of processes that are gone; several processes may do so at once."""
    for job, state in journal.left_behind():
        if state is JobState.QUEUED:
            journal.cancel_dead(job)
        elif not adopt_result(journal, job):
            journal.unknown(job)
    sweep(journal.locks)


def adopt_result(journal: Journal, job: str) -> bool:
    """Take the answer that a row is waiting for from the disk, where it is there.

    :returns: whether it is.
    """
    folder = find_result(journal.results, job)
    answer = read_answer(folder) if folder is not None else None
    if folder is None or answer is None:
        return _read_body(journal, job)
    cost = clean_usd(answer.get("cost_usd"))
    if cost is None:  # somebody changed it, or an older version believed it
        cost = float(journal.query("SELECT estimated_usd FROM jobs WHERE id = ?", job)[0][0])
    journal.received(
        job,
        folder,
        cost_usd=cost,
        usage=clean_usage(answer.get("usage")),
        request_id=clean_text(answer.get("request_id"), ID_LIMIT),
    )
    return True


def _read_body(journal: Journal, job: str) -> bool:
    if journal.read_body is None:
        return False
    # None where a broken disk left an id that is not found again.
    entry = next(journal.readable(journal.rows("id = ?", job)), None)
    return entry is not None and journal.read_body(journal, entry)


def recover_all(journal: Journal) -> None:
    """Look on the disk for answers to everything that lacks one, and for answers that no row names."""
    recover_orphans(journal)
    for entry in journal.entries(JobState.UNKNOWN):
        adopt_result(journal, entry.id)
    import_unknown_results(journal)


def import_unknown_results(journal: Journal) -> None:
    """Make rows for result folders that have none, as after the loss of the journal."""
    known = {str(row["id"]).casefold() for row in journal.query("SELECT id FROM jobs")}
    for noted in sorted(present(journal.results)):
        folder = journal.folder / noted
        if folder.name.casefold() in known or not is_job_id(folder.name):
            continue
        answer = read_answer(folder)
        if answer is not None:
            with contextlib.suppress(*SOMEBODY_ELSES):
                _import_result(journal, folder, answer)
                known.add(folder.name.casefold())


def _import_result(journal: Journal, folder: Path, answer: Mapping[str, Any]) -> None:
    created = datetime.fromisoformat(answer["created"]).astimezone().replace(tzinfo=None)
    moment = clean_moment(created.timestamp())
    request = sanitize_request(answer["request"])
    application = sanitize_application(answer.get("application", {}))
    with journal.transaction() as connection:
        insert(
            connection,
            **describe_job(folder.name, request, application),
            state=JobState.SENDING.value,
            created=moment,
            updated=moment,
            month=month_of(datetime.fromtimestamp(moment)),
            process="",
            digest=clean_text(answer.get("digest"), ID_LIMIT) or "",
            estimated_usd=clean_usd(answer.get("cost_usd")) or 0.0,
            reserved_usd=0.0,
        )
    adopt_result(journal, folder.name)
