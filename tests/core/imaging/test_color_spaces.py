"""Colours of images that are not sRGB, as sRGB."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from gpt_image_addon.core.imaging.decoding import decode_image
from gpt_image_addon.core.imaging.formats import decode
from gpt_image_addon.core.imaging.pixels import read_pixels
from gpt_image_addon.core.imaging.png_writer import encode_png
from tests.core.profiled import (
    DISPLAY_P3,
    cmyk_profile,
    encoded,
    gamma_curve,
    grey_profile,
    rgb_profile,
    srgb_formula,
    with_chunk,
)

SIDE = 32
GREEN = (60, 180, 70)
GREEN_IN_SRGB = (0, 181, 56)  # of Adobe RGB's green


def plain(color: Any, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (SIDE, SIDE), color)


def first(data: bytes, **options: Any) -> list[int]:
    return [int(value) for value in decode_image(data, **options).pixels[3, 4]]


def near(found: list[int], wanted: tuple[int, ...], tolerance: int = 2) -> bool:
    return len(found) == len(wanted) and all(
        abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("JPEG", {"quality": 100, "subsampling": 0}), ("WEBP", {"lossless": True}), ("TIFF", {})],
)
def test_adobe_rgb_becomes_srgb(kind: str, options: dict[str, Any]) -> None:
    data = encoded(plain(GREEN), kind, icc_profile=rgb_profile(), **options)
    assert near(first(data), GREEN_IN_SRGB, 3)
    assert near([int(v) for v in read_pixels(data, "x")[0, 0]], GREEN_IN_SRGB, 3)
    assert near([int(v) for v in decode(data)[0, 0]], GREEN_IN_SRGB, 3)


def test_display_p3_becomes_srgb() -> None:
    data = encoded(plain((200, 100, 60)), icc_profile=rgb_profile(DISPLAY_P3, srgb_formula()))
    assert near(first(data), (215, 93, 47))


def test_alpha_stays_when_colours_are_converted() -> None:
    half = encoded(plain((*GREEN, 128), "RGBA"), icc_profile=rgb_profile())
    assert near(first(half), (*GREEN_IN_SRGB, 128))
    palette = plain(GREEN).quantize(2)
    hole = encoded(palette, icc_profile=rgb_profile(), transparency=bytes([128, 255]))
    assert near(first(hole), (*GREEN_IN_SRGB, 128))


def test_sixteen_bits_are_converted_with_sixteen_bits() -> None:
    ramp = np.empty((16, 4096, 3), np.uint16)
    ramp[:] = np.linspace(0, 65535, 4096)[:, None]
    ramp[..., 0] //= 2
    data = encode_png(ramp)
    profile = rgb_profile()
    body = b"wide\0\0" + zlib.compress(profile)
    wide = decode_image(with_chunk(data, b"iCCP", body), deep=True).pixels
    assert wide.dtype == np.uint16
    assert len(np.unique(wide[0, :, 1])) > 4000  # eight bits would leave 256
    eight = Image.fromarray((ramp >> 8).astype(np.uint8))
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    wanted = np.asarray(ImageCms.profileToProfile(eight, source, ImageCms.createProfile("sRGB")))
    assert np.abs((wide >> 8).astype(int) - wanted).max() <= 3


@pytest.mark.parametrize(
    "curve", [gamma_curve(1.8), srgb_formula(), b"curv\0\0\0\0" + struct.pack(">I3H", 3, 0, 9000, 65535)]
)
def test_every_kind_of_curve_is_applied_to_sixteen_bits(curve: bytes) -> None:
    profile = rgb_profile(DISPLAY_P3, curve)
    colors = np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    data = with_chunk(encode_png(colors.astype(np.uint16) * 257), b"iCCP", b"x\0\0" + zlib.compress(profile))
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    wanted = ImageCms.profileToProfile(Image.fromarray(colors), source, ImageCms.createProfile("sRGB"))
    found = decode_image(data, deep=True).pixels / 257
    assert np.abs(found - np.asarray(wanted)).max() <= 3


def test_grey_with_a_gamma_becomes_srgb() -> None:
    found = first(encoded(plain(128, "L"), icc_profile=grey_profile(1.0)))
    assert near(found, (188,))  # linear 0.5
    assert near(first(encoded(plain((128, 90), "LA"), icc_profile=grey_profile(1.0))), (188, 90))


def test_a_press_profile_says_what_its_inks_look_like() -> None:
    cyan = Image.new("CMYK", (SIDE, SIDE), (255, 0, 0, 0))
    found = first(encoded(cyan, "TIFF", icc_profile=cmyk_profile()))
    assert near(found, (119, 119, 119), 3)  # a lightness of 50
    assert near(first(encoded(cyan, "TIFF")), (0, 255, 255), 3)


@pytest.mark.parametrize("profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()])
def test_srgb_changes_nothing(profile: bytes) -> None:
    colors = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    data = encoded(Image.fromarray(colors), icc_profile=profile)
    found = decode_image(data)
    assert found.header.is_plain and (found.pixels == colors).all()


@pytest.mark.parametrize(
    "profile", [b"rubbish", rgb_profile()[:200], grey_profile(1.8), cmyk_profile(), b"\0" * 200]
)
def test_a_profile_that_cannot_be_used_is_ignored_and_told(profile: bytes) -> None:
    found = decode_image(encoded(plain(GREEN), "JPEG", quality=100, subsampling=0, icc_profile=profile))
    assert near([int(v) for v in found.pixels[0, 0]], GREEN)
    assert found.header.notes("wall.jpg") == ("The colour profile of wall.jpg can't be used and is ignored.",)


def test_numbers_are_not_converted() -> None:
    normal = encoded(plain((128, 128, 255)), icc_profile=rgb_profile(curve=gamma_curve(1.0)))
    assert first(normal, as_data=True) == [128, 128, 255]
    assert first(
        with_chunk(encoded(plain((128, 128, 255))), b"gAMA", struct.pack(">I", 100_000)), as_data=True
    ) == [
        128,
        128,
        255,
    ]


def test_heights_of_sixteen_bits_keep_their_values() -> None:
    height = np.tile(np.linspace(0, 65535, SIDE).astype(np.uint16), (SIDE, 1))
    data = with_chunk(encode_png(height), b"gAMA", struct.pack(">I", 100_000))
    assert (decode_image(data, deep=True).pixels[..., 0] == height).all()


class TestChunks:
    """What a PNG says without a profile."""

    def test_gamma(self) -> None:
        linear = with_chunk(encoded(plain((55, 128, 255))), b"gAMA", struct.pack(">I", 100_000))
        assert near(first(linear), (128, 188, 255))
        mac = with_chunk(encoded(plain((128, 128, 128))), b"gAMA", struct.pack(">I", 55_556))
        assert near(first(mac), (146, 146, 146))
        grey = with_chunk(encoded(plain(128, "L")), b"gAMA", struct.pack(">I", 100_000))
        assert near(first(grey), (188,))

    def test_what_means_srgb_changes_nothing(self) -> None:
        primaries = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
        usual = with_chunk(encoded(plain(GREEN)), b"gAMA", struct.pack(">I", 45_455))
        for data in (usual, with_chunk(usual, b"cHRM", primaries)):
            assert decode_image(data).header.is_plain and first(data) == list(GREEN)
        odd = with_chunk(encoded(plain(GREEN)), b"gAMA", struct.pack(">I", 100_000))
        assert first(with_chunk(odd, b"sRGB", b"\0")) == list(GREEN)

    def test_primaries(self) -> None:
        adobe = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
        data = with_chunk(encoded(plain(GREEN)), b"cHRM", adobe)
        assert near(first(with_chunk(data, b"gAMA", struct.pack(">I", 45_455))), GREEN_IN_SRGB, 4)

    def test_cicp_goes_before_a_profile(self) -> None:
        data = encoded(plain((200, 100, 60)), icc_profile=rgb_profile())
        assert near(first(with_chunk(data, b"cICP", bytes((12, 13, 0, 1)))), (215, 93, 47))
        assert first(with_chunk(data, b"cICP", bytes((1, 13, 0, 1)))) == [200, 100, 60]

    @pytest.mark.parametrize("body", [bytes((9, 16, 0, 1)), bytes((99, 13, 0, 1)), b"", b"\1"])
    def test_hdr_and_rubbish_are_ignored_and_told(self, body: bytes) -> None:
        found = decode_image(with_chunk(encoded(plain(GREEN)), b"cICP", body))
        assert found.pixels[0, 0].tolist() == list(GREEN) and found.header.profile_ignored

    @pytest.mark.parametrize(("kind", "body"), [(b"gAMA", b"\0\0\0\0"), (b"cHRM", bytes(32))])
    def test_broken_chunks_are_ignored(self, kind: bytes, body: bytes) -> None:
        assert first(with_chunk(encoded(plain(GREEN)), kind, body)) == list(GREEN)
