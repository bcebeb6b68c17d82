"""OpenEXR files of whole floats hold what half floats can't."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from gpt_image_addon.core.raster.exr_writer import encode_exr


def read(data: bytes) -> np.ndarray:
    """The channels of a file of ours, by name, (channels, height, width)."""
    assert struct.unpack_from("<ii", data) == (20000630, 2)
    at, header = 8, {}
    while data[at]:
        name, kind, _rest = data[at:].split(b"\0", 2)
        at += len(name) + len(kind) + 2
        (length,) = struct.unpack_from("<i", data, at)
        header[name.decode()] = data[at + 4 : at + 4 + length]
        at += 4 + length
    _, _, right, bottom = struct.unpack("<4i", header["dataWindow"])
    width, height, count = right + 1, bottom + 1, len(header["channels"]) // 18
    offsets = struct.unpack_from(f"<{-(-height // 16)}Q", data, at + 1)
    rows = []
    for offset in offsets:
        first, length = struct.unpack_from("<ii", data, offset)
        packed, lines = data[offset + 8 : offset + 8 + length], min(16, height - first)
        plain = lines * count * width * 4
        if length < plain:
            coded = np.frombuffer(zlib.decompress(packed), np.uint8).astype(np.int64)
            coded[1:] -= 128
            bytes_ = np.cumsum(coded).astype(np.uint8)
            half = (plain + 1) // 2
            packed = np.stack([bytes_[:half], bytes_[half:]], 1).tobytes()
        rows.append(np.frombuffer(packed, "<f4").reshape(lines, count, width))
    return np.concatenate(rows).transpose(1, 0, 2)


def test_whole_floats_come_back_as_they_are() -> None:
    values = np.random.default_rng(1).uniform(0, 2, (37, 20, 3)).astype(np.float32)
    values[:20] = 0.25  # what can be packed, and what can't
    values[3, 4] = 500_000.0, 1e-7, 65_505.0
    assert np.array_equal(read(encode_exr(values, bits=32)), values.transpose(2, 0, 1)[::-1])
