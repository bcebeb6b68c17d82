"""Drawing shapes into masks and markups, as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Point = tuple[float, float]
"""x and y from 0 to 1, from the lower left corner."""

OVERSAMPLING = 2  # of lines, whose edges would be jagged
EDGE = 1e-4  # of a texture, by which a point may miss its edge
MOST_COPIES = 256  # of a polygon that a repeating texture shows
MINIMAL_WIDTH = 2.0  # pixels: a thinner line is not noticed by a model


@dataclass(frozen=True)
class Stroke:
    """A line drawn by hand."""

    points: Sequence[Point]
    color: tuple[float, float, float]
    """sRGB, 0 to 1."""
    width: float
    """As a share of the image's height."""


def draw_strokes(strokes: Iterable[Stroke], width: int, height: int) -> NDArray[np.uint8]:
    """Strokes on a transparent ground.

    :returns: (height, width, 4) uint8 sRGB.
    """
    size = (width * OVERSAMPLING, height * OVERSAMPLING)
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        color = tuple(round(255 * min(1.0, max(0.0, value))) for value in stroke.color)
        thick = max(MINIMAL_WIDTH, stroke.width * height) * OVERSAMPLING
        points = [(x * size[0], (1 - y) * size[1]) for x, y in stroke.points]
        draw.line(points, fill=(*color, 255), width=round(thick), joint="curve")
        for x, y in (points[0], points[-1]):  # round caps; a stroke of one point is a dot
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=(*color, 255))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def wrap_polygons(polygons: Iterable[Sequence[Point]]) -> Iterator[Sequence[Point]]:
    """Polygons in the square from 0 to 1, as a texture repeats beyond it; those with NaN are left out."""
    for polygon in polygons:
        (left, right), (bottom, top) = (_tiles([point[axis] for point in polygon]) for axis in (0, 1))
        if (right - left) * (top - bottom) > MOST_COPIES:
            yield [(0, 0), (1, 0), (1, 1), (0, 1)]  # so many that they cover everything
            continue
        for column in range(left, right):
            for row in range(bottom, top):
                yield [(x - column, y - row) for x, y in polygon]


def _tiles(values: Sequence[float]) -> tuple[int, int]:
    """First tile that values lie in, and the one after the last; none where one is not finite."""
    if not all(map(math.isfinite, values)):
        return 0, 0
    first = math.floor(min(values) + EDGE)
    return first, max(math.ceil(max(values) - EDGE), first + 1)


def corners_of(rectangle: tuple[float, float, float, float]) -> tuple[Point, ...]:
    """
    :param rectangle: left, bottom, right and top, 0 to 1 from the lower left corner.
    """
    left, bottom, right, top = rectangle
    return (left, bottom), (right, bottom), (right, top), (left, top)


def fill_polygons(polygons: Iterable[Sequence[Point]], width: int, height: int) -> NDArray[np.uint8]:
    """A mask that is white inside polygons.

    :returns: (height, width, 3) uint8, 255 inside and 0 outside.
    """
    return np.repeat(cover_polygons(polygons, width, height)[..., None], 3, axis=2)


def cover_polygons(polygons: Iterable[Sequence[Point]], width: int, height: int) -> NDArray[np.uint8]:
    """As `fill_polygons`, of one channel: (height, width) uint8."""
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        draw.polygon([(x * width, (1 - y) * height) for x, y in polygon], fill=255, outline=255)
    return np.asarray(image)
