"""The whole line without Blender, from a job to its files and its row, while everything goes wrong."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.errors import (
    APIConnectionError,
    APITimeoutError,
    GptImageError,
    InternalServerError,
    InvalidResponseError,
    JobCancelled,
)
from gpt_image_addon.core.http import client
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.imaging import decoding, formats
from gpt_image_addon.core.jobs.estimates import price_unchecked
from gpt_image_addon.core.jobs.job import Job, JobEvent
from gpt_image_addon.core.jobs.queue import JobQueue
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Entry, Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.folders import BODY_FILE
from gpt_image_addon.core.results.store import PreparedResult
from tests.api_server import ApiServer, Step, faults
from tests.core.providers.test_openai_client import ERROR_ROWS

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20.0  # far above what any case takes


@dataclass
class Bench:
    """A line on a queue of its own."""

    server: ApiServer
    journal: Journal
    queue: JobQueue

    def start(self, **changes: object) -> Job:
        values = {"model": "gpt-image-2.6-sunburst", "quality": "low", "size": "816x816", **changes}
        request = GenerationRequest(prompt="oak", provider="openai", **values)  # type: ignore[arg-type]
        checked = price_unchecked(request, load_registry())
        job = Job(request, Application(target="image"), checked=checked, estimated_usd=0.01)
        self.journal.reserve(job.id, request, job.application, request.digest(), 0.01, None)
        line = Worker(self.journal, load_registry(), Connection(self.server.base_url, self.server.api_key))
        self.queue.submit(job, line.run)
        return job

    def end_of(self, job: Job) -> tuple[PreparedResult | GptImageError, list[JobEvent]]:
        """The outcome of a job and its events; exactly one of them is the last."""
        events = []
        while not events or not events[-1].is_last:
            events.append(self.queue.events.get(timeout=SECONDS))
        last = events[-1].prepared or events[-1].error
        assert last is not None and all(event.job is job for event in events)
        return last, events

    def run(self, **changes: object) -> tuple[PreparedResult | GptImageError, Entry]:
        job = self.start(**changes)
        outcome, _ = self.end_of(job)
        entry = self.journal.entry(job.id)
        assert entry is not None
        return outcome, entry

    def files(self) -> list[Path]:
        return [path for path in self.journal.results.rglob("*") if path.is_file()]


@pytest.fixture
def bench(api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Afterwards no thread runs, no file is half written, and every billed image is accounted for."""
    monkeypatch.setattr(RequestState, "wait", lambda self, seconds: self.check())  # the clock
    found = Bench(api_server, open_journal(tmp_path / "state"), JobQueue(1))
    yield found
    assert found.queue.close(5.0)
    found.journal.close()
    left = {thread.name for thread in threading.enumerate() if thread.name.startswith("gpt-image")}
    assert not left
    assert not list((tmp_path / "state").rglob("*.part"))


def check_failure(
    bench: Bench, outcome: object, entry: Entry, kind: type[GptImageError], code: int, billed: str
) -> None:
    assert type(outcome) is kind
    assert (outcome.exit_code, outcome.billed) == (code, billed)
    assert outcome.message.endswith(".") and outcome.text and "\n" not in outcome.text
    assert entry.state is (JobState.UNKNOWN if billed == "maybe" else JobState.FAILED)
    assert entry.billed == billed


@pytest.mark.parametrize(("row", "kind", "code", "tries", "billed"), ERROR_ROWS, ids=lambda value: str(value))
def test_each_error_row(
    bench: Bench, row: str, kind: type[GptImageError], code: int, tries: int, billed: str
) -> None:
    bench.server.script(*[faults.error(row)] * 3)
    outcome, entry = bench.run()
    check_failure(bench, outcome, entry, kind, code, billed)
    assert len(bench.server.requests) == tries
    assert not bench.files()


