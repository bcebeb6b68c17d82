"""Edits of a UDIM image: one tile is sent, and takes its place in the image; the others stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import inpainting, references
from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.imaging.formats import decode
from gpt_image_addon.scene import udim
from gpt_image_addon.ui.references import images
from tests.api_server import ApiServer
from tests.blender.scene_fixtures import cube, reopen
from tests.core.editing import simulated

from .test_region_edits import follow, mask_of, texture

SIZES = {1001: (320, 320), 1002: (512, 384), 1011: (256, 256)}
NUMBERS = tuple(SIZES)
Pixels = NDArray[Any]


@pytest.fixture(autouse=True)
def alone(factory_file: None) -> Iterator[None]:
    api.close()
    yield
    api.close()


@pytest.fixture
def answering(online: ApiServer) -> Iterator[ApiServer]:
    online.options.edits = follow(simulated.wrong(3, hard=False))
    yield online
    online.options.edits = None


def tile_pixels(number: int) -> Pixels:
    return np.roll(texture(SIZES[number]), number, axis=(0, 1))


def tiled(folder: Path, *, packed: bool = False) -> bpy.types.Image:
    """Three tiles of three sizes, on the sides of a cube."""
    for number in NUMBERS:
        Image.fromarray(tile_pixels(number)).save(folder / f"rock.{number}.png")
    image = bpy.data.images.load(str(folder / "rock.1001.png"))
    image.source, image.name = "TILED", "rock"
    if packed:
        image.pack()
        for number in NUMBERS:
            (folder / f"rock.{number}.png").unlink()
    obj = cube(material="Stone")
    node = obj.active_material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    assert [tile.number for tile in image.tiles] == list(NUMBERS)
    return image


def shown_image() -> bpy.types.Image:
    nodes = bpy.data.materials["Stone"].node_tree.nodes
    return next(node.image for node in nodes if node.bl_idname == "ShaderNodeTexImage")


def pixels_of(image: bpy.types.Image, folder: Path) -> dict[int, Pixels]:
    """What Blender shows of each tile."""
    return {
        tile.number: decode(
            udim.export_tile(image, tile.number, folder / f"seen.{tile.number}.png").read_bytes()
        )
        for tile in image.tiles
    }


def select_face_on(obj: bpy.types.Object, tile: int) -> None:
    """One face selected, over the middle of a tile."""
    column, row = (tile - 1001) % 10, (tile - 1001) // 10
    corners = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6))
    for polygon in obj.data.polygons:
        polygon.select = polygon.index == 0
    for corner, (u, v) in zip(obj.data.polygons[0].loop_indices, corners, strict=True):
        obj.data.uv_layers.active.uv[corner].vector = (u + column, v + row)


def ask(image: bpy.types.Image, mask: str) -> Any:
    values = bpy.context.scene.gpt_image
    values.provider, values.prompt, values.quality, values.target = "openai", "a red door", "low", "image"
    bpy.ops.gpt_image.add_reference(kind="image", image=image.name)
    values.mask = mask
    return values


def changed(before: Pixels, after: Pixels) -> Pixels:
    return (before[..., :3] != after[..., :3]).any(-1)


@pytest.mark.parametrize("packed", [False, True])
def test_selected_faces_change_their_tile_alone(answering: ApiServer, tmp_path: Path, packed: bool) -> None:
    image = tiled(tmp_path, packed=packed)
    before = pixels_of(image, tmp_path)
    select_face_on(bpy.context.active_object, 1002)
    ask(image, "faces")
    bpy.ops.gpt_image.generate()
    after = shown_image()
    assert after != image and after.name == "rock" and after.source == "TILED"
    seen = pixels_of(after, tmp_path)
    assert list(seen) == list(NUMBERS)
    assert np.array_equal(seen[1001], before[1001]) and np.array_equal(seen[1011], before[1011])
    different = changed(before[1002], seen[1002])
    left, right, top, bottom = 204, 308, 153, 231  # of the face, with the pixel that its outline is drawn on
    assert different[top + 10 : bottom - 10, left + 10 : right - 10].mean() > 0.9
    different[top:bottom, left:right] = False
    assert not different.any()


def test_a_tile_goes_back_and_survives_saving(answering: ApiServer, tmp_path: Path) -> None:
    image = tiled(tmp_path, packed=True)
    before = pixels_of(image, tmp_path)
    image.tiles.active_index = 2
    values = ask(image, "rectangle")
    values.mask_rectangle = (0.3, 0.3, 0.7, 0.7)
    bpy.ops.gpt_image.generate()
    job = api.jobs()[-1].id
    edited = pixels_of(shown_image(), tmp_path)
    assert changed(before[1011], edited[1011]).any() and np.array_equal(edited[1001], before[1001])
    reopen(tmp_path / "saved.blend")
    kept = pixels_of(shown_image(), tmp_path)
    assert all(np.array_equal(kept[number], edited[number]) for number in NUMBERS)
    inpainting.revert(job)
    back = pixels_of(shown_image(), tmp_path)
    assert all(np.array_equal(back[number], before[number]) for number in NUMBERS)


def test_a_second_edit_goes_on_from_the_first(answering: ApiServer, tmp_path: Path) -> None:
    image = tiled(tmp_path)
    values = ask(image, "rectangle")
    values.mask_rectangle = (0.3, 0.3, 0.7, 0.7)
    for index in (0, 2):
        shown_image().tiles.active_index = index
        bpy.ops.gpt_image.generate()
    after = pixels_of(shown_image(), tmp_path)
    assert [changed(tile_pixels(number), after[number]).any() for number in NUMBERS] == [True, False, True]


def test_what_was_painted_on_tiles_is_sent_and_stays(tmp_path: Path) -> None:
    image = tiled(tmp_path)
    image.pixels[0] = 1 - image.pixels[0]
    assert image.is_dirty
    first = decode(udim.export_tile(image, 1001, tmp_path / "a.png").read_bytes())
    assert changed(tile_pixels(1001), first).sum() == 1
    assert image.is_dirty and image.filepath_raw == str(tmp_path / "rock.<UDIM>.png")


@pytest.mark.parametrize("packed", [False, True])
def test_the_chosen_tile_is_the_reference(tmp_path: Path, packed: bool) -> None:
    image = tiled(tmp_path, packed=packed)
    image.tiles.active_index = 1
    assert np.array_equal(decode(Path(references.image(image)).read_bytes())[..., :3], tile_pixels(1002))
    assert references.notice(image) == "'rock' has 3 UDIM tiles; only tile 1002 is used."
    assert references.shown_size(image) == SIZES[1002]


def test_what_can_not_be_put_back_is_refused_before_it_is_sent(online: ApiServer, tmp_path: Path) -> None:
    image = tiled(tmp_path)
    obj = bpy.context.active_object
    values = ask(image, "faces")
    for tile, reason in ((1003, "no UDIM tile 1003"), (999, "on no UDIM tile")):
        select_face_on(obj, tile)
        with pytest.raises(RuntimeError, match=reason):
            bpy.ops.gpt_image.generate()
    select_face_on(obj, 1001)
    obj.data.polygons[3].select = True
    for corner in obj.data.polygons[3].loop_indices:
        obj.data.uv_layers.active.uv[corner].vector = (1.5, 0.5)
    with pytest.raises(RuntimeError, match="on several"):
        bpy.ops.gpt_image.generate()
    obj.data.polygons[3].select = False
    (tmp_path / "rock.1011.png").unlink()
    with pytest.raises(RuntimeError, match="tile 1011 of 'rock' has no pixels"):
        bpy.ops.gpt_image.generate()
    with pytest.raises(SceneError, match="selected faces as the mask"):
        inpainting.begin_mask(image)
    assert images.tiled_image(values) == image and not online.image_requests


def test_a_tile_is_edited_as_a_file(run: Any, answering: ApiServer, tmp_path: Path) -> None:
    tiled(tmp_path)
    stored = {number: (tmp_path / f"rock.{number}.png").read_bytes() for number in NUMBERS}
    mask = mask_of(tmp_path, (200, 150, 300, 230), size=SIZES[1002])
    words = ("generate", "a red door", "--reference", tmp_path / "rock.1002.png", "--mask", mask)
    code, output = run(
        *words,
        "--provider",
        "openai",
        "--quality",
        "low",
        "--target",
        "image",
        "--textures-dir",
        tmp_path / "c",
    )
    assert code == 0, output
    (copy,) = (tmp_path / "c").iterdir()
    different = changed(tile_pixels(1002), np.asarray(Image.open(copy)))
    assert different.any()
    different[150:230, 200:300] = False
    assert not different.any()
    assert all((tmp_path / f"rock.{number}.png").read_bytes() == data for number, data in stored.items())
