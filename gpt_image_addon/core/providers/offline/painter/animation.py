"""A draft that moves: the painted subject hops, frame by frame."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HOP = 0.16
"""How high the subject hops, of the image's height."""
SQUASH = 0.14


def encode_gif(color: NDArray[np.uint8], count: int, frame_ms: int) -> bytes:
    """An animated GIF that loops.

    :param color: (height, width, 3 or 4) uint8 sRGB.
    """
    image = Image.fromarray(color)
    if image.mode == "RGBA":
        image = _make_room(image)
    frames = [_pose(image, number / count) for number in range(count)]
    stream = io.BytesIO()
    frames[0].save(
        stream, "GIF", save_all=True, append_images=frames[1:], duration=frame_ms, loop=0, disposal=2
    )
    return stream.getvalue()


def _make_room(image: Image.Image) -> Image.Image:
    """The same image so much smaller, above the lower edge, that it stays inside when it hops."""
    width, height = image.size
    small = image.resize((round(width * (1 - HOP)), round(height * (1 - HOP))), Image.Resampling.LANCZOS)
    room = Image.new("RGBA", image.size)
    room.paste(small, ((width - small.width) // 2, height - small.height))
    return room


def _pose(image: Image.Image, phase: float) -> Image.Image:
    """The image at a share of the hop, squashed where it lands; opaque ones turn about their middle."""
    width, height = image.size
    if image.mode != "RGBA":
        return image.rotate(4 * math.sin(2 * math.pi * phase), Image.Resampling.BILINEAR)
    lift = HOP * height * math.sin(math.pi * phase)
    stretch = 1 - SQUASH * (1 - math.sin(math.pi * phase))
    # Each pixel of the result is looked up in the image: what is stretched up is divided here.
    matrix = (
        stretch,
        0,
        width / 2 * (1 - stretch),
        0,
        1 / stretch,
        height * (1 - 1 / stretch) + lift / stretch,
    )
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
