"""OpenEXR files of 16 or 32 bits in ZIP blocks, as the project's "OpenEXR File Layout" describes them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC, VERSION = 20000630, 2
ZIP, ROWS = 3, 16
"""The compression, and how many rows of a block it has."""
HALF, FLOAT = 1, 2  # types of a channel
NAMES = {1: "Y", 3: "RGB", 4: "RGBA"}
"""Of the channels, by how many there are."""


def encode_exr(pixels: NDArray[Any], *, bits: int = 16) -> bytes:
    """An OpenEXR file.

    :param pixels: (height, width, 1, 3 or 4) linear values.
    :param bits: 16, which ends at 65504, or 32.
    """
    height, width, channels = pixels.shape
    names = NAMES[channels]
    order = sorted(range(channels), key=names.__getitem__)  # files have their channels by name
    planes = pixels.astype(f"<f{bits // 8}")[..., order].transpose(0, 2, 1)
    blocks = [_pack(np.ascontiguousarray(planes[first : first + ROWS])) for first in range(0, height, ROWS)]
    header = _make_header("".join(names[at] for at in order), width, height, FLOAT if bits == 32 else HALF)
    places, at = [], len(header) + 8 * len(blocks)
    for block in blocks:
        places.append(at)
        at += 8 + len(block)
    chunks = (struct.pack("<ii", number * ROWS, len(block)) + block for number, block in enumerate(blocks))
    return b"".join((header, struct.pack(f"<{len(places)}Q", *places), *chunks))


def _make_header(names: str, width: int, height: int, kind: int) -> bytes:
    listed = b"".join(name.encode() + b"\0" + struct.pack("<iB3xii", kind, 0, 1, 1) for name in names)
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = (
        ("channels", "chlist", listed + b"\0"),
        ("compression", "compression", bytes([ZIP])),
        ("dataWindow", "box2i", box),
        ("displayWindow", "box2i", box),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    )
    parts = [
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in attributes
    ]
    return b"".join((struct.pack("<ii", MAGIC, VERSION), *parts, b"\0"))


def _pack(rows: NDArray[Any]) -> bytes:
    """A block: low bytes before high ones, each as its difference to the one before, deflated."""
    plain = rows.tobytes()
    data = np.frombuffer(plain, np.uint8)
    split = np.concatenate((data[0::2], data[1::2]))
    split[1:] -= split[:-1].copy() + np.uint8(128)
    packed = zlib.compress(split.tobytes(), 4)
    return packed if len(packed) < len(plain) else plain
