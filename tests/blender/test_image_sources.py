"""Image data-blocks of every kind as references, masks, and sources of maps and tiles."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Color
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import references
from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, SceneError
from gpt_image_addon.core.imaging.png_writer import encode_png
from tests.blender.scene_fixtures import cube, principled
from tests.core.profiled import encoded, exif, rgb_profile

RUST = (200, 60, 40)


@pytest.fixture(autouse=True)
def film_look(factory_file: None) -> None:
    """The view that a new file has."""
    bpy.context.scene.view_settings.view_transform = "AgX"


def color_of(path: str | Path) -> list[int]:
    return [int(value) for value in np.asarray(Image.open(path))[2, 2]]


def near(found: list[int], wanted: tuple[int, ...], tolerance: int = 2) -> bool:
    return bool(np.abs(np.subtract(found, wanted)).max() <= tolerance)


def baked(values: tuple[float, ...], **options: Any) -> bpy.types.Image:
    image = bpy.data.images.new("baked", 32, 32, float_buffer=True, alpha=True, **options)
    image.pixels.foreach_set(np.tile(np.float32(values), 32 * 32))
    image.update()
    return image


def base_color(source: Any, folder: Path) -> str:
    return api.make_maps(source, folder, maps=["base_color"], name="x").maps["base_color"]


def tile_of(source: Any, folder: Path) -> list[int]:
    return color_of(api.make_tile(source, folder / "tile.png", overwrite=True).file)[:3]


def test_linear_colours_become_srgb_whatever_the_view_is(tmp_path: Path) -> None:
    image = baked((0.5, 0.05, 0.02, 1.0))
    assert near(color_of(references.image(image)), (188, 63, 39, 255))
    assert near(tile_of(image, tmp_path), (188, 63, 39))


def test_premultiplied_colours_are_divided_by_alpha() -> None:
    image = baked((0.25, 0.025, 0.01, 0.5))
    assert near(color_of(references.image(image)), (188, 63, 39, 128))
    image.alpha_mode = "CHANNEL_PACKED"
    assert near(color_of(references.image(image)), (137, 44, 25, 128))


def test_numbers_keep_their_values(tmp_path: Path) -> None:
    image = baked((0.5, 0.25, 1.0, 1.0), is_data=True)
    assert near(color_of(references.image(image)), (128, 64, 255, 255))
    assert near(tile_of(image, tmp_path), (128, 64, 255))


def test_odd_numbers_do_no_harm() -> None:
    for value in (float("nan"), float("inf"), -3.0, 1e30):
        found = color_of(references.image(baked((value, 0.5, value, 1.0))))
        assert near(found[1:2], (188,))


@pytest.mark.parametrize("alpha", [255, 128])
def test_sixteen_bit_files_keep_their_colours(alpha: int, tmp_path: Path) -> None:
    pixels = np.empty((32, 32, 4), np.uint16)
    pixels[:] = np.array((*RUST, alpha)) * 257
    (tmp_path / "wide.png").write_bytes(encode_png(pixels))
    image = bpy.data.images.load(str(tmp_path / "wide.png"))
    assert near(color_of(references.image(image)), (*RUST, alpha))
    assert near(color_of(base_color(image, tmp_path)), RUST)
    image.colorspace_settings.name = "Non-Color"
    assert near(color_of(references.image(image)), (*RUST, alpha))


def test_an_hdr_file_is_a_source_of_maps(tmp_path: Path) -> None:
    image = baked((0.5, 0.05, 0.02, 1.0))
    image.file_format = "OPEN_EXR"
    image.filepath_raw = str(tmp_path / "baked.exr")
    image.save()
    loaded = bpy.data.images.load(str(tmp_path / "baked.exr"))
    linear = Color(loaded.pixels[:3]).from_scene_linear_to_srgb()
    assert near(color_of(base_color(loaded, tmp_path)), tuple(round(255 * value) for value in linear))


def test_a_data_block_is_what_blender_shows(tmp_path: Path) -> None:
    """Its UV map lies over that: Blender heeds neither EXIF nor profiles."""
    image = Image.new("RGB", (64, 32), (60, 180, 70))
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(image, "JPEG", exif=exif(6), icc_profile=rgb_profile(), quality=98))
    loaded = bpy.data.images.load(str(path))
    for made in (base_color(loaded, tmp_path), references.image(loaded)):
        assert Image.open(made).size == (64, 32)
        assert near(color_of(made)[:3], (60, 180, 70), 4)
    upright = base_color(path, tmp_path / "file")
    assert Image.open(upright).size == (32, 64)
    assert near(color_of(upright), (0, 181, 56), 5)


def test_named_numbers_are_not_converted(tmp_path: Path) -> None:
    flat = encoded(Image.new("RGB", (64, 64), (128, 128, 250)), icc_profile=rgb_profile())
    for name, kept in (("wall_normal.png", True), ("wall_NRM.png", True), ("normal street.png", False)):
        (tmp_path / name).write_bytes(flat)
        assert (tile_of(tmp_path / name, tmp_path) == [128, 128, 250]) is kept, name
    assert "icc_profile" not in Image.open(tmp_path / "tile.png").info


def two_tiles(folder: Path) -> bpy.types.Image:
    for number, color in ((1001, RUST), (1002, (40, 60, 200))):
        Image.new("RGB", (32, 32), color).save(folder / f"rock.{number}.png")
    image = bpy.data.images.load(str(folder / "rock.1001.png"))
    image.source = "TILED"
    image.tiles.new(1002)
    image.name = "rock"
    return image


def test_it_is_told_that_one_tile_is_used(tmp_path: Path) -> None:
    image = two_tiles(tmp_path)
    told = "'rock' has 2 UDIM tiles; only tile 1001 is used."
    assert api.make_maps(image, tmp_path, maps=["height"]).warnings[0] == told
    assert api.make_tile(image, tmp_path / "t.png").warnings[0] == told
    assert references.notice(image) == told
    assert near(color_of(references.image(image)), RUST)
    assert references.notice(bpy.data.images.new("plain", 8, 8)) is None


def on_tile(obj: bpy.types.Object, u: float, v: float) -> None:
    for loop in obj.data.uv_layers.active.uv:
        loop.vector = (loop.vector[0] + u, loop.vector[1] + v)


def selected(obj: bpy.types.Object) -> None:
    for polygon in obj.data.polygons:
        polygon.select = polygon.index == 0


@pytest.mark.parametrize("shift", [(1, 0), (-3, 2), (0, 7)])
def test_faces_beyond_the_edge_lie_where_the_texture_repeats(shift: tuple[int, int]) -> None:
    obj = cube()
    selected(obj)
    wanted = np.asarray(Image.open(references.faces_mask((100, 100))))
    on_tile(obj, *shift)
    found = np.asarray(Image.open(references.faces_mask((100, 100))))
    assert (wanted > 0).any() and ((wanted > 0) == (found > 0)).mean() > 0.99


def test_a_face_across_the_edge_is_on_both_sides() -> None:
    obj = cube()
    selected(obj)
    wanted = np.asarray(Image.open(references.faces_mask((100, 100))))
    on_tile(obj, 0.5, 0)
    found = np.asarray(Image.open(references.faces_mask((100, 100))))
    assert ((np.roll(wanted, 50, axis=1) > 0) == (found > 0)).mean() > 0.97


def test_faces_on_another_tile_of_a_udim_image_are_refused(tmp_path: Path) -> None:
    obj = cube()
    selected(obj)
    material = bpy.data.materials.new("rock")
    if not material.node_tree:
        material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = two_tiles(tmp_path)
    material.node_tree.links.new(node.outputs["Color"], principled(material).inputs["Base Color"])
    obj.data.materials.clear()
    obj.data.materials.append(material)
    references.faces_mask((64, 64))
    on_tile(obj, 1, 0)
    with pytest.raises(SceneError, match="UDIM tile 1002"):
        references.faces_mask((64, 64))


def test_uv_coordinates_that_are_no_numbers_draw_nothing() -> None:
    obj = cube()
    selected(obj)
    for loop in obj.data.uv_layers.active.uv:
        loop.vector = (float("nan"), 0.5)
    assert np.asarray(Image.open(references.faces_mask((16, 16)))).max() == 0


def test_a_sequence_is_its_named_file_and_that_is_told(tmp_path: Path) -> None:
    for number in (1, 2):
        Image.new("RGB", (32, 32), RUST if number == 1 else (0, 0, 0)).save(tmp_path / f"s_{number:04d}.png")
    image = bpy.data.images.load(str(tmp_path / "s_0001.png"))
    image.source = "SEQUENCE"
    before = len(bpy.data.images)
    assert near(color_of(references.image(image)), (*RUST, 255))
    maps = api.make_maps(image, tmp_path, maps=["base_color"], name="y")
    assert near(color_of(maps.maps["base_color"]), RUST)
    assert maps.warnings[0] == f"'{image.name}' is an image sequence; only s_0001.png is used."
    assert len(bpy.data.images) == before


def test_a_movie_is_refused_by_name(tmp_path: Path) -> None:
    image = bpy.data.images.new("clip", 8, 8)
    image.filepath_raw = str(tmp_path / "clip.mp4")
    image.source = "MOVIE"
    with pytest.raises(SceneError, match="movie"):
        references.image(image)
    with pytest.raises(InvalidRequestError, match="movie"):
        api.make_maps(image, tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only Unix has such files")
@pytest.mark.parametrize("verb", ["maps", "tile", "reference", "mask", "markup"])
def test_special_files_end_in_a_sentence(verb: str, run: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero"), tmp_path):
        words: tuple[object, ...] = (verb, path, *([tmp_path / "t.png"] if verb == "tile" else []))
        if verb == "reference":
            words = ("estimate", "x", "--reference", path)
        elif verb in ("mask", "markup"):
            words = ("estimate", "x", "--reference", tmp_path / "a.png", f"--{verb}", path)
        code, output = run(*words)
        assert (code, output["state"]) == (4, "failed"), (verb, path)
        assert "can't be read" in output["error"]["message"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only Unix has such files")
def test_a_data_block_whose_file_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    image = bpy.data.images.new("pipe", 8, 8)
    image.source, image.filepath_raw = "FILE", str(tmp_path / "pipe.png")
    with pytest.raises(SceneError, match="regular file"):
        references.image(image)
    with pytest.raises(InvalidRequestError, match="regular file"):
        api.make_maps(image, tmp_path)


def test_a_linear_colour_space_of_a_file_is_heeded(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (128, 128, 128)).save(tmp_path / "linear.png")
    image = bpy.data.images.load(str(tmp_path / "linear.png"))
    image.colorspace_settings.name = "Linear Rec.709"
    assert near(color_of(references.image(image))[:3], (188, 188, 188))
    assert near(color_of(base_color(image, tmp_path)), (188, 188, 188))


def test_every_other_kind_ends_in_an_image_or_a_sentence(tmp_path: Path) -> None:
    blocks = [
        bpy.data.images.new("generated", 32, 32),
        bpy.data.images.new("stereo", 32, 32, stereo3d=True),
        bpy.data.images.new("tiny", 1, 1),
        bpy.data.images.new("long", 9000, 16),
    ]
    Image.new("RGB", (32, 32)).save(tmp_path / "gone.png")
    blocks.append(bpy.data.images.load(str(tmp_path / "gone.png")))
    (tmp_path / "gone.png").unlink()
    blocks.append(bpy.data.images.load(str(tmp_path / "gone.png"), check_existing=True))
    for image in blocks:
        for work in (
            lambda image=image: references.image(image),
            lambda image=image: api.make_maps(image, tmp_path, maps=["height"]),
        ):
            try:
                work()
            except GptImageError as error:
                assert error.message.endswith(".")


def test_a_maps_image_of_bytes_is_read_from_memory(tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (32, 32), RUST))
    image = bpy.data.images.new("packed", 8, 8)
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    assert color_of(base_color(image, tmp_path)) == list(RUST)
    assert Image.open(io.BytesIO(data)).size == (32, 32)
