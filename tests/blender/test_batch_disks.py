"""Batches whose folders vanish or fill up midway: nothing more is begun, nothing paid is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon import api
from gpt_image_addon.app.batch.run import BatchResult
from gpt_image_addon.core.batch import contact_sheet, run_files
from gpt_image_addon.core.errors import InvalidRequestError, StorageError
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from tests.api_server import ApiServer

ROWS = 30
SMALL = {"size": "816x816", "quality": "low", "model": "gpt-image-2.5-flare", "target": "image"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api_server: ApiServer) -> Path:
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    made = tmp_path / "work"
    made.mkdir()
    lines = (json.dumps({"prompt": f"oak {number}", "id": f"r{number}"}) + "\n" for number in range(ROWS))
    (made / "m.jsonl").write_text("".join(lines))
    return made


def run(folder: Path, when: int = 0, do: Any = None, **options: Any) -> BatchResult:
    """Run the batch; after so many rows something happens."""
    batch = api.batch(folder / "m.jsonl", SMALL, concurrency=2, **options)

    def on_outcome(outcome: Any, tally: Any) -> None:
        if do is not None and tally.rows == when:
            do()

    return api.run_batch(batch, batch.survey(), on_outcome=on_outcome)


def check_nothing_is_lost(state: Path, server: ApiServer) -> None:
    journal = open_journal(state)
    try:
        entries = journal.entries()
        assert journal.spent_usd() == pytest.approx(server.bill_usd)
    finally:
        journal.close()
    assert {entry.state for entry in entries} <= {JobState.RECEIVED, JobState.APPLIED, JobState.CANCELLED}
    stored = [entry for entry in entries if entry.folder is not None]
    assert all(list(entry.folder.glob("image-1.*")) for entry in stored if entry.folder)
    assert len(stored) == len(server.image_requests)


def test_the_output_folder_turns_into_a_file(folder: Path, tmp_path: Path, api_server: ApiServer) -> None:
    output = folder / "out"

    def vanish() -> None:
        output.rename(folder / "elsewhere")
        output.write_text("in the way")

    result = run(folder, 3, vanish, output_dir=output)
    assert isinstance(result.fatal, StorageError) and len(api_server.image_requests) < ROWS - 10
    assert result.tally.rows + result.unfinished == ROWS
    api.close()
    check_nothing_is_lost(tmp_path / "state", api_server)
    output.unlink()
    again = run(folder, output_dir=output)
    assert again.fatal is None and again.tally.failed == 0 and len(api_server.image_requests) == ROWS
    assert len(list(output.glob("*.png"))) == ROWS


def test_the_report_can_not_be_written(
    folder: Path, tmp_path: Path, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, count = run_files._Lines.add, iter(range(1000))

    def full(lines: Any, values: Any) -> None:
        if next(count) >= 3:
            raise StorageError("The disk is full.")
        add(lines, values)

    monkeypatch.setattr(run_files._Lines, "add", full)
    result = run(folder)
    assert isinstance(result.fatal, StorageError) and len(api_server.image_requests) < ROWS - 10
    assert result.tally.succeeded == len(api_server.image_requests) and result.tally.unknown == 0
    assert len(list(api.batch_results(result))) == 3
    api.close()
    check_nothing_is_lost(tmp_path / "state", api_server)


def test_a_contact_sheet_that_can_not_be_written(folder: Path, api_server: ApiServer) -> None:
    sheets = folder / "sheets"
    sheets.mkdir()

    def vanish() -> None:
        shutil.rmtree(sheets)
        sheets.write_text("in the way")

    result = run(folder, 3, vanish, contact_sheet=sheets / "sheet.html")
    assert isinstance(result.fatal, StorageError)
    assert result.tally.succeeded == ROWS and len(list(api.batch_results(result))) == ROWS


def test_a_contact_sheet_whose_name_somebody_takes_meanwhile(folder: Path, api_server: ApiServer) -> None:
    sheet = folder / "sheet.png"
    result = run(folder, 3, lambda: sheet.write_bytes(b"somebody's"), contact_sheet=sheet)
    assert isinstance(result.fatal, InvalidRequestError) and "--overwrite" in result.fatal.message
    assert result.tally.succeeded == ROWS and len(list(api.batch_results(result))) == ROWS
    assert sheet.read_bytes() == b"somebody's"


def test_a_contact_sheet_that_breaks(
    folder: Path, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(contact_sheet, "png_sheet", broken)
    result = run(folder, contact_sheet=folder / "sheet.png")
    assert result.fatal is not None and "MemoryError" in result.fatal.message
    assert result.tally.succeeded == ROWS and len(list(api.batch_results(result))) == ROWS


def test_a_worker_that_breaks_ends_its_row(
    folder: Path, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that can't be read for a moment must not leave the run waiting for ever."""
    entry, count = Journal.entry, iter(range(1000))

    def broken(journal: Journal, job: str) -> Any:
        if next(count) == 4:
            raise StorageError("The journal can't be read.")
        return entry(journal, job)

    monkeypatch.setattr(Journal, "entry", broken)
    result = run(folder)
    assert isinstance(result.fatal, StorageError) and result.tally.rows + result.unfinished == ROWS