FAULTS: tuple[tuple[Step, type[GptImageError], str, int], ...] = (
    (faults.reset("processing"), APIConnectionError, "maybe", 1),
    (faults.reset("answer_headers"), APIConnectionError, "maybe", 1),
    (faults.reset("answer"), APIConnectionError, "maybe", 1),
    (faults.stall("headers"), APITimeoutError, "maybe", 1),
    (faults.stall("body"), APITimeoutError, "maybe", 1),
    (faults.stall("processing"), APITimeoutError, "maybe", 1),
    (faults.stall("answer_headers"), APITimeoutError, "maybe", 1),
    (faults.stall("answer"), APITimeoutError, "maybe", 1),
    (faults.answer("truncated_json"), InvalidResponseError, "maybe", 1),
    (faults.answer("truncated_base64"), InvalidResponseError, "maybe", 1),
    (faults.answer("html"), InternalServerError, "maybe", 1),
    (faults.answer("html", status=200), InvalidResponseError, "maybe", 1),
    (faults.answer("html", status=503), InternalServerError, "maybe", 1),
    (faults.answer("empty_data"), InvalidResponseError, "maybe", 1),
    (faults.answer("no_data"), InvalidResponseError, "maybe", 1),
    (faults.answer("content_length_too_short"), InvalidResponseError, "maybe", 1),
)
"""What happens, error, billed, requests at the server; the exit code is always 6."""


@pytest.mark.parametrize(
    ("step", "kind", "billed", "requests"), FAULTS, ids=lambda v: v.name() if isinstance(v, Step) else None
)
def test_each_fault(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    step: Step,
    kind: type[GptImageError],
    billed: str,
    requests: int,
) -> None:
    defaults = {**client.send.__kwdefaults__, "timeout": (2.0, 0.4)}
    monkeypatch.setattr(client.send, "__kwdefaults__", defaults)
    bench.server.script(step)
    outcome, entry = bench.run()
    check_failure(bench, outcome, entry, kind, 6, billed)
    assert len(bench.server.requests) == requests
    assert isinstance(outcome, GptImageError)
    for path in bench.files():  # what came, where something came
        assert path.name == BODY_FILE and str(path) in outcome.text
    if step.answer and kind is InvalidResponseError:
        assert len(bench.files()) == 1
    assert bench.journal.reserved_usd() > 0  # until the user has settled it


def test_a_reset_in_the_middle_of_the_upload_is_tried_again(bench: Bench, tmp_path: Path) -> None:
    """The server never had the whole request, so it can't have billed it."""
    reference = tmp_path / "heavy.png"  # more than the buffers between two sockets hold
    noise = np.random.default_rng(1).integers(0, 255, (3200, 3200, 3), np.uint8)
    Image.fromarray(noise).save(reference, compress_level=0)
    bench.server.script(faults.reset("body"), faults.reset("body"))
    outcome, entry = bench.run(references=(str(reference),))
    assert isinstance(outcome, PreparedResult) and entry.state is JobState.RECEIVED
    assert len(bench.server.requests) == 3
    assert sum(record.billed for record in bench.server.requests) == 1


def test_a_reset_before_the_body_is_read_costs_no_second_image(bench: Bench) -> None:
    """Whether the small body had left by then is a matter of microseconds."""
    bench.server.script(faults.reset("headers"))
    outcome, entry = bench.run()
    if isinstance(outcome, PreparedResult):
        assert len(bench.server.requests) == 2
    else:
        check_failure(bench, outcome, entry, APIConnectionError, 6, "maybe")
        assert len(bench.server.requests) == 1
    assert sum(record.billed for record in bench.server.requests) <= 1


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("gzip", {}),
        ("wrong_content_type", {}),
        ("content_length_too_long", {}),
        ("url", {}),
        ("url", {"n": 3}),
        ("not_streamed", {"partial_images": 1}),
        ("", {"size": "3840x2160"}),
        ("", {"n": 10}),
        ("", {"partial_images": 3, "n": 2}),
        ("", {"output_format": "gif", "size": "720x720", "frame_count": 3}),
        ("", {"output_format": "svg", "svg_model": "gpt-6"}),
        ("", {"background": "transparent", "output_format": "webp"}),
    ],
    ids=str,
)
def test_odd_answers_that_are_fine(bench: Bench, name: str, changes: dict[str, object]) -> None:
    if name:
        bench.server.script(faults.answer(name))
    outcome, entry = bench.run(**changes)
    assert isinstance(outcome, PreparedResult)
    record = bench.server.image_requests[0]
    assert entry.state is JobState.RECEIVED
    if name != "not_streamed":  # that answer does not tell of the previews it bills
        assert entry.cost_usd == pytest.approx(bench.server.bill_usd)
    assert [image.sha256 for image in outcome.images] == record.answers
    assert [
        hashlib.sha256(Path(p.received_file).read_bytes()).hexdigest() for p in outcome.images
    ] == record.answers


