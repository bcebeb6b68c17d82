"""Image data-blocks: exact bytes, colour spaces, facts; and back to files."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.core.text.names import safe_name
from gpt_image_addon.scene.images import add_image, export_image
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import FACTS, RED, camera, cube, image_file, prepared, reopen, unusable


def test_the_image_survives_saving_with_its_bytes_and_facts(tmp_path: Path) -> None:
    source = image_file("Weathered oak")
    applied = apply(prepared(source), Application(target="image"))
    assert applied.images == ("Weathered oak",)
    reopen(tmp_path / "x.blend")
    image = bpy.data.images["Weathered oak"]
    assert image.packed_file.data == source.data
    assert image.use_fake_user
    assert image.source == "FILE"
    assert image.filepath_raw == "//textures/Weathered oak.png"
    assert tuple(image.size) == (32, 16)
    assert image.colorspace_settings.name == "sRGB"
    assert np.allclose(np.array(image.pixels[:3]) * 255, RED)
    assert {key: image[f"gpt_image_{key}"] for key in FACTS} == FACTS


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_every_format_of_the_api_is_held_packed_and_decoded(kind: str) -> None:
    image = add_image(image_file(kind=kind), {})
    assert np.allclose(np.array(image.pixels[:3]) * 255, RED, atol=6)


def test_numbers_are_read_without_a_colour_space() -> None:
    image = add_image(image_file(color=(128, 128, 255)), {}, is_data=True)
    assert image.colorspace_settings.name == "Non-Color"
    assert np.allclose(np.array(image.pixels[:3]) * 255, (128, 128, 255))


def test_several_images_are_all_kept() -> None:
    applied = apply(prepared(image_file("A"), image_file("B"), image_file("A")), Application(target="image"))
    assert applied.images == ("A", "B", "A.001")
    assert {image.filepath_raw for image in bpy.data.images} == {
        f"//textures/{name}.png" for name in ("A", "B", "A.001")
    }


@pytest.mark.parametrize("prompt", ["CON", "風化した木の板" * 9, "gold ✨" * 12, "a/b", "." * 5, "x" * 80])
def test_names_hold_in_blender_and_as_files(prompt: str, tmp_path: Path) -> None:
    name = safe_name(prompt)
    first, second = (add_image(image_file(name), {}) for _ in range(2))
    assert first.name == name
    assert second.name != name
    for image in (first, second):
        file_name = image.filepath_raw.removeprefix("//textures/")
        assert "/" not in file_name
        (tmp_path / file_name).write_bytes(b"")


def test_long_facts_fit() -> None:
    facts = {"prompt": "oak " * 8000, "seed": 2**40, "negative": -(2**40)}
    image = add_image(image_file(), facts)
    assert image["gpt_image_prompt"] == facts["prompt"]
    assert image["gpt_image_seed"] == str(2**40)


def test_a_format_that_blender_has_no_image_for_is_refused() -> None:
    with pytest.raises(SceneError, match="svg") as caught:
        apply(prepared(image_file(), unusable()), Application(target="image"))
    assert "Drawing.svg" in caught.value.text
    assert not bpy.data.images


def test_a_packed_image_is_exported_as_it_is(tmp_path: Path) -> None:
    image = add_image(image_file(), FACTS)
    path = export_image(image, tmp_path / "new folder" / "out.png")
    assert Image.open(path).convert("RGB").getpixel((0, 0)) == RED
    assert Image.open(path).size == (32, 16)
    assert image.packed_file
    assert image.filepath_raw == "//textures/Oak.png"
    assert len(bpy.data.images) == 1


def test_painted_pixels_are_exported_right_way_up(tmp_path: Path) -> None:
    image = bpy.data.images.new("painted", 2, 2)
    image.pixels = [1, 0, 0, 1] * 2 + [0, 1, 0, 0.5] * 2  # Blender's first row is the lowest
    path = export_image(image, tmp_path / "painted.png")
    exported = Image.open(path).convert("RGBA")
    assert exported.getpixel((0, 1)) == (255, 0, 0, 255)
    assert exported.getpixel((0, 0)) == (0, 255, 0, 128)


def test_a_missing_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    image = bpy.data.images.new("gone", 8, 8)
    image.filepath_raw = str(tmp_path / "gone.png")
    image.source = "FILE"
    with pytest.raises(SceneError, match="no pixels"):
        export_image(image, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_hdr_pixels_are_exported_as_srgb_whatever_the_view_is(tmp_path: Path) -> None:
    bpy.context.scene.view_settings.view_transform = "AgX"
    bpy.context.scene.render.image_settings.file_format = "JPEG"
    image = bpy.data.images.new("hdr", 4, 4, float_buffer=True)
    image.pixels = [0.2140, 4.0, 0.0, 1.0] * 16  # linear; 0.214 is half of sRGB
    path = export_image(image, tmp_path / "hdr.png")
    with Image.open(path) as exported:
        assert exported.format == "PNG"
        assert np.allclose(exported.convert("RGB").getpixel((0, 0)), (128, 255, 0), atol=2)
    assert bpy.context.scene.render.image_settings.file_format == "JPEG"
    assert len(bpy.data.scenes) == 1


def test_a_render_result_is_exported(tmp_path: Path) -> None:
    scene = bpy.context.scene
    cube()
    camera()
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = 48, 32
    bpy.ops.render.render()
    path = export_image(bpy.data.images["Render Result"], tmp_path / "render.png")
    assert Image.open(path).size == (48, 32)
