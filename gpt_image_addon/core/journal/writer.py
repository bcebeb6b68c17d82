"""Write transactions of one process, joined: what several threads write at once waits for the disk once.

Whoever finds no other thread writing writes for all that wait. Each call returns when its own write, and with
it the whole group, is committed; nobody is told of anything that is not there.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from .schema import open_database

_T = TypeVar("_T")

Work = Callable[[sqlite3.Connection], Any]
"""Statements of one write. Does nothing but that: where its group fails it is done once more, alone."""


class _Write:
    def __init__(self, work: Work, durable: bool) -> None:
        self.work = work
        self.durable = durable
        self.done = False
        self.result: Any = None
        self.error: Exception | None = None


class GroupCommitWriter:
    """The one connection of a process that writes; usable from every thread."""

    def __init__(self, path: Path) -> None:
        """
        :raises sqlite3.DatabaseError: the database can't be opened.
        """
        self._connection = open_database(path, shared=True)
        self._synchronous = ""
        self._turn = threading.Lock()
        self._waiting: deque[_Write] = deque()

    def write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool) -> _T:
        """Do the work inside a transaction, with what other threads want to write at this moment.

        :param durable: wait for the disk.
        :returns: what ``work`` returns, once it is committed.
        :raises Exception: what ``work`` or its commit raises; then nothing of it is written.
        """
        mine = _Write(work, durable)
        self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._write_waiting(mine)
        if mine.error is not None:
            raise mine.error
        found: _T = mine.result
        return found

    def _write_waiting(self, mine: _Write) -> None:
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            self._attempt(group)
        except BaseException:  # somebody broke this thread off; the others are not to suffer from it
            self._waiting.extendleft(
                reversed([other for other in group if not other.done and other is not mine])
            )
            raise

    def _attempt(self, group: list[_Write]) -> None:
        try:
            with self._transaction(durable=any(write.durable for write in group)) as connection:
                for write in group:
                    write.result = write.work(connection)
        except Exception as error:
            if len(group) > 1:
                for write in group:
                    self._attempt([write])
                return
            group[0].error = error
        for write in group:
            write.done = True

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """One write transaction of its own.

        :param durable: wait for the disk.
        """
        with self._turn, self._transaction(durable=durable) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        synchronous = "FULL" if durable else "NORMAL"
        connection = self._connection
        if synchronous != self._synchronous:
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            self._synchronous = synchronous
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has ended it already
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._connection.close()
