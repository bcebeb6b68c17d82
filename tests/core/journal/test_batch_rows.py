"""What the journal knows of the rows of batches: whether one may be sent, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import (
    APIConnectionError,
    InvalidRequestError,
    InvalidResponseError,
    RowTakenError,
)
from gpt_image_addon.core.journal.batch_rows import RowHistory, find_row_history, last_error
from gpt_image_addon.core.journal.entries import BatchPosition
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import keep

REQUEST = GenerationRequest(prompt="oak", provider="openai", model="m")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def add(
    journal: Journal, job: str, state: JobState, row: str = "r", others: int = 0, batch: str = ""
) -> None:
    """A job of a row that got as far as this state."""
    journal.reserve(job, REQUEST, Application(), "d", 0.5, place=BatchPosition(row, others, batch))
    if state is not JobState.QUEUED:
        journal.sending(job)
    if state in (JobState.RECEIVED, JobState.APPLIED):
        folder = keep(journal.results, job, datetime.now(), {"image-1.png": b"1"}, {}).folder
        journal.received(job, folder, cost_usd=0.02, usage=None, request_id=None)
    if state is JobState.APPLIED:
        journal.applied(job)
    if state is JobState.UNKNOWN:
        journal.failed(job, APIConnectionError("Gone.", billed="maybe"))
    if state in (JobState.FAILED, JobState.CANCELLED):
        journal.failed(job, InvalidRequestError(f"No {job}."), cancelled=state is JobState.CANCELLED)
    time.sleep(0.002)  # entries are told apart by time


def die(journal: Journal, job: str) -> None:
    """As if the process that works on a job was gone."""
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET process = '1-0123abcd' WHERE id = ?", (job,))


def told(found: RowHistory) -> tuple[str | None, str | None, list[str]]:
    """Ids of the jobs that were found."""
    stored, running = found.stored, found.running
    return stored and stored.id, running and running.id, [entry.id for entry in found.lost]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (JobState.QUEUED, (None, "a", [])),
        (JobState.SENDING, (None, "a", [])),
        (JobState.RECEIVED, ("a", None, [])),
        (JobState.APPLIED, ("a", None, [])),
        (JobState.UNKNOWN, (None, None, ["a"])),
        (JobState.FAILED, (None, None, [])),
        (JobState.CANCELLED, (None, None, [])),
    ],
)
def test_a_row_is_known_by_its_jobs(
    journal: Journal, state: JobState, expected: tuple[str | None, str | None, list[str]]
) -> None:
    add(journal, "other", JobState.APPLIED, "other")
    add(journal, "a", state)
    assert told(find_row_history(journal, "r")) == expected


def test_the_unknown_come_in_the_order_they_were_sent(journal: Journal) -> None:
    for number, job in enumerate(("c", "a", "b")):
        add(journal, job, JobState.UNKNOWN, others=number)
    add(journal, "d", JobState.RECEIVED, others=3)
    assert told(find_row_history(journal, "r")) == ("d", None, ["c", "a", "b"])


def test_single_requests_are_no_row(journal: Journal) -> None:
    for job in "ab":
        add(journal, job, JobState.SENDING, row="")
    add(journal, "c", JobState.FAILED, row="")
    assert find_row_history(journal, "") == RowHistory() and last_error(journal, "") is None


def test_what_died_is_settled(journal: Journal) -> None:
    add(journal, "a", JobState.SENDING)
    die(journal, "a")
    assert told(find_row_history(journal, "r")) == (None, None, ["a"])
    add(journal, "b", JobState.QUEUED, row="s")
    die(journal, "b")
    assert find_row_history(journal, "s") == RowHistory()
    entry = journal.entry("b")
    assert entry is not None and entry.state is JobState.CANCELLED


def test_a_remote_batch_outlives_its_process(journal: Journal) -> None:
    add(journal, "a", JobState.SENDING, batch="remote")
    die(journal, "a")
    assert told(find_row_history(journal, "r")) == (None, "a", [])


def test_nobody_sends_a_row_that_another_has_begun(journal: Journal) -> None:
    add(journal, "a", JobState.QUEUED)
    for others in (0, 2):
        with pytest.raises(RowTakenError):
            add(journal, "b", JobState.QUEUED, others=others)
    assert journal.entry("b") is None
    add(journal, "b", JobState.QUEUED, others=1)
    journal.reserve("c", REQUEST, Application(), "d", 0.5, place=BatchPosition("s"))
    for job in ("d", "e"):
        add(journal, job, JobState.SENDING, row="")


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_was_billed_is_known_and_counts(journal: Journal, cancelled: bool) -> None:
    add(journal, "a", JobState.SENDING)
    journal.failed("a", InvalidResponseError("No image.", billed="yes"), cancelled=cancelled)
    assert told(find_row_history(journal, "r")) == (None, None, ["a"])
    with pytest.raises(RowTakenError):
        add(journal, "b", JobState.QUEUED)
    add(journal, "b", JobState.QUEUED, others=1)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_what_ended_without_a_result_may_be_sent_again(journal: Journal, state: JobState) -> None:
    add(journal, "a", state)
    add(journal, "b", JobState.QUEUED)


def test_the_newest_error_is_told(journal: Journal) -> None:
    assert last_error(journal, "r") is None
    add(journal, "a", JobState.FAILED)
    add(journal, "b", JobState.CANCELLED)
    add(journal, "other", JobState.FAILED, row="s")
    add(journal, "c", JobState.UNKNOWN)
    error = last_error(journal, "r")
    assert error is not None and error["message"] == "No b."
