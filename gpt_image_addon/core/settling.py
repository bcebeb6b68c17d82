"""What becomes of jobs whose process died, and of results that the journal does not know."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import PART_SUFFIX
from .processes import sweep
from .request import Application, GenerationRequest
from .results import find_result, read_answer
from .schema import described, insert, month_of, read_values
from .states import JobState

if TYPE_CHECKING:
    from .journal import Journal


def settle_dead(journal: Journal) -> None:
    """Decide the open rows of processes that are gone; several processes may do so at once."""
    for job, state in journal.left_behind():
        if state is JobState.QUEUED:
            journal.cancel_dead(job)
        elif not adopt(journal, job):
            journal.unknown(job)
    sweep(journal.locks)


def adopt(journal: Journal, job: str) -> bool:
    """Take the answer that a row is waiting for from the disk, where it is there.

    :returns: whether it is.
    """
    folder = find_result(journal.results, job)
    answer = read_answer(folder) if folder is not None else None
    if folder is None or answer is None:
        return False
    journal.received(
        job,
        folder,
        cost_usd=answer.get("cost_usd"),
        usage=answer.get("usage"),
        request_id=answer.get("request_id"),
    )
    return True


def adopt_all(journal: Journal) -> None:
    """Look for answers to everything that lacks one, and for answers that no row names."""
    settle_dead(journal)
    for entry in journal.entries(JobState.UNKNOWN):
        adopt(journal, entry.id)
    adopt_strangers(journal)


def adopt_strangers(journal: Journal) -> None:
    """Make rows for result folders that have none, as after the loss of the journal."""
    known = {row["id"] for row in journal.query("SELECT id FROM jobs")}
    for folder in journal.results.glob("*/*"):
        if folder.name in known or folder.suffix == PART_SUFFIX:
            continue
        answer = read_answer(folder)
        if answer is not None:
            with contextlib.suppress(KeyError, TypeError, ValueError):  # somebody else's file
                _adopt_stranger(journal, folder, answer)


def _adopt_stranger(journal: Journal, folder: Path, answer: Mapping[str, Any]) -> None:
    created = datetime.fromisoformat(answer["created"]).astimezone().replace(tzinfo=None)
    request = read_values(GenerationRequest, answer["request"])
    application = read_values(Application, answer.get("application", {}))
    with journal.transaction() as connection:
        insert(
            connection,
            **described(request, application),
            id=folder.name,
            state=JobState.SENDING.value,
            created=created.timestamp(),
            updated=created.timestamp(),
            month=month_of(created),
            process="",
            digest=answer.get("digest", ""),
            estimated_usd=answer.get("cost_usd") or 0.0,
            reserved_usd=0.0,
        )
    adopt(journal, folder.name)
