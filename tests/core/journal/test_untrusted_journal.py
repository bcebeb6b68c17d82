"""A journal, an answer or a result folder that a stranger made: nothing of the user's is touched."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.common.paths import is_job_id, is_month
from gpt_image_addon.core.common.process_lock import ProcessLock
from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, StorageError
from gpt_image_addon.core.journal.history import Filter, clean, export, find, read_page, row
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.merge import merge
from gpt_image_addon.core.journal.recovery import open_journal, recover_all
from gpt_image_addon.core.journal.schema import JOURNAL_FILE
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.folders import copy
from gpt_image_addon.core.results.output_files import Outputs
from gpt_image_addon.core.results.store import keep, salvage

ROOT = Path(__file__).resolve().parents[3]
REQUEST = GenerationRequest(prompt="Eiche", provider="openai", model="gpt-image-2", quality="low")
IMAGE = b"p" * 1000
MONTH = datetime.now().strftime("%Y-%m")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "ours" / "state")
    yield found
    found.close()


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A folder that is none of our business."""
    folder = tmp_path / "user"
    (folder / "autostart").mkdir(parents=True)
    (folder / "image-1.png").write_bytes(b"private")
    (folder / "answer.json").write_text("{}")
    return folder


def received(journal: Journal, job: str, application: Application | None = None, cost: float = 0.02) -> Path:
    journal.reserve(job, REQUEST, application or Application(), REQUEST.digest(), 0.5)
    journal.sending(job)
    facts = {"request": REQUEST.to_dict(), "created": datetime.now().isoformat(), "cost_usd": cost}
    folder = keep(journal.results, job, datetime.now(), {"image-1.png": IMAGE}, facts).folder
    journal.received(job, folder, cost_usd=cost, usage={"output_tokens": 5}, request_id="req")
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A stranger's state folder with one result, ``stranger``."""
    journal = open_journal(tmp_path / "foreign")
    received(journal, "stranger")
    journal.applied("stranger")
    journal.close()
    return journal.folder


def doctor(folder: Path, statement: str, *values: object) -> None:
    """Change a journal as its owner could, with nothing of ours in between."""
    connection = sqlite3.connect(folder / JOURNAL_FILE)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def add_rows(folder: Path, column: str, values: list[Any]) -> None:
    """Put copies of the one row into a journal, each with another value in one column."""
    connection = sqlite3.connect(folder / JOURNAL_FILE)
    connection.row_factory = sqlite3.Row
    row = dict(connection.execute("SELECT * FROM jobs").fetchone())
    for number, value in enumerate(values):
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
            mark = "CAST(? AS TEXT)"
        else:
            mark = "?"
        changed = {**row, "id": f"job-{number}", column: value}
        marks = ", ".join(mark if name == column else "?" for name in changed)
        connection.execute(
            f"INSERT INTO jobs ({', '.join(changed)}) VALUES ({marks})", tuple(changed.values())
        )
    connection.commit()
    connection.close()


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below a folder."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


def merged_quietly(journal: Journal, foreign: Path) -> None:
    """Take over what can be, then clean everything away."""
    try:
        merge(journal, foreign)
        recover_all(journal)
        clean(journal, -1)
    except GptImageError:
        pass


PLACES = [
    "../../../user/autostart",
    "{user}",
    "{user}/autostart",
    "..",
    ".",
    "",
    "results",
    "results/../../user",
    "results/{month}",
    "results\\{month}\\stranger",
    "C:\\Windows",
    "\\\\server\\share",
    "a\x00b",
    "CON",
    "\ud800",
]


