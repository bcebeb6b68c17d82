"""Images that say what their colours are: profiles and PNG chunks, made byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
"""XYZ of red, green and blue under D50."""
WHITE = (0.9642, 1.0, 0.8249)


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def srgb_formula() -> bytes:
    """The 'para' tag of sRGB's curve."""
    return (
        b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    )


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"wide\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(4 + 4 + 2 + 1 + 67)
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(WHITE), **tags}
    place, table, body = 132 + 12 * len(tags), b"", b""
    for tag, value in tags.items():
        value += bytes(-len(value) % 4)
        table += tag + struct.pack(">II", place + len(body), len(value))
        body += value
    head = struct.pack(">I4sI", place + len(body), b"none", 0x02100000) + kind + space + connection
    head += bytes(12) + b"acsp" + bytes(28) + _fixed(*WHITE) + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + body


def rgb_profile(
    colorants: tuple[tuple[float, float, float], ...] = ADOBE_RGB, curve: bytes = gamma_curve(563 / 256)
) -> bytes:
    """A display's profile of three primaries and a curve."""
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, colorants), strict=True))
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**tags, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)})


def grey_profile(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma_curve(gamma)})


def cmyk_profile() -> bytes:
    """A press whose inks only darken: full cyan is a lightness of 50 without a hue, and so on."""
    lab = []
    for corner in range(16):
        inks = bin(corner).count("1")
        lab += [round(255 * 0.5**inks), 128, 128]
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += straight * 4 + bytes(lab) + straight * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def with_chunk(png: bytes, kind: bytes, body: bytes, *, last: bool = False) -> bytes:
    """A PNG with one more chunk, behind its header or before its end."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    place = len(png) - 12 if last else 33
    return png[:place] + chunk + png[place:]


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found
