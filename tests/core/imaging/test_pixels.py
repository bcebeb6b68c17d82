"""Pixels of whatever file somebody has."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.pixels import eight_bit_color, read_pixels, resized
from gpt_image_addon.core.imaging.png_writer import encode_png

DICE = np.random.default_rng(7)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_png_gives_all_its_bits(channels: int, dtype: Any) -> None:
    pixels = DICE.integers(0, np.iinfo(dtype).max, (21, 34, channels), dtype)
    found = read_pixels(encode_png(pixels), "x")
    assert found.dtype == dtype
    assert np.array_equal(found, pixels)


def test_an_interlaced_16_bit_png_gives_all_its_bits() -> None:
    grey = DICE.integers(0, 65536, (24, 24), np.uint16)
    found = read_pixels(encoded(Image.fromarray(grey)), "x")
    assert np.array_equal(found[..., 0], grey)


@pytest.mark.parametrize(
    ("mode", "kind", "channels"),
    [
        ("1", "PNG", 1),
        ("L", "JPEG", 1),
        ("LA", "PNG", 2),
        ("P", "PNG", 3),
        ("P", "GIF", 3),
        ("RGB", "WEBP", 3),
        ("RGBA", "PNG", 4),
        ("RGBA", "TIFF", 4),
        ("CMYK", "JPEG", 3),
        ("LAB", "TIFF", 3),
    ],
)
def test_every_usual_mode_is_read(mode: str, kind: str, channels: int) -> None:
    image = Image.fromarray(DICE.integers(0, 255, (17, 19, 4), np.uint8), "RGBA")
    image = image.convert("RGB").convert(mode) if mode not in ("RGBA", "LA") else image.convert(mode)
    found = read_pixels(encoded(image, kind), "x")
    assert found.shape == (17, 19, channels)
    assert found.dtype == np.uint8
    assert eight_bit_color(found).shape[2] == (4 if channels in (2, 4) else 3)


def test_a_palette_with_a_transparent_colour_has_alpha() -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((0, 0), 0)
    found = read_pixels(encoded(image, transparency=0), "x")
    assert found[0, 0].tolist() == [255, 0, 0, 0]
    assert found[1, 1].tolist() == [0, 255, 0, 255]


def test_opaque_alpha_is_dropped() -> None:
    assert read_pixels(encoded(Image.new("RGBA", (16, 16), (1, 2, 3, 255))), "x").shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an image"),
        (b"not an image at all", "not an image"),
        (encoded(Image.new("RGB", (64, 64)))[:60], "not an image"),
        (encoded(Image.new("L", (15, 40))), "15 x 40"),
        (encoded(Image.new("1", (8193, 16))), "8193 x 16"),
        (encoded(Image.new("F", (16, 16)), "TIFF"), "floating-point"),
    ],
)
def test_what_cannot_be_worked_on_is_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words) as caught:
        read_pixels(data, "wall.png")
    assert "wall.png" in caught.value.message
    assert caught.value.param == "picture"


def test_the_smallest_and_an_odd_image_are_read() -> None:
    assert read_pixels(encoded(Image.new("L", (16, 16))), "x").shape == (16, 16, 1)
    assert read_pixels(encoded(Image.new("RGB", (31, 8192))), "x").shape == (8192, 31, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_tiles_still_tiles_at_another_size(dtype: Any) -> None:
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    top = np.iinfo(dtype).max
    wave = ((0.5 + 0.4 * np.sin(angle)[:, None] * np.sin(2 * angle)) * top).astype(dtype)[..., None]
    found = resized(wave, (100, 81), wraps=True)
    assert found.shape == (81, 100, 1)
    assert found.dtype == dtype
    values = found[..., 0].astype(np.float64) / top
    inside = np.abs(np.diff(values, axis=0)).max(), np.abs(np.diff(values, axis=1)).max()
    assert np.abs(values[-1] - values[0]).max() <= inside[0] * 1.05
    assert np.abs(values[:, -1] - values[:, 0]).max() <= inside[1] * 1.05