@pytest.mark.parametrize("column", ["id", "month", "folder"])
def test_columns_name_no_other_place(journal: Journal, foreign: Path, user: Path, column: str) -> None:
    values = [value.format(user=user, month=MONTH) for value in PLACES]
    add_rows(foreign, column, values)
    if column == "month":  # rows whose results are there, so that they are copied
        for number in range(len(values)):
            shutil.copytree(
                foreign / "results" / MONTH / "stranger", foreign / "results" / MONTH / f"job-{number}"
            )
        doctor(foreign, "UPDATE jobs SET folder = 'results/' || ? || '/' || id", MONTH)
    before, source = tree(user), tree(foreign / "results")
    with contextlib.suppress(GptImageError):
        merge(journal, foreign)
    copied = [path for path in journal.folder.rglob("image-*") if path.is_file()]
    assert {path.read_bytes() for path in copied} == {IMAGE}
    assert len(copied) == (1 + len(values) if column == "month" else 1)
    merged_quietly(journal, foreign)
    assert tree(user) == before and tree(foreign / "results") == source
    assert {path.name for path in journal.folder.parent.iterdir()} == {"state"}
    assert {path.name for path in journal.folder.parent.parent.iterdir()} == {"foreign", "ours", "user"}
    entries = journal.entries()
    assert {entry.id for entry in entries} >= {"stranger"}
    assert all(is_job_id(entry.id) for entry in entries)
    assert all(is_month(row["month"]) for row in journal.query("SELECT month FROM jobs"))


def replaced(folder: Path, target: Path) -> None:
    """Put a link where a folder was."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    folder.symlink_to(target, target_is_directory=True)


@pytest.mark.parametrize("where", ["results", f"results/{MONTH}", f"results/{MONTH}/stranger"])
def test_links_in_a_foreign_folder_are_not_followed(
    journal: Journal, foreign: Path, user: Path, where: str
) -> None:
    private = user / MONTH / "stranger"
    private.mkdir(parents=True)
    (private / "image-1.png").write_bytes(b"private")
    (private / "answer.json").write_text("{}")
    depth = where.count("/")
    replaced(foreign / where, (user, user / MONTH, private)[depth])
    before = tree(user)
    assert merge(journal, foreign).copied_bytes == 0
    entry = journal.entry("stranger")
    assert entry is not None and entry.folder is None
    merged_quietly(journal, foreign)
    assert tree(user) == before


def test_only_files_of_ours_are_copied(journal: Journal, foreign: Path, user: Path) -> None:
    result = foreign / "results" / MONTH / "stranger"
    (result / "image-2.png").symlink_to(user / "image-1.png")
    (result / "maps").symlink_to(user)
    (result / "processed").mkdir()
    (result / "processed" / "image-1.png").write_bytes(b"processed")
    (result / "processed" / "deep").mkdir()
    (result / "evil.desktop").write_text("[Desktop Entry]")
    os.mkfifo(result / "image-3.png")
    merge(journal, foreign)
    entry = journal.entry("stranger")
    assert entry is not None and entry.folder is not None
    copied = sorted(str(path.relative_to(entry.folder)) for path in entry.folder.rglob("*"))
    assert copied == ["answer.json", "image-1.png", "processed", "processed/image-1.png"]


def test_our_result_is_not_taken_for_theirs(journal: Journal, foreign: Path) -> None:
    """On some disks two ids are one folder."""
    ours = received(journal, "Stranger")
    merged = merge(journal, foreign)
    assert (merged.added, merged.refused) == (0, ("stranger",))
    assert [entry.id for entry in journal.entries()] == ["Stranger"]
    clean(journal, -1)
    assert (ours / "image-1.png").read_bytes() == IMAGE


def test_what_was_left_out_is_named(journal: Journal, foreign: Path) -> None:
    add_rows(foreign, "state", ["rubbish", "APPLIED", 5])
    merged = merge(journal, foreign)
    assert (merged.added, merged.refused) == (2, ("job-0", "job-2"))
    assert {entry.id for entry in journal.entries()} == {"stranger", "job-1"}


@pytest.mark.parametrize("column", ["cost_usd", "reserved_usd", "estimated_usd"])
def test_costs_are_amounts(journal: Journal, foreign: Path, column: str) -> None:
    received(journal, "ours")
    before = journal.spent_usd()
    add_rows(foreign, column, [-30000.0, float("inf"), float("-inf"), 1e18, "cheap", b"\x00", -1e-9])
    merged_quietly(journal, foreign)
    assert before <= journal.spent_usd() < before + 1 and 0 <= journal.reserved_usd() < 1
    for entry in journal.entries():
        assert 0 <= (entry.cost_usd or 0) < 1 and 0 <= entry.estimated_usd < 1


def test_what_we_paid_stays_paid(journal: Journal, foreign: Path) -> None:
    """A stranger's rows of our own ids, all of them newer."""
    folder = received(journal, "stranger", cost=0.3)
    journal.reserve("running", REQUEST, Application(), "d", 0.5)
    journal.sending("running")
    journal.reserve("unknown", REQUEST, Application(), "d", 0.5)
    journal.sending("unknown")
    journal.unknown("unknown")
    spent, reserved = journal.spent_usd(), journal.reserved_usd()
    for job, state in (("running", "RECEIVED"), ("unknown", "FAILED")):
        doctor(
            foreign,
            "INSERT INTO jobs (id, state, created, updated, month, process, digest, request, application,"
            " estimated_usd, reserved_usd, cost_usd) SELECT ?, ?, created, ?, month, '', '', request,"
            " application, 0, 0, 0 FROM jobs WHERE id = 'stranger'",
            job,
            state,
            time.time() + 1e6,
        )
    doctor(foreign, "UPDATE jobs SET updated = ?, cost_usd = 0, state = 'FAILED', folder = NULL", 9e12)
    merge(journal, foreign)
    assert (journal.spent_usd(), journal.reserved_usd()) == (spent, reserved)
    entry = journal.entry("stranger")
    assert entry is not None and (entry.state, entry.folder) == (JobState.RECEIVED, folder)
    running = journal.entry("running")
    assert running is not None and running.state is JobState.SENDING


