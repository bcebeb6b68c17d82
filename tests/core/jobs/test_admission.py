"""Admission of a job: the price of what is really sent, the limits, and what was asked before."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt_image_addon.core.errors import (
    APIConnectionError,
    APIError,
    BudgetExceededError,
    InvalidRequestError,
    InvalidResponseError,
)
from gpt_image_addon.core.imaging.formats import encode_png
from gpt_image_addon.core.jobs import admission
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.providers.openai.fields import make_fields
from gpt_image_addon.core.providers.openai.pricing import estimate
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import Estimate, Limits
from gpt_image_addon.core.request.request import Application
from tests.api_server import ApiServer, faults
from tests.core.line import admit, priced, run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def generate(journal: Journal, server: ApiServer, **changes: Any) -> JobState:
    job = admit(journal, **changes)
    run(journal, server.base_url, server.api_key, job)
    entry = journal.entry(job.id)
    assert entry is not None
    return entry.state


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "gpt-image-2.5-flare"},
        {"model": "gpt-image-2.5-flare", "n": 3},
        {"model": "gpt-image-2", "quality": "medium", "size": "1536x1024"},
        {"model": "gpt-image-1.5", "quality": "low", "size": "1024x1536"},
        {"model": "gpt-image-2.5-flare", "style": "pixel_art", "seamless": True},
        {"model": "gpt-image-2.6-flare"},
        {"model": "gpt-image-2.5-flare", "partial_images": 3},
        {"model": "gpt-image-2.5-flare", "quality": "auto", "size": "auto"},
    ],
)
def test_the_bill_lies_in_the_range_of_what_was_sent(
    journal: Journal, api_server: ApiServer, changes: dict[str, Any]
) -> None:
    job = admit(journal, **changes)
    event = run(journal, api_server.base_url, api_server.api_key, job)
    assert event.error is None
    record = api_server.image_requests[0]
    checked = priced(job.request)
    assert make_fields(checked.sent, checked.prompt) == record.fields
    price = estimate(record.fields, load_registry())
    assert job.estimated_usd == price.high_usd
    assert price.low_usd <= record.cost_usd <= price.high_usd
    assert journal.spent_usd() == pytest.approx(record.cost_usd)


def test_images_are_priced_as_they_are_sent(journal: Journal, api_server: ApiServer, tmp_path: Path) -> None:
    paths = []
    for number, (height, width) in enumerate(((300, 200), (1024, 1024), (500, 2000))):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encode_png(np.full((height, width, 3), 90, np.uint8)))
        paths.append(str(path))
    job = admit(journal, model="gpt-image-2.5-flare", references=tuple(paths))
    assert run(journal, api_server.base_url, api_server.api_key, job).error is None
    price = priced(job.request).price
    assert price.low_usd <= api_server.bill_usd <= price.high_usd < price.low_usd + 0.0002


def test_estimates_learn_from_answers(journal: Journal, api_server: ApiServer) -> None:
    job = admit(journal)
    guess = priced(job.request, journal.seen).price
    for prompt in ("one", "two", "six"):
        assert generate(journal, api_server, prompt=prompt) is JobState.RECEIVED
    learned = priced(job.request, journal.seen).price
    each = api_server.bill_usd / 3
    assert learned.high_usd - learned.low_usd < 0.5 * (guess.high_usd - guess.low_usd)
    assert learned.low_usd <= each <= learned.high_usd and not learned.exact
    assert learned.likely_usd == pytest.approx(each, rel=0.05)


def test_an_image_that_is_cut_is_learned_as_it_was_sent(journal: Journal, api_server: ApiServer) -> None:
    wanted = {"model": "gpt-image-2.5-flare", "size": "1024x1024", "seamless": True}
    assert generate(journal, api_server, **wanted) is JobState.RECEIVED
    sent = api_server.image_requests[0].fields["size"]
    assert sent != "1024x1024"
    assert journal.seen("gpt-image-2.5-flare", "low", "1024x1024") is None
    assert journal.seen("gpt-image-2.5-flare", "low", sent) is not None


def test_too_dear_is_refused_before_anything_is_sent(journal: Journal, api_server: ApiServer) -> None:
    with pytest.raises(BudgetExceededError):
        admit(journal, Limits(max_cost_usd=0.001))
    assert journal.entries() == []


def test_the_same_request_is_told(journal: Journal, api_server: ApiServer) -> None:
    assert generate(journal, api_server) is JobState.RECEIVED
    job = admit(journal)
    assert any("already made" in warning for warning in job.warnings)


def test_the_unknown_is_not_sent_again_by_itself(journal: Journal, api_server: ApiServer) -> None:
    api_server.script(faults.reset("processing"))
    assert generate(journal, api_server) is JobState.UNKNOWN
    with pytest.raises(APIConnectionError) as caught:
        admit(journal)
    error = caught.value
    assert (error.code, error.billed, error.exit_code, error.retryable) == (
        "outcome_unknown",
        "maybe",
        6,
        False,
    )
    assert "--retry-unknown" in error.text
    assert len(api_server.image_requests) == 1
    assert generate(journal, api_server, prompt="another") is JobState.RECEIVED
    assert generate(journal, api_server, retry_unknown=True) is JobState.RECEIVED
    assert len(api_server.image_requests) == 3
    assert "already made" in admit(journal).warnings[0]  # the answer has come: nothing is unknown any more


@pytest.mark.parametrize("broken", ["empty_data", "truncated_json"])
def test_what_was_billed_without_a_result_is_not_sent_again_by_itself(
    journal: Journal, api_server: ApiServer, broken: str
) -> None:
    api_server.script(faults.answer(broken))
    state = generate(journal, api_server)
    (first,) = journal.entries()
    assert state is first.state and first.billed != "no"
    with pytest.raises(APIError) as caught:
        admit(journal)
    error = caught.value
    assert (error.billed, error.exit_code, error.retryable) == (first.billed, 6, False)
    assert first.id in error.text and "--retry-unknown" in error.text
    assert len(api_server.image_requests) == 1
    assert generate(journal, api_server, retry_unknown=True) is JobState.RECEIVED
    assert len(api_server.image_requests) == 2


def test_only_the_newest_request_that_cost_something_counts(journal: Journal) -> None:
    sent = [admit(journal, retry_unknown=True) for _ in range(3)]
    paid = InvalidResponseError("No image.", billed="yes")
    for job, error in zip(sent, (paid, paid, InvalidRequestError("No.")), strict=True):
        journal.sending(job.id)
        journal.failed(job.id, error)
    with pytest.raises(InvalidResponseError) as caught:
        admit(journal)
    assert caught.value.code == "billed_without_result" and sent[1].id in caught.value.text


def test_what_costs_nothing_is_made_again_without_a_word(journal: Journal) -> None:
    free = {"provider": "offline", "model": "offline-draft", "size": "128x128"}
    first = admit(journal, **free)
    assert first.estimated_usd == 0 and run(journal, "", "", first).error is None
    assert admit(journal, **free).warnings == ()
    third = admit(journal, **free)
    journal.sending(third.id)
    journal.unknown(third.id)
    assert admit(journal, **free).id != third.id


def test_a_job_has_what_was_found_before_it(journal: Journal) -> None:
    pumped: list[float] = []
    price = Estimate(0.1, 0.3, True, 0.2, 0.1)
    checked = dataclasses.replace(priced(), price=price, warnings=("The size was changed.",))
    job = admission.admit(
        checked,
        Application(target="image"),
        digest="d",
        journal=journal,
        limits=Limits(),
        pump=pumped.append,
    )
    assert job.warnings == ("The size was changed.",)
    assert (job.estimated_usd, job.further_usd) == (0.3, 0.1)
    job.pump(0.5)
    assert pumped == [0.5]
    entry = journal.entry(job.id)
    assert entry is not None and entry.estimated_usd == pytest.approx(0.2)
    assert journal.reserved_usd() == pytest.approx(0.3)


def test_ten_processes_never_exceed_a_budget(tmp_path: Path, api_server: ApiServer) -> None:
    """Each sends as many requests as it may, through the whole line, until the budget stops it."""
    state = tmp_path / "state"
    script = (
        "import sys\n"
        "from tests.core.jobs.test_admission import *\n"
        "state, url, key, name, budget = sys.argv[1:]\n"
        "journal = open_journal(Path(state))\n"
        "for number in range(5):\n"
        "    try:\n"
        "        job = admit(journal, Limits(monthly_budget_usd=float(budget)), prompt=f'{name} {number}')\n"
        "    except BudgetExceededError:\n"
        "        print('stopped')\n"
        "        break\n"
        "    event = run(journal, url, key, job)\n"
        "    assert event.error is None, event.error\n"
    )
    journal = open_journal(state)
    dearest = admit(journal, prompt="9 9")
    journal.failed(dearest.id, BudgetExceededError("never sent"))
    budget = 12 * dearest.estimated_usd
    arguments = [str(state), api_server.base_url, api_server.api_key]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, *arguments, str(name), str(budget)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in range(10)
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 10
    assert "".join(said).count("stopped") >= 8
    spent = journal.spent_usd()
    assert spent == pytest.approx(api_server.bill_usd)
    assert spent <= budget < spent + dearest.estimated_usd
    assert journal.reserved_usd() == 0
    journal.close()
