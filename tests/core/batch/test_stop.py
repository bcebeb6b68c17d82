"""Stopping a run: what is paid for stays known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.batch.admission import Pricer, RowAdmission
from gpt_image_addon.core.batch.manifest import Row
from gpt_image_addon.core.batch.outcomes import RowState
from gpt_image_addon.core.batch.runner import Run
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Entry, Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import Limits, no_history
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.output_files import Delivery
from gpt_image_addon.core.results.store import PreparedResult

ROW = Row(
    "a",
    1,
    GenerationRequest(prompt="oak", provider="offline", model="offline-draft", size="128x128"),
    Application(target="image"),
)


class Shelf:
    """Takes results; says of each row first that it is not there."""

    run: Run
    stops = False

    def present(self, row: Row, stored: Entry) -> tuple[str, ...]:
        if self.stops:
            self.run.stop()
        return ()

    def deliver(self, row: Row, prepared: PreparedResult) -> Delivery:
        return Delivery(("shelf",))

    def close(self) -> None:
        pass


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def a_run(journal: Journal, shelf: Shelf) -> Run:
    registry = load_registry()
    pricer = Pricer(registry, lambda request: request, no_history)
    shelf.run = Run(
        Worker(journal, registry, Connection("")), RowAdmission(journal, pricer, Limits()), None, output=shelf
    )
    return shelf.run


def test_a_stored_answer_stays_stored(journal: Journal) -> None:
    shelf = Shelf()
    made = a_run(journal, shelf)
    job = made.admission.admit(ROW, made.admission.look_up(ROW))
    made.worker.run(job, lambda event: None)  # and then its process died
    shelf.stops = True
    assert list(made.outcomes([ROW])) == []
    entry = journal.entry(job.id)
    assert entry is not None and entry.state is JobState.RECEIVED
    shelf.stops = False
    (outcome,) = a_run(journal, shelf).outcomes([ROW])
    assert (outcome.state, outcome.job, outcome.files) == (RowState.SKIPPED, job.id, ("shelf",))


def test_what_was_not_begun_is_not_set_aside(journal: Journal) -> None:
    shelf = Shelf()
    made = a_run(journal, shelf)
    made.stop()
    assert list(made.outcomes([ROW])) == []
    assert journal.entries() == []
