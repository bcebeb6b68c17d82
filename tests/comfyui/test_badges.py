"""What the paid node says of its price: read of its badge, kept for estimates, and never exceeded."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.providers.comfyui import badges, prompts
from gpt_image_addon.core.providers.comfyui.client import ComfyUIProvider
from gpt_image_addon.core.providers.comfyui.pricing import price_request
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.pricing import no_history

from .server import PAID, ComfyServer
from .test_gpt_image import REQUEST, connect, run, state_of

FORMULA = """(
  $ranges := {
    "gpt-image-2": {"low": [0.0048, %s], "medium": [0.041, 0.168]},
    "gpt-image-9": {"low": [0.1, 0.2]}
  };
  $range := $lookup($lookup($ranges, widgets.model), $lookup(widgets, "model.quality"));
  ($n = 1) ? {"type": "range_usd", "min_usd": $range[0]} : {"type": "usd"}
)"""


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ComfyServer]:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "prices"))
    monkeypatch.setattr(prompts, "POLL_SECONDS", 0.02)
    with ComfyServer() as server:
        yield server


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def set_badge(comfy: ComfyServer, formula: str) -> None:
    comfy.classes[PAID] = {**comfy.classes[PAID], "price_badge": {"engine": "jsonata", "expr": formula}}


def high_usd(**changes: Any) -> float:
    request = dataclasses.replace(REQUEST, **changes)
    return price_request(request, "oak", load_registry(), (), no_history).high_usd


def test_the_badge_is_the_price_before(comfy: ComfyServer) -> None:
    assert high_usd() == pytest.approx(0.019)
    set_badge(comfy, FORMULA % "0.025")
    ComfyUIProvider(connect(comfy.url)).describe()
    assert high_usd() == pytest.approx(0.025) and high_usd(quality="high") == pytest.approx(0.67)
    assert high_usd(model="comfy-gpt-image-9", n=2) == pytest.approx(0.4)
    set_badge(comfy, FORMULA % "0.005")  # nobody makes it cheap
    ComfyUIProvider(connect(comfy.url)).list_models()
    assert high_usd() == pytest.approx(0.025)
    with pytest.raises(InvalidRequestError, match="gpt-image-7 costs") as caught:
        high_usd(model="comfy-gpt-image-7")
    assert caught.value.exit_code == 4


def test_a_higher_price_is_asked_about_before_anything_is_sent(comfy: ComfyServer, journal: Journal) -> None:
    set_badge(comfy, FORMULA % "0.5")
    job, event = run(journal, comfy.url)
    assert isinstance(event.error, InvalidRequestError) and event.error.code == "price_changed"
    assert "$0.5000" in event.error.message and "$0.0190" in event.error.message
    assert state_of(journal, job)[1] == "no" and not comfy.bills and not comfy.graphs
    job, event = run(journal, comfy.url)  # its estimate knows it now
    entry = journal.entry(job)
    assert event.error is None and entry is not None and entry.estimated_usd == pytest.approx(0.5)


@pytest.mark.parametrize(
    "badge",
    [
        None,
        3,
        {"expr": 4},
        {"expr": "$ranges := " + "{" * 1000},
        {"expr": "$ranges := {" + '"a": {' * 5000},
        {"expr": "$ranges := [1]"},
        {"expr": '$ranges := {"gpt-image-2": {"low": [1e400, -1]}}'},
        {"expr": '$ranges := {"gpt-image-2": {"low": [0.5, 0.1], "high": [true, 2], "medium": [0, 9e9]}}'},
        {"expr": "x" * 10**6},
    ],
)
def test_what_is_no_badge_says_nothing(badge: Any) -> None:
    assert badges.read_badge({"price_badge": badge}) == {}


def test_a_broken_file_of_prices_says_nothing(comfy: ComfyServer, tmp_path: Path) -> None:
    folder = tmp_path / "prices"
    folder.mkdir()
    for text in ("", "[]", "{", json.dumps({"gpt-image-2": {"low": ["a", 1]}}), "[" * 10**5):
        (folder / badges.FILE).write_text(text)
        assert high_usd() == pytest.approx(0.019)
