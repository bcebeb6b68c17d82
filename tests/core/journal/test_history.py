"""Looking back, cleaning up, and taking over another machine's journal."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import InvalidRequestError, StorageError
from gpt_image_addon.core.journal.history import (
    SECONDS_A_DAY,
    Cleaned,
    Filter,
    clean,
    delete_result,
    export,
    find,
    find_history,
    read_page,
    row,
)
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.merge import Merged, merge
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.schema import JOURNAL_FILE
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.output_files import Outputs
from gpt_image_addon.core.results.store import keep

REQUEST = GenerationRequest(prompt="Eiche", provider="openai", model="gpt-image-2", quality="low")
IMAGE = b"p" * 1000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def add(journal: Journal, job: str, state: JobState, prompt: str = "Eiche", days: float = 0) -> None:
    """A job that got as far as this state, so many days ago."""
    request = dataclasses.replace(REQUEST, prompt=prompt)
    journal.reserve(job, request, Application(), request.digest(), 0.5)
    if state is not JobState.QUEUED:
        journal.sending(job)
    if state in (JobState.RECEIVED, JobState.APPLIED):
        facts = {"request": request.to_dict()}
        kept = keep(journal.results, job, datetime.now(), {"image-1.png": IMAGE}, facts)
        journal.received(job, kept.folder, cost_usd=0.02, usage={"output_tokens": 5}, request_id=f"req_{job}")
    if state is JobState.APPLIED:
        journal.applied(job)
    if state is JobState.UNKNOWN:
        journal.unknown(job)
    with journal.transaction() as connection:
        created = time.time() - days * SECONDS_A_DAY
        month = datetime.fromtimestamp(created).strftime("%Y-%m")
        connection.execute("UPDATE jobs SET created = ?, month = ? WHERE id = ?", (created, month, job))


def ids(journal: Journal, **which: object) -> list[str]:
    return [entry.id for entry in find(journal, Filter(**which))]  # type: ignore[arg-type]


def test_jobs_are_found(journal: Journal) -> None:
    add(journal, "a", JobState.APPLIED, "Straße aus Stein", days=70)
    add(journal, "b", JobState.UNKNOWN, "oak", days=0.2)
    add(journal, "c", JobState.APPLIED, "OAK floor", days=0.1)
    assert ids(journal) == ["c", "b", "a"]
    assert ids(journal, limit=2) == ["c", "b"]
    assert ids(journal, search="oak") == ["c", "b"]
    assert ids(journal, search="oak", limit=1) == ["c"]
    assert ids(journal, search="STRASSE") == ["a"]
    assert ids(journal, search="image-2") == ["c", "b", "a"]
    assert ids(journal, search="%") == []
    assert ids(journal, states=(JobState.APPLIED,)) == ["c", "a"]
    month = find(journal, Filter())[-1].created.strftime("%Y-%m")
    assert ids(journal, month=month) == ["a"]
    assert ids(journal, month=month, states=(JobState.UNKNOWN,)) == []


def test_a_glance_reads_one_page(journal: Journal) -> None:
    add(journal, "a", JobState.APPLIED, "Straße aus Stein", days=3)
    add(journal, "b", JobState.FAILED, "oak", days=2)
    add(journal, "c", JobState.APPLIED, "OAK floor", days=1)
    journal.set_favourite("a")
    page = read_page(journal, Filter(limit=2), 0)
    assert [seen.job for seen in page.jobs] == ["c", "b"] and page.count == 3
    assert [seen.job for seen in read_page(journal, Filter(limit=2), 2).jobs] == ["a"]
    assert read_page(journal, Filter(limit=2), 4).jobs == ()
    assert (page.spent_usd, page.reserved_usd) == (journal.spent_usd(), journal.reserved_usd())
    newest, failed = page.jobs
    assert (newest.prompt, newest.state, newest.cost_usd) == ("OAK floor", JobState.APPLIED, 0.02)
    assert Path(newest.images[0]).read_bytes() == IMAGE and failed.images == ()
    loved = read_page(journal, Filter(favourites=True, search="STRASSE", states=(JobState.APPLIED,)))
    assert [seen.favourite for seen in loved.jobs] == [True] and loved.count == 1


def test_the_sums_are_those_of_the_month(journal: Journal) -> None:
    add(journal, "a", JobState.APPLIED, days=70)
    add(journal, "b", JobState.UNKNOWN)
    add(journal, "c", JobState.RECEIVED)
    found = find_history(journal, Filter())
    assert (found.spent_usd, found.reserved_usd) == (0.02, 0.5)
    assert found.results_bytes > 2 * len(IMAGE)
    past = find_history(journal, Filter(month=found.jobs[-1].created.strftime("%Y-%m")))
    assert (past.spent_usd, past.reserved_usd, len(past.jobs)) == (0.02, 0, 1)


def test_a_row_is_plain(journal: Journal) -> None:
    add(journal, "a", JobState.RECEIVED)
    found = row(journal.entries()[0])
    assert (found["job"], found["state"], found["cost_usd"], found["billed"]) == (
        "a",
        "RECEIVED",
        0.02,
        "yes",
    )
    assert Path(found["folder"]).is_dir()
    assert datetime.fromisoformat(found["created"]).tzinfo is not None


def test_only_old_applied_results_are_cleaned(journal: Journal) -> None:
    add(journal, "old", JobState.APPLIED, days=40)
    add(journal, "loved", JobState.APPLIED, days=40)
    add(journal, "waiting", JobState.RECEIVED, days=40)
    add(journal, "unknown", JobState.UNKNOWN, days=40)
    add(journal, "new", JobState.APPLIED, days=20)
    journal.set_favourite("loved")
    before = find_history(journal, Filter())
    told = clean(journal, 30, dry_run=True)
    assert find_history(journal, Filter()) == before
    assert clean(journal, 30) == told
    after = find_history(journal, Filter())
    assert told == Cleaned(("old",), before.results_bytes - after.results_bytes)
    assert told.freed_bytes > len(IMAGE)
    assert sorted(path.name for path in journal.results.glob("*/*")) == ["loved", "new", "waiting"]
    assert journal.spent_usd() == before.spent_usd
    gone = journal.entry("old")
    assert gone is not None and gone.folder is None and gone.cost_usd == 0.02
    assert clean(journal, 30) == Cleaned((), 0)


def test_what_a_death_left_of_a_deletion_is_deleted_later(journal: Journal) -> None:
    add(journal, "half", JobState.APPLIED)
    add(journal, "asked", JobState.UNKNOWN)
    folder = journal.results / f"{datetime.now():%Y-%m}"
    kept = keep(journal.results, "asked", datetime.now(), {"image-1.png": IMAGE}, {})
    add(journal, "whole", JobState.APPLIED)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET folder = NULL WHERE id IN ('half', 'whole')")
    (folder / "half" / "answer.json").unlink()
    clean(journal, 30, dry_run=True)
    assert (folder / "half").is_dir()
    assert clean(journal, 30) == Cleaned((), 0)
    assert not (folder / "half").exists()
    assert kept.folder.is_dir(), "an answer that no row has taken yet is no leftover"
    assert (folder / "whole").is_dir(), "a merge may be about to bring it"


def test_a_deletion_goes_by_the_row_alone(journal: Journal, tmp_path: Path) -> None:
    add(journal, "oak", JobState.APPLIED)
    add(journal, "loved", JobState.APPLIED)
    journal.set_favourite("loved")
    outside = tmp_path / "outside" / "oak"
    shutil.copytree(next(journal.results.glob("*/oak")), outside)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET folder = ? WHERE id = 'oak'", (outside.as_posix(),))
    delete_result(journal, "oak")
    delete_result(journal, "loved")
    delete_result(journal, "nobody")
    assert (outside / "image-1.png").is_file(), "only what lies below the results is deleted"
    names = {"oak": None, "loved": True}
    assert {entry.id: entry.folder and entry.folder.is_dir() for entry in journal.entries()} == names


def test_a_cleaned_result_is_not_reused(journal: Journal) -> None:
    add(journal, "old", JobState.APPLIED, days=40)
    assert journal.find_stored(REQUEST.digest()) is not None
    clean(journal, 30)
    assert journal.find_stored(REQUEST.digest()) is None


def test_images_are_exported(journal: Journal, tmp_path: Path) -> None:
    add(journal, "a", JobState.RECEIVED, "Eiche: alt/neu")
    (copy,) = export(journal, "a", tmp_path / "out", Outputs(journal))
    assert copy.read_bytes() == IMAGE and copy.parent == tmp_path / "out" and "a 1" in copy.stem
    entry = journal.entry("a")
    assert entry is not None and entry.state is JobState.APPLIED
    assert export(journal, "a", tmp_path / "out", Outputs(journal)) == [copy]


def test_what_can_not_be_exported_is_said(journal: Journal, tmp_path: Path) -> None:
    add(journal, "a", JobState.UNKNOWN)
    with pytest.raises(InvalidRequestError, match="no images"):
        export(journal, "a", tmp_path, Outputs())
    with pytest.raises(InvalidRequestError, match="no job b"):
        export(journal, "b", tmp_path, Outputs())
    add(journal, "c", JobState.RECEIVED)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        export(journal, "c", tmp_path / "file", Outputs())
    entry = journal.entry("c")
    assert entry is not None and entry.state is JobState.RECEIVED


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "other")
    add(found, "x", JobState.APPLIED)
    add(found, "y", JobState.RECEIVED)
    add(found, "z", JobState.SENDING)
    add(found, "q", JobState.QUEUED)
    yield found
    found.close()


def test_another_machine_is_merged(journal: Journal, other: Journal) -> None:
    add(journal, "a", JobState.APPLIED)
    size = find_history(journal, Filter()).results_bytes
    merged = merge(journal, other.folder)
    assert (merged.added, merged.updated) == (3, 0)
    assert find_history(journal, Filter()).results_bytes == size + merged.copied_bytes > size + 2 * len(IMAGE)
    states = {entry.id: entry.state for entry in journal.entries()}
    assert states == {
        "a": JobState.APPLIED,
        "x": JobState.APPLIED,
        "y": JobState.RECEIVED,
        "z": JobState.UNKNOWN,
    }
    assert journal.spent_usd() == pytest.approx(0.06)
    assert journal.reserved_usd() == 0.5
    assert [entry.id for entry in journal.unapplied()] == ["y"]
    taken = journal.entry("x")
    assert taken is not None and taken.folder is not None and taken.folder.is_relative_to(journal.results)
    assert (taken.folder / "image-1.png").read_bytes() == IMAGE


def test_merging_again_changes_nothing(journal: Journal, other: Journal) -> None:
    merge(journal, other.folder / JOURNAL_FILE)
    before = find_history(journal, Filter())
    assert merge(journal, other.folder) == Merged(0, 0, 0)
    assert find_history(journal, Filter()) == before


def test_what_was_taken_over_is_on_the_disk(journal: Journal, other: Journal) -> None:
    """The other machine may be wiped next, and then the power fail here."""
    with journal.transaction():
        pass
    statements: list[str] = []
    journal._commits._connection.set_trace_callback(statements.append)
    assert merge(journal, other.folder).added == 3
    first = next(at for at, statement in enumerate(statements) if "INTO jobs" in statement)
    waits = [statement for statement in statements[:first] if "synchronous" in statement]
    assert waits and waits[-1].endswith("FULL")


def test_what_got_further_over_there_is_brought_up(journal: Journal, other: Journal) -> None:
    merge(journal, other.folder)
    kept = keep(other.results, "z", datetime.now(), {"image-1.png": IMAGE}, {})
    other.received("z", kept.folder, cost_usd=0.07, usage=None, request_id="req_z")
    other.set_favourite("x")
    merged = merge(journal, other.folder)
    assert (merged.added, merged.updated) == (0, 1)
    entry = journal.entry("z")
    assert entry is not None and entry.folder is not None and entry.folder.is_dir()
    assert (entry.state, entry.cost_usd, journal.reserved_usd()) == (JobState.RECEIVED, 0.07, 0)
    loved = journal.entry("x")
    assert loved is not None and loved.favourite


def test_what_got_further_here_stays(journal: Journal, other: Journal) -> None:
    merge(journal, other.folder)
    journal.applied("y")
    clean(journal, -1)
    assert merge(journal, other.folder) == Merged(0, 0, 0)
    entry = journal.entry("y")
    assert entry is not None and entry.state is JobState.APPLIED and entry.folder is None


def test_a_journal_whose_files_are_gone_is_merged(journal: Journal, other: Journal) -> None:
    shutil.rmtree(other.results)
    assert merge(journal, other.folder) == Merged(3, 0, 0)
    entry = journal.entry("x")
    assert entry is not None and entry.folder is None and journal.spent_usd() == pytest.approx(0.04)


def test_what_is_no_journal_is_refused(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no journal") as missing:
        merge(journal, tmp_path / "nowhere")
    with pytest.raises(InvalidRequestError, match="in use") as used:
        merge(journal, journal.folder)
    assert (missing.value.code, missing.value.param, used.value.param) == ("missing_file", "merge", "merge")
    (tmp_path / "rubbish").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="damaged"):
        merge(journal, tmp_path / "rubbish")
    assert journal.entries() == []
