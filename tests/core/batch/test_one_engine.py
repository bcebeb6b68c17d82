"""Batches and the panel go through one admission and one kind of worker."""

from __future__ import annotations

import ast
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.batch.admission import Pricer, RowAdmission
from gpt_image_addon.core.batch.manifest import Row
from gpt_image_addon.core.batch.outcomes import RowState
from gpt_image_addon.core.batch.runner import Run
from gpt_image_addon.core.common.threads import WORKER_NAME
from gpt_image_addon.core.errors import APIConnectionError, BudgetExceededError
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import Limits, no_history
from gpt_image_addon.core.request.request import Application, GenerationRequest
from tests.core import line

PACKAGE = Path(__file__).resolve().parents[3] / "gpt_image_addon"
ROW = Row("a", 1, line.REQUEST, Application(target="image"))
DRAFT = GenerationRequest(prompt="oak", provider="offline", model="offline-draft", size="64x64")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def admission_of(
    journal: Journal, limits: Limits | None = None, max_cost_usd: float | None = None
) -> RowAdmission:
    pricer = Pricer(load_registry(), lambda request: request, no_history)
    return RowAdmission(journal, pricer, limits or Limits(), max_cost_usd=max_cost_usd)


def modules_that_call(name: str) -> list[str]:
    """Those of the package that call a method of this name."""
    return sorted(
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    )


def test_a_row_and_a_single_request_are_refused_in_the_same_words(journal: Journal) -> None:
    admission = admission_of(journal)
    sent = admission.admit(ROW, admission.look_up(ROW))
    journal.sending(sent.id)
    journal.unknown(sent.id)
    refusals = []
    with pytest.raises(APIConnectionError) as caught:
        admission.admit(ROW, admission.look_up(ROW))
    refusals.append(caught.value.to_dict())
    with pytest.raises(APIConnectionError) as caught:
        line.admit(journal)
    refusals.append(caught.value.to_dict())
    assert refusals[0] == refusals[1]
    assert refusals[0]["code"] == "outcome_unknown" and refusals[0]["billed"] == "maybe"


@pytest.mark.parametrize("limits", [Limits(max_cost_usd=0.001), Limits(monthly_budget_usd=0.001)])
def test_a_row_and_a_single_request_have_the_same_limits(journal: Journal, limits: Limits) -> None:
    admission = admission_of(journal, limits, max_cost_usd=1.0)
    told = []
    with pytest.raises(BudgetExceededError) as caught:
        admission.admit(ROW, admission.look_up(ROW))
    told.append(caught.value.message)
    with pytest.raises(BudgetExceededError) as caught:
        line.admit(journal, limits)
    assert [*told, caught.value.message] == [told[0]] * 2
    assert journal.entries() == [] and admission._reserved_usd == 0.0


def test_rows_are_worked_on_by_the_workers_of_the_queue(journal: Journal) -> None:
    starting = [path.name for path in PACKAGE.rglob("*.py") if "name=WORKER_NAME" in path.read_text("utf-8")]
    assert starting == ["queue.py"]
    assert modules_that_call("reserve") == ["core/jobs/admission.py", "core/jobs/worker.py"]
    admission = admission_of(journal)
    names = set()

    class Watching(Worker):
        def run(self, job, emit):  # type: ignore[no-untyped-def]
            names.add(threading.current_thread().name)
            return super().run(job, emit)

    run = Run(Watching(journal, load_registry(), Connection("")), admission, None, concurrency=3)
    rows = [Row(str(n), n, dataclasses.replace(DRAFT, prompt=f"oak {n}"), ROW.application) for n in range(20)]
    outcomes = list(run.outcomes(rows))
    assert {outcome.state for outcome in outcomes} == {RowState.SUCCEEDED}
    assert {outcome.row.id for outcome in outcomes} == {row.id for row in rows}
    assert names == {WORKER_NAME}
