"""A journal that another program holds: told within seconds, and waited for where that soon lets go."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import StorageError
from gpt_image_addon.core.journal import schema
from gpt_image_addon.core.journal.history import Filter, find_history
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.schema import JOURNAL_FILE
from gpt_image_addon.core.request.request import Application, GenerationRequest

REQUEST = GenerationRequest(prompt="oak", provider="openai", model="m")


@contextmanager
def held(folder: Path, *statements: str) -> Iterator[sqlite3.Connection]:
    """The journal, while another program is at it."""
    connection = sqlite3.connect(folder / JOURNAL_FILE, isolation_level=None, check_same_thread=False)
    try:
        for statement in statements:
            connection.execute(statement)
        yield connection
    finally:
        connection.close()


WHOLLY = ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "CREATE TABLE theirs (x)")


def test_it_is_told_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert schema.BUSY_TIMEOUT <= 5
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 1.0)
    open_journal(tmp_path).close()
    with held(tmp_path, *WHOLLY):
        start = time.monotonic()
        with pytest.raises(StorageError, match="in use by another program") as caught:
            open_journal(tmp_path)
        assert time.monotonic() - start < 2.5
    assert str(tmp_path / JOURNAL_FILE) in caught.value.message and "Try again" in caught.value.next_step


def test_reading_waits_for_no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_journal(tmp_path).close()
    monkeypatch.setattr(schema, "BUSY_TIMEOUT", 0.3)
    with held(tmp_path, "BEGIN IMMEDIATE"):
        start = time.monotonic()
        journal = open_journal(tmp_path)
        assert find_history(journal, Filter(limit=5)).jobs == ()
        assert time.monotonic() - start < 0.3
        with pytest.raises(StorageError, match="in use"):
            journal.reserve("a", REQUEST, Application(), "d", 0.1)
    journal.reserve("a", REQUEST, Application(), "d", 0.1)
    journal.close()


def test_a_moment_is_waited_for(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with held(tmp_path, "BEGIN IMMEDIATE") as other:
        threading.Timer(0.5, other.execute, ("ROLLBACK",)).start()
        journal.reserve("a", REQUEST, Application(), "d", 0.1)
    assert journal.entry("a") is not None
    journal.close()


def test_opening_waits_a_moment_too(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    with held(tmp_path, *WHOLLY) as other:
        threading.Timer(0.5, other.close).start()
        open_journal(tmp_path).close()
