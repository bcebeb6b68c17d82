"""One click on Generate: what is worked out of a request is worked out once, and travels with it."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import bpy
import pytest

import gpt_image_addon
from gpt_image_addon import api, registration
from gpt_image_addon.app import listeners
from tests.api_server import ApiServer
from tests.blender.test_equal_requests import click

PACKAGE = f"{Path(gpt_image_addon.__file__).parent}/"
ONCE = (
    "app/generation/requests.py:split",
    "app/models.py:find_registry",
    "app/settings.py:load",
    "core/request/models.py:check",
    "core/request/normalize.py:effective_request",
    "core/request/prompt.py:compose",
    "core/request/validation.py:check_values",
    "scene/targets/receiver.py:check_receiver",
)
AT_MOST_ONCE = ("core/request/models.py:_read_registry",)
"""Of a process, not only of a click."""


@pytest.fixture(autouse=True)
def alone(factory_file: None) -> Iterator[None]:
    api.close()
    yield
    api.close()


@pytest.fixture
def without_card() -> Iterator[None]:
    """The panel's card prices a next request, the edit of what has come, when a job has ended."""
    listeners.remove(registration._jobs_changed)
    yield
    listeners.append(registration._jobs_changed)


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """How often each function of the package is called meanwhile, in any thread."""
    calls: Counter[str] = Counter()

    def on_call(frame: FrameType, event: str, arg: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE):
            calls[f"{code.co_filename.removeprefix(PACKAGE)}:{code.co_qualname}"] += 1

    threading.setprofile(on_call)
    sys.setprofile(on_call)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


def run_operator() -> None:
    found = bpy.ops.gpt_image.generate(prompt="oak", provider="openai", target="image", quality="low")
    assert found == {"FINISHED"}


def click_button() -> None:
    assert click() == {"FINISHED"}


@pytest.mark.usefixtures("without_card")
@pytest.mark.parametrize("generate", [run_operator, click_button])
def test_a_request_is_checked_and_composed_once(online: ApiServer, generate: Callable[[], None]) -> None:
    with counting() as calls:
        generate()
        (job,) = api.jobs()
        assert job.wait(20) and job.error is None
    assert len(online.image_requests) == 1
    assert {name: calls[name] for name in ONCE} == dict.fromkeys(ONCE, 1)
    assert all(calls[name] <= 1 for name in AT_MOST_ONCE)


def test_what_was_checked_is_what_is_sent_and_kept(online: ApiServer) -> None:
    job = api.submit(
        "oak", target="image", quality="low", provider="openai", seamless=True, model="gpt-image-2.5-flare"
    )
    checked = job.checked
    assert job.wait(20) and checked is not None and job.request is checked.wanted
    fields = online.image_requests[0].fields
    assert (fields["size"], fields["prompt"]) == (checked.sent.size, checked.prompt)
    assert checked.sent.size != checked.wanted.size == "1024x1024"
    assert (job.estimated_usd, job.warnings) == (checked.price.high_usd, checked.warnings)
    assert checked.model.id == "gpt-image-2.5-flare"


def test_the_table_is_read_anew_where_the_users_file_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path))
    for name in ("first", "another"):
        (tmp_path / "models.json").write_text(f'{{"models": [{{"id": "{name}"}}]}}')
        assert name in [row["id"] for row in api.models()]
    assert "first" not in [row["id"] for row in api.models()]
    (tmp_path / "models.json").unlink()
    assert "another" not in [row["id"] for row in api.models()]
