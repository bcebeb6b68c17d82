"""Drafts admit what they can't draw, before the click and with the result; lists mark them."""

from __future__ import annotations

import time
from typing import Any

import bpy
import pytest

from gpt_image_addon import api, cli
from gpt_image_addon.core.jobs.job import Job
from gpt_image_addon.ui.request import quote
from tests.api_server import ApiServer
from tests.blender.conftest import Command

HINT = "Drafts know no 'cat', only surfaces such as brick, wood, metal or fabric."


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> None:
    api.close()
    quote.forget()


def warnings_of(prompt: str) -> tuple[str, ...]:
    """What the panel says beside the price."""
    values: Any = bpy.context.scene.gpt_image
    values.prompt, values.provider = prompt, "offline"
    deadline = time.monotonic() + 20
    while not (found := quote.current(bpy.context.scene)).price or found.request is None:
        assert time.monotonic() < deadline
    return found.warnings


def test_the_panel_says_it_before_the_click() -> None:
    assert warnings_of("a cute orange cat wearing a space suit") == (HINT,)
    quote.forget()
    assert warnings_of("red brick wall") == ()
    quote.forget()
    assert warnings_of("") == ()


def test_the_result_says_it_once(run: Command) -> None:
    job = api.submit("a cat", provider="offline", size="64x64", target="image")
    job.wait()
    assert isinstance(job, Job) and job.is_draft
    assert job.all_warnings.count(HINT) == 1
    code, output = run("generate", "a cat", "--provider", "offline", "--size", "64x64", "--target", "image")
    assert code == 0 and output["warnings"].count(HINT) == 1
    code, output = run("estimate", "oak planks", "--provider", "offline")
    assert (code, output["warnings"]) == (0, [])


def test_drafts_are_marked_in_the_history(online: ApiServer, capfd: pytest.CaptureFixture[str]) -> None:
    paid = api.generate("oak", provider="openai", size="1024x1024", quality="low", target="image")
    draft = api.generate("oak", provider="offline", size="64x64", target="image")
    assert cli.main(["history"]) == 0
    lines = {line.split()[1]: line for line in capfd.readouterr().err.splitlines() if " oak" in line}
    assert " draft " in lines[draft.job] and "$" not in lines[draft.job]
    assert " draft " not in lines[paid.job] and "$" in lines[paid.job]
    pages: list[Any] = []
    api.look_back(lambda page, error: pages.append(page))
    assert {item.job: item.is_draft for item in pages[0].jobs} == {paid.job: False, draft.job: True}
