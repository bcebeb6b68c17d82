"""A provider and a target that are nothing but a row and a module show everywhere and work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.request.targets import TARGETS
from tests.added_rows import COST, HIGH

pytestmark = pytest.mark.bpy_module

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `tests.added_rows` has seen in a process of its own, without a key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    environment["SKETCH_URL"] = "http://127.0.0.1:4711"
    environment["GPT_IMAGE_DATA_DIR"] = str(tmp_path_factory.mktemp("state"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.added_rows"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def test_the_command_line_offers_them(found: dict[str, Any]) -> None:
    assert "{openai,offline,comfyui,sketch}" in found["help"]
    assert "{" + ",".join([*TARGETS, "sign"]) + "}" in found["help"]


def test_the_panel_and_the_menu_offer_them(found: dict[str, Any]) -> None:
    assert found["problem"] == ""
    assert any("≈ $0.050" in text for text in found["panel"])
    assert found["place"] == 50
    assert "Use as Sign" in found["menu"]


def test_the_preferences_have_its_settings_and_its_test(found: dict[str, Any]) -> None:
    texts = {"Sketch Server", "Sketch URL", "SKETCH_URL is set and takes precedence."}
    assert texts <= set(found["preferences"])
    assert found["tests"] == 3
    assert found["models"] == [2]


def test_the_doctor_looks_at_it(found: dict[str, Any]) -> None:
    check = found["doctor"]["sketch"]
    assert check["ok"] and check["text"] == "requests go to http://127.0.0.1:4711"


def test_the_reference_lists_them(found: dict[str, Any]) -> None:
    pages = found["pages"]
    assert "{openai,offline,comfyui,sketch}" in pages["command-line.md"]
    assert "| `sketch` | Sketch Server |" in pages["models.md"]
    assert "| `SKETCH_URL` | address of the sketch server |" in pages["environment.md"]
    assert "| `sign` | Sign | An empty that shows the image |" in pages["python.md"]


def test_a_request_is_priced_by_the_provider(found: dict[str, Any]) -> None:
    estimate = found["estimate"]
    assert estimate["high_usd"] == pytest.approx(2 * HIGH) and estimate["request"]["provider"] == "sketch"
    assert estimate["likely_usd"] == pytest.approx(2 * COST)


def test_a_request_runs_and_its_result_is_applied(found: dict[str, Any]) -> None:
    made = found["made"]
    assert (made["state"], made["provider"], made["model"]) == ("succeeded", "sketch", "sketch-1")
    assert made["cost_usd"] == pytest.approx(COST) and made["estimated_usd"] == pytest.approx(HIGH)
    assert "By http://127.0.0.1:4712." in made["warnings"]
    assert made["images"][0]["name"] == found["object"] and made["material"] is None
    assert found["credit"] == "a sketch server"
    assert found["history"]["spent_usd"] == pytest.approx(COST)


def test_nothing_goes_to_its_server_while_online_access_is_off(found: dict[str, Any]) -> None:
    error = found["offline"]["error"]
    assert (error["type"], error["billed"]) == ("OnlineAccessDisabledError", "no")