def test_an_update_never_makes_a_job_cheaper(journal: Journal, foreign: Path) -> None:
    received(journal, "stranger", cost=0.3)
    spent = journal.spent_usd()
    doctor(foreign, "UPDATE jobs SET updated = ?, cost_usd = 0", time.time() + 1e6)
    time.sleep(0.01)
    merge(journal, foreign)
    assert journal.spent_usd() == spent


JSON_TEXTS = [
    "[" * 100_000,
    '{"a":' * 50_000,
    "null",
    "5",
    "[]",
    '{"prompt": 5}',
    '{"n": NaN}',
    '{"n": 1e999, "output_tokens": -5}',
    '{"n": ' + "9" * 400 + "}",
    '{"n": ' + "9" * 5000 + "}",
    '{"references": [[1]], "maps": {"a": 1}, "message": {}}',
    '{"prompt": "\\ud800", "message": "\\udfff", "name": "\\ud800"}',
    "\ud800",
    b"\xff\xfe{}",
    b"",
    5,
]


@pytest.mark.parametrize("column", ["request", "application", "usage", "error"])
def test_json_of_a_row_is_hostile(journal: Journal, foreign: Path, column: str) -> None:
    add_rows(foreign, column, JSON_TEXTS)
    assert merge(journal, foreign).added >= 1
    for entry in find(journal, Filter()):
        json.dumps(row(entry), ensure_ascii=False).encode()
        assert isinstance(entry.request.prompt, str) and type(entry.request.n) is int
        for value in (entry.usage or {}).values():
            assert all(count >= 0 for count in (value.values() if isinstance(value, dict) else (value,)))
    assert journal.unreadable == set()


@pytest.mark.parametrize(
    "column", ["state", "created", "updated", "billed", "favourite", "row", "batch", "digest", "request_id"]
)
def test_other_columns_are_hostile(journal: Journal, foreign: Path, column: str) -> None:
    add_rows(foreign, column, ["rubbish", "\x1b[2J", -1e300, 1e300, b"\x00\xff", 10**18, "", "x" * 10**6])
    assert merge(journal, foreign).added >= 1
    for entry in find(journal, Filter()):
        text = json.dumps(row(entry), ensure_ascii=False)
        assert "\\u001b" not in text and len(text) < 5000
        assert entry.created <= datetime.now() and entry.billed in ("no", "maybe", "yes")
    assert journal.unreadable == set()


def test_a_sanitize_application_names_no_folder_of_ours(journal: Journal, tmp_path: Path, user: Path) -> None:
    other = open_journal(tmp_path / "foreign")
    folder = str(user / "autostart")
    planted = Application(
        target="material",
        textures_dir=folder,
        export_to="unity",
        export_dir=folder,
        name="../../../user/autostart/x",
    )
    received(other, "stranger", planted)
    other.close()
    merge(journal, other.folder)
    entry = journal.entry("stranger")
    assert entry is not None and entry.application.textures_dir is None
    assert entry.application.export_dir is None and entry.application.export_to is None
    assert entry.application.name is not None and "/" not in entry.application.name


