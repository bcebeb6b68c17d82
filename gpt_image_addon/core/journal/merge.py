"""Taking over the journal and the results of another machine.

That journal may be a stranger's. Nothing in it decides where something is written, what is deleted, or that
less was spent here.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..common.files import PART_SUFFIX, storage_errors
from ..common.process_lock import is_alive
from ..errors import InvalidRequestError
from ..results.folders import copy, locate, measure, month_folders, remove
from ..results.store import read_answer
from .schema import JOURNAL_FILE, insert
from .states import JobState
from .untrusted_journal import SanitizedRow, is_journal, open_copy, read_rows

if TYPE_CHECKING:
    from .journal import Journal

FOLLOWS = {
    JobState.UNKNOWN: (JobState.RECEIVED, JobState.APPLIED, JobState.FAILED, JobState.CANCELLED),
    JobState.RECEIVED: (JobState.APPLIED,),
}
"""How far a job of ours may have got over there."""
NEWS = ("state", "updated", "usage", "request_id", "error", "billed", "picture_tokens")
NO_RESULT = (JobState.FAILED, JobState.CANCELLED)
STORED = (JobState.RECEIVED, JobState.APPLIED)


@dataclass(frozen=True)
class Merged:
    """What was taken over."""

    added: int
    """Jobs that were not known."""
    updated: int
    """Jobs that had got further over there."""
    copied_bytes: int
    refused: tuple[str, ...] = ()
    """Ids of rows that no version of the add-on writes; they were left out."""


def merge(journal: Journal, source: Path) -> Merged:
    """Add the jobs and results of another journal; doing so again changes nothing.

    :param source: a state folder, or the journal file in it. It is only read.
    :raises InvalidRequestError: there is no journal.
    :raises StorageError: one of the journals, or a result, can't be read or written.
    """
    path = source / JOURNAL_FILE if source.is_dir() else source
    if not is_journal(path):
        raise InvalidRequestError(f"There is no journal in {source}.", code="missing_file", param="merge")
    if path.samefile(journal.folder / JOURNAL_FILE):
        raise InvalidRequestError("This is the journal that is in use.", param="merge")
    _sweep(journal)
    known = {str(row["id"]).casefold(): row["id"] for row in journal.query("SELECT id FROM jobs")}
    added = updated = copied = 0
    refused = []
    with open_copy(path) as other:
        for row in read_rows(other):
            if isinstance(row, str):
                refused.append(row)
            elif known.setdefault(row.id.casefold(), row.id) != row.id:  # one folder on some disks
                refused.append(row.id)
            elif row.state is not JobState.QUEUED:
                ours = journal.rows("id = ?", row.id)
                if row.favourite:
                    journal.set_favourite(row.id)
                if ours and not _goes_on(ours[0], row):
                    continue
                copied += _take(journal, row, ours[0] if ours else None, path.parent)
                added += not ours
                updated += bool(ours)
    return Merged(added, updated, copied, tuple(refused))


def _goes_on(ours: sqlite3.Row, theirs: SanitizedRow) -> bool:
    """Whether what happened over there is news of a job that is known here.

    Only an answer ends what we set aside ourselves.
    """
    if theirs.updated <= ours["updated"] or theirs.state not in FOLLOWS.get(ours["state"], ()):
        return False
    return theirs.state not in NO_RESULT or ours["process"] == ""


def _take(journal: Journal, row: SanitizedRow, ours: sqlite3.Row | None, source: Path) -> int:
    """Add a row, or bring ours to its state; the result first. Returns the bytes that were copied."""
    values = dict(row.values)
    results = source / journal.results.name
    usable = row.state in STORED and not results.is_symlink()
    old = locate(results, row.id, row.folder) if usable else None
    copied = 0
    if old is not None and read_answer(old) is not None and (ours is None or ours["folder"] is None):
        new = journal.results / values["month"] / row.id
        part = new.with_name(f"{row.id}.{journal.process}{PART_SUFFIX}")
        with storage_errors(f"{old} could not be copied"):
            copied = copy(old, new, part)
        values |= {"folder": journal.relative(new), "bytes": measure(new)}
    with journal.transaction(durable=True) as connection:
        if ours is None:
            insert(connection, **values)
        else:
            _bring_up(connection, row, values)
    return copied


def _bring_up(connection: sqlite3.Connection, row: SanitizedRow, values: dict[str, object]) -> None:
    """Let a row of ours follow theirs, where it has not moved meanwhile; what it cost never falls."""
    taken = (*NEWS, "folder", "bytes")
    changes = ", ".join(f"{name} = :{name}" for name in taken if name in values)
    connection.execute(
        f"UPDATE jobs SET {changes}, reserved_usd = 0,"
        " cost_usd = iif(cost_usd IS NULL, :cost_usd, max(cost_usd, ifnull(:cost_usd, 0)))"
        " WHERE id = :id AND updated < :updated",
        values,
    )


def _sweep(journal: Journal) -> None:
    """Remove what merges that died had copied in part."""
    for month in month_folders(journal.results):
        for part in month.glob(f"*.*{PART_SUFFIX}"):
            process = part.name.removesuffix(PART_SUFFIX).partition(".")[2]
            if part.is_dir() and not part.is_symlink() and not is_alive(journal.locks, process):
                remove(part)
