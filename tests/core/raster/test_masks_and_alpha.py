"""Masks, and transparency that is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.formats import decode, encode_png
from gpt_image_addon.core.imaging.masks import STROKES, editable_part, load_mask
from gpt_image_addon.core.raster.alpha import bleed, has_checkerboard, problem
from gpt_image_addon.core.raster.push_pull import push_pull

Pixels = NDArray[np.uint8]


def picture(height: int = 96, width: int = 128, channels: int = 3, seed: int = 1) -> Pixels:
    rng = np.random.default_rng(seed)
    smooth = np.add.outer(np.linspace(40, 120, height), np.linspace(0, 80, width))[..., None]
    return np.clip(smooth + rng.integers(-9, 10, (height, width, channels)), 0, 255).astype(np.uint8)


def block(height: int = 96, width: int = 128) -> NDArray[np.bool_]:
    editable = np.zeros((height, width), bool)
    editable[30:70, 40:100] = True
    return editable


def test_masks_of_both_kinds_say_the_same(tmp_path: Path) -> None:
    editable = block()
    white = tmp_path / "white.png"
    white.write_bytes(encode_png(np.repeat(editable[..., None] * np.uint8(255), 3, axis=-1)))
    clear = tmp_path / "clear.png"
    alpha = np.where(editable, 0, 255).astype(np.uint8)
    clear.write_bytes(encode_png(np.dstack([picture(), alpha])))
    for path in (white, clear):
        upload = load_mask(path, (128, 96))
        mask = decode(upload.data)
        assert (upload.mime, upload.notes, mask.shape) == ("image/png", (), (96, 128, 4))
        assert (editable_part(mask) == editable).all()
        assert set(np.unique(mask[..., 3])) == {0, 255}


def layer(paint: int, ground: int, alpha: NDArray[np.bool_], channels: int = 3) -> Pixels:
    """A layer of one shade where it is opaque, and of another one beneath what is transparent."""
    shade = np.where(alpha, paint, ground).astype(np.uint8)
    return np.dstack([*[shade] * channels, np.where(alpha, 255, 0).astype(np.uint8)])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("ground", [0, 255])
def test_white_strokes_on_a_transparent_layer_are_what_may_change(
    tmp_path: Path, ground: int, channels: int
) -> None:
    """As painting programs export a layer: transparent is what nobody painted."""
    editable = block()
    path = tmp_path / "strokes.png"
    path.write_bytes(encode_png(layer(255, ground, editable, channels)))
    upload = load_mask(path, (128, 96))
    assert (editable_part(decode(upload.data)) == editable).all()
    assert upload.notes == (STROKES,)


@pytest.mark.parametrize(
    "mask",
    [
        layer(255, 255, ~block()),  # a hole cut into a white image
        layer(200, 0, ~block()),  # grey is no paint of a mask
        layer(0, 0, ~block()),
        layer(0, 255, ~block()),
    ],
)
def test_a_hole_in_an_image_is_what_may_change(tmp_path: Path, mask: Pixels) -> None:
    path = tmp_path / "hole.png"
    path.write_bytes(encode_png(mask))
    upload = load_mask(path, (128, 96))
    assert (editable_part(decode(upload.data)) == block()).all() and upload.notes == ()


def test_a_mask_takes_the_references_size(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(encode_png(block().astype(np.uint8) * 255))
    upload = load_mask(path, (256, 192))
    assert (upload.width, upload.height) == (256, 192)
    assert "resized from 128x96" in upload.notes[0]
    assert editable_part(decode(upload.data)).mean() == pytest.approx(block().mean(), abs=0.01)


@pytest.mark.parametrize(("value", "code"), [(0, "empty_mask"), (255, "full_mask")])
def test_masks_that_say_nothing_are_refused(tmp_path: Path, value: int, code: str) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(encode_png(np.full((32, 32, 3), value, np.uint8)))
    with pytest.raises(InvalidRequestError) as caught:
        load_mask(path, (32, 32))
    assert (caught.value.param, caught.value.code) == ("mask", code)


def checkerboard(field: int, dark: int = 204, light: int = 255, size: int = 1024) -> Pixels:
    parity = np.add.outer(np.arange(size) // field, np.arange(size) // field) % 2
    return np.repeat(np.where(parity, light, dark).astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize("field", [12, 16, 20, 32, 50])
@pytest.mark.parametrize("greys", [(204, 255), (102, 153)])
def test_a_painted_checkerboard_is_seen(field: int, greys: tuple[int, int]) -> None:
    pixels = checkerboard(field, *greys)
    noise = np.random.default_rng(field).integers(-4, 5, pixels.shape)
    pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    pixels[300:700, 300:700] = (180, 40, 40)
    assert has_checkerboard(pixels)
    assert "checkerboard" in str(problem(pixels))


def test_other_pictures_are_no_checkerboard() -> None:
    rng = np.random.default_rng(5)
    stripes = np.repeat((np.arange(512) // 16 % 2 * 50 + 180).astype(np.uint8)[None, :], 512, 0)
    for grey in (
        rng.integers(0, 255, (512, 512)).astype(np.uint8),
        np.full((512, 512), 255, np.uint8),
        stripes,
    ):
        pixels = np.repeat(grey[..., None], 3, axis=-1)
        assert not has_checkerboard(pixels)
        assert problem(pixels) == "The image came back without transparency."


def test_real_transparency_is_no_problem() -> None:
    pixels = np.dstack([picture(), np.full((96, 128), 254, np.uint8)])
    assert problem(pixels) is not None
    pixels[:10, :, 3] = 0
    assert problem(pixels) is None


def test_colour_bleeds_under_alpha() -> None:
    pixels = np.zeros((64, 96, 4), np.uint8)
    pixels[..., :3] = (0, 255, 0)  # garbage
    pixels[20:40, 30:60] = (200, 30, 30, 255)
    result = bleed(pixels)
    assert (result[..., 3] == pixels[..., 3]).all()
    assert (result[20:40, 30:60] == pixels[20:40, 30:60]).all()
    assert np.abs(result[..., :3].astype(int) - (200, 30, 30)).max() <= 2


def test_an_opaque_picture_is_left_alone() -> None:
    pixels = np.dstack([picture(), np.full((96, 128), 255, np.uint8)])
    assert bleed(pixels) is pixels


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 3), (64, 64), (65, 33)])
def test_filling_reaches_everything(shape: tuple[int, int]) -> None:
    weight = np.zeros(shape, np.float32)
    weight[0, 0] = 1
    values = np.where(weight[..., None] > 0, 7.0, -99.0).astype(np.float32)
    assert np.allclose(push_pull(values, weight), 7.0, atol=1e-3)
    assert (push_pull(values, np.zeros(shape, np.float32)) == 0).all()
