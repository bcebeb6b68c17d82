"""What is said of references, from the panel, scripts and the command line to the server, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import references, results
from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.imaging.formats import decode, encode_png
from gpt_image_addon.core.request.prompt import describe_reference
from gpt_image_addon.core.results.folders import ANSWER_FILE
from gpt_image_addon.ui.references import kinds
from gpt_image_addon.ui.request import from_job, generate, quote
from tests.api_server import ApiServer
from tests.blender.conftest import Command
from tests.blender.layouts import draw

FLAGS = ("--target", "image", "--quality", "low", "--size", "1024x1024")


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> None:
    api.close()
    quote.forget()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encode_png(np.full((64, 64, 3), 99, np.uint8)))
    return path


def values() -> Any:
    return bpy.context.scene.gpt_image


def scene_with_camera() -> None:
    """Two cubes side by side, whose fronts are one plane, before a camera."""
    for x in (-1, 1):
        bpy.ops.mesh.primitive_cube_add(size=2, location=(x, 0, 0))
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0, 0, 9)
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 512


def sent_prompt(server: ApiServer) -> str:
    (record,) = server.requests
    return str(record.fields["prompt"])


def test_scripts_are_sent_as_before(run: Command, online: ApiServer, photo: Path) -> None:
    code, _ = run("generate", "oak", "--reference", photo, *FLAGS)
    assert code == 0 and sent_prompt(online) == "oak"
    assert "reference_kinds" not in api.plan("oak", references=[str(photo)]).request.to_dict()


def test_kinds_and_labels_of_the_command_line_reach_the_server(
    run: Command, online: ApiServer, photo: Path
) -> None:
    kinds_of = ("--reference-kind", "none", "--reference-kind", "style")
    labels = ("--reference-label", "the hall", "--reference-label", "")
    both = ("--reference", photo, "--reference", photo)
    code, output = run("generate", "oak", *both, *kinds_of, *labels, *FLAGS)
    assert code == 0
    wanted = f"Image 1 is the hall.\n{describe_reference(2, 'style')}\noak"
    assert sent_prompt(online) == wanted
    answer = Path(output["images"][0]["file"]).parent / ANSWER_FILE
    assert json.loads(answer.read_text())["request"]["reference_kinds"] == ["none", "style"]
    code, output = run("generate", "oak", "--dry-run", *both, *kinds_of, *labels, *FLAGS)
    assert (code, output["prompt"]) == (0, wanted)
    assert output["request"]["reference_labels"] == ["the hall", ""]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--reference-kind", "style", "--reference-kind", "style"), "reference_kinds has 2 values for 1"),
        (("--reference-label", "a", "--reference-label", "b"), "reference_labels has 2 values for 1"),
    ],
)
def test_more_than_there_are_references_is_refused(
    run: Command, online: ApiServer, photo: Path, flags: tuple[str, ...], said: str
) -> None:
    code, output = run("generate", "oak", "--reference", photo, *flags, *FLAGS)
    assert code == 4 and said in output["error"]["message"] and online.requests == []


def test_guides_say_what_they_are_to_scripts_too(run: Command, online: ApiServer) -> None:
    scene_with_camera()
    code, output = run("generate", "oak", "--reference", "lines", *FLAGS)
    assert code == 0 and sent_prompt(online) == f"{describe_reference(1, 'lines')}\noak"
    assert api.plan("oak", references=["depth"], reference_kinds=["none"]).prompt == "oak"
    stored = results.entry(output["job"]).request
    assert stored.reference_kinds == ("lines",) and Path(stored.references[0]).is_file()


def test_line_art_has_edges_and_borders_of_objects_and_leaves_no_trace() -> None:
    scene_with_camera()
    before = bpy.context.scene.render.engine, len(bpy.data.materials), len(bpy.data.scenes)
    pixels = decode(Path(references.lines((96, 96))).read_bytes())[..., 0]
    assert (bpy.context.scene.render.engine, len(bpy.data.materials), len(bpy.data.scenes)) == before
    row = pixels[48]
    dark = np.nonzero(row < 128)[0]
    assert row[2] == row[93] == 255
    assert len(dark) == 3 and abs(int(dark[1]) - 48) <= 1, dark  # two outlines, and the border between
    assert row[int(dark[1]) - 6] == 255


def test_line_art_of_nothing_is_refused() -> None:
    scene_with_camera()
    bpy.context.scene.camera.rotation_euler = (3.14, 0, 0)
    with pytest.raises(SceneError, match="sees nothing"):
        references.lines((32, 32))


def test_clay_shows_no_colors() -> None:
    scene_with_camera()
    material = bpy.data.materials.new("Red")
    material.diffuse_color = (1, 0, 0, 1)
    for found in bpy.data.objects:
        if found.type == "MESH":
            found.data.materials.append(material)
            found.color = (1, 0, 0, 1)
    red, green, blue = decode(Path(references.clay((64, 64))).read_bytes())[32, 32].astype(int)[:3]
    assert red > 60 and max(red, green, blue) - min(red, green, blue) < 12


def test_the_panel_says_what_each_reference_is(photo: Path) -> None:
    scene_with_camera()
    result = bpy.data.images.new("Result", 64, 64)
    result["gpt_image_job"] = "abc"
    bpy.data.images.new("Photo", 64, 64)
    for given in (
        {"kind": "camera"},
        {"kind": "image", "image": "Result"},
        {"kind": "image", "image": "Photo"},
    ):
        bpy.ops.gpt_image.add_reference(**given)
    bpy.ops.gpt_image.add_reference(kind="file", file=str(photo), reference_kind="style", label="an etching")
    values().prompt, values().provider = "oak", "offline"
    said = ["camera", "previous", "subject", "style"]
    assert [kinds.kind_of(values(), number) for number in range(4)] == said
    checked = generate.prepare_request(bpy.context, {}).checked
    lines = [describe_reference(number, kind) for number, kind in enumerate(said[:3], 1)]
    assert checked.prompt == "\n".join((*lines, describe_reference(4, "style", "an etching"), "oak"))
    values().target = "material"
    assert kinds.kind_of(values(), 2) == "material"
    values().references[0].use_words = False
    assert kinds.line_of(values(), 0) == "" and kinds.kind_of(values(), 0) == "none"


def test_the_image_under_a_mask_is_the_one_to_edit() -> None:
    bpy.data.images.new("Photo", 64, 64)
    bpy.ops.gpt_image.add_reference(kind="image", image="Photo")
    values().mask = "rectangle"
    assert kinds.line_of(values(), 0) == describe_reference(1, "previous")


def test_the_panel_shows_the_words_before_sending(photo: Path) -> None:
    bpy.ops.gpt_image.add_reference(kind="file", file=str(photo), reference_kind="depth")
    layout = draw(bpy.types.GPT_IMAGE_PT_main_view3d)
    assert {"Say What It Is", "Kind", "Label"} <= set(layout.said)
    assert "Image 1 is a depth map" in " ".join(layout.said)
    values().references[0].use_words = False
    said = draw(bpy.types.GPT_IMAGE_PT_main_view3d).said
    assert "Image 1 is" not in " ".join(said)


def test_the_quote_of_the_panel_knows_the_words(photo: Path) -> None:
    values().prompt, values().provider = "oak", "offline"
    bpy.ops.gpt_image.add_reference(kind="file", file=str(photo), label="x" * 31_990)
    error = quote.price_now(bpy.context.scene).error
    assert error is not None and "the prompt has 32," in error.message
    values().references[0].use_words = False
    assert "the prompt has" not in quote.price_now(bpy.context.scene).problem


def test_kinds_are_recalled_with_the_request(photo: Path) -> None:
    job = api.submit(
        "oak",
        provider="offline",
        size="64x64",
        references=[photo] * 3,
        reference_kinds=["style", "auto", "auto"],
        reference_labels=["", "", "the red chair"],
    )
    assert job.wait(20)
    from_job.fill_panel(values(), results.entry(job.id))
    values().provider = "offline"
    found = [(item.use_words, item.reference_kind, item.label) for item in values().references]
    assert found == [(True, "style", ""), (False, "auto", ""), (True, "none", "the red chair")]
    wanted = f"{describe_reference(1, 'style')}\nImage 3 is the red chair.\noak"
    assert generate.prepare_request(bpy.context, {}).checked.prompt == wanted


def test_a_result_used_as_a_reference_is_known_for_one() -> None:
    job = api.submit("oak", provider="offline", size="64x64", target="image")
    assert job.wait(20)
    bpy.ops.gpt_image.use_as_reference(job=job.id)
    assert values().references[0].reference_kind == "previous"
