"""Objects whose image has UDIM tiles, painted: each tile is an image of its own, the others stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.scene.targets import replacement
from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes
from tests.blender.test_udim_edits import NUMBERS, SIZES, pixels_of, tile_pixels

FLAGS = ("--quality", "low", "--provider", "openai", "--size", "816x816")


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    yield online
    online.options.edits = None


def tiled_plane(folder: Path, *, packed: bool) -> tuple[Any, Any]:
    """A plane of three strips, each on a tile of its own, and a fourth on one that the image lacks."""
    for number in NUMBERS:
        Image.fromarray(tile_pixels(number)).save(folder / f"rock.{number}.png")
    image = bpy.data.images.load(str(folder / "rock.1001.png"))
    image.source, image.name = "TILED", "rock"
    if packed:
        image.pack()
    mesh = bpy.data.meshes.new("Strips")
    corners, faces = [], []
    for strip in range(4):
        at = len(corners)
        corners += [(strip - 2, 0, -1), (strip - 1, 0, -1), (strip - 1, 0, 1), (strip - 2, 0, 1)]
        faces.append((at, at + 1, at + 2, at + 3))
    mesh.from_pydata(corners, [], faces)
    layer = mesh.uv_layers.new()
    for strip, (column, row) in enumerate(((0, 0), (1, 0), (0, 1), (5, 0))):
        for corner, (u, v) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
            layer.uv[strip * 4 + corner].vector = (column + u, row + v)
    obj = bpy.data.objects.new("Strips", mesh)
    bpy.context.scene.collection.objects.link(obj)
    scenes.wear(obj, image)
    return obj, image


def answer(first: bytes, mask: bytes | None) -> Image.Image:
    """The guide with a wave on what is not background."""
    return scenes.painted()(first, mask)


@pytest.mark.parametrize("packed", [False, True])
def test_each_tile_is_painted_and_comes_back(
    run: Any, server: ApiServer, tmp_path: Path, packed: bool
) -> None:
    scenes.camera((0, -6, 0))
    obj, image = tiled_plane(tmp_path, packed=packed)
    before = pixels_of(image, tmp_path)
    server.options.edits = answer
    code, output = run("texture", "copper", "--objects", "Strips", *FLAGS, "--views", "camera")
    assert code == 0, output
    assert any("UDIM tile 1006" in text for text in output["warnings"])
    assert [(one["width"], one["height"]) for one in output["images"]] == list(SIZES.values())
    shown = bpy.data.images["rock"]
    assert shown.source == "TILED" and [tile.number for tile in shown.tiles] == list(NUMBERS)
    after = pixels_of(shown, tmp_path)
    for number in NUMBERS:
        assert after[number].shape[:2] == before[number].shape[:2]
        assert (after[number][..., :3] != before[number][..., :3]).any(axis=-1).mean() > 0.9
    # The wave goes on from strip to strip as it does in the answer.
    sent = np.asarray(Image.open(output["images"][0]["file"]).convert("RGB")).astype(int)
    found = np.hstack([np.asarray(Image.fromarray(after[n][..., :3]).resize((256, 256))) for n in NUMBERS])
    columns = np.flatnonzero(scenes.outline(sent)[408])
    row = sent[408, columns[0] : columns[0] + len(columns) * 3 // 4]
    places = (np.arange(768) + 0.5) / 768 * len(row)
    wanted = row[np.clip(places.astype(int), 0, len(row) - 1)]
    inner = np.abs(np.arange(768) % 256 - 128) < 110
    assert np.abs(found[128].astype(int) - wanted)[inner].mean() < 8
    for face in obj.data.polygons:
        face.select = face.index == 1
    replacement.revert(output["job"])
    assert bpy.data.images["rock"] == image
    code, part = run(
        "texture", "tin", "--objects", "Strips", *FLAGS, "--views", "camera", "--faces", "selected"
    )
    assert code == 0 and [one["width"] for one in part["images"]] == [SIZES[1002][0]]
    last = pixels_of(bpy.data.images["rock"], tmp_path)
    for number in (1001, 1011):
        assert np.array_equal(last[number], before[number])
    assert not np.array_equal(last[1002], before[1002])
