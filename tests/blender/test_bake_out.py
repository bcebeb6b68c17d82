"""What objects show, as files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.stored_pixels import read_png
from tests.blender import painted_scenes as scenes
from tests.blender import test_udim_maps as tiled
from tests.blender.scene_fixtures import description
from tests.blender.test_painted_over_nodes import across, plane, procedural, stripes


def linear(levels: Any) -> Any:
    values = levels / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def read_exr(file: str) -> Any:
    image = bpy.data.images.load(file)
    try:
        return scenes.pixels_of(image) / 255
    finally:
        bpy.data.images.remove(image)


def compared(found: dict[str, Any]) -> dict[str, Any]:
    """A `description`; without users of images where Blender keeps one too many of them of a copied material
    that is gone, as 4.2 does."""
    material = bpy.data.materials.new("counted")
    if material.node_tree is None:
        material.use_nodes = True
    image = bpy.data.images.new("counted", 8, 8)
    material.node_tree.nodes.new("ShaderNodeTexImage").image = image
    bpy.data.materials.remove(material.copy())
    is_counted_right = image.users == 1
    bpy.data.materials.remove(material)
    bpy.data.images.remove(image)
    return found if is_counted_right else found | {"images": [name for name, *_ in found["images"]]}


def test_one_image_is_written_as_it_is_or_resampled(run: Any, tmp_path: Path) -> None:
    obj = plane()
    shown = np.random.default_rng(3).integers(0, 256, (64, 128, 3), np.uint8)
    scenes.textured(obj, pixels=shown)
    (tmp_path / f"{obj.name}_base_color.png").write_text("mine")
    code, output = run("bake", "--objects", obj.name, "--output-dir", tmp_path)
    assert code == 0, output
    file = Path(output["files"][obj.name]["base_color"])
    assert file == tmp_path / f"{obj.name}_base_color 2.png" and output["warnings"]
    assert (tmp_path / f"{obj.name}_base_color.png").read_text() == "mine"
    assert np.array_equal(np.asarray(Image.open(file)), shown)
    code, output = run("bake", "--objects", obj.name, "--output-dir", tmp_path, "--size", 256, "--bits", 16)
    larger = Path(output["files"][obj.name]["base_color"])
    pixels = read_png(larger.read_bytes(), (256, 128))
    assert pixels.dtype == np.uint16 and len(np.unique(pixels % 257)) > 10
    code, output = run("bake", "--objects", obj.name, "--output-dir", tmp_path, "--format", "exr")
    found = read_exr(output["files"][obj.name]["base_color"])
    assert np.abs(found - linear(shown)).max() < 1e-3


def test_what_nodes_make_is_baked(tmp_path: Path) -> None:
    obj = plane()
    procedural(obj)
    before = description()
    made = api.bake_out(obj, tmp_path, size=64, bits=16)
    assert description() == before
    pixels = read_png(Path(made.files[obj.name]["base_color"]).read_bytes(), (64, 64))
    assert pixels.dtype == np.uint16
    assert np.abs(pixels / 257 - stripes(across(64))).max() < 1.5


@pytest.mark.parametrize(
    "parameters", [{"size": 16384}, {"format": "exr", "bits": 8}, {"format": "tif"}, {"bits": 12}]
)
def test_what_can_not_be_is_refused(tmp_path: Path, parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        api.bake_out(plane().name, tmp_path, **parameters)
    assert not any(tmp_path.iterdir())


def test_what_a_result_painted_is_written_with_its_maps(run: Any, tmp_path: Path) -> None:
    bpy.ops.mesh.primitive_cube_add()
    name = bpy.context.object.name
    flags = ("--views", "auto", "--provider", "offline", "--texture-size", 64, "--size", "256x256")
    code, output = run("texture", "rust", "--objects", name, *flags)
    assert code == 0, output
    assert bpy.ops.gpt_image.bake_out(job=output["job"], directory=str(tmp_path / "out"), size="1024") == {
        "FINISHED"
    }
    kinds = ("base_color", "normal", "roughness", "ao")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {f"{name}_{kind}.png" for kind in kinds}
    assert all(Image.open(file).size == (1024, 1024) for file in (tmp_path / "out").iterdir())


def test_all_tiles_of_all_maps_are_written(run: Any, tmp_path: Path) -> None:
    material = tiled.two_corners(tmp_path)
    painted = tiled.paint(run, "First")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "First_ao.1002.png").write_text("mine")
    code, output = run("bake", "--objects", "First", "--output-dir", folder)
    assert code == 0, output
    begins = {"base_color": "First_base_color", "normal": "First_normal", "roughness": "First_roughness"}
    begins["ao"] = "First_ao 2"  # all its tiles, for one name is taken
    found = {name: Path(file) for name, file in output["files"]["First"].items()}
    assert {name: file.name for name, file in found.items()} == {
        f"{kind}.{tile}": f"{begin}.{tile}.png" for kind, begin in begins.items() for tile in tiled.SIZES
    }
    assert output["udim"]["First"] == {
        kind: str(folder / f"{begin}.<UDIM>.png") for kind, begin in begins.items()
    }
    assert output["warnings"] and (folder / "First_ao.1002.png").read_text() == "mine"
    base = bpy.data.images["rock"]
    packed = tiled.files_of({"base_color": base, **tiled.maps_of(material)})
    for kind, tiles in packed.items():
        for tile, size in tiled.SIZES.items():
            written = Image.open(found[f"{kind}.{tile}"])
            assert written.size == size
            assert np.array_equal(written, Image.open(io.BytesIO(tiles[tile])))
    assert bpy.ops.gpt_image.bake_out(job=painted["job"], directory=str(folder), size="1024") == {"FINISHED"}
    for kind, begin in begins.items():  # in place of what was written before
        assert max(Image.open(folder / f"{begin}.1011.png").size) == 1024, kind
    assert len(list(folder.iterdir())) == 1 + len(found)


def test_tiles_whose_color_nodes_make_are_baked_one_by_one(tmp_path: Path) -> None:
    material = tiled.two_corners(tmp_path)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = tiled.shader_of(material)
    mixed = nodes.new("ShaderNodeInvert")
    links.new(shader.inputs["Base Color"].links[0].from_socket, mixed.inputs["Color"])
    links.new(mixed.outputs["Color"], shader.inputs["Base Color"])
    before = description()
    files = api.bake_out("First", tmp_path / "out").files["First"]
    assert compared(description()) == compared(before)
    assert set(files) == {"base_color.1001", "base_color.1011"}
    for tile, height in ((1001, 0.75), (1011, 0.25)):  # a face covers the half of each
        pixels = np.asarray(Image.open(files[f"base_color.{tile}"])).astype(int)
        side = max(tiled.SIZES[tile])
        assert pixels.shape[:2] == (side, side)
        wanted = linear(np.array((tile % 200, 90, 60)))
        found = linear(pixels[round(height * side), side // 2])
        assert np.abs(found - (1 - wanted)).max() < 0.01
        assert not pixels[round((1 - height) * side), side // 2].any()
