"""Whole images written in the format that a file's name says, which keeps every pixel but in JPEG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from ..errors import InvalidRequestError
from ..imaging.decoding import Pixels, UnusableImageError
from ..text.message import Message, message
from .boxes import Size
from .image_source import opened_image

FORMATS = {
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".tga": "TGA",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
}
"""As Pillow calls them, by the endings of names."""
OPAQUE = ("BMP", "JPEG")
"""Formats without transparency."""
COLORED = ("WEBP", "JPEG")
"""Formats that are read as colors where grays were written."""
LONGEST_EDGES = {"WEBP": 16383, "JPEG": 65535, "TGA": 65535}
"""Pixels."""
JPEG_QUALITY = 95
OPTIONS: dict[str, dict[str, Any]] = {
    "TIFF": {"compression": "tiff_lzw"},
    "TGA": {"compression": "tga_rle"},
    "WEBP": {"lossless": True, "exact": True},
    "JPEG": {"quality": JPEG_QUALITY},
}
LOSSY = Message("A JPEG file changes every pixel a little; name a PNG to keep those of the image.")


def check_format(suffix: str, name: str, size: Size, channels: int, bits: int) -> tuple[Message, ...]:
    """Whether an image can be written as a file of this name.

    :param suffix: how the name ends.
    :param channels: 1 to 4; 2 and 4 have an alpha.
    :param bits: of a channel, 8 or 16.
    :returns: what the user should know.
    :raises InvalidRequestError: such a file is not written, or would lose something.
    """
    kind = FORMATS.get(suffix.lower())
    if kind is None:
        problem = message("is written as {formats}, not as {name}.", formats=", ".join(FORMATS), name=name)
    elif bits > 8 and kind != "PNG":
        problem = message("has 16 bits, which {name} would lose; name a PNG.", name=name)
    elif channels in (2, 4) and kind in OPAQUE:
        problem = message("has transparency, which {name} would lose; name a PNG.", name=name)
    elif max(size) > LONGEST_EDGES.get(kind, max(size)):
        problem = message("is larger than {name} can be; name a PNG.", name=name)
    else:
        return (LOSSY,) if kind == "JPEG" else ()
    raise InvalidRequestError(
        message("The new image {problem}", problem=Message.of(problem)), code="invalid_value", param="output"
    )


def encode_whole(pixels: Pixels, suffix: str, profile: bytes | None) -> bytes:
    """An image as a file of a format other than PNG.

    :param pixels: (height, width, 1 to 4) uint8 that `check_format` lets through.
    :param suffix: how the file's name ends.
    :param profile: ICC's, of its colors.
    :raises UnusableImageError: not every pixel would stay, in a format that keeps them.
    """
    kind = FORMATS[suffix.lower()]
    if kind in COLORED and pixels.shape[2] < 3:
        pixels = np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    return encode_as(pixels, kind, {"icc_profile": profile, **OPTIONS.get(kind, {})})


def encode_as(pixels: Pixels, kind: str, options: dict[str, Any]) -> bytes:
    """An image in one of Pillow's formats, read again to be sure that every pixel stays; but for JPEG.

    :raises UnusableImageError: not every pixel would.
    """
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(stream, kind, **options)
    if kind != "JPEG":
        stream.seek(0)
        with opened_image(stream) as again:
            again.load()
            if not np.array_equal(np.atleast_3d(np.asarray(again)), pixels):
                raise UnusableImageError(
                    message("can't be written as {format} again; save it as PNG and edit that", format=kind)
                )
    return stream.getvalue()
