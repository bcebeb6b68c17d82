"""Looking at a journal writes nothing, whatever is or is not there."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import StorageError
from gpt_image_addon.core.journal import reader as reader_module
from gpt_image_addon.core.journal.history import Filter, find, find_history, read_page
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.reader import JournalReader
from gpt_image_addon.core.journal.schema import JOURNAL_FILE, VERSION, VERSION_1
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest

ROOT = Path(__file__).resolve().parents[3]
REQUEST = GenerationRequest(prompt="Eiche", provider="openai", model="gpt-image-2", quality="low")
OLD_ROW = (
    "INSERT INTO jobs (id, state, created, updated, month, process, digest, request, application,"
    " estimated_usd, reserved_usd, cost_usd) VALUES ('old', 'SENDING', 5e8, 5e8, '1985-11', '1-00000000',"
    ' \'d\', \'{"prompt": "oak", "model": "gpt-image-2"}\', \'{}\', 0.5, 0.5, NULL)'
)

Contents = dict[str, tuple[bytes | None, int]]


def contents(folder: Path) -> Contents:
    """Everything below a folder: its bytes, and when it was changed."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else None,
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
    }


def fill(folder: Path) -> Journal:
    """A journal with a job that was sent by a process that is gone, and one that waits."""
    with closing(Journal(folder)) as gone:
        gone.reserve("sent", REQUEST, Application(), "digest", 0.5)
        gone.sending("sent")
    journal = Journal(folder)
    journal.reserve("waiting", REQUEST, Application(), "digest", 0.25)
    return journal


def look(folder: Path) -> list[tuple[str, JobState]]:
    """What somebody who looks sees, by each way of looking."""
    with closing(JournalReader(folder)) as reader:
        history = find_history(reader, Filter())
        assert [entry.id for entry in find(reader, Filter(search="EICHE"))] == [
            entry.id for entry in history.jobs if entry.request.prompt == "Eiche"
        ]
        page = read_page(reader, Filter(limit=10))
        assert [item.job for item in page.jobs] == [entry.id for entry in history.jobs]
        assert sum(reader.count_states().values()) == len(history.jobs)
        return [(entry.id, entry.state) for entry in history.jobs]


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    assert look(tmp_path / "state") == []
    assert not (tmp_path / "state").exists()
    (tmp_path / "empty").mkdir()
    assert look(tmp_path / "empty") == [] and contents(tmp_path / "empty") == {}


def test_what_the_dead_left_stays_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path).close()
    before = contents(tmp_path)
    assert look(tmp_path) == [("waiting", JobState.QUEUED), ("sent", JobState.SENDING)]
    assert contents(tmp_path) == before


def test_an_open_journal_is_read_with_its_newest_rows(tmp_path: Path) -> None:
    with closing(fill(tmp_path)) as journal:
        before = contents(tmp_path)
        assert look(tmp_path) == [("waiting", JobState.QUEUED), ("sent", JobState.SENDING)]
        after = contents(tmp_path)
        assert after.keys() == before.keys()
        assert after[JOURNAL_FILE] == before[JOURNAL_FILE]
        journal.reserve("new", REQUEST, Application(), "digest", 0.25)
        assert look(tmp_path)[0] == ("new", JobState.QUEUED)


def test_an_older_journal_is_shown_and_stays_as_old(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; {VERSION_1} PRAGMA user_version = 1; {OLD_ROW}")
    before = contents(tmp_path)
    with closing(JournalReader(tmp_path)) as reader:
        (entry,) = find(reader, Filter(search="OAK"))
        assert (entry.id, entry.state, reader.reserved_usd("1985-11")) == ("old", JobState.SENDING, 0.5)
    assert contents(tmp_path) == before
    with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as other:  # in use, and still as old
        other.execute("UPDATE jobs SET state = 'UNKNOWN'")
        other.commit()
        assert look(tmp_path) == [("old", JobState.UNKNOWN)]
        assert other.execute("PRAGMA user_version").fetchone()[0] == 1


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    fill(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StorageError, match="newer version"):
        look(tmp_path)


@pytest.mark.parametrize("crashed", [False, True], ids=["closed", "crashed"])
def test_a_read_only_folder_is_read(crashed: bool) -> None:
    script = (
        "import os, sys\n"
        "from tests.core.journal.test_reader import *\n"
        "if os.geteuid() == 0: os.seteuid(65534)  # root may write everything\n"
        "assert not os.access(sys.argv[1], os.W_OK, effective_ids=True)\n"
        "print([job for job, _ in look(Path(sys.argv[1]))])\n"
    )
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        folder = Path(base, "state")
        journal = fill(folder)
        if crashed:  # as a machine without power leaves it, with rows that are in the -wal file alone
            shutil.copytree(folder, f"{folder}-copy")
            folder = Path(f"{folder}-copy")
            (folder / f"{JOURNAL_FILE}-shm").unlink()
        journal.close()
        before = contents(folder)
        for path in (*folder.rglob("*"), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        run = subprocess.run(
            [sys.executable, "-c", script, folder], cwd=ROOT, capture_output=True, text=True, check=False
        )
        folder.chmod(0o755)
        assert run.stdout == "['waiting', 'sent']\n", run.stderr
        assert contents(folder) == before


def test_no_journal_and_no_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).write_bytes(b"no database, but long enough to be asked what it is " * 40)
    with pytest.raises(StorageError, match="is damaged"):
        look(tmp_path)
    with pytest.raises(StorageError, match="can't be written"):
        look(tmp_path / JOURNAL_FILE)


def test_a_closed_journal_that_changes_while_it_is_read_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody pages through the history of a closed journal while another Blender works, and ends."""
    monkeypatch.setattr(reader_module, "READ_AT_ONCE", 3)
    ids = [f"job{number}" for number in range(20)]
    with closing(Journal(tmp_path)) as journal:
        for job in ids:
            journal.reserve(job, REQUEST, Application(), "digest", 0.5)
    with closing(JournalReader(tmp_path)) as reader:
        entries = reader.each("jobs", "1")
        seen = [next(entries)]
        assert reader.reserved_usd() == 10
        with closing(Journal(tmp_path)) as journal:
            journal.sending("job0")
            entry = reader.entry("job0")
            assert entry is not None and entry.state is JobState.SENDING
            with journal.transaction() as connection:
                connection.execute("UPDATE jobs SET digest = ?, reserved_usd = 0", ("x" * 2000,))
        seen += entries
        assert sorted(entry.id for entry in seen) == sorted(ids)
        assert reader.reserved_usd() == 0
