"""Previews in the scene: shown while an image is made, and gone without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.core.imaging.thumbnails import make_preview
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.targets import previews
from tests.api_server import ApiServer, faults
from tests.blender.scene_fixtures import BLUE, GREEN, cube, description, image_file


def preview(color: Any = GREEN, number: int = 1) -> Any:
    return make_preview(number, image_file(color=color).data)


def shown() -> list[str]:
    blocks = (*bpy.data.images, *bpy.data.materials)
    return [block.name for block in blocks if previews.JOB in block]


@pytest.fixture(autouse=True)
def tidy() -> Any:
    yield
    previews.close()


def test_a_preview_is_shown_and_the_next_takes_its_place() -> None:
    obj = cube(material="Wood")
    for color in (GREEN, BLUE):
        previews.show("job", preview(color), Application(target="texture"), "oak")
    assert shown() == ["Preview oak", "Preview oak"]
    image = bpy.data.images["Preview oak"]
    assert [round(value * 255) for value in image.pixels[:3]] == list(BLUE)
    assert obj.active_material.name == "Preview oak"


@pytest.mark.parametrize("material", ["Wood", None])
@pytest.mark.parametrize("target", ["image", "texture", "material", "plane"])
def test_clearing_leaves_everything_as_it_was(target: str, material: str | None) -> None:
    cube(material=material)
    before = description()
    previews.show("job", preview(), Application(target=target), "oak")
    assert shown()
    previews.clear("job")
    assert description() == before


def test_two_jobs_on_one_object_give_it_back() -> None:
    cube(material="Wood")
    before = description()
    for job in ("first", "second"):
        previews.show(job, preview(), Application(target="texture"), job)
    previews.clear("first")
    previews.clear("second")
    assert description() == before


def test_a_saved_file_has_the_object_as_it_was(tmp_path: Path) -> None:
    cube(material="Wood")
    previews.show("job", preview(), Application(target="texture"), "oak")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert not shown() and not bpy.data.images
    assert bpy.data.objects["Cube"].active_material.name == "Wood"


def test_an_object_in_edit_mode_is_left_alone() -> None:
    cube(material="Wood")
    bpy.ops.object.mode_set(mode="EDIT")
    previews.show("job", preview(), Application(target="texture"), "oak")
    assert not shown()


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_job_shows_its_previews_and_the_result_takes_their_place(
    online: ApiServer, cancelled: bool
) -> None:
    obj = cube(material="Wood")
    seen = []
    online.script(faults.stall("answer"))  # after the previews
    job = api.submit(
        "oak", provider="openai", quality="low", partial_images=2, previews_in_target=True, target="texture"
    )
    while not job.done:
        job.wait(0.02)
        if shown() and job.prepared is None:
            seen.append(obj.active_material.name)
            if cancelled:
                job.cancel()
            else:
                online.release()
    assert seen and set(seen) == {"Preview oak"}
    assert not shown() and obj.active_material.name == "Wood"
    assert (job.error is not None) is cancelled
    assert [image.name for image in bpy.data.images] == ([] if cancelled else ["oak"])
