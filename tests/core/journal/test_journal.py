"""The journal: reservations, what survives a death, and many processes at once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.common.process_lock import ProcessLock
from gpt_image_addon.core.errors import (
    APIConnectionError,
    BadRequestError,
    BudgetExceededError,
    InvalidResponseError,
    StorageError,
)
from gpt_image_addon.core.journal import schema
from gpt_image_addon.core.journal.entries import ENDED, OF_BATCH, OF_ROW
from gpt_image_addon.core.journal.history import clean
from gpt_image_addon.core.journal.journal import LOCKS_FOLDER, Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.schema import JOURNAL_FILE, VERSION, VERSION_1
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.pricing import Observed
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import keep

ROOT = Path(__file__).resolve().parents[3]
REQUEST = GenerationRequest(prompt="Eiche", provider="openai", model="m", references=("/a.png",))
APPLICATION = Application(target="plane", view_matrix=(1.0,) * 16)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def reserve(journal: Journal, job: str = "a", usd: float = 0.5, budget: float | None = None) -> None:
    journal.reserve(job, REQUEST, APPLICATION, REQUEST.digest(), usd, budget)


def state_of(journal: Journal, job: str) -> JobState:
    entry = journal.entry(job)
    assert entry is not None
    return entry.state


def receive(journal: Journal, job: str, usd: float = 0.02) -> Path:
    facts = {"cost_usd": usd, "usage": {"total_tokens": 7}, "request_id": "req_1"}
    return keep(journal.results, job, datetime.now(), {"image-1.png": b"image"}, facts).folder


def test_a_job_goes_its_way(journal: Journal) -> None:
    reserve(journal)
    assert (journal.reserved_usd(), journal.spent_usd()) == (0.5, 0)
    journal.sending("a")
    folder = receive(journal, "a")
    journal.received("a", folder, cost_usd=0.02, usage={"total_tokens": 7}, request_id="req_1")
    assert (journal.reserved_usd(), journal.spent_usd()) == (0, 0.02)
    journal.applied("a")
    entry = journal.entry("a")
    assert entry is not None
    assert (entry.state, entry.request, entry.application) == (JobState.APPLIED, REQUEST, APPLICATION)
    assert (entry.folder, entry.usage, entry.request_id) == (folder, {"total_tokens": 7}, "req_1")
    assert journal.find_stored(REQUEST.digest()) == entry
    assert journal.find_stored("other") is None


def test_what_was_made_of_a_result_counts_once_it_is_applied(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    folder = receive(journal, "a")
    journal.received("a", folder, cost_usd=0.02, usage=None, request_id=None)
    before = journal.results_bytes()
    (folder / "processed").mkdir()
    (folder / "processed" / "image-1.png").write_bytes(b"processed")
    journal.applied("a")
    assert journal.results_bytes() == before + len(b"processed")


def test_sizes_that_were_never_noted_are_measured(journal: Journal) -> None:
    for job in ("a", "b"):
        reserve(journal, job)
        journal.sending(job)
        journal.received(job, receive(journal, job), cost_usd=0.02, usage=None, request_id=None)
    noted = journal.results_bytes()
    assert noted > 2 * len(b"image")
    with journal.transaction() as connection:  # as an older version left them
        connection.execute("UPDATE jobs SET bytes = NULL")
    assert journal.results_bytes() == noted == journal.results_bytes()
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET bytes = NULL, folder = '../elsewhere' WHERE id = 'a'")
    assert 0 < journal.results_bytes() < noted
    sizes = {row["id"]: row["bytes"] for row in journal.rows("1")}
    assert sizes == {"a": 0, "b": journal.results_bytes()}


def test_results_wait_for_who_is_to_deliver_them(journal: Journal) -> None:
    other = open_journal(journal.folder)
    for owner, job in ((journal, "a"), (other, "b")):
        reserve(owner, job)
        owner.sending(job)
        owner.received(job, receive(owner, job), cost_usd=0.02, usage=None, request_id=None)
        time.sleep(0.002)
    assert [entry.id for entry in journal.unapplied()] == ["a"]
    assert [entry.id for entry in other.unapplied()] == ["b"]
    other.close()
    assert [entry.id for entry in journal.unapplied()] == ["b", "a"]
    journal.applied("b")
    assert [entry.id for entry in journal.unapplied()] == ["a"]


def test_a_failure_frees_what_was_set_aside(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    assert journal.failed("a", BadRequestError("No.", status=400, param="size")) is JobState.FAILED
    entry = journal.entry("a")
    assert entry is not None and entry.error is not None
    assert (entry.error["param"], journal.reserved_usd()) == ("size", 0)


def test_a_failure_names_its_request(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    journal.failed("a", BadRequestError("No.", status=400, request_id="req_9"))
    entry = journal.entry("a")
    assert entry is not None and entry.request_id == "req_9"


@pytest.mark.parametrize("step", ["sending", "received", "failed", "unknown"])
def test_what_money_depends_on_waits_for_the_disk(journal: Journal, step: str) -> None:
    """A power cut after the step must not undo it."""
    reserve(journal)
    if step != "sending":
        journal.sending("a")
    folder = receive(journal, "a")
    with journal.transaction():
        pass
    statements: list[str] = []
    journal._commits._connection.set_trace_callback(statements.append)
    if step == "received":
        journal.received("a", folder, cost_usd=0.02, usage=None, request_id=None)
    elif step == "failed":
        journal.failed("a", BadRequestError("No.", status=400))
    else:
        getattr(journal, step)("a")
    update = next(at for at, text in enumerate(statements) if text.startswith("UPDATE jobs SET state"))
    waits = [text for text in statements[:update] if "synchronous" in text]
    assert waits and waits[-1].endswith("FULL")


def test_what_may_be_billed_stays_set_aside(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    assert journal.failed("a", APIConnectionError("Gone.", billed="maybe")) is JobState.UNKNOWN
    assert (journal.reserved_usd(), journal.spent_usd()) == (0.5, 0)


def test_the_budget_holds_for_spending_and_reservations(journal: Journal) -> None:
    reserve(journal, "a", 0.6, budget=1.0)
    with pytest.raises(BudgetExceededError) as caught:
        reserve(journal, "b", 0.5, budget=1.0)
    assert caught.value.exit_code == 5
    assert journal.entry("b") is None
    journal.sending("a")
    journal.received("a", receive(journal, "a"), cost_usd=0.02, usage=None, request_id=None)
    reserve(journal, "b", 0.5, budget=1.0)
    reserve(journal, "free", 0.0, budget=0.0)


def die(state_folder: Path, steps: str) -> None:
    """Run the journal's steps in a process that then dies without a word."""
    script = (
        "import os, sys\n"
        "from tests.core.journal.test_journal import *\n"
        f"journal = open_journal(Path({str(state_folder)!r}))\n"
        f"{steps}\n"
        "os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)


def test_a_death_before_sending_costs_nothing(tmp_path: Path) -> None:
    die(tmp_path, "reserve(journal)")
    journal = open_journal(tmp_path)
    assert (state_of(journal, "a"), journal.reserved_usd()) == (JobState.CANCELLED, 0)
    journal.close()


def test_a_death_without_an_answer_is_unknown(tmp_path: Path) -> None:
    die(tmp_path, "reserve(journal); journal.sending('a')")
    journal = open_journal(tmp_path)
    entry = journal.entry("a")
    assert entry is not None
    assert (entry.state, entry.billed, journal.reserved_usd()) == (JobState.UNKNOWN, "maybe", 0.5)
    assert len(list((tmp_path / LOCKS_FOLDER).iterdir())) == 1  # ours; the dead one is swept away
    journal.close()


def test_an_answer_without_its_row_is_adopted(tmp_path: Path) -> None:
    die(tmp_path, "reserve(journal); journal.sending('a'); receive(journal, 'a')")
    journal = open_journal(tmp_path)
    entry = journal.entry("a")
    assert entry is not None and entry.folder is not None
    assert (entry.state, entry.cost_usd, entry.request_id) == (JobState.RECEIVED, 0.02, "req_1")
    assert (entry.folder / "image-1.png").read_bytes() == b"image"
    assert journal.spent_usd() == 0.02
    journal.close()


def test_a_living_process_is_left_alone(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    other = open_journal(journal.folder)
    assert state_of(other, "a") is JobState.SENDING
    other.close()


def test_ten_processes_share_a_budget(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from tests.core.journal.test_journal import *\n"
        f"journal = open_journal(Path({str(tmp_path)!r}))\n"
        "taken = 0\n"
        "for number in range(5):\n"
        "    try:\n"
        "        reserve(journal, f'{sys.argv[1]}-{number}', 0.1, budget=2.05)\n"
        "        taken += 1\n"
        "    except BudgetExceededError:\n"
        "        pass\n"
        "print(taken)\n"
        "sys.stdout.flush()\n"
        "sys.stdin.read()\n"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(n)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(10)
    ]
    taken = [int((run.stdout or sys.stdin).readline()) for run in runs]
    journal = open_journal(tmp_path)
    assert sum(taken) == 20
    assert journal.reserved_usd() == pytest.approx(2.0)
    journal.close()
    for run in runs:
        run.communicate("")
    assert [run.returncode for run in runs] == [0] * 10


def test_a_damaged_journal_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).write_bytes(b"this is no database, " * 100)
    with pytest.raises(StorageError, match="journal"):
        open_journal(tmp_path)


def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.query("PRAGMA user_version = 99")
    journal.close()
    with pytest.raises(StorageError, match="newer"):
        open_journal(tmp_path)


def test_a_state_folder_that_is_a_file_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StorageError, match="state folder") as caught:
        open_journal(tmp_path / "state" / "inner")
    assert "GPT_IMAGE_DATA_DIR" in caught.value.text


