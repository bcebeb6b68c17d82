"""GPT Image by ComfyUI's nodes: what is queued, what comes back, and that nothing is lost or paid twice."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpt_image_addon.core.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    GptImageError,
    InsufficientQuotaError,
    InternalServerError,
    InvalidRequestError,
    JobCancelled,
    MissingApiKeyError,
    ModerationError,
    PermissionDeniedError,
    RateLimitError,
)
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.jobs import admission, estimates
from gpt_image_addon.core.jobs.job import Job, JobEvent
from gpt_image_addon.core.jobs.queue import JobQueue
from gpt_image_addon.core.jobs.uploads import digest_request
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.providers.comfyui import badges, prompts
from gpt_image_addon.core.providers.comfyui.client import ComfyUIProvider
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import Limits
from gpt_image_addon.core.request.request import Application, GenerationRequest

from .server import ComfyServer

KEY = "comfyui-0123456789abcdef"
REQUEST = GenerationRequest(prompt="oak", provider="comfyui", model="comfy-gpt-image-2", quality="low")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ComfyServer]:
    for name, seconds in (("POLL_SECONDS", 0.02), ("MISS_SECONDS", 0.02), ("GRACE_SECONDS", 0.3)):
        monkeypatch.setattr(prompts, name, seconds)
    with ComfyServer() as server:
        yield server


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def connect(url: str, key: str = KEY, headers: str = "") -> Connection:
    settings = {"comfyui_url": url, "comfyui_headers": headers}
    return Connection(
        "https://openai.invalid", "sk-not-for-comfyui", settings=settings, keys={"comfyui": key}
    )


def start(journal: Journal, url: str, key: str = KEY, **changes: Any) -> tuple[Job, JobQueue]:
    """Admit a job and hand it to a worker."""
    request = dataclasses.replace(REQUEST, **changes)
    registry = load_registry()
    checked = estimates.validate_and_price(request, Application(target="image"), registry)
    digest = digest_request(request)
    job = admission.admit(
        checked, Application(target="image"), digest=digest, journal=journal, limits=Limits()
    )
    queue = JobQueue(1)
    queue.submit(job, Worker(journal, registry, connect(url, key)).run)
    return job, queue


def finish(queue: JobQueue) -> JobEvent:
    while not (event := queue.events.get(timeout=30)).is_last:
        pass
    queue.close(5)
    return event


def run(journal: Journal, url: str, key: str = KEY, **changes: Any) -> tuple[str, JobEvent]:
    job, queue = start(journal, url, key, **changes)
    return job.id, finish(queue)


def state_of(journal: Journal, job: str) -> tuple[JobState, str]:
    entry = journal.entry(job)
    assert entry is not None
    return entry.state, entry.billed


def save_image(path: Path, color: tuple[int, ...], size: tuple[int, int] = (1024, 1024)) -> str:
    Image.new("RGBA" if len(color) == 4 else "RGB", size, color).save(path)
    return str(path)


def prompt_posts(comfy: ComfyServer) -> int:
    return comfy.requests.count(("POST", "/prompt"))


def test_an_image_is_made_under_our_id_and_its_price_is_the_estimate(
    comfy: ComfyServer, journal: Journal
) -> None:
    job, event = run(journal, comfy.url)
    assert event.error is None and event.prepared is not None
    (bill,) = comfy.bills
    assert bill.prompt == prompts.prompt_id(job, 0)
    assert (bill.key, bill.inputs["model"], bill.inputs["model.size"]) == (KEY, "gpt-image-2", "1024x1024")
    assert bill.inputs["model.quality"] == "low" and bill.inputs["prompt"] == "oak"
    entry = journal.entry(job)
    assert entry is not None and entry.state is JobState.RECEIVED and entry.cost_usd == pytest.approx(0.019)
    assert any("the cost shown is the estimate" in text for text in event.prepared.warnings)
    stored = next(data for (kind, _, _), data in comfy.files.items() if kind == "output")
    assert (entry.folder / "image-1.png").read_bytes() == stored  # type: ignore[operator]
    for headers in comfy.headers_seen:  # the key of another provider goes nowhere, nor does an origin
        assert not {"authorization", "origin"} & set(headers)
    assert "sk-not" not in json.dumps(comfy.headers_seen)


def test_more_images_than_the_node_makes_take_several_runs(comfy: ComfyServer, journal: Journal) -> None:
    _, event = run(journal, comfy.url, n=10, size="1040x1040")
    assert event.prepared is not None and len(event.prepared.images) == 10
    assert [bill.inputs["n"] for bill in comfy.bills] == [8, 2]
    inputs = comfy.bills[0].inputs
    assert (inputs["model.size"], inputs["model.custom_width"], inputs["model.custom_height"]) == (
        "Custom",
        1040,
        1040,
    )


def test_two_references_and_a_mask_arrive_as_they_are(
    comfy: ComfyServer, journal: Journal, tmp_path: Path
) -> None:
    red = save_image(tmp_path / "red.png", (200, 0, 0))
    blue = save_image(tmp_path / "blue.png", (0, 0, 200))
    run(journal, comfy.url, references=(red, blue))
    assert [image[0].getpixel((5, 5)) for image in comfy.bills[0].images] == [(200, 0, 0), (0, 0, 200)]
    mask = Image.new("RGBA", (1024, 1024), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 512, 1024))
    mask.save(tmp_path / "mask.png")
    run(journal, comfy.url, references=(red,), mask=str(tmp_path / "mask.png"), whole_image=True)
    reference, sent = comfy.bills[1].images
    assert reference[0].getpixel((5, 5)) == (200, 0, 0)
    assert (sent.getpixel((5, 5)), sent.getpixel((1000, 5))) == (255, 0)  # white is what may change
    with pytest.raises(InvalidRequestError, match="exactly one reference"):
        raise run(journal, comfy.url, references=(red, blue), mask=str(tmp_path / "mask.png"))[1].error  # type: ignore[misc]
    assert len(comfy.bills) == 2


def test_what_the_node_lacks_is_said_before_anything_is_sent(
    comfy: ComfyServer, journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "prices"))
    for changes, problem in (
        ({"output_format": "jpeg"}, "makes png, not jpeg"),
        ({"complexity": "low"}, "does not take complexity"),
        ({"background": "transparent"}, "does not offer a transparent background"),
        ({"size": "816x816"}, "under 1024 pixels"),
        ({"quality": "max"}, "does not take quality"),
        ({"model": "comfy-gpt-image-9"}, "comfy-gpt-image-9 costs through a Comfy account is not known"),
    ):
        with pytest.raises(InvalidRequestError, match=problem):
            start(journal, comfy.url, **changes)
    badges.keep_prices({f"gpt-image-{name}": {"low": (0.01, 0.02)} for name in (1, 9)})
    for changes, problem in (
        ({"model": "comfy-gpt-image-9"}, "it takes gpt-image-2, gpt-image-1.5, gpt-image-1"),
        ({"model": "comfy-gpt-image-1", "size": "2048x2048"}, "does not take size"),
    ):
        _, event = run(journal, comfy.url, **changes)
        assert isinstance(event.error, InvalidRequestError) and problem in event.error.message
    _, event = run(journal, comfy.url, key="")
    assert isinstance(event.error, MissingApiKeyError) and "COMFY_API_KEY" in event.error.next_step
    comfy.classes = {name: row for name, row in comfy.classes.items() if not name.startswith("OpenAI")}
    _, event = run(journal, comfy.url)
    assert isinstance(event.error, InvalidRequestError) and event.error.code == "no_gpt_image_node"
    assert prompt_posts(comfy) == 0 and not comfy.files


def test_a_lost_answer_is_looked_up_and_never_sent_twice(comfy: ComfyServer, journal: Journal) -> None:
    comfy.drop_answers = 1
    job, event = run(journal, comfy.url)
    assert event.error is None and state_of(journal, job)[0] is JobState.RECEIVED
    assert len(comfy.bills) == prompt_posts(comfy) == 1
    comfy.drop_requests = 1
    job, event = run(journal, comfy.url, prompt="elm")
    assert isinstance(event.error, APIConnectionError) and "recover" in event.error.next_step
    assert state_of(journal, job) == (JobState.UNKNOWN, "maybe")
    assert prompt_posts(comfy) == 2 and len(comfy.bills) == 1


def test_a_graph_that_is_taken_in_part_is_cancelled_and_refused(comfy: ComfyServer, journal: Journal) -> None:
    comfy.half_taken = True
    comfy.gate.clear()
    comfy.classes["SaveImage"] = json.loads(json.dumps(comfy.classes["SaveImage"]))
    comfy.classes["SaveImage"]["input"]["required"]["quality"] = ["INT", {}]
    job, event = run(journal, comfy.url)
    assert isinstance(event.error, BadRequestError) and "SaveImage" in event.error.message
    assert state_of(journal, job)[0] in (JobState.UNKNOWN, JobState.FAILED)
    comfy.gate.set()
    assert comfy.running is None or comfy.running.cancelled


def test_cancel_stops_exactly_ours(comfy: ComfyServer, journal: Journal) -> None:
    for knows_jobs in (True, False):
        comfy.knows_jobs = knows_jobs
        comfy.gate.clear()
        foreign = comfy.queue_foreign()
        comfy.wait_running(foreign)
        job, queue = start(journal, comfy.url, prompt=f"pending {knows_jobs}")
        wait_until(lambda: comfy.rows()["queue_pending"])
        job.cancel()
        assert isinstance(finish(queue).error, JobCancelled)
        assert state_of(journal, job.id) == (JobState.CANCELLED, "no")  # it never ran
        assert comfy.running is not None and comfy.running.id == foreign and not comfy.running.cancelled
        comfy.gate.set()
        _wait_for(comfy, foreign)
        comfy.gate.clear()
        job, queue = start(journal, comfy.url, prompt=f"running {knows_jobs}")
        comfy.wait_running(prompts.prompt_id(job.id, 0))
        other = comfy.queue_foreign()
        job.cancel()
        assert isinstance(finish(queue).error, JobCancelled)
        assert state_of(journal, job.id) == (JobState.UNKNOWN, "maybe")  # the account may bill it
        comfy.wait_running(other)
        comfy.gate.set()
        _wait_for(comfy, other)
        assert comfy.history[other]["status"]["status_str"] == "success"


def _wait_for(comfy: ComfyServer, prompt: str) -> None:
    """Until a prompt has ended."""
    wait_until(lambda: prompt in comfy.history)


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_old_servers_work_by_history_and_queue(comfy: ComfyServer, journal: Journal) -> None:
    comfy.knows_jobs = False
    job, event = run(journal, comfy.url)
    assert event.error is None and state_of(journal, job)[0] is JobState.RECEIVED


def test_a_restarted_server_ends_thewait_until(comfy: ComfyServer, journal: Journal) -> None:
    comfy.gate.clear()
    job, queue = start(journal, comfy.url)
    comfy.wait_running()
    comfy.restart()
    error = finish(queue).error
    assert isinstance(error, APIConnectionError) and error.code == "job_lost"
    assert "output folder" in error.next_step and state_of(journal, job.id) == (JobState.UNKNOWN, "maybe")


@pytest.mark.parametrize(
    ("said", "kind", "billed"),
    [
        ("Unauthorized: Please login first to use this node.", AuthenticationError, "no"),
        ("Payment Required: Please add credits to your account.", InsufficientQuotaError, "no"),
        ("There is a problem with your account. Please contact …", PermissionDeniedError, "no"),
        ("Rate Limit Exceeded: The server returned 429 after all …", RateLimitError, "no"),
        ("API Error: by the safety system (Type: image_generation_user_error)", ModerationError, "no"),
        ("API Error: bad size (Type: invalid_request_error)", BadRequestError, "no"),
        ("API Error: The server had an error (Type: server_error)", InternalServerError, "maybe"),
        ("API Error (status 502)", InternalServerError, "maybe"),
    ],
)
def test_what_the_account_refuses_is_a_sentence_of_its_own(
    comfy: ComfyServer, journal: Journal, said: str, kind: type[GptImageError], billed: str
) -> None:
    comfy.error = {"exception_message": said}
    job, event = run(journal, comfy.url)
    assert type(event.error) is kind and event.error.next_step and event.error.billed == billed
    assert state_of(journal, job)[0] is (JobState.UNKNOWN if billed == "maybe" else JobState.FAILED)
    assert len(comfy.bills) == 1


def test_addresses_and_headers_are_checked(comfy: ComfyServer, journal: Journal) -> None:
    job, event = run(journal, "http://127.0.0.1:9")
    assert isinstance(event.error, APIConnectionError) and "127.0.0.1:9" in event.error.message
    assert state_of(journal, job) == (JobState.FAILED, "no") and event.error.exit_code == 6
    comfy.status = 401
    _, event = run(journal, comfy.url)
    assert isinstance(event.error, AuthenticationError) and "headers" in event.error.next_step
    comfy.status = 0
    provider = ComfyUIProvider(connect(comfy.url, headers="X-Pass: word; Other:two"))
    assert provider.list_models() == ["gpt-image-2", "gpt-image-1.5", "gpt-image-1"]
    assert provider.describe() == "ComfyUI 0.30.0 answers and offers gpt-image-2, gpt-image-1.5, gpt-image-1."
    assert (comfy.headers_seen[-1]["x-pass"], comfy.headers_seen[-1]["other"]) == ("word", "two")
    with pytest.raises(GptImageError, match="Part 1 of the headers"):
        ComfyUIProvider(connect(comfy.url, headers="nonsense"))


def test_a_killed_process_loses_nothing(comfy: ComfyServer, tmp_path: Path) -> None:
    comfy.gate.clear()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.comfyui.killed", str(tmp_path / "state"), comfy.url], cwd=ROOT
    )
    comfy.wait_running()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    journal = open_journal(tmp_path / "state")
    worker = Worker(journal, load_registry(), connect(comfy.url))
    (entry,) = journal.entries(JobState.UNKNOWN)
    assert not worker.find_answer(entry)
    assert state_of(journal, entry.id) == (JobState.UNKNOWN, "maybe")  # it still runs
    comfy.gate.set()
    _wait_for(comfy, prompts.prompt_id(entry.id, 0))
    assert worker.find_answer(entry)
    found = journal.entry(entry.id)
    assert found is not None and found.state is JobState.RECEIVED and found.folder is not None
    assert Image.open(io.BytesIO((found.folder / "image-1.png").read_bytes())).size == (64, 64)
    assert len(comfy.bills) == prompt_posts(comfy) == 1
    journal.close()


def test_hostile_names_and_files_stay_outside(comfy: ComfyServer, journal: Journal, tmp_path: Path) -> None:
    real = comfy._save

    def lie(*details: Any) -> dict[str, str]:
        stored = real(*details)
        comfy.files["output", "..", "../../../etc/evil.png"] = b"\x89PNG\r\n\x1a\n no image at all"
        return {**stored, "filename": "../../../etc/evil.png", "subfolder": ".."}

    comfy._save = lie  # type: ignore[method-assign]
    _, event = run(journal, comfy.url)
    assert event.error is not None
    assert not list(tmp_path.rglob("evil*"))
