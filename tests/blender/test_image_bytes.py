"""The files of image data-blocks: read and replaced without a look at `pixels`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.imaging.stored_pixels import read_png
from gpt_image_addon.core.pasting.boxes import Box
from gpt_image_addon.core.pasting.edited_files import cut, paste_bytes
from gpt_image_addon.core.pasting.image_source import inspect_source
from gpt_image_addon.core.pasting.patches import make_patch
from gpt_image_addon.scene.image_bytes import image_file

pytestmark = pytest.mark.usefixtures("factory_file")
WIDTH, HEIGHT = 48, 64
BOX = Box(10, 20, 16, 12)
Pixels = NDArray[Any]


def noise(channels: int = 4, dtype: type = np.uint8) -> Pixels:
    top = np.iinfo(dtype).max
    return np.random.default_rng(1).integers(0, top + 1, (HEIGHT, WIDTH, channels)).astype(dtype)


def packed(data: bytes) -> bpy.types.Image:
    image = bpy.data.images.new("atlas", 8, 8)
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    image.filepath_raw = "//textures/atlas.png"
    return image


def shown(image: bpy.types.Image) -> Pixels:
    """What Blender has in memory, top row first."""
    pixels = np.empty(WIDTH * HEIGHT * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    return np.rint(pixels.reshape(HEIGHT, WIDTH, -1)[::-1] * 255).astype(np.uint8)


def dot(image: bpy.types.Image) -> None:
    """Paint the lower left pixel white."""
    image.pixels[:4] = (1, 1, 1, 1)
    image.update()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_edit_of_a_packed_image(dtype: type) -> None:
    before = noise(4, dtype)
    image = packed(encode_png(before))
    data = image_file(image)
    assert data == encode_png(before)
    found = inspect_source(data, image.name, turns=False)
    assert found.size == tuple(image.size)
    patch = make_patch(BOX, np.full((BOX.height, BOX.width, 3), 99, dtype), np.ones((BOX.height, BOX.width)))
    after = read_png(paste_bytes(found, [patch]), (WIDTH, HEIGHT))
    wanted = before.copy()
    wanted[BOX.top : BOX.bottom, BOX.left : BOX.right, :3] = 99
    assert np.array_equal(after, wanted)


def test_a_file_on_the_disk_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "atlas.png"
    file.write_bytes(encode_png(noise()))
    image = bpy.data.images.load(str(file))
    assert image_file(image) == file
    shown(image)
    assert image_file(image) == file and not image.packed_file


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_was_painted_is_in_the_file_and_still_unsaved(kind: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(noise(3)).save(stream, kind)
    image = packed(stream.getvalue())
    before = shown(image)
    dot(image)
    data = image_file(image)
    assert isinstance(data, bytes) and data.startswith(b"\x89PNG")
    (found,) = cut(inspect_source(data, "atlas"), [Box(0, 0, WIDTH, HEIGHT)])
    assert found[-1, 0, :3].tolist() == [255, 255, 255]
    assert np.array_equal(found[:-1, :, :3], before[:-1, :, :3])
    assert image.is_dirty and image.file_format == kind and image.filepath == "//textures/atlas.png"
    assert bytes(image.packed_file.data) == stream.getvalue()


@pytest.mark.parametrize("painted", [False, True])
def test_a_generated_image(painted: bool) -> None:
    image = bpy.data.images.new("mask", WIDTH, HEIGHT, alpha=True)
    image.generated_color = (0.2, 0.4, 0.6, 1)
    if painted:
        dot(image)
    data = image_file(image)
    assert image.source == "GENERATED" and image.is_dirty == painted
    (found,) = cut(inspect_source(data, "mask"), [Box(0, 0, WIDTH, HEIGHT)])
    assert (found[-1, 0, 0] == 255) == painted


def test_what_is_no_single_image_or_gone(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="single image"):
        image_file(bpy.data.images.new("tiles", 8, 8, tiled=True))
    file = tmp_path / "gone.png"
    file.write_bytes(encode_png(noise()))
    image = bpy.data.images.load(str(file))
    file.unlink()
    with pytest.raises(SceneError, match="missing"):
        image_file(image)
