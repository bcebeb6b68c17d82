"""Results that are put to another use: what they cost, which image they mean, and what becomes an asset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import results
from gpt_image_addon.core.jobs.durations import LOCAL_SECONDS
from gpt_image_addon.core.jobs.job import Job
from gpt_image_addon.ui.results.card import progress_text
from tests.api_server import ApiServer
from tests.blender.test_interface import cube, images_of, made, shown

PAID = {"provider": "openai", "quality": "low", "size": "816x816"}


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> Iterator[None]:
    api.close()
    yield
    api.close()


def used_again(job: Any, **application: Any) -> Job:
    again = results.apply(job.id, **application)
    assert again.wait(20) and again.error is None
    return again


def test_a_result_that_is_used_again_costs_nothing(online: ApiServer) -> None:
    cube()
    first = made("texture", **PAID)
    spent = api.history().jobs[0].cost_usd
    assert (
        spent and first.cost_usd == spent > 0 and api.history().spent_usd == spent and first.result_of == ""
    )
    for again in (used_again(first, target="material"), used_again(first, target="plane", seamless=True)):
        assert (again.cost_usd, again.estimated_usd, again.result_of) == (0.0, 0.0, first.id)
    assert api.history().spent_usd == spent
    assert [row.cost_usd for row in api.history().jobs] == [spent] and len(online.image_requests) == 1


def test_how_long_it_takes_is_learned_apart_from_requests() -> None:
    cube()
    first = made("material")
    again = used_again(first)
    assert again.expected_seconds == LOCAL_SECONDS
    texts: list[str] = []
    third = results.apply(first.id)
    third.watch(lambda job: texts.append(progress_text(job)))
    assert third.wait(20)
    assert 0 < third.expected_seconds != LOCAL_SECONDS
    assert any(text.startswith("Preparing the images") for text in texts)


@pytest.mark.parametrize(
    ("expected", "elapsed", "text"),
    [
        (40.0, 1.0, "Waiting · ≈ 40 s left"),
        (40.0, 33.0, "Waiting · 7 s left"),
        (40.0, 45.0, "Waiting · 45 s so far"),
        (300.0, 1.0, "Waiting · ≈ 5 min left"),
        (0.0, 3.0, "Waiting · 3 s so far"),
    ],
)
def test_the_time_left_is_said(
    expected: float, elapsed: float, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = made("image")
    waiting = Job(job.request, job.application, expected_seconds=expected, started=100.0)
    monkeypatch.setattr("gpt_image_addon.core.jobs.job.time.monotonic", lambda: 100.0 + elapsed)
    assert progress_text(waiting) == text


def test_a_variation_that_is_used_again_is_the_one_that_its_row_shows() -> None:
    obj = cube()
    first = made("texture", n=3)
    bpy.ops.gpt_image.use_variation(job=first.id, number=2)
    again = used_again(first, target="material", picture=2)
    assert results.shown_file(first.id).endswith("image-3.png")
    bpy.ops.gpt_image.use_variation(job=first.id, number=1)
    assert again.used == 1 and first.used == 2, "the newest row is meant"
    assert results.shown_file(first.id).endswith("image-1.png")
    assert images_of(obj)["base_color"] == again.applied.images[1]
    color = bytes(bpy.data.images[images_of(obj)["base_color"]].packed_file.data)
    assert color == Path(results.files(first.id)[0]).read_bytes()


def test_strengths_are_for_the_image_that_was_used_again() -> None:
    obj = cube()
    first = made("texture", n=2)
    used_again(first, target="material", picture=1)
    before = shown(obj)
    api.remake_material(obj.active_material.name, normal_strength=2.0)
    assert shown(obj) == before


def test_the_material_of_the_row_becomes_an_asset() -> None:
    mine = cube()
    job = made("material")
    other = bpy.data.objects.new("Other", mine.data.copy())
    bpy.context.scene.collection.objects.link(other)
    other.data.materials[0] = bpy.data.materials.new("Other")
    bpy.context.view_layer.objects.active = other
    assert bpy.ops.gpt_image.mark_asset(job=job.id) == {"FINISHED"}
    assert bpy.data.materials[job.applied.material].asset_data is not None
    assert bpy.data.materials["Other"].asset_data is None
    assert bpy.ops.gpt_image.mark_asset() == {"FINISHED"}
    assert bpy.data.materials["Other"].asset_data is not None


@pytest.mark.parametrize("target", ["texture", "material", "plane"])
def test_it_is_found_in_a_file_of_another_session(target: str, tmp_path: Path) -> None:
    cube()
    job = made(target)
    api.close()
    material = results.material_of(job.id)
    assert material is not None and material.name == job.applied.material
    assert results.material_of("nobody") is None


def test_the_asset_in_a_library_has_its_preview(tmp_path: Path) -> None:
    cube()
    job = made("material")
    library = bpy.context.preferences.filepaths.asset_libraries.new(name="Mine", directory=str(tmp_path))
    try:
        path = results.mark_asset(results.material_of(job.id), "Mine")
    finally:
        bpy.context.preferences.filepaths.asset_libraries.remove(library)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    (material,) = bpy.data.materials
    assert material.preview is not None and min(material.preview.image_size) >= 64
    pixels = np.array(material.preview.image_pixels_float)
    assert pixels.max() > 0.1
    ball = pixels.reshape(256, 256, 4)
    assert ball[0, 0, 3] == ball[-1, -1, 3] == 0 and ball[128, 128, 3] == 1
    left, right = (ball[96:160, part, :3].mean() for part in (np.s_[40:80], np.s_[176:216]))
    assert left > 1.3 * right  # the lamp stands to the left