HOSTILE_TABLES = {
    "view": "CREATE VIEW jobs AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT * FROM n) SELECT * FROM n",
    "no jobs": "CREATE TABLE other (id TEXT)",
    "no columns": "CREATE TABLE jobs (id TEXT)",
    "virtual": "CREATE VIRTUAL TABLE jobs USING fts5(id, state, folder)",
}


@pytest.mark.parametrize("kind", HOSTILE_TABLES)
def test_a_database_that_is_no_journal(journal: Journal, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    connection = sqlite3.connect(folder / JOURNAL_FILE)
    connection.execute(HOSTILE_TABLES[kind])
    if kind == "no columns":
        connection.execute("INSERT INTO jobs VALUES ('../x')")
    connection.execute("PRAGMA user_version = 4")
    connection.commit()
    connection.close()
    if kind == "no columns":
        assert merge(journal, folder).added == 0
    else:
        with pytest.raises(StorageError):
            merge(journal, folder)
    assert journal.entries() == []


def test_triggers_of_a_stranger_do_not_run(journal: Journal, foreign: Path) -> None:
    received(journal, "ours")
    connection = sqlite3.connect(foreign / JOURNAL_FILE)
    for event in ("INSERT", "UPDATE", "DELETE"):
        connection.execute(
            f"CREATE TRIGGER evil_{event} AFTER {event} ON jobs BEGIN DELETE FROM jobs; DELETE FROM sums; END"
        )
    connection.execute("PRAGMA user_version = 3")  # as if it was still to be brought up
    connection.commit()
    connection.close()
    assert merge(journal, foreign).added == 1
    assert journal.spent_usd() == pytest.approx(0.04)


def test_a_newer_or_broken_journal_is_refused(journal: Journal, foreign: Path) -> None:
    doctor(foreign, "PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer"):
        merge(journal, foreign)
    path = foreign / JOURNAL_FILE
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(StorageError):
        merge(journal, foreign)


@pytest.mark.parametrize("name", [JOURNAL_FILE, f"{JOURNAL_FILE}-wal", f"{JOURNAL_FILE}-journal"])
def test_pipes_and_folders_are_no_journals(journal: Journal, foreign: Path, name: str) -> None:
    (foreign / name).unlink(missing_ok=True)
    os.mkfifo(foreign / name)
    with pytest.raises(InvalidRequestError, match="no journal"):
        merge(journal, foreign)
    (foreign / name).unlink()
    (foreign / name).mkdir()
    with pytest.raises(GptImageError):
        merge(journal, foreign)


def test_our_own_journal_by_another_path_is_refused(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(journal.folder)
    with pytest.raises(InvalidRequestError, match="in use"):
        merge(journal, tmp_path / "again")


def test_a_cleaned_result_is_one_of_ours(journal: Journal, user: Path) -> None:
    """Rows that an older version took over may name anything."""
    received(journal, "a")
    journal.applied("a")
    ours = tree(journal.results)
    for folder in (str(user), "../../user", f"results/{MONTH}/../../../user", f"results/{MONTH}", "results"):
        with journal.transaction() as connection:
            connection.execute("UPDATE jobs SET folder = ?", (folder,))
        before = tree(user)
        clean(journal, -1)
        assert tree(user) == before and tree(journal.results) == ours
        entry = journal.entry("a")
        assert entry is not None and entry.folder is None


@pytest.mark.parametrize("where", [MONTH, f"{MONTH}/a"])
def test_cleaning_follows_no_links(journal: Journal, user: Path, where: str) -> None:
    received(journal, "a")
    journal.applied("a")
    private = user / "a"
    private.mkdir()
    (private / "image-1.png").write_bytes(b"private")
    replaced(journal.results / where, user if where == MONTH else private)
    before = tree(user)
    clean(journal, -1)
    assert tree(user) == before


def test_what_the_user_laid_beside_a_result_stays(journal: Journal) -> None:
    folder = received(journal, "a")
    journal.applied("a")
    (folder / "scene.blend").write_bytes(b"mine")
    clean(journal, -1)
    assert [path.name for path in folder.iterdir()] == ["scene.blend"]


def test_an_answer_names_no_file_elsewhere(journal: Journal, user: Path) -> None:
    before = tree(user)
    names = ("../../../../user/image-1.png", f"{user}/image-1.png", "..", "image-2.png", "pipe", "\x00", "")
    for number, name in enumerate(names):
        folder = received(journal, f"job-{number}")
        part = folder.rename(folder.with_name(folder.name + ".part"))
        (part / "image-2.png").symlink_to(user / "image-1.png")
        os.mkfifo(part / "pipe")
        (part / "answer.json").write_text(json.dumps({"files": {name: "0", "image-1.png": "0"}}))
        salvage(part)
    assert tree(user) == before


def planted(journal: Journal, where: str, **answer: Any) -> Path:
    folder = journal.results / where
    folder.mkdir(parents=True)
    (folder / "image-1.png").write_bytes(IMAGE)
    values = {"request": REQUEST.to_dict(), "created": "2026-11-22T12:00:00+00:00", "cost_usd": 0.03}
    (folder / "answer.json").write_text(json.dumps({**values, **answer}))
    return folder


def test_a_folder_that_can_be_no_result_is_not_adopted(journal: Journal) -> None:
    for where in (f"{MONTH}/.hidden", f"{MONTH}/a b", "backup/c", "2026-13/d", f"{MONTH}/e.part"):
        planted(journal, where)
    recover_all(journal)
    assert journal.entries() == []


ANSWERS: list[dict[str, Any]] = [
    {"cost_usd": -5},
    {"cost_usd": float("nan")},
    {"cost_usd": 1e12},
    {"cost_usd": "1"},
    {"created": "0001-01-01T00:00:00+00:00"},
    {"created": "9999-12-31T23:59:59+00:00"},
    {"created": 5},
    {"request": {"prompt": 5}},
    {"request": []},
    {"application": {"textures_dir": "/etc", "name": "../x"}},
    {"application": {"maps": "x"}},
    {"usage": {"output_tokens": -(10**18)}},
    {"usage": "x", "digest": {}, "request_id": []},
    {"files": []},
]


def test_a_planted_answer_changes_no_ledger(journal: Journal) -> None:
    for number, answer in enumerate(ANSWERS):
        planted(journal, f"2026-11/x{number}", **answer)
    recover_all(journal)
    spent = [row["spent"] for row in journal.query("SELECT spent FROM sums")]
    assert all(amount >= 0 for amount in spent) and 0 < sum(spent) / 1e12 < 0.03 * len(ANSWERS)
    for entry in find(journal, Filter()):
        assert entry.created <= datetime.now() and entry.application.textures_dir is None
        assert entry.cost_usd is None or 0 <= entry.cost_usd <= 0.03
        assert entry.application.name is None or "/" not in entry.application.name


def test_a_deep_answer_is_left_alone(journal: Journal) -> None:
    folder = planted(journal, f"{MONTH}/x")
    (folder / "answer.json").write_text("[" * 200_000)
    (planted(journal, f"{MONTH}/y") / "answer.json").unlink()
    os.mkfifo(journal.results / MONTH / "y" / "answer.json")
    recover_all(journal)
    assert journal.entries() == []


def test_links_are_not_exported(journal: Journal, user: Path, tmp_path: Path) -> None:
    folder = received(journal, "a")
    (folder / "image-2.png").symlink_to(user / "image-1.png")
    copies = export(journal, "a", tmp_path / "out", Outputs(journal))
    assert [copy.read_bytes() for copy in copies] == [IMAGE]


def test_a_process_of_a_row_removes_no_file(journal: Journal, user: Path) -> None:
    (user / "x.lock").write_text("")
    journal.reserve("a", REQUEST, Application(), "d", 0.1)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET process = ?", ("../../../user/x",))
    other = open_journal(journal.folder)
    other.close()
    assert (user / "x.lock").exists()


def test_two_merges_at_once(tmp_path: Path) -> None:
    other = open_journal(tmp_path / "foreign")
    for number in range(20):
        received(other, f"job-{number}")
    other.close()
    script = (
        "import sys; from pathlib import Path\n"
        "from gpt_image_addon.core.journal.recovery import open_journal\n"
        "from gpt_image_addon.core.journal.merge import merge\n"
        "journal = open_journal(Path(sys.argv[1])); sys.stdin.readline()\n"
        "merge(journal, Path(sys.argv[2])); journal.close()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "state"), str(other.folder)]
    runs = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(3)]
    time.sleep(1)
    for run in runs:
        run.communicate(b"\n")
    assert [run.returncode for run in runs] == [0] * 3
    journal = open_journal(tmp_path / "state")
    entries = journal.entries()
    assert len(entries) == 20 and journal.spent_usd() == pytest.approx(20 * 0.02)
    for entry in entries:
        assert entry.folder is not None and (entry.folder / "image-1.png").read_bytes() == IMAGE
    assert not list(journal.results.glob("*/*.part"))
    journal.close()


def test_of_many_that_copy_a_result_at_once_one_brings_it(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for number in range(1, 6):
        (old / f"image-{number}.png").write_bytes(IMAGE)
    start = threading.Barrier(4, timeout=20)

    def copy_all(name: int) -> list[int]:
        found = []
        for number in range(20):
            start.wait()
            found.append(copy(old, tmp_path / f"{number}", tmp_path / f"{number}.{name}.part"))
        return found

    with ThreadPoolExecutor(4) as pool:
        copied = list(zip(*pool.map(copy_all, range(4)), strict=True))
    assert [sorted(counts) for counts in copied] == [[0, 0, 0, 5 * len(IMAGE)]] * 20
    assert {path.name for path in tmp_path.iterdir()} == {"old", *map(str, range(20))}
    assert all(len(list((tmp_path / f"{number}").iterdir())) == 5 for number in range(20))


def test_what_a_merge_that_died_left_is_removed(journal: Journal, foreign: Path) -> None:
    part = journal.results / MONTH / "stranger.1-0123abcd.part"
    part.mkdir(parents=True)
    (part / "image-1.png").write_bytes(b"half")
    merge(journal, foreign)
    assert not part.exists()


def test_what_another_merge_is_copying_stays(journal: Journal, foreign: Path, user: Path) -> None:
    alive = ProcessLock(journal.locks)
    month = journal.results / MONTH
    part = month / f"stranger.{alive.name}.part"
    part.mkdir(parents=True)
    (part / "image-1.png").write_bytes(b"half")
    (month / "linked.1-0123abcd.part").symlink_to(user, target_is_directory=True)
    (month / "file.1-0123abcd.part").write_bytes(b"a file")
    before = tree(user)
    merge(journal, foreign)
    assert (part / "image-1.png").read_bytes() == b"half" and tree(user) == before
    assert (month / "linked.1-0123abcd.part").is_symlink() and (month / "file.1-0123abcd.part").is_file()
    alive.release()
    merge(journal, foreign)
    assert not part.exists()


CORRUPT: dict[str, tuple[str, object]] = {
    "request": ("request", "{"),
    "deep": ("request", "[" * 100_000),
    "bytes": ("request", b"\xff\x00"),
    "types": ("request", '{"prompt": ["a"], "n": "many"}'),
    "state": ("state", "HALF"),
    "created": ("created", "yesterday"),
    "far": ("created", 1e300),
    "application": ("application", "[]"),
    "cost": ("cost_usd", "cheap"),
}


def test_corrupt_rows_are_left_out(journal: Journal) -> None:
    for job in ("good", "fine", *CORRUPT):
        received(journal, job)
    with journal.transaction() as connection:
        for job, (column, value) in CORRUPT.items():
            connection.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", (value, job))
    assert sorted(entry.id for entry in find(journal, Filter())) == ["fine", "good"]
    assert journal.unreadable == set(CORRUPT)
    assert {entry.id for entry in find(journal, Filter(search="EICHE"))} == {"fine", "good"}
    assert len(find(journal, Filter(limit=2))) == 2
    assert {seen.job for seen in read_page(journal, Filter(limit=20)).jobs} >= {"fine", "good"}
    recover_all(journal)
    assert {entry.id for entry in journal.unapplied()} == {"fine", "good"}
    for job in CORRUPT:
        with pytest.raises(StorageError, match=job):
            journal.entry(job)
    again = open_journal(journal.folder)
    assert len(again.entries()) == 2
    again.close()
