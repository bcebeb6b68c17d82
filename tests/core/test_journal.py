"""The journal: reservations, what survives a death, and many processes at once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import APIConnectionError, BadRequestError, BudgetExceededError, StorageError
from gpt_image_addon.core.journal import LOCKS_FOLDER, Journal
from gpt_image_addon.core.request import Application, GenerationRequest
from gpt_image_addon.core.results import keep
from gpt_image_addon.core.schema import JOURNAL_FILE
from gpt_image_addon.core.states import JobState

ROOT = Path(__file__).resolve().parents[2]
REQUEST = GenerationRequest(prompt="Eiche", provider="openai", model="m", references=("/a.png",))
APPLICATION = Application(target="plane", view_matrix=(1.0,) * 16)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal(tmp_path / "state")
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
    return keep(journal.results, job, datetime.now(), {"image-1.png": b"picture"}, facts).folder


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


def test_a_failure_frees_what_was_set_aside(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    assert journal.failed("a", BadRequestError("No.", status=400, param="size")) is JobState.FAILED
    entry = journal.entry("a")
    assert entry is not None and entry.error is not None
    assert (entry.error["param"], journal.reserved_usd()) == ("size", 0)


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
        "from tests.core.test_journal import *\n"
        f"journal = Journal(Path({str(state_folder)!r}))\n"
        f"{steps}\n"
        "os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)


def test_a_death_before_sending_costs_nothing(tmp_path: Path) -> None:
    die(tmp_path, "reserve(journal)")
    journal = Journal(tmp_path)
    assert (state_of(journal, "a"), journal.reserved_usd()) == (JobState.CANCELLED, 0)
    journal.close()


def test_a_death_without_an_answer_is_unknown(tmp_path: Path) -> None:
    die(tmp_path, "reserve(journal); journal.sending('a')")
    journal = Journal(tmp_path)
    entry = journal.entry("a")
    assert entry is not None
    assert (entry.state, entry.billed, journal.reserved_usd()) == (JobState.UNKNOWN, "maybe", 0.5)
    assert len(list((tmp_path / LOCKS_FOLDER).iterdir())) == 1  # ours; the dead one is swept away
    journal.close()


def test_an_answer_without_its_row_is_adopted(tmp_path: Path) -> None:
    die(tmp_path, "reserve(journal); journal.sending('a'); receive(journal, 'a')")
    journal = Journal(tmp_path)
    entry = journal.entry("a")
    assert entry is not None and entry.folder is not None
    assert (entry.state, entry.cost_usd, entry.request_id) == (JobState.RECEIVED, 0.02, "req_1")
    assert (entry.folder / "image-1.png").read_bytes() == b"picture"
    assert journal.spent_usd() == 0.02
    journal.close()


def test_a_living_process_is_left_alone(journal: Journal) -> None:
    reserve(journal)
    journal.sending("a")
    other = Journal(journal.folder)
    assert state_of(other, "a") is JobState.SENDING
    other.close()


def test_ten_processes_share_a_budget(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from tests.core.test_journal import *\n"
        f"journal = Journal(Path({str(tmp_path)!r}))\n"
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
    journal = Journal(tmp_path)
    assert sum(taken) == 20
    assert journal.reserved_usd() == pytest.approx(2.0)
    journal.close()
    for run in runs:
        run.communicate("")
    assert [run.returncode for run in runs] == [0] * 10


def test_a_damaged_journal_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).write_bytes(b"this is no database, " * 100)
    with pytest.raises(StorageError, match="journal"):
        Journal(tmp_path)


def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.query("PRAGMA user_version = 99")
    journal.close()
    with pytest.raises(StorageError, match="newer"):
        Journal(tmp_path)


def test_a_state_folder_that_is_a_file_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StorageError, match="state folder") as caught:
        Journal(tmp_path / "state" / "inner")
    assert "GPT_IMAGE_DATA_DIR" in caught.value.text


def test_entries_are_newest_first(journal: Journal) -> None:
    for job in "abc":
        reserve(journal, job)
        time.sleep(0.002)
    journal.sending("b")
    assert [entry.id for entry in journal.entries()] == ["c", "b", "a"]
    assert [entry.id for entry in journal.entries(JobState.QUEUED)] == ["c", "a"]
