"""Maps of painted objects whose image has UDIM tiles: tiled images with the same tiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.imaging.formats import decode
from gpt_image_addon.scene import udim
from gpt_image_addon.scene.targets import replacement
from tests.blender import painted_scenes as scenes

SIZES = {1001: (128, 128), 1002: (64, 96), 1011: (96, 128)}
KINDS = ("normal", "roughness", "ao")
FLAGS = ("--views", "auto", "--provider", "offline", "--size", "256x256")
ROUGHNESS = 0.3


def tiled_image(folder: Path) -> Any:
    for number, (width, height) in SIZES.items():
        Image.new("RGB", (width, height), (number % 200, 90, 60)).save(folder / f"rock.{number}.png")
    image = bpy.data.images.load(str(folder / "rock.1001.png"))
    image.source, image.name = "TILED", "rock"
    image.pack()
    return image


def corner(name: str, tile: int) -> Any:
    """A floor and a wall that share a UDIM tile."""
    mesh = bpy.data.meshes.new(name)
    points = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0), (-1, 1, 2), (1, 1, 2)]
    mesh.from_pydata(points, [], [(0, 1, 2, 3), (3, 2, 5, 4)])
    column, row = (tile - 1001) % 10, (tile - 1001) // 10
    layer = mesh.uv_layers.new()
    for loop, (u, v) in enumerate(((0, 0), (1, 0), (1, 0.5), (0, 0.5), (0, 0.5), (1, 0.5), (1, 1), (0, 1))):
        layer.uv[loop].vector = (column + 0.05 + u * 0.9, row + 0.05 + v * 0.9)
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def two_corners(folder: Path) -> Any:
    """Both wear one image: one on its tiles 1001 and 1011, the other on 1002; returns their material."""
    first, second = corner("First", 1001), corner("Second", 1002)
    second.location.x = 9
    for loop in first.data.polygons[1].loop_indices:
        first.data.uv_layers[0].uv[loop].vector.y += 1
    scenes.wear(first, tiled_image(folder))
    second.data.materials.append(first.active_material)
    shader_of(first.active_material).inputs["Roughness"].default_value = ROUGHNESS
    return first.active_material


def shader_of(material: Any) -> Any:
    return next(one for one in material.node_tree.nodes if one.bl_idname == "ShaderNodeBsdfPrincipled")


def maps_of(material: Any) -> dict[str, Any]:
    shown = {n["gpt_image_kind"]: n.image for n in material.node_tree.nodes if n.get("gpt_image_kind")}
    assert set(shown) == set(KINDS)
    return shown


def files_of(maps: Mapping[str, Any]) -> dict[str, dict[int, bytes]]:
    """What is packed, by kind and tile."""
    return {
        kind: {one.tile_number: bytes(one.packed_file.data) for one in image.packed_files}
        for kind, image in maps.items()
    }


def paint(run: Any, objects: str) -> Any:
    code, output = run("texture", "old red bricks", "--objects", objects, *FLAGS)
    assert code == 0, output
    return output


def test_maps_have_the_tiles_of_the_image(run: Any, tmp_path: Path) -> None:
    material = two_corners(tmp_path)
    images = len(bpy.data.images)
    output = paint(run, "First")
    assert len(bpy.data.images) == images + 4  # the image before stays as well
    maps = maps_of(material)
    shader = shader_of(material)
    assert shader.inputs["Normal"].links[0].from_node.bl_idname == "ShaderNodeNormalMap"
    mix = shader.inputs["Roughness"].links[0].from_node
    for kind, image in maps.items():
        assert image.name == f"rock_{kind}" and image.source == "TILED"
        assert [tile.number for tile in image.tiles] == list(SIZES)
        assert {tile.number: udim.tile_size(image, tile.number) for tile in image.tiles} == SIZES
        assert image.colorspace_settings.is_data and image["gpt_image_job"] == output["job"]
        assert image.filepath_raw == f"//textures/rock_{kind}.<UDIM>.png"
    files = files_of(maps)
    sent = {Path(file).name: Path(file).read_bytes() for file in output["maps"].values()}
    for kind in KINDS:
        assert files[kind][1001] == sent[f"model-1_{kind}.png"]
        assert files[kind][1011] == sent[f"model-2_{kind}.png"]
    # The tile that was not painted looks as before.
    for kind, level in (("normal", (128, 128, 255)), ("roughness", round(ROUGHNESS * 255)), ("ao", 255)):
        assert (decode(files[kind][1002])[..., :3] == level).all()
    levels = [decode(files["roughness"][tile])[..., 0].mean() / 255 for tile in (1001, 1011)]
    mean = next(socket for socket in mix.inputs if socket.identifier == "A_Float").default_value
    assert abs(mean - np.mean(levels)) < 0.05 and abs(mean - ROUGHNESS) > 0.1
    assert decode(files["ao"][1001])[..., 0].min() < 200

    # Another job that paints the other tile leaves these as they are.
    before = files
    paint(run, "Second")
    files = files_of(maps_of(material))
    for kind in KINDS:
        assert {tile: files[kind][tile] for tile in (1001, 1011)} == {
            tile: before[kind][tile] for tile in (1001, 1011)
        }
        assert files[kind][1002] != before[kind][1002]
        assert [image.name for image in maps_of(material).values()] == [f"rock_{kind}" for kind in KINDS]


def test_they_are_used_again_recovered_and_taken_back(run: Any, tmp_path: Path) -> None:
    material = two_corners(tmp_path)
    path = str(tmp_path / "a.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.ed.undo_push(message="before")
    output = paint(run, "First")
    wanted, count = files_of(maps_of(material)), len(bpy.data.images)
    code, again = run("texture", "--again", output["job"])
    assert code == 0, again
    assert files_of(maps_of(material)) == wanted and len(bpy.data.images) == count + 1
    code, softer = run("texture", "--again", output["job"], "--no-fill-gaps", "--steepest", 40)
    assert code == 0 and len(bpy.data.images) == count + 2, softer
    assert [image.name for image in maps_of(material).values()] == [f"rock_{kind}" for kind in KINDS]
    replacement.revert(output["job"])
    name = material.name
    bpy.ops.ed.undo_push(message="painted")
    assert bpy.ops.ed.undo() == {"FINISHED"}
    nodes = bpy.data.materials[name].node_tree.nodes
    assert not any(node.get("gpt_image_kind") for node in nodes)

    bpy.ops.wm.open_mainfile(filepath=path)
    code, found = run("recover", output["job"])
    assert code == 0, found
    recovered = tmp_path / "b.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(recovered))
    api.close()
    bpy.ops.wm.open_mainfile(filepath=str(recovered))
    assert files_of(maps_of(bpy.data.materials[name])) == wanted
