"""What the socket adds: steps, previews, and the price. And that nothing depends on it."""

from __future__ import annotations

import io
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpt_image_addon.core.jobs.job import JobEvent
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.providers.comfyui import client, events, prompts

from .server import ComfyServer
from .sockets import BINARY, TEXT, frame, preview
from .test_gpt_image import start
from .test_workflows import EDIT, MODEL, save


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ComfyServer]:
    for name in ("POLL_SECONDS", "MISS_SECONDS"):
        monkeypatch.setattr(prompts, name, 0.02)
    monkeypatch.setattr(events, "PREVIEW_SECONDS", 0.0)
    with ComfyServer() as server:
        server.has_sockets = True
        yield server


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def run_all(journal: Journal, url: str, **changes: Any) -> tuple[str, list[JobEvent]]:
    """A request to its end, and all that it told."""
    job, queue = start(journal, url, **changes)
    told = [queue.events.get(timeout=30)]
    while not told[-1].is_last:
        told.append(queue.events.get(timeout=30))
    queue.close(5)
    return job.id, told


def cost_of(journal: Journal, job: str) -> float | None:
    entry = journal.entry(job)
    assert entry is not None
    return entry.cost_usd


def jpeg(color: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), color).save(stream, "jpeg")
    return stream.getvalue()


def test_the_price_is_what_the_account_was_billed(comfy: ComfyServer, journal: Journal) -> None:
    job, told = run_all(journal, comfy.url, n=10)  # two runs of the node
    assert told[-1].error is None and len(comfy.bills) == 2
    assert cost_of(journal, job) == pytest.approx(12.8 / 211)
    assert not any("the estimate" in text for text in told[-1].prepared.warnings)  # type: ignore[union-attr]
    (heard,) = (found.heard for found in comfy.sockets.values())
    assert heard == [{"type": "feature_flags", "data": {"supports_preview_metadata": True}}]
    entry = journal.entry(job)
    assert entry is not None and entry.usage is not None and entry.usage["credits"] == pytest.approx(12.8)


@pytest.mark.parametrize("credits", [None, "99999999", "many", "-3", "nan", "900000"])
def test_what_nobody_says_or_can_believe_is_estimated(
    comfy: ComfyServer, journal: Journal, credits: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PRICE_SECONDS", 0.1)
    comfy.credits = credits
    job, told = run_all(journal, comfy.url)
    assert told[-1].error is None and cost_of(journal, job) == pytest.approx(0.019)
    assert any("the cost shown is the estimate" in text for text in told[-1].prepared.warnings)  # type: ignore[union-attr]


@pytest.mark.parametrize("reason", ["no library", "no socket"])
def test_without_a_socket_all_is_as_before(
    comfy: ComfyServer, journal: Journal, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason == "no library":
        monkeypatch.setattr(events, "find_library", lambda: None)
    comfy.has_sockets = reason == "no library"
    job, told = run_all(journal, comfy.url)
    assert told[-1].error is None and cost_of(journal, job) == pytest.approx(0.019)
    assert not comfy.sockets


def test_steps_and_previews_are_shown(comfy: ComfyServer, journal: Journal, tmp_path: Path) -> None:
    image = tmp_path / "red.png"
    Image.new("RGB", (16, 16), (10, 20, 30)).save(image)
    foreign = {"prompt_id": "somebody else's"}
    comfy.steps = [
        {"type": "progress", "data": {"value": 1, "max": 4, "node": "3"}},
        {"type": "progress", "data": {"value": 3, "max": 4, "node": "3", **foreign}},
        preview(jpeg((200, 0, 0))),
        preview(jpeg((0, 200, 0)), foreign),
        {"type": "progress_state", "data": {"nodes": {"3": {"value": 2.0, "max": 4.0, "state": "running"}}}},
        preview(jpeg((0, 0, 200)), {"node_id": "3"}),
        {"type": "progress", "data": {"value": 5, "max": 4}},
    ]
    more = {"model": MODEL, "references": (str(image),), "workflow": save(tmp_path / "w.json", EDIT)}
    comfy.gate.clear()
    job, queue = start(journal, comfy.url, **more)
    told: list[JobEvent] = []
    while sum(event.preview is not None for event in told) < 2 or not told[-1].is_last:
        told.append(queue.events.get(timeout=30))
        if sum(event.preview is not None for event in told) == 2:
            comfy.gate.set()
    queue.close(5)
    assert told[-1].error is None and cost_of(journal, job.id) == 0
    said = [event.message for event in told if event.message.startswith("Step")]
    assert said == ["Step 1 of 4", "Step 2 of 4"]
    shown = [event.preview for event in told if event.preview is not None]
    assert [max(range(3), key=lambda n, one=one: one.pixels[n]) for one in shown] == [0, 2]


HUGE = frame(b"", BINARY, claimed=2**40)


@pytest.mark.parametrize(
    "raw",
    [
        HUGE,
        frame(b"{", TEXT),
        frame(b"[" * 100_000, TEXT),
        frame(b'{"type": 3, "data": 4}', TEXT),
        frame(b'{"type": "progress_state", "data": {"nodes": [1]}}', TEXT),
        frame(b"", BINARY),
        frame(struct.pack("!II", 4, 2**32 - 1) + b"{}", BINARY),
        frame(struct.pack("!II", 3, 2**31) + b"x", BINARY),
        frame(struct.pack("!II", 1, 1) + b"no image", BINARY),
        frame(b"part", TEXT, fin=False) * 3,
        b"\xff" * 64,
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_what_is_no_message_spoils_nothing(
    comfy: ComfyServer, journal: Journal, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PRICE_SECONDS", 0.1)
    comfy.gate.clear()
    job, queue = start(journal, comfy.url)
    comfy.wait_running()
    (found,) = comfy.sockets.values()
    found.send_raw(raw)
    comfy.gate.set()
    while not (event := queue.events.get(timeout=30)).is_last:
        pass
    queue.close(5)
    assert event.error is None and len(comfy.bills) == 1
    assert cost_of(journal, job.id) in (pytest.approx(0.019), pytest.approx(6.4 / 211))


def test_the_thread_ends_with_its_request(comfy: ComfyServer, journal: Journal) -> None:
    run_all(journal, comfy.url)
    for thread in threading.enumerate():
        if thread.name == events.THREAD_NAME:
            thread.join(3)
            assert not thread.is_alive()
