"""What a server sends is kept as it came; what goes into a scene is upright and in sRGB."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.imaging.formats import encode_png
from gpt_image_addon.core.imaging.thumbnails import make_preview, write_thumbnail
from gpt_image_addon.core.jobs.postprocess import prepare
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import PreparedResult
from tests.core.profiled import encoded, exif, rgb_profile

REQUEST = GenerationRequest(prompt="wall", provider="openai")
IMAGE = Application(target="image")
RED, BLUE = (220, 40, 40), (40, 60, 200)


def lying() -> Image.Image:
    """Stored on its side; seen upright it is 64 wide and 96 high, red over blue."""
    upright = Image.new("RGB", (64, 96), BLUE)
    upright.paste(RED, (0, 0, 64, 48))
    return upright.transpose(Image.Transpose.ROTATE_90)


def folder_with(root: Path, data: bytes, kind: str, **files: bytes) -> Path:
    folder = root / "2026-01" / "abc"
    folder.mkdir(parents=True)
    (folder / f"image-1.{kind}").write_bytes(data)
    for name, more in files.items():
        (folder / name.replace("_png", ".png")).write_bytes(more)
    (folder / "answer.json").write_text(json.dumps({"cost_usd": 0.1, "warnings": []}))
    return folder


def made(
    folder: Path, request: GenerationRequest = REQUEST, application: Application = IMAGE
) -> PreparedResult:
    return prepare(folder.name, request, application, folder)


def pixels_of(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("target", ["image", "texture", "plane"])
def test_a_turned_photo_comes_upright_and_its_bytes_stay(tmp_path: Path, target: str) -> None:
    data = encoded(lying(), "JPEG", exif=exif(6), quality=95)
    folder = folder_with(tmp_path, data, "jpeg")
    (image,) = made(folder, application=Application(target=target)).images  # type: ignore[arg-type]
    assert (image.format, image.width, image.height) == ("png", 64, 96)
    pixels = pixels_of(image.data)
    assert pixels[5, 5, 0] > 180 and pixels[-5, 5, 2] > 150
    assert Path(image.received_file).read_bytes() == data
    assert Path(image.file).read_bytes() == image.data != data


def test_a_wide_gamut_comes_in_srgb_with_its_maps(tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 64), (60, 180, 70))
    folder = folder_with(tmp_path, encoded(image, icc_profile=rgb_profile()), "png")
    prepared = made(folder, application=Application(target="image", maps=("base_color",)))
    assert np.abs(pixels_of(prepared.images[0].data) - (0, 181, 56)).max() <= 3
    assert prepared.maps["base_color"].width == 64


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_usual_images_are_handed_on_bit_by_bit(tmp_path: Path, kind: str) -> None:
    data = encoded(Image.new("RGB", (64, 64), RED), kind.upper())
    (image,) = made(folder_with(tmp_path, data, kind)).images
    assert image.data == data and image.source == ""


def test_of_an_animation_the_first_frame_comes(tmp_path: Path) -> None:
    more = [Image.new("RGB", (64, 64), BLUE)]
    data = encoded(Image.new("RGB", (64, 64), RED), "WEBP", save_all=True, append_images=more, lossless=True)
    prepared = made(folder_with(tmp_path, data, "webp"))
    assert prepared.images[0].format == "png"
    assert pixels_of(prepared.images[0].data)[0, 0].tolist() == list(RED)
    assert prepared.warnings == ("Only the first frame of 'wall' is used.",)


def test_an_edit_is_put_back_as_it_is_seen(tmp_path: Path) -> None:
    original = np.zeros((96, 64, 3), np.uint8)
    original[:] = BLUE
    mask = np.full((96, 64, 4), 255, np.uint8)
    mask[:48, :, 3] = 0
    files = {"original_png": encode_png(original), "mask_png": encode_png(mask)}
    data = encoded(lying(), "JPEG", exif=exif(6), quality=95)
    folder = folder_with(tmp_path, data, "jpeg", **files)
    (image,) = made(folder, replace(REQUEST, references=("a.png",), mask="m.png")).images
    pixels = pixels_of(image.data)
    assert pixels.shape == (96, 64, 3)
    assert pixels[10, 30, 0] > 150
    assert (pixels[48:] == BLUE).all()


def test_small_copies_are_upright_too(tmp_path: Path) -> None:
    path = tmp_path / "image-1.jpeg"
    path.write_bytes(encoded(lying(), "JPEG", exif=exif(6), quality=95))
    write_thumbnail(path)
    with Image.open(tmp_path / "thumbnail-image-1.png") as small:
        assert small.size == (64, 96) and small.getpixel((5, 5))[0] > 180
    preview = make_preview(1, path.read_bytes())
    assert preview is not None and (preview.width, preview.height) == (64, 96)
    assert preview.pixels[0] < 0.3 < 0.7 < preview.pixels[-4]  # from the lowest row up