def test_a_bomb_is_refused_before_it_is_decoded(bench: Bench) -> None:
    bench.server.script(faults.answer("bomb"))
    outcome, entry = bench.run()
    assert type(outcome) is InvalidResponseError
    assert (outcome.exit_code, outcome.billed, outcome.code) == (6, "yes", "bad_picture")
    assert entry.cost_usd == pytest.approx(bench.server.bill_usd)
    assert any(path.name == "image-1.png" for path in bench.files())  # what was paid for stays


def test_the_limit_of_pixels_is_our_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (decoding, formats):
        monkeypatch.setattr(module, "MAX_PIXELS", 816 * 816 - 1)
    outcome, _ = bench.run()
    assert type(outcome) is InvalidResponseError and outcome.billed == "yes"
    for module in (decoding, formats):
        monkeypatch.setattr(module, "MAX_PIXELS", 816 * 816)
    assert isinstance(bench.run()[0], PreparedResult)


def test_what_is_no_image_stays_on_the_disk(bench: Bench) -> None:
    bench.server.script(faults.answer("not_an_image"))
    outcome, _ = bench.run()
    assert type(outcome) is InvalidResponseError and outcome.billed == "yes"
    (kept,) = (path for path in bench.files() if path.name.startswith("image-"))
    assert kept.read_bytes() == b"this is not an image" and str(kept.parent) in outcome.text


@pytest.mark.parametrize("partial_images", [0, 2])
def test_one_corrupt_image_costs_only_itself(bench: Bench, partial_images: int) -> None:
    bench.server.script(faults.answer("one_corrupt"))
    outcome, entry = bench.run(n=3, partial_images=partial_images)
    assert isinstance(outcome, PreparedResult) and entry.state is JobState.RECEIVED
    assert [image.sha256 for image in outcome.images] == bench.server.requests[0].answers[:2]
    assert any("Image 3" in warning for warning in outcome.warnings)
    assert len([path for path in bench.files() if path.name.startswith("image-")]) == 3


@pytest.mark.parametrize("step", [faults.stream(end_after=3), faults.stream(error_after=3)], ids=str)
def test_a_stream_that_breaks_keeps_what_was_finished(bench: Bench, step: Step) -> None:
    bench.server.script(step)
    outcome, entry = bench.run(n=3, partial_images=2)
    assert isinstance(outcome, PreparedResult) and entry.state is JobState.RECEIVED
    assert [image.sha256 for image in outcome.images] == bench.server.requests[0].answers[:1]
    assert any("missing" in warning for warning in outcome.warnings)


def test_previews_are_events_and_nothing_else(bench: Bench) -> None:
    job = bench.start(partial_images=3)
    outcome, events = bench.end_of(job)
    assert isinstance(outcome, PreparedResult)
    previews = [event.partial for event in events if event.partial]
    assert len(previews) == 3
    assert all(preview != image.data for preview in previews for image in outcome.images)
    assert len([path for path in bench.files() if path.name.startswith("image-")]) == 1


def test_waits_are_told(bench: Bench) -> None:
    bench.server.script(faults.error("rate_limit_exceeded"))
    outcome, events = bench.end_of(bench.start())
    assert isinstance(outcome, PreparedResult)
    assert any("12 s" in event.message and "slow down" in event.message for event in events)


@pytest.mark.parametrize("stage", faults.STAGES)
def test_cancel_at_each_stage(bench: Bench, stage: str) -> None:
    bench.server.script(faults.stall(stage))
    job = bench.start()
    assert bench.server.wait_until(lambda server: bool(server.stalled))
    job.cancel()
    outcome, _ = bench.end_of(job)
    entry = bench.journal.entry(job.id)
    assert type(outcome) is JobCancelled and entry is not None
    assert outcome.exit_code == 130 and entry.billed == outcome.billed
    assert outcome.billed == "maybe" or stage == "headers"
    assert not bench.files() and len(bench.server.requests) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a system that counts file handles")
def test_what_could_not_be_sent_for_want_of_file_handles_is_not_billed(
    api_server: ApiServer, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.core.few_handles", str(tmp_path), api_server.base_url]
    run = subprocess.run(
        [*command, api_server.api_key, "8"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    sent = {str(record.fields["prompt"]) for record in api_server.image_requests}
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(rows) == 8
    assert not {row[0] for row in rows} <= sent and rows[-1][1] is None
    for prompt, error, state, billed in rows:
        if prompt not in sent:
            assert (error["billed"], state, billed) == ("no", "FAILED", "no"), run.stderr
        else:
            assert (state, billed) == ("RECEIVED", "yes"), run.stderr
            assert error is None or error["billed"] == "yes"
