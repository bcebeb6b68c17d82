"""One of many equal requests, also where all come at the same moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import APIConnectionError
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.jobs import admission
from gpt_image_addon.core.jobs.equal_requests import EqualRequestError, find_running
from gpt_image_addon.core.jobs.job import Job, Work
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import Limits
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.core.results.store import PreparedResult
from tests.api_server import ApiServer
from tests.core import line

PROCESSES = 8
DIGEST = line.REQUEST.digest()


@pytest.fixture
def journals(tmp_path: Path) -> Iterator[list[Journal]]:
    """The same journal, as so many processes have it."""
    found = [open_journal(tmp_path / "state") for _ in range(PROCESSES)]
    yield found
    for journal in found:
        journal.close()


def at_once(journals: list[Journal], call: object) -> list[object]:
    """What a function returns for each journal, or raises, when all call it at the same moment."""
    barrier, found = threading.Barrier(len(journals)), []

    def run(journal: Journal) -> None:
        barrier.wait()
        try:
            found.append(call(journal))  # type: ignore[operator]
        except EqualRequestError as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(journal,)) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def admit_alone(journal: Journal, since: float = 0.0) -> str:
    job = admission.admit(
        line.priced(),
        Application(target="image"),
        digest=DIGEST,
        journal=journal,
        limits=Limits(),
        alone_since=since,
    )
    return job.id


def test_only_an_answer_since_then_is_in_the_way(journals: list[Journal], api_server: ApiServer) -> None:
    journal, before = journals[0], time.time()
    job = line.admit(journal)
    assert line.run(journal, api_server.base_url, api_server.api_key, job).error is None
    with pytest.raises(EqualRequestError):
        admit_alone(journal, before)
    assert len(journal.entries()) == 1
    assert admit_alone(journal, time.time()) != job.id


def test_one_of_many_that_want_to_be_alone_is_admitted(journals: list[Journal]) -> None:
    found = at_once(journals, admit_alone)
    admitted = [job for job in found if isinstance(job, str)]
    assert len(admitted) == 1 and len(found) == PROCESSES
    running = find_running(journals[0], DIGEST)
    assert running is not None and running.id == admitted[0]
    assert journals[0].reserved_usd() == pytest.approx(running.estimated_usd)


def test_one_of_many_takes_what_was_not_delivered(
    journals: list[Journal], tmp_path: Path, api_server: ApiServer
) -> None:
    dead = open_journal(tmp_path / "state")
    job = line.admit(dead)
    line.run(dead, api_server.base_url, api_server.api_key, job)
    assert at_once(journals, lambda journal: journal.take_undelivered(DIGEST)) == [None] * PROCESSES
    dead.close()
    found = at_once(journals, lambda journal: journal.take_undelivered(DIGEST))
    taken = [entry for entry in found if entry is not None]
    assert [entry.id for entry in taken] == [job.id]
    waiting = [journal for journal in journals if journal.unapplied()]
    assert len(waiting) == 1, "only the process that took it still has to deliver it"


def test_the_request_of_a_dead_process_is_not_on_its_way(journals: list[Journal], tmp_path: Path) -> None:
    dead = open_journal(tmp_path / "state")
    job = line.admit(dead)
    dead.sending(job.id)
    assert find_running(journals[0], DIGEST) is not None
    dead.close()
    assert find_running(journals[0], DIGEST) is None
    entry = journals[0].entry(job.id)
    assert entry is not None and entry.state is JobState.UNKNOWN


@pytest.mark.parametrize("retry_unknown", [None, False, True])
def test_who_waited_for_one_that_died_sends_only_where_asked_to(
    journals: list[Journal], tmp_path: Path, retry_unknown: bool | None
) -> None:
    """By default nothing is sent that may be paid twice."""
    dead = open_journal(tmp_path / "state")
    dead.sending(line.admit(dead).id)
    dead.close()
    journal, sent = journals[0], []
    price = line.priced().price
    job = Job(line.REQUEST, Application(target="image"))

    def send(job: Job, emit: object) -> PreparedResult:
        sent.append(job.id)
        return PreparedResult(job.id, ())

    def take(folder: Path, of: str) -> Work:
        raise AssertionError("there is no result")

    told = {} if retry_unknown is None else {"retry_unknown": retry_unknown}
    work = admission.send_after_running(price, DIGEST, journal, Limits(), send, take, **told)
    if retry_unknown:
        work(job, lambda event: None)
        assert sent == [job.id] and job.estimated_usd == price.high_usd
        assert journal.reserved_usd() == pytest.approx(2 * price.high_usd)
        return
    with pytest.raises(APIConnectionError) as caught:
        work(job, lambda event: None)
    assert caught.value.code == "outcome_unknown" and not sent and journal.entry(job.id) is None
    with pytest.raises(APIConnectionError):
        admission.admit(
            line.priced(),
            Application(target="image"),
            digest=DIGEST,
            journal=journal,
            limits=Limits(),
            **told,
        )


def test_who_waited_gets_the_copies_that_were_asked_for(
    journals: list[Journal], tmp_path: Path, api_server: ApiServer
) -> None:
    journal = journals[0]
    first = line.admit(journal)
    assert line.run(journal, api_server.base_url, api_server.api_key, first).error is None
    worker = Worker(journal, load_registry(), Connection(api_server.base_url, api_server.api_key))
    price = line.priced().price
    work = admission.send_after_running(price, DIGEST, journal, Limits(), worker.run, worker.resume)
    job = Job(line.REQUEST, Application(target="image", textures_dir=str(tmp_path / "copies")))
    prepared = work(job, lambda event: None)
    assert prepared.job == first.id and first.id in prepared.warnings[-1]
    (copy,) = (tmp_path / "copies").iterdir()
    assert copy.read_bytes() == prepared.images[0].data
