"""Answers of batches, taken without a server: what one brings that is of no use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.batch.remote_collection import Collection
from gpt_image_addon.core.http.client import Reply
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.providers.openai import batch_api
from gpt_image_addon.core.providers.openai.batch_api import BatchClient, LineReader
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.text.redaction import hide

SECRET = "correct-horse-battery"


class OneLine(BatchClient):
    """A server whose every file of answers is one line."""

    text = b"{}"

    def read(self, file: str, reader: LineReader, stopping: Callable[[], bool] = lambda: False) -> None:
        reader.feed(self.text)
        reader.end_line()


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    journal = open_journal(tmp_path)
    connection = Connection("http://127.0.0.1:1/v1")
    yield Collection(Worker(journal, load_registry(), connection), OneLine(connection))
    journal.close()


def test_a_fault_of_ours_tells_no_secret(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(SECRET)

    def broken(*_: Any) -> str:
        raise RuntimeError(f"\x1b[31m{SECRET} " + "x" * 5000)

    monkeypatch.setattr(collection, "_take", broken)
    collection._read("b", "batch_1", "output", "file_1")
    (problem,) = collection.collected.problems
    assert "RuntimeError" in problem.message and len(problem.message) < 500
    assert SECRET not in problem.message and "\x1b" not in problem.message
    assert problem.file is not None and Path(problem.file).read_bytes() == OneLine.text


def test_the_row_that_a_line_names_is_shown_as_any_text(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    custom_id = '"\\u001b[31m' + "x" * 5000 + '\\ud800"'
    monkeypatch.setattr(OneLine, "text", f'{{"custom_id": {custom_id}, "error": {{}}}}'.encode())
    collection._read("b", "batch_1", "output", "file_1")
    (problem,) = collection.collected.problems
    assert problem.message == "No row asked for it."
    assert problem.job is not None and len(problem.job) <= 200 and problem.job.isprintable()
    problem.job.encode()


def test_a_large_file_of_answers_has_time_to_come(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five thousand images over a common line take more than the half hour that one answer may take."""
    seconds = []

    def send(connection: Connection, method: str, path: str, request_state: RequestState, **_: Any) -> Reply:
        seconds.append(request_state.answer_seconds)
        return Reply(200, {})

    monkeypatch.setattr(batch_api, "send", send)
    reader = LineReader(lambda line: True, tmp_path / "aside", "output")
    BatchClient(Connection("http://127.0.0.1:1/v1")).read("file_1", reader)
    assert seconds[0] > 5000 * 4e6 / 1e6