@pytest.mark.parametrize("name", ["results", LOCKS_FOLDER])
def test_a_file_where_a_folder_of_ours_goes_is_said_before_anything_is_sent(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(StorageError, match="state folder"):
        open_journal(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_entries_are_newest_first(journal: Journal) -> None:
    for job in "abc":
        reserve(journal, job)
        time.sleep(0.002)
    journal.sending("b")
    assert [entry.id for entry in journal.entries()] == ["c", "b", "a"]
    assert [entry.id for entry in journal.entries(JobState.QUEUED)] == ["c", "a"]


def v1_journal(folder: Path) -> None:
    """A state folder as version 1 of the schema left it."""
    folder.mkdir()
    connection = sqlite3.connect(folder / JOURNAL_FILE)
    connection.executescript(f"PRAGMA journal_mode = WAL; {VERSION_1} PRAGMA user_version = 1;")
    request = {"prompt": "Eiche", "provider": "openai", "model": "m", "quality": "low", "n": 2, "gone": 1}
    usage = {"output_tokens": 500, "input_tokens": 9}
    values = ("a", "APPLIED", 1.7e9, 1.7e9, "2023-11", "1-x", "d", json.dumps(request), "{}", 0.5, 0, 0.02)
    marks = ",".join("?" * (len(values) + 1))
    connection.execute(
        "INSERT INTO jobs (id, state, created, updated, month, process, digest, request, application,"
        f" estimated_usd, reserved_usd, cost_usd, usage) VALUES ({marks})",
        (*values, json.dumps(usage)),
    )
    connection.commit()
    connection.close()


def test_an_older_journal_is_brought_up(tmp_path: Path) -> None:
    v1_journal(tmp_path / "state")
    journal = open_journal(tmp_path / "state")
    entry = journal.entry("a")
    assert entry is not None
    assert (entry.request.prompt, entry.request.n, entry.favourite) == ("Eiche", 2, False)
    assert journal.spent_usd("2023-11") == 0.02
    assert journal.seen("m", "low", "1024x1024") == Observed(1, 250, 250, 250)
    assert journal.query("PRAGMA user_version")[0][0] == VERSION
    journal.close()
    again = open_journal(tmp_path / "state")
    assert again.entry("a") == entry
    again.close()


def test_a_migration_happens_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    v1_journal(tmp_path / "state")
    broken = (*schema.MIGRATIONS[:1], (schema.VERSION_2 + "; SELECT * FROM nowhere", None))
    with monkeypatch.context() as patch, pytest.raises(StorageError):
        patch.setattr(schema, "MIGRATIONS", broken)
        open_journal(tmp_path / "state")
    journal = open_journal(tmp_path / "state")
    assert journal.entry("a") is not None
    journal.close()


def test_a_fresh_journal_equals_a_migrated_one(tmp_path: Path) -> None:
    v1_journal(tmp_path / "old")
    forms = []
    for name in ("old", "new"):
        journal = open_journal(tmp_path / name)
        forms.append(
            [tuple(row) for row in journal.query("SELECT name, sql FROM sqlite_master ORDER BY name")]
        )
        journal.close()
    assert forms[0] == forms[1]


def test_late_news_change_nothing(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    folder = receive(journal, "a")
    assert journal.received("a", folder, cost_usd=0.02, usage=None, request_id="req_1")
    journal.applied("a")
    assert not journal.received("a", folder, cost_usd=9, usage=None, request_id=None)
    journal.unknown("a")
    journal.cancel_dead("a")
    assert (state_of(journal, "a"), journal.spent_usd()) == (JobState.APPLIED, 0.02)


def test_many_settle_the_same_rows_at_once(tmp_path: Path) -> None:
    steps = (
        "for number in range(20):\n"
        "    reserve(journal, f'job-{number}')\n"
        "    if number % 4: journal.sending(f'job-{number}')\n"
        "    if number % 4 == 2: receive(journal, f'job-{number}')\n"
        "    if number % 4 == 3:\n"
        "        folder = receive(journal, f'job-{number}')\n"
        "        folder.rename(folder.with_name(folder.name + '.part'))\n"
    )
    die(tmp_path, steps)
    command = [
        sys.executable,
        "-c",
        f"from tests.core.journal.test_journal import *; open_journal(Path({str(tmp_path)!r}))",
    ]
    runs = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [run.wait() for run in runs] == [0] * 4
    journal = open_journal(tmp_path)
    states = [state_of(journal, f"job-{number}") for number in range(20)]
    assert states == [JobState.CANCELLED, JobState.UNKNOWN, JobState.RECEIVED, JobState.RECEIVED] * 5
    assert journal.spent_usd() == pytest.approx(10 * 0.02)
    journal.close()


def test_billed_for_sure_counts_as_spent(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    journal.failed("a", InvalidResponseError("Rubbish.", billed="yes"))
    assert (journal.spent_usd(), journal.reserved_usd()) == (0.5, 0)


def test_answers_are_learned_from(journal: Journal) -> None:
    assert journal.seen("m", "auto", "1024x1024") is None
    for job, tokens in (("a", 100), ("b", 200), ("c", 0)):
        reserve(journal, job)
        journal.sending(job)
        usage = {"output_tokens": tokens}
        journal.received(job, receive(journal, job), cost_usd=0.01, usage=usage, request_id=None)
    assert journal.seen("m", "auto", "1024x1024") == Observed(2, 150, 100, 200)
    assert journal.seen("m", "low", "1024x1024") is None


def test_a_lost_journal_finds_its_results(journal: Journal) -> None:
    facts = {"request": REQUEST.to_dict(), "cost_usd": 0.03, "created": "2026-11-22T12:00:00+00:00"}
    keep(journal.results, "stranger", datetime(2026, 11, 22), {"image-1.png": b"1"}, facts)
    keep(journal.results, "rubbish", datetime(2026, 11, 22), {}, {"created": "never"})
    journal.close()
    for path in journal.folder.glob(f"{JOURNAL_FILE}*"):
        path.unlink()
    again = open_journal(journal.folder)
    assert [entry.id for entry in again.entries()] == ["stranger"]
    entry = again.entries()[0]
    assert (entry.state, entry.request, entry.cost_usd) == (JobState.RECEIVED, REQUEST, 0.03)
    assert again.spent_usd("2026-11") == 0.03
    again.close()
    journal._lock = ProcessLock(journal.locks)  # for the fixture


def test_a_read_only_journal_is_said_plainly(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from tests.core.journal.test_journal import *\n"
        "if os.geteuid() == 0: os.seteuid(65534)  # root may write everything\n"
        "try: open_journal(Path(sys.argv[1]))\n"
        "except StorageError as error: print(error.text)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        open_journal(state).close()
        for path in (state, *state.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        (state / LOCKS_FOLDER).chmod(0o777)
        run = subprocess.run(
            [sys.executable, "-c", script, folder], cwd=ROOT, capture_output=True, text=True, check=False
        )
        state.chmod(0o755)
    assert str(state / JOURNAL_FILE) in run.stdout and "can't be" in run.stdout, run.stderr
    assert "permissions" in run.stdout or "writable" in run.stdout


def test_favourites_are_kept(journal: Journal) -> None:
    reserve(journal)
    assert journal.set_favourite("a") and not journal.set_favourite("b")
    entry = journal.entry("a")
    assert entry is not None and entry.favourite


def test_marks_of_the_dead_are_swept_and_the_living_stay(journal: Journal) -> None:
    die(journal.folder, "pass")
    other = open_journal(journal.folder)
    names = {path.stem for path in (journal.folder / LOCKS_FOLDER).iterdir()}
    assert names == {journal.process, other.process}
    other.close()


def test_many_processes_open_and_sweep_at_once(tmp_path: Path) -> None:
    script = (
        "from tests.core.journal.test_journal import *\n"
        f"for _ in range(30): open_journal(Path({str(tmp_path)!r})).close()\n"
    )
    runs = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(4)]
    assert [run.wait() for run in runs] == [0] * 4


@pytest.mark.parametrize("condition", [OF_ROW, OF_BATCH])
def test_a_row_of_many_is_found_by_an_index(journal: Journal, condition: str) -> None:
    """A scan of the journal for each row would make long manifests ever slower."""
    asked = (
        f"EXPLAIN QUERY PLAN SELECT * FROM jobs WHERE {condition} AND state NOT IN (?, ?) ORDER BY created"
    )
    plan = journal.query(asked, "a", *ENDED)
    assert "SEARCH jobs USING INDEX" in plan[0]["detail"]


def test_a_size_is_noted_whatever_the_id_is(journal: Journal) -> None:
    for job in ("a", "b"):
        reserve(journal, job)
        journal.sending(job)
        journal.received(job, receive(journal, job), cost_usd=0.02, usage=None, request_id=None)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET bytes = NULL")
        connection.execute("UPDATE jobs SET id = CAST(x'62ff' AS TEXT) WHERE id = 'b'")
    assert journal.results_bytes() > 0
    assert journal.query("SELECT COUNT(*) FROM jobs WHERE bytes IS NULL")[0][0] == 0


def test_a_journal_that_can_not_be_opened_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def open_database(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(schema.open_database(*args, **options))
        return opened[-1]

    open_journal(tmp_path).close()
    with sqlite3.connect(tmp_path / JOURNAL_FILE) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    monkeypatch.setattr("gpt_image_addon.core.journal.journal.open_database", open_database)
    monkeypatch.setattr("gpt_image_addon.core.journal.writer.open_database", open_database)
    with pytest.raises(StorageError, match="newer version"):
        open_journal(tmp_path)
    assert opened
    for one in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            one.execute("SELECT 1")


def test_a_half_done_result_that_can_not_be_finished_blocks_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    reserve(journal)
    journal.sending("a")
    folder = receive(journal, "a")
    part = folder.rename(folder.with_name("a.part"))
    (folder / "of somebody else").mkdir(parents=True)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET process = '1-00000000'")
    journal.close()
    again = open_journal(tmp_path)
    assert state_of(again, "a") is JobState.UNKNOWN and (part / "image-1.png").exists()
    again.close()


@pytest.mark.parametrize("state", [JobState.SENDING, JobState.RECEIVED])
def test_a_row_of_a_process_without_a_name_blocks_nothing(journal: Journal, state: JobState) -> None:
    for job in ("a", "b"):
        reserve(journal, job)
        journal.sending(job)
    journal.received("b", receive(journal, "b"), cost_usd=0.02, usage=None, request_id=None)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET process = x'00ff', bytes = 'odd', state = ?", (state,))
    again = open_journal(journal.folder)
    assert len(again.unapplied()) == (2 if state is JobState.RECEIVED else 1)
    for job in ("a", "b"):
        again.applied(job)
    with again.transaction() as connection:
        connection.execute("UPDATE jobs SET bytes = 'odd', created = 0 WHERE id = 'b'")
    assert clean(again, 1).jobs == ("b",)
    again.close()


def test_what_turns_out_to_be_unbilled_is_set_aside_no_longer(journal: Journal) -> None:
    """A batch that the server had forgotten may come back, and say that a row of it was refused."""
    reserve(journal)
    journal.sending("a")
    journal.unknown("a")
    assert journal.failed("a", APIConnectionError("Again.", billed="maybe")) is JobState.UNKNOWN
    assert state_of(journal, "a") is JobState.UNKNOWN and journal.reserved_usd() == 0.5
    assert journal.failed("a", BadRequestError("No.", status=400)) is JobState.FAILED
    assert state_of(journal, "a") is JobState.FAILED and journal.reserved_usd() == 0
