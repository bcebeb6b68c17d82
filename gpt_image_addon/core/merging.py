"""Taking over the journal and the results of another machine."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InvalidRequestError
from .files import PART_SUFFIX, storage_errors
from .results import folder_bytes
from .schema import JOURNAL_FILE, insert, migrate, open_database
from .schema import storage_errors as journal_errors
from .states import JobState

if TYPE_CHECKING:
    from .journal import Journal


@dataclass(frozen=True)
class Merged:
    """What was taken over."""

    added: int
    """Jobs that were not known."""
    updated: int
    """Jobs that had got further over there."""
    copied_bytes: int


def merge(journal: Journal, source: Path) -> Merged:
    """Add the jobs and results of another journal; doing so again changes nothing.

    :param source: a state folder, or the journal file in it. It is only read.
    :raises InvalidRequestError: there is no journal.
    :raises StorageError: one of the journals, or a result, can't be read or written.
    """
    path = source / JOURNAL_FILE if source.is_dir() else source
    if not path.is_file():
        raise InvalidRequestError(f"There is no journal in {source}.", code="missing_file", param="merge")
    if path.samefile(journal.folder / JOURNAL_FILE):
        raise InvalidRequestError("This is the journal that is in use.", param="merge")
    added = updated = copied = 0
    with _copy_of(path) as other:
        for row in other.execute("SELECT * FROM jobs WHERE state <> ?", (JobState.QUEUED,)):
            ours = journal.rows("id = ?", row["id"])
            if row["favourite"]:
                journal.set_favourite(row["id"])
            if ours and ours[0]["updated"] >= row["updated"]:
                continue
            copied += _take(journal, row, path.parent)
            added += not ours
            updated += bool(ours)
    return Merged(added, updated, copied)


@contextmanager
def _copy_of(path: Path) -> Iterator[sqlite3.Connection]:
    """A private copy in today's form: the journal over there may be older, in use, or on a read-only disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        journal_errors(path.parent),
        closing(open_database(Path(folder) / JOURNAL_FILE)) as copy,
    ):
        _back_up(path, copy)
        migrate(copy, path.parent)
        yield copy


def _back_up(path: Path, copy: sqlite3.Connection) -> None:
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as other:
            other.backup(copy)
    except sqlite3.OperationalError:  # a disk on which sqlite can't lay the files that go with a journal
        with closing(sqlite3.connect(f"{address}&immutable=1", uri=True)) as other:
            other.backup(copy)


def _take(journal: Journal, row: sqlite3.Row, source: Path) -> int:
    """Add a row, or bring ours to its state; the result first. Returns the bytes that were copied."""
    values = {**dict(row), "process": "", "folder": None}
    copied = 0
    if row["folder"] and (source / row["folder"]).is_dir():
        folder = journal.results / row["month"] / row["id"]
        copied = _copy_result(source / row["folder"], folder)
        values["folder"] = journal.relative(folder)
    if row["state"] == JobState.SENDING:  # it may still run over there; here nobody will ever know
        values |= {"state": JobState.UNKNOWN.value, "billed": "maybe"}
    changes = ", ".join(f"{name} = :{name}" for name in values if name not in ("id", "favourite"))
    with journal.transaction(durable=True) as connection:
        if not insert(connection, **values):
            connection.execute(f"UPDATE jobs SET {changes} WHERE id = :id AND updated < :updated", values)
    return copied


def _copy_result(old: Path, new: Path) -> int:
    """Bring one result folder here, whole or not at all; returns its size where it was copied."""
    if new.exists():
        return 0
    part = new.with_name(new.name + PART_SUFFIX)
    with storage_errors(f"{old} could not be copied"):
        try:
            shutil.copytree(old, part, dirs_exist_ok=True)
            part.replace(new)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder_bytes(new)
