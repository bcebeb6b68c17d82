"""Packed maps and PNG files, read back with Pillow and byte by byte."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.textures.channel_packing import LAYOUTS, pack

MAPS = {
    kind: np.full((6, 5), level, np.uint8)
    for kind, level in (("ao", 200), ("roughness", 100), ("metallic", 9))
}


def test_each_engine_gets_its_channels() -> None:
    assert pack(MAPS, "gltf_orm")[0, 0].tolist() == [200, 100, 9]
    assert pack(MAPS, "unreal_orm")[0, 0].tolist() == [200, 100, 9]
    assert pack(MAPS, "unity_mask")[0, 0].tolist() == [9, 200, 255, 155]
    assert all(pack(MAPS, layout).shape == (6, 5, len(LAYOUTS[layout].channels)) for layout in LAYOUTS)


def test_missing_maps_are_neutral_and_wide_ones_narrowed() -> None:
    assert pack({"roughness": np.full((2, 2), 65535, np.uint16)}, "gltf_orm")[0, 0].tolist() == [255, 255, 0]
    assert pack({"roughness": np.full((2, 2), 25700, np.uint16)}, "unity_mask")[0, 0].tolist() == [
        0,
        255,
        255,
        155,
    ]


def test_what_cannot_be_packed_is_refused() -> None:
    with pytest.raises(ValueError, match="no packing layout"):
        pack(MAPS, "quake")
    with pytest.raises(ValueError, match="None of the maps"):
        pack({"normal": np.zeros((2, 2, 3), np.uint8)}, "gltf_orm")
    with pytest.raises(ValueError, match="same size"):
        pack({**MAPS, "ao": np.zeros((2, 2), np.uint8)}, "gltf_orm")


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_png_with_eight_bits_reads_back(channels: int | None) -> None:
    shape = (7, 5) if channels is None else (7, 5, channels)
    pixels = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    back = np.asarray(Image.open(io.BytesIO(encode_png(pixels))))
    assert np.array_equal(back, pixels.reshape(back.shape))


def test_grey_png_with_sixteen_bits_reads_back() -> None:
    pixels = np.random.default_rng(2).integers(0, 65536, (9, 4), dtype=np.uint16)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


def test_rgb_png_with_sixteen_bits_holds_every_bit() -> None:
    pixels = np.random.default_rng(2).integers(0, 65536, (6, 5, 3), dtype=np.uint16)
    data = encode_png(pixels)
    assert struct.unpack(">IIBB", data[16:26]) == (5, 6, 16, 2)
    assert np.array_equal(decoded(data, 6, 5, 3), pixels)
    Image.open(io.BytesIO(data)).verify()  # checks the chunks' sums


def decoded(data: bytes, height: int, width: int, channels: int) -> np.ndarray:
    """The 16-bit pixels of a PNG with one IDAT chunk and the Up filter on each line."""
    at = data.index(b"IDAT")
    lines = zlib.decompress(data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at], "big")])
    raw = np.frombuffer(lines, np.uint8).reshape(height, 1 + width * channels * 2)
    assert (raw[:, 0] == 2).all()
    rows = np.cumsum(raw[:, 1:], axis=0, dtype=np.uint8)
    return rows.copy().view(">u2").reshape(height, width, channels)


def test_other_arrays_are_no_png() -> None:
    for bad in (np.zeros((4, 4), np.float32), np.zeros((4, 4, 5), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(ValueError, match="PNG"):
            encode_png(bad)
