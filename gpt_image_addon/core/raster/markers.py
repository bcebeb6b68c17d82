"""Numbered circles that mark places in an image, as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FILL = (224, 16, 76)
"""sRGB: seldom a color of what is shown, and dark enough for white numbers."""
LIGHT, DARK = (255, 255, 255), (16, 16, 16)
RADIUS = 0.022  # of the root of the image's area
LEAST_RADIUS = 9.0  # pixels, in which a number can still be read
MOST_OF_EDGE = 0.25  # of the shorter edge: small images are more than their marks
HALOS = ((1.36, DARK), (1.2, LIGHT), (1.0, FILL))
"""Radii of the discs, from below, in radii of the circle: a light and a dark ring stand out on any ground."""
DIGITS = {1: 1.5, 2: 1.15}
"""Height of the number in radii, by how many digits it has."""
OVERSAMPLING = 3


def marker_radius(width: int, height: int) -> float:
    """Radius of the circles of an image in pixels, without their rings."""
    return min(max(LEAST_RADIUS, RADIUS * math.sqrt(width * height)), MOST_OF_EDGE * min(width, height))


def draw_markers(
    places: Iterable[tuple[float, float]], width: int, height: int, radius: float | None = None
) -> NDArray[np.uint8]:
    """Circles numbered from 1 on a transparent ground; all of each is inside the image.

    :param places: x and y from 0 to 1, from the lower left corner.
    :param radius: of the circles, without their rings; that of `marker_radius` when left out.
    :returns: (height, width, 4) uint8 sRGB.
    """
    layer = Image.new("RGBA", (width, height))
    radius = radius or marker_radius(width, height)
    room = radius * HALOS[0][0]
    for number, (x, y) in enumerate(places, 1):
        left = _kept(x * width, room, width) - room
        top = _kept((1 - y) * height, room, height) - room
        corner = math.floor(left), math.floor(top)
        mark = _draw_one(number, radius, (left - corner[0], top - corner[1]))
        layer.alpha_composite(mark.crop((0, 0, min(mark.width, width), min(mark.height, height))), corner)
    return np.asarray(layer)


def over(pixels: NDArray[np.uint8], layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image with a layer over it.

    :param pixels: (height, width, 3 or 4) uint8 sRGB.
    :param layer: (height, width, 4) uint8 sRGB.
    :returns: as `pixels`.
    """
    below = Image.fromarray(pixels).convert("RGBA")
    below.alpha_composite(Image.fromarray(layer))
    return np.asarray(below if pixels.shape[2] == 4 else below.convert("RGB"))


def _kept(value: float, room: float, edge: int) -> float:
    return min(max(value, room), max(edge - room, room))


def _draw_one(number: int, radius: float, offset: tuple[float, float]) -> Image.Image:
    """One circle, drawn larger and reduced.

    :param offset: of its rings from the upper left corner, in pixels.
    """
    room = radius * HALOS[0][0]
    edge = math.ceil(2 * room) + 2
    image = Image.new("RGBA", (edge * OVERSAMPLING, edge * OVERSAMPLING))
    draw = ImageDraw.Draw(image)
    x, y = ((value + room) * OVERSAMPLING for value in offset)
    for share, color in HALOS:
        size = share * radius * OVERSAMPLING
        draw.ellipse((x - size, y - size, x + size, y + size), fill=(*color, 255))
    text = str(number)
    height = DIGITS.get(len(text), min(DIGITS.values())) * radius * OVERSAMPLING
    font = ImageFont.load_default(size=height)
    draw.text((x, y), text, fill=(*LIGHT, 255), font=font, anchor="mm", stroke_width=height / 40)
    return image.reduce(OVERSAMPLING)
