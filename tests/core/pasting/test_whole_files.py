"""Whole images in the formats that keep every pixel, and what is refused because one would not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.pasting.whole_files import FORMATS, LOSSY, OPAQUE, check_format, encode_whole

LOSSLESS = [suffix for suffix, kind in FORMATS.items() if kind not in ("PNG", "JPEG")]


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_pixel_stays(suffix: str, channels: int) -> None:
    if channels in (2, 4) and FORMATS[suffix] in OPAQUE:
        with pytest.raises(InvalidRequestError):
            check_format(suffix, "a", (9, 7), channels, 8)
        return
    pixels = np.random.default_rng(1).integers(0, 256, (7, 9, channels), np.uint8)
    assert check_format(suffix, "a", (9, 7), channels, 8) == ()
    after = np.atleast_3d(np.asarray(Image.open(io.BytesIO(encode_whole(pixels, suffix, None)))))
    if FORMATS[suffix] == "WEBP" and channels < 3:
        pixels = np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    assert np.array_equal(after, pixels)


def test_a_color_profile_goes_along() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    for suffix in (".tif", ".webp", ".jpg"):
        made = Image.open(io.BytesIO(encode_whole(pixels, suffix, b"profile")))
        assert made.info["icc_profile"] == b"profile", suffix


@pytest.mark.parametrize(
    ("suffix", "size", "channels", "bits", "reason"),
    [
        (".tif", (9, 7), 3, 16, "16 bits"),
        (".jpg", (9, 7), 4, 8, "transparency"),
        (".gif", (9, 7), 3, 8, "is written as .png, .tif"),
        (".webp", (16384, 7), 3, 8, "is larger than a can be"),
    ],
)
def test_what_a_format_would_lose_is_refused(
    suffix: str, size: tuple[int, int], channels: int, bits: int, reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        check_format(suffix, "a", size, channels, bits)


def test_a_jpeg_is_said_to_change() -> None:
    assert check_format(".jpeg", "a", (9, 7), 1, 8) == (LOSSY,)
    assert check_format(".png", "a", (9, 7), 4, 16) == ()
