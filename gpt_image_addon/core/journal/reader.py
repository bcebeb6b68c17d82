"""Reading the journal. Whoever only looks opens it with this, which changes nothing on the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..errors import StorageError
from ..request.pricing import Observed
from ..results.folders import measure, named
from ..text.log import get_logger
from ..text.message import message
from ..text.plain_text import find_unstorable
from .entries import ON_ITS_WAY, OPEN, STORED, UNPAID, Entry, read_entry
from .schema import (
    JOURNAL_FILE,
    PICO,
    SEARCHED,
    VERSION,
    migrate,
    month_of,
    parent_of,
    prepare_connection,
    sqlite_errors,
    version_of,
)
from .states import JobState

LOCKS_FOLDER = "processes"
RESULTS_FOLDER = "results"
SEEN_LIMIT = 100  # newest answers that an estimate learns from
READ_AT_ONCE = 500  # rows
NOT_SEARCHABLE = "SELECT 1 FROM jobs INDEXED BY jobs_not_searchable WHERE searched IS NULL LIMIT 1"
NOT_MEASURED = "jobs INDEXED BY jobs_not_measured WHERE bytes IS NULL AND folder IS NOT NULL"

log = get_logger(__name__)

_T = TypeVar("_T")


class JournalReader:
    """The journal of a state folder, opened to look; usable from every thread.

    Neither the folder nor the journal need be there, the folder may be read-only, and the journal may be of
    an older version. What processes that are gone left behind is shown as they left it.
    """

    def __init__(self, folder: Path, unreadable: set[str] | None = None) -> None:
        """
        :param folder: the state folder.
        :param unreadable: what earlier looks left out.
        """
        self.folder = folder
        self.results = folder / RESULTS_FOLDER
        self.locks = folder / LOCKS_FOLDER
        self.unreadable = set() if unreadable is None else unreadable
        """Jobs whose rows were left out, because they can't be read."""
        self._threads = threading.local()

    def close(self) -> None:
        """Close the connection of this thread; that of another one closes with it."""
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is not None:
            connection.close()
            del self._threads.connection

    def entry(self, job: str) -> Entry | None:
        """One row; None where there is none of that id.

        :raises StorageError: it can't be read.
        """
        return next(map(self.read, self.rows("id = ?", job)), None)

    def digest_of(self, job: str) -> str:
        """The digest under which a job was reserved; empty where there is no such job."""
        rows = self.rows("id = ?", job)
        return str(rows[0]["digest"]) if rows else ""

    def entries(self, *states: JobState) -> list[Entry]:
        """The rows in these states (all without any), newest first."""
        where = f"state IN ({','.join('?' * len(states))})" if states else "1"
        return self.find(where, *states)

    def find_naming(self, job: str) -> list[Entry]:
        """The rows whose results are made of that of another job as well, newest first.

        :raises StorageError: it can't be read.
        """
        return self.find("application LIKE ? AND id != ?", f"%{job}%", job)

    def find(self, where: str, *values: object, limit: int = -1) -> list[Entry]:
        """The rows that a condition in SQL holds for, newest first, without those that can't be read.

        :param limit: how many at most; -1 for all.
        """
        return list(self.each("jobs", where, *values, limit=limit))

    def each(self, table: str, where: str, *values: object, limit: int = -1) -> Iterator[Entry]:
        """As `find`, one after the other.

        :param table: ``jobs``, and where sqlite would not find out itself, the index to use.
        """
        statement = f"SELECT rowid AS number, * FROM {table} WHERE {where} ORDER BY created DESC, id"
        cursor: sqlite3.Cursor | None = None
        passed: set[int] = set()

        def fetch(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            nonlocal cursor
            if cursor is None or cursor.connection is not connection:
                cursor = connection.execute(statement, values)
            return cursor.fetchmany(READ_AT_ONCE if limit < 0 else min(limit, READ_AT_ONCE))

        while limit and (rows := self._read(fetch)):
            new = [row for row in rows if row["number"] not in passed]
            passed.update(row["number"] for row in new)
            for entry in self.readable(new):
                limit -= 1
                yield entry
                if not limit:
                    return

    def readable(self, rows: Iterable[sqlite3.Row]) -> Iterator[Entry]:
        """Rows as values; one that can't be read is left out, and noted in `unreadable`."""
        for row in rows:
            try:
                yield self.read(row)
            except StorageError as error:
                self.unreadable.add(f"{row['id']!s:.100}")
                log.debug("Left out: %s", error.text)

    def find_parent(self, entry: Entry) -> Entry | None:
        """The job whose image a job edits; None where there is none, or it is not known here."""
        name = parent_of(entry.id, entry.application)
        return next(iter(self.find("id = ?", name)), None) if name else None

    def find_children(self, job: str) -> list[Entry]:
        """The results that were made from an image of a job, oldest first."""
        where = "parent = ? AND parent <> '' AND id <> parent AND state IN (?, ?)"
        return self.find(where, job, *STORED)[::-1]

    def newest(self, count: int) -> list[Entry]:
        """The newest jobs, without those whose rows can't be read."""
        return self.find("1", limit=count)

    def find_stored(self, digest: str) -> Entry | None:
        """The newest result of an equal request whose files are kept."""
        found = self.find("digest = ? AND state IN (?, ?) AND folder IS NOT NULL", digest, *STORED, limit=1)
        return found[0] if found else None

    def find_lost(self, digest: str) -> Entry | None:
        """The newest equal request that was, or may have been, billed, where it brought no result."""
        found = self.find(f"digest = ? AND state NOT IN (?, ?) AND NOT {UNPAID}", digest, *OPEN, limit=1)
        return found[0] if found and found[0].state not in STORED else None

    def count_states(self) -> dict[str, int]:
        """How many jobs are in each state, by its name."""
        return dict(map(tuple, self.query("SELECT state, COUNT(*) FROM jobs GROUP BY state")))

    def on_its_way(self, digest: str) -> list[sqlite3.Row]:
        """Rows of equal requests that have no answer yet, newest first; see `ON_ITS_WAY`."""
        return self.rows(f"{ON_ITS_WAY} ORDER BY created DESC", digest, *OPEN)

    def find_output(self, path: str) -> tuple[str, str] | None:
        """See `OutputRecords.find_output`."""
        rows = self.query("SELECT owner, sha256 FROM outputs WHERE path = ?", path)
        return (rows[0]["owner"], rows[0]["sha256"]) if rows else None

    def searched_column(self) -> str:
        """What of a row is searched, in SQL; another program may have added rows that lack it."""
        return f"ifnull(searched, {SEARCHED})" if self.query(NOT_SEARCHABLE) else "searched"

    def results_bytes(self) -> int:
        """Bytes of all results.

        :raises StorageError: the journal can't be read.
        """
        rows = self.query(f"SELECT id, folder FROM {NOT_MEASURED}")
        folders = (named(self.results, row["id"], row["folder"]) for row in rows)
        not_noted = sum(measure(folder) for folder in folders if folder is not None)
        return not_noted + int(self.query("SELECT ifnull(SUM(bytes), 0) FROM sums")[0][0])

    def seen(self, model: str, quality: str, size: str) -> Observed | None:
        """Output tokens an image of the newest answers to such requests."""
        row = self.query(
            "SELECT COUNT(*), AVG(picture_tokens), MIN(picture_tokens), MAX(picture_tokens) FROM ("
            "SELECT picture_tokens FROM jobs WHERE model = ? AND quality = ? AND size = ?"
            " AND picture_tokens IS NOT NULL ORDER BY created DESC LIMIT ?)",
            model,
            quality,
            size,
            SEEN_LIMIT,
        )[0]
        return Observed(*row) if row[0] else None

    def spent_usd(self, month: str = "") -> float:
        """What the results of a month (``yyyy-mm``; this one by default) cost."""
        return self._sum("spent", month) / PICO

    def reserved_usd(self, month: str = "") -> float:
        """What is set aside for requests of a month that run, or whose outcome is unknown."""
        return self._sum("reserved", month) / PICO

    def _sum(self, column: str, month: str) -> int:
        statement = f"SELECT {column} FROM sums WHERE month = ?"
        rows = self.query(statement, month or month_of(datetime.now()))
        return max(0, int(rows[0][0])) if rows else 0

    def relative(self, folder: Path) -> str:
        """A folder as rows name it: below the state folder, so that this may move; elsewhere absolute.

        One whose name no file takes, such as that of a home with bytes that are not UTF-8, is an address.
        """
        inside = folder.is_relative_to(self.folder)
        noted = (folder.relative_to(self.folder) if inside else folder).as_posix()
        return noted if find_unstorable(noted) is None else folder.as_uri()

    def read(self, row: sqlite3.Row) -> Entry:
        """A row of the file as a value.

        :raises StorageError: it can't be read.
        """
        return read_entry(row, self.results)

    def rows(self, where: str, *values: object) -> list[sqlite3.Row]:
        """Rows as they are in the file, by a condition in SQL."""
        return self.query(f"SELECT * FROM jobs WHERE {where}", *values)

    def query(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """The rows that a statement gives.

        :raises StorageError: the journal can't be read.
        """
        return self._read(lambda connection: connection.execute(statement, values).fetchall())

    def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """What a connection says; where a closed journal has changed by then, what a new connection says."""
        while True:
            with sqlite_errors(self.folder):
                connection = self._connection()
                try:
                    found = read(connection)
                except sqlite3.DatabaseError:
                    if not _is_outdated(connection):
                        raise
                else:
                    if not _is_outdated(connection):
                        return found
                connection.close()
                del self._threads.connection

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if found is None:
            with sqlite_errors(self.folder):
                found = self._threads.connection = self._open()
        return found

    def _open(self) -> sqlite3.Connection:
        return open_to_look(self.folder)


def open_to_look(folder: Path) -> sqlite3.Connection:
    """A connection that reads a journal in place; an older one, or what a death left, from a copy in memory.

    A closed one is read as if it never changed, or sqlite would lay its files beside it; see `ClosedJournal`.

    :raises StorageError: a newer version of the add-on wrote it, or there can be none.
    :raises sqlite3.DatabaseError: it can't be read, or is no database.
    """
    path = folder / JOURNAL_FILE
    if folder.exists() and not folder.is_dir():
        raise StorageError(
            message(
                "The state folder {folder} can't be written: {reason}.",
                folder=folder,
                reason=os.strerror(errno.ENOTDIR),
            ),
            next_step="Set GPT_IMAGE_DATA_DIR to another folder.",
        )
    is_open, is_shared = (path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))
    if path.exists() and is_open == is_shared:
        with contextlib.suppress(sqlite3.OperationalError):  # the copy needs less
            if is_open:
                return _open_in_place(path, "mode=ro", sqlite3.Connection)
            return _open_in_place(path, "mode=ro&immutable=1", partial(ClosedJournal, path))
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        prepare_connection(copy)
        if path.exists():
            back_up(path, copy)
        migrate(copy, folder)
        copy.execute("PRAGMA query_only = ON")
        return copy
    except BaseException:
        copy.close()
        raise


class ClosedJournal(sqlite3.Connection):
    """Reads a journal that nobody has open; what it says is void once somebody has."""

    def __init__(self, path: Path, *args: Any, **options: Any) -> None:
        self._path = path
        self._before = _state_of(path)
        super().__init__(*args, **options)

    @property
    def is_outdated(self) -> bool:
        """Whether the file may have changed since it was opened."""
        now = _state_of(self._path)
        return now is None or now != self._before


def _state_of(path: Path) -> object:
    """What differs once a closed journal was opened to be written; None while it is open, or gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    is_open = path.with_name(path.name + "-wal").exists()
    return None if is_open else (status.st_ino, status.st_size, status.st_mtime_ns)


def _is_outdated(connection: sqlite3.Connection) -> bool:
    return isinstance(connection, ClosedJournal) and connection.is_outdated


def _open_in_place(
    path: Path, options: str, factory: Callable[..., sqlite3.Connection]
) -> sqlite3.Connection:
    """:raises sqlite3.OperationalError: it can't be read where it is, or is an older one."""
    address = f"{path.absolute().as_uri()}?{options}"
    connection = factory(address, uri=True, isolation_level=None)
    try:
        prepare_connection(connection)
        if version_of(connection) != VERSION:
            raise sqlite3.OperationalError("another version")
        return connection
    except BaseException:
        connection.close()
        raise


def back_up(path: Path, copy: sqlite3.Connection) -> None:
    """Copy a database that may be in use; nothing is left beside it that was not there.

    :raises sqlite3.DatabaseError: it can't be read.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    if not path.with_name(path.name + "-wal").exists():
        return _copy(f"{address}&immutable=1", copy)
    try:
        _copy(address, copy)
    except sqlite3.OperationalError:  # sqlite can't lay what it needs beside it, as on a read-only disk
        with tempfile.TemporaryDirectory() as folder:
            other = Path(folder) / path.name
            try:
                for suffix in ("", "-wal"):
                    shutil.copyfile(path.with_name(path.name + suffix), f"{other}{suffix}")
            except OSError as error:
                raise sqlite3.OperationalError(f"unable to read it: {error}") from error
            _copy(other.as_uri(), copy)


def _copy(address: str, copy: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(address, uri=True)) as other:
        other.backup(copy)
