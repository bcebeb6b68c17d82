"""Materials of the panel are asked for as surfaces that tile; images, scripts and one's own choice stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import results
from gpt_image_addon.core.batch.manifest import Manifest
from gpt_image_addon.core.request.prompt import SEAMLESS_SURFACE_WORDS, SURFACE_WORDS
from gpt_image_addon.core.request.request import GenerationRequest
from gpt_image_addon.ui.request import from_job, generate, quote, to_parameters
from tests.blender.conftest import Command

SMALL = {"provider": "offline", "size": "64x64"}


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> None:
    api.close()
    quote.forget()


def values() -> Any:
    return bpy.context.scene.gpt_image


def asked(**given: Any) -> GenerationRequest:
    """What a click would ask for."""
    values().prompt, values().provider = "oak", "offline"
    return generate.prepare_request(bpy.context, given).checked.wanted


def of_surface(request: GenerationRequest) -> tuple[bool, bool]:
    return request.seamless, request.surface_words


def test_a_material_is_asked_for_as_a_surface_that_tiles() -> None:
    assert of_surface(asked()) == (False, False)
    values().target = "material"
    assert of_surface(asked()) == (True, True)
    assert generate.prepare_request(bpy.context, {}).checked.prompt == f"oak\n{SEAMLESS_SURFACE_WORDS}"
    assert to_parameters.added_words(values()) == SEAMLESS_SURFACE_WORDS


@pytest.mark.parametrize("other", ["image", "plane", "texture"])
def test_nothing_else_tiles_because_of_it(other: str) -> None:
    values().target = "material"
    values().target = other
    assert not values().seamless and of_surface(asked()) == (False, False)
    assert to_parameters.added_words(values()) == ""
    values().target = "material"
    values().repair_seams = True
    assert to_parameters.change_target(values(), other)["repair_seams"] is False
    assert of_surface(asked(target=other)) == (False, False)  # as the menus do


def test_what_the_user_chose_stays() -> None:
    values().target = "material"
    values().seamless = False
    assert of_surface(asked()) == (False, True)
    assert to_parameters.added_words(values()) == SURFACE_WORDS
    values().target = "image"
    values().target = "material"
    assert not values().seamless
    values().surface_words = False
    assert of_surface(asked()) == (False, False)
    values().target = "texture"
    values().seamless = True
    values().target = "material"
    values().target = "texture"
    assert values().seamless


def test_a_seamless_texture_is_a_surface() -> None:
    values().seamless = True
    assert of_surface(asked()) == (True, True)


def test_scripts_are_sent_as_given(run: Command) -> None:
    values().target = "material"
    plan = api.plan("oak", target="material", provider="offline")
    assert (plan.prompt, plan.request.seamless) == ("oak", False)
    assert api.plan("oak", surface_words=True, provider="offline").prompt == f"oak\n{SURFACE_WORDS}"
    code, output = run("estimate", "oak", "--provider", "offline", "--target", "material")
    assert (code, output["prompt"]) == (0, "oak")
    code, output = run("estimate", "oak", "--provider", "offline", "--seamless", "--surface-words")
    assert (code, output["prompt"]) == (0, f"oak\n{SEAMLESS_SURFACE_WORDS}")
    assert output["request"]["surface_words"] is True


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.jsonl", '{"prompt": "oak", "surface_words": true}'),
        ("rows.csv", "prompt,surface_words\noak,true"),
    ],
)
def test_a_manifest_may_ask_for_them(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    (row,) = Manifest(tmp_path / name)
    assert row.request.surface_words


def test_settings_of_a_result_are_loaded_with_them() -> None:
    jobs = [
        api.generate("oak", target="material", seamless=seamless, surface_words=words, **SMALL).job
        for seamless, words in ((True, False), (False, True))
    ]
    values().target = "material"
    for job, seamless, words in zip(jobs, (True, False), (False, True), strict=True):
        from_job.fill_panel(values(), results.entry(job))
        assert (values().seamless, values().surface_words) == (seamless, words)


def test_an_image_is_recalled_without_a_word_about_surfaces() -> None:
    job = api.generate("oak", target="image", **SMALL).job
    values().target = "material"
    from_job.fill_panel(values(), results.entry(job))
    assert (values().target, values().seamless, values().surface_words) == ("image", False, True)
    values().target = "material"
    assert of_surface(asked()) == (True, True)


def test_an_equal_request_is_found_as_before() -> None:
    first = api.generate("oak", target="image", **SMALL)
    again = api.submit("oak", target="image", reuse=True, **SMALL)
    again.wait()
    other = api.submit("oak", target="image", reuse=True, surface_words=True, **SMALL)
    other.wait()
    assert again.id == first.job != other.id
