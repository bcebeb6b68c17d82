"""Writes of several threads in one transaction: each gets its own end, and nobody is told too early."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.journal.schema import open_database
from gpt_image_addon.core.journal.writer import GroupCommitWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with open_database(tmp_path / "x.sqlite3") as connection:
        connection.execute("CREATE TABLE found (name TEXT PRIMARY KEY)")
    connection.close()
    return tmp_path / "x.sqlite3"


@pytest.fixture
def commits(path: Path) -> Iterator[GroupCommitWriter]:
    found = GroupCommitWriter(path)
    yield found
    found.close()


def names(path: Path) -> set[str]:
    """What is committed, as another process sees it."""
    connection = open_database(path)
    try:
        return {row["name"] for row in connection.execute("SELECT name FROM found")}
    finally:
        connection.close()


def adding(name: str) -> Callable[[sqlite3.Connection], int]:
    return lambda connection: connection.execute("INSERT INTO found VALUES (?)", (name,)).rowcount


def together(commits: GroupCommitWriter, *works: Callable[[sqlite3.Connection], Any]) -> list[Any]:
    """Let several threads write while another one does; what each of them got."""
    got: list[Any] = [None] * len(works)

    def write(number: int) -> None:
        try:
            got[number] = commits.write(works[number], durable=number % 2 == 0)
        except BaseException as error:
            got[number] = error

    threads = [threading.Thread(target=write, args=(number,)) for number in range(len(works))]
    with commits.transaction(durable=False):
        for thread in threads:
            thread.start()
        while len(commits._waiting) < len(works):
            pass
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return got


def test_what_waits_is_written_at_once(commits: GroupCommitWriter, path: Path) -> None:
    statements: list[str] = []
    commits._connection.set_trace_callback(statements.append)
    assert together(commits, *[adding(str(number)) for number in range(8)]) == [1] * 8
    assert names(path) == set("01234567")
    assert statements.count("COMMIT") == 2  # the one that held them up, and theirs
    assert [word for word in statements if "synchronous" in word][-1].endswith("FULL")


def test_it_is_there_when_it_is_said(commits: GroupCommitWriter, path: Path) -> None:
    def write(number: int) -> None:
        for step in range(20):
            commits.write(adding(f"{number}-{step}"), durable=False)
            assert f"{number}-{step}" in names(path)
            done.append(step)

    done: list[int] = []
    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 80


def test_one_that_fails_fails_alone(commits: GroupCommitWriter, path: Path) -> None:
    def refused(connection: sqlite3.Connection) -> None:
        adding("never")(connection)
        raise ValueError("no")

    first, second, third, fourth = together(commits, adding("a"), refused, adding("b"), adding("a"))
    assert isinstance(second, ValueError)
    assert {type(first), type(fourth)} == {int, sqlite3.IntegrityError} and third == 1
    assert names(path) == {"a", "b"}


def test_who_is_broken_off_breaks_nobody_else_off(commits: GroupCommitWriter, path: Path) -> None:
    leaders: list[threading.Thread] = []

    def broken_off(connection: sqlite3.Connection) -> int:
        """Ctrl-C, in the thread that writes for all."""
        adding("half")(connection)
        if threading.current_thread() not in leaders:
            leaders.append(threading.current_thread())
            raise KeyboardInterrupt
        return 1

    got = together(commits, broken_off, adding("a"), adding("b"), adding("c"))
    assert sum(isinstance(found, KeyboardInterrupt) for found in got) <= len(leaders)
    written = {name for name, found in zip(("half", "a", "b", "c"), got, strict=True) if found == 1}
    assert len(leaders) >= 1 and len(written) >= 4 - len(leaders)
    assert names(path) == written
