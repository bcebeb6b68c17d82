"""The panel of workflows: kept ones, what goes where, and fields with what the server allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.ui.request import quote, subpanels, to_parameters
from gpt_image_addon.ui.workflows.rows import find_rows
from tests.blender.conftest import Command
from tests.blender.layouts import Layout
from tests.comfyui.server import ComfyServer
from tests.comfyui.test_kept_workflows import two_prompts
from tests.comfyui.test_workflows import EDIT, PAINT, titled


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ComfyServer]:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))
    with ComfyServer() as server:
        monkeypatch.setenv("GPT_IMAGE_COMFYUI_URL", server.url)
        yield server


def values() -> Any:
    return bpy.context.scene.gpt_image


def use(path: Path, graph: dict[str, Any]) -> None:
    path.write_text(json.dumps(graph), "utf-8")
    values().prompt, values().provider, values().workflow = "oak", "comfyui", str(path)


def shown() -> list[str]:
    """What the parts of the panel say."""
    layout = Layout()
    subpanels.draw(layout, values(), quote.current(bpy.context.scene))
    return layout.said


def rows(name: str) -> dict[str, Any]:
    return {row.name: row for row in getattr(find_rows(), name)}


def test_fields_stay_within_what_the_server_allows(comfy: ComfyServer, tmp_path: Path) -> None:
    use(tmp_path / "paint.json", titled(PAINT, n3="Sampler"))
    said = shown()
    assert {"What Goes Where", "Inputs of the Workflow", "Sampler"} <= set(said)
    inputs = rows("inputs")
    assert inputs["Sampler.steps"].integer == 20
    inputs["Sampler.steps"].integer = 20_000
    inputs["Sampler.cfg"].number = 2.5
    inputs["Sampler.sampler_name"].choice = "nobody has this"
    inputs["Sampler.scheduler"].choice = "karras"
    inputs["SaveImage.filename_prefix"].text = "a; b"
    found = to_parameters.plain(values())["workflow_values"]
    assert found == (
        "Sampler.steps=10000",
        "Sampler.cfg=2.5",
        "Sampler.scheduler=karras",
        "SaveImage.filename_prefix=a; b",
    )
    assert inputs["Sampler.steps"].integer == 10_000
    inputs["Sampler.steps"].integer = 20  # as the file has it
    assert "Sampler.steps" not in values().workflow_values
    bpy.ops.gpt_image.reset_workflow()
    assert values().workflow_values == "" and rows("inputs")["Sampler.cfg"].number == 8
    comfy.requests.clear()
    for _ in range(3):
        shown()
    assert len(comfy.requests) == 7  # the version, and each class once


def test_what_is_not_clear_is_corrected_and_kept(comfy: ComfyServer, tmp_path: Path) -> None:
    use(tmp_path / "two.json", two_prompts())
    assert "several nodes could take" in " ".join(shown())
    places = rows("places")
    assert places["prompt"].input == "" and places["width"].input == "EmptyLatentImage.width"
    places["prompt"].input = "3.seed"  # no text
    assert values().workflow_places == ""
    places["prompt"].input = "11.text"
    assert to_parameters.plain(values())["workflow_places"] == ("prompt=11.text",)
    assert "several nodes" not in " ".join(shown())
    assert rows("places")["prompt"].input == "11.text"
    bpy.ops.gpt_image.keep_workflow(label="Two Prompts")
    assert (values().workflow, values().workflow_places) == ("two_prompts", "")
    shown()
    assert rows("places")["prompt"].input == "11.text"
    assert list(api.workflows()) == ["two_prompts"]
    request, _ = api.split(**to_parameters.plain(values()))
    assert request.workflow == str(tmp_path / "state" / "workflows" / "two_prompts.json")
    bpy.ops.gpt_image.forget_workflow()
    assert values().workflow == "" and not api.workflows()
    with pytest.raises(InvalidRequestError, match="no workflow 'two_prompts'"):
        api.keep_workflow("two_prompts", "other")


def test_guides_of_the_scene_that_a_workflow_asks_for_are_one_click_away(
    comfy: ComfyServer, tmp_path: Path
) -> None:
    use(tmp_path / "edit.json", titled(EDIT, n1="Depth"))
    layout = Layout()
    subpanels.draw(layout, values(), quote.current(bpy.context.scene))
    assert rows("places")["depth"].input == "Depth.image"
    before = layout.operators.count("gpt_image.add_reference")
    bpy.ops.gpt_image.add_reference(kind="depth")
    layout = Layout()
    subpanels.draw(layout, values(), quote.current(bpy.context.scene))
    assert layout.operators.count("gpt_image.add_reference") == before - 1


def test_without_a_server_the_file_alone_is_shown(
    comfy: ComfyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPT_IMAGE_COMFYUI_URL", "http://127.0.0.1:9")
    use(tmp_path / "paint.json", PAINT)
    assert "can't be reached" in " ".join(shown())
    assert rows("inputs")["KSampler.sampler_name"].text == "euler"
    monkeypatch.setenv("GPT_IMAGE_COMFYUI_URL", comfy.url)
    assert "can't be reached" not in " ".join(shown())
    values().workflow = str(tmp_path / "gone.json")
    assert "can't be read" in " ".join(shown()) and not rows("inputs")
    values().provider = "offline"
    assert "Workflow" not in shown()


def test_the_command_line_keeps_shows_and_uses_them(
    comfy: ComfyServer, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(tmp_path / "state"))
    path, image = tmp_path / "edit.json", tmp_path / "red.png"
    path.write_text(json.dumps(EDIT), "utf-8")
    Image.new("RGB", (16, 16), (10, 20, 30)).save(image)
    code, found = run("workflows", path, "--place", "reference 3=1.image", "--keep", "edit")
    assert code == 0 and found["workflow"]["places"] == {"reference 3": "LoadImage.image"}
    (width,) = (row for row in found["workflow"]["inputs"] if row["key"] == "Grow.width")
    assert (width["kind"], width["least"], width["most"], width["role"]) == ("INT", 0, 16384, "")
    assert run("workflows")[1]["workflows"] == {"edit": str(tmp_path / "state" / "workflows" / "edit.json")}
    ask = ("generate", "grown", "--provider", "comfyui", "--reference", image, "--target", "image")
    code, made = run(*ask, "--workflow", "edit", "--set", "Grow.width=64")
    assert code == 0 and tuple(bpy.data.images[made["images"][0]["name"]].size) == (64, 32)
    code, refused = run(*ask, "--workflow", "flux")
    assert (code, refused["error"]["code"]) == (4, "no_such_workflow")
    code, refused = run(*ask, "--workflow", "edit", "--place", "mask=Grow.width")
    assert code == 4 and "can't take the mask" in refused["error"]["message"]
    assert run("workflows", "edit", "--remove")[1]["workflows"] == {}
