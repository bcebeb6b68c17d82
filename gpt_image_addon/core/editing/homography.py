"""A flat surface in a photo, seen straight on: four marked corners in, a rectangle of pixels out.

Points are (x, y) in pixels of the upright photo, from its upper left corner, with pixel centres at halves.
Corners are named clockwise, beginning with the one that becomes the upper left of the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InvalidRequestError
from ..imaging.decoding import Pixels
from ..imaging.pixels import LARGEST, SMALLEST
from ..raster.arrays import parallel_rows
from ..text.message import message

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
Matrix = NDArray[np.float64]

LEAST_SINE = 0.03  # of the angle at a corner: below it three corners lie in a line
FOCAL_LENGTHS = (0.35, 6.0)  # of photos, in their longer sides: from ultra-wide to long lenses
CLICK = 1 / 2000  # of the photo's longer side, by which a marked corner misses the true one
MOST_DOUBT = 0.04  # relative error of the aspect up to which it counts as known
ASPECTS = (0.05, 20.0)
SOFT = 2.0  # times that the farthest part is enlarged, from which on it looks soft
FINE = 4.0  # pixels of the photo along one edge of a pixel of the result, above which it takes more samples

_MODES = {1: "L", 2: "La", 3: "RGB", 4: "RGBa"}
_DECODED = {2: "LA", 4: "RGBA"}


@dataclass(frozen=True)
class Surface:
    """A marked rectangle in a photo, all of whose corners were found usable."""

    corners: Corners
    photo_size: tuple[int, int]
    """Width and height of the photo in pixels."""
    aspect: float
    """Width over height of the rectangle in the world."""

    @property
    def natural_size(self) -> tuple[int, int]:
        """Width and height in pixels at which nothing of the photo is shrunk, at most `LARGEST`."""
        lengths = _edge_lengths(self.corners)
        width = max(lengths[0], lengths[2], max(lengths[1], lengths[3]) * self.aspect)
        shrink = min(1.0, LARGEST / width, LARGEST * self.aspect / width)
        sides = (width * shrink, width * shrink / self.aspect)
        return max(SMALLEST, round(sides[0])), max(SMALLEST, round(sides[1]))

    def enlargement(self, size: tuple[int, int]) -> float:
        """How many times larger the part seen most steeply is in a result of `size` than in the photo."""
        return 1.0 / max(1e-6, _scales(square_to(self.corners), size)[0])

    def distance(self, first: Point, second: Point) -> float:
        """How far apart two points of the photo are on the surface, in widths of the rectangle."""
        inverse = np.linalg.inv(square_to(self.corners))
        (ax, ay), (bx, by) = (_applied(inverse, point) for point in (first, second))
        return math.hypot(ax - bx, (ay - by) / self.aspect)


def find_surface(
    corners: Sequence[Sequence[float]], photo_size: tuple[int, int], aspect: float | None = None
) -> Surface:
    """The rectangle that four corners mark in a photo.

    :param corners: four points, or as shares of the photo's width and height where all are at most 1.
    :param photo_size: width and height of the photo in pixels.
    :param aspect: width over height in the world; None finds it, see `aspect_of`.
    :raises InvalidRequestError: the corners mark no rectangle seen from its front, or one whose aspect has to
        be named.
    """
    found = check_corners(in_pixels(corners, photo_size), photo_size)
    if aspect is None:
        aspect = aspect_of(found, photo_size)
        if aspect is None:
            raise InvalidRequestError(
                "The aspect of the marked area can't be told from its corners.",
                code="unknown_aspect",
                param="aspect",
                next_step="Name its width over its height, such as 1.5.",
            )
    if not ASPECTS[0] <= aspect <= ASPECTS[1]:
        raise InvalidRequestError(
            message(
                "The aspect is {aspect}; it may be from {least} to {most}.",
                aspect=f"{aspect:g}",
                least=ASPECTS[0],
                most=ASPECTS[1],
            ),
            code="invalid_value",
            param="aspect",
        )
    return Surface(found, photo_size, aspect)


def in_pixels(points: Sequence[Sequence[float]], photo_size: tuple[int, int]) -> list[Point]:
    """Points as pixels: numbers that are all from 0 to 1 are shares of the photo's width and height."""
    is_share = all(0 <= value <= 1 for point in points for value in point)
    width, height = photo_size if is_share else (1, 1)
    return [(float(point[0]) * width, float(point[1]) * height) for point in points]


def whole_photo(photo_size: tuple[int, int]) -> Corners:
    """The corners of a photo that shows nothing but the surface."""
    width, height = map(float, photo_size)
    return (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)


def check_corners(corners: Sequence[Point], photo_size: tuple[int, int]) -> Corners:
    """Corners that mark a rectangle which is seen from its front.

    :raises InvalidRequestError: they lie outside the photo, cross, are mirrored, in a line or too close.
    """
    if len(corners) != 4:
        raise _bad(message("Four corners are needed, not {count}.", count=len(corners)))
    check_inside(corners, photo_size)
    edges = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)]
    lengths = [math.hypot(*edge) for edge in edges]
    if min(lengths) < SMALLEST:
        raise _bad(
            message("Two corners are less than {least} pixels apart.", least=SMALLEST),
            "Mark a larger area, or use a larger photo.",
        )
    sines = [
        (edges[i - 1][0] * edges[i][1] - edges[i - 1][1] * edges[i][0]) / (lengths[i - 1] * lengths[i])
        for i in range(4)
    ]
    for number, sine in enumerate(sines):
        if abs(sine) < LEAST_SINE:
            numbers = sorted((number - 1) % 4 + 1 if n == 0 else (number + n - 1) % 4 + 1 for n in range(3))
            raise _bad(
                message("Corners {a}, {b} and {c} lie in a line.", a=numbers[0], b=numbers[1], c=numbers[2]),
                "Mark the four corners of a rectangle on the surface.",
            )
    turns = sum(sine > 0 for sine in sines)
    if turns == 0:
        raise _bad(
            "The corners run anticlockwise, which would mirror the surface.",
            "Name them clockwise from the upper left.",
        )
    if turns == 2:
        raise _bad("The edges between the corners cross.", "Name the corners clockwise from the upper left.")
    if turns != 4:
        raise _bad(
            "One corner lies inside the triangle of the others.",
            "Mark the four corners of a rectangle on the surface.",
        )
    found: Corners = (corners[0], corners[1], corners[2], corners[3])
    return found


def check_inside(points: Sequence[Point], photo_size: tuple[int, int], param: str = "corners") -> None:
    """
    :raises InvalidRequestError: a point lies outside the photo.
    """
    for number, (x, y) in enumerate(points, 1):
        if not (0 <= x <= photo_size[0] and 0 <= y <= photo_size[1]):
            raise InvalidRequestError(
                message(
                    "Point {number} at {x},{y} lies outside the photo, which is {width} x {height} pixels.",
                    number=number,
                    x=f"{x:g}",
                    y=f"{y:g}",
                    width=photo_size[0],
                    height=photo_size[1],
                ),
                code="bad_corners",
                param=param,
            )


def _bad(problem: str, next_step: str = "") -> InvalidRequestError:
    return InvalidRequestError(problem, code="bad_corners", param="corners", next_step=next_step)


def square_to(corners: Corners) -> Matrix:
    """The homography, (3, 3), that maps the unit square to these corners, (0, 0) to the first of them.

    Heckbert: Fundamentals of Texture Mapping and Image Warping, 1989, section 2.2.3.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    dx1, dx2, dy1, dy2 = x1 - x2, x3 - x2, y1 - y2, y3 - y2
    whole = dx1 * dy2 - dx2 * dy1
    g = (sx * dy2 - dx2 * sy) / whole
    h = (dx1 * sy - sx * dy1) / whole
    return np.array(
        [
            [x1 - x0 + g * x1, x3 - x0 + h * x3, x0],
            [y1 - y0 + g * y1, y3 - y0 + h * y3, y0],
            [g, h, 1.0],
        ]
    )


def aspect_of(corners: Corners, photo_size: tuple[int, int]) -> float | None:
    """Width over height of the rectangle in the world; None where the corners leave it open.

    The lens looked along the middle of the photo, which therefore must not be cropped, and its focal length
    follows from the two directions being perpendicular (Zhang, He: Whiteboard scanning and image
    enhancement, 2007). It is open where a corner missed by some pixels would change it much.
    """
    found = _aspect(corners, photo_size)
    if found is None:
        return None
    step = CLICK * max(photo_size)
    doubt = 0.0
    for number in range(4):
        for axis in (0, 1):
            moved = [list(corner) for corner in corners]
            moved[number][axis] += step
            other = _aspect(tuple((x, y) for x, y in moved), photo_size)  # type: ignore[arg-type]
            if other is None:
                return None
            doubt += math.log(other / found) ** 2
    return found if math.sqrt(doubt) <= MOST_DOUBT else None


def _aspect(corners: Corners, photo_size: tuple[int, int]) -> float | None:
    longest = max(photo_size)
    middle = (photo_size[0] / 2, photo_size[1] / 2)
    matrix = square_to(tuple(((x - middle[0]) / longest, (y - middle[1]) / longest) for x, y in corners))  # type: ignore[arg-type]
    along, down = matrix[:, 0], matrix[:, 1]
    slants = float(along[2] * down[2])
    focal = -float(along[0] * down[0] + along[1] * down[1]) / slants if slants else math.inf
    low, high = (length**2 for length in FOCAL_LENGTHS)
    if low <= focal <= high:
        return _ratio(along, down, focal)
    first, second = (_ratio(along, down, length) for length in (low, high))
    return math.sqrt(first * second) if abs(math.log(first / second)) <= MOST_DOUBT else None


def _ratio(along: NDArray[np.float64], down: NDArray[np.float64], focal: float) -> float:
    """The aspect, where the square of the focal length is known."""
    first, second = ((axis[0] ** 2 + axis[1] ** 2) / focal + axis[2] ** 2 for axis in (along, down))
    return float(math.sqrt(first / second))


def rectify(pixels: Pixels, corners: Corners, size: tuple[int, int]) -> Pixels:
    """The marked part of a photo, seen straight on.

    Where it shrinks, several samples are averaged for a pixel; else it is interpolated bicubically.

    :param pixels: (height, width, 1 to 4) uint8 or uint16.
    :param size: width and height of the result.
    :returns: (height, width, channels) of the same type.
    """
    matrix = square_to(corners)
    samples = samples_for(matrix, size)
    sources = _sources(pixels)
    out = np.empty((size[1], size[0], pixels.shape[2]), pixels.dtype)

    def work(first: int, end: int) -> None:
        data = _coefficients(matrix, size, samples, first)
        wide = (size[0] * samples, (end - first) * samples)
        bands = [
            source.transform(wide, Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC)
            for source in sources
        ]
        out[first:end] = _merged([band.reduce(samples) if samples > 1 else band for band in bands], out)

    parallel_rows(out.shape, work)
    return out


def samples_for(matrix: Matrix, size: tuple[int, int]) -> int:
    """How many samples along each edge of a pixel are averaged: two do until it spans many."""
    most = _scales(matrix, size)[1]
    return 1 if most <= 1 else 2 if most <= FINE else 4


def _sources(pixels: Pixels) -> list[Image.Image]:
    """What Pillow can transform: the image with its colours multiplied by alpha, or its 16-bit planes."""
    channels = pixels.shape[2]
    if pixels.dtype == np.uint8:
        image = Image.fromarray(pixels[..., 0] if channels == 1 else np.ascontiguousarray(pixels))
        return [image.convert(_MODES[channels]) if channels in _DECODED else image]
    planes = [pixels[..., channel].astype(np.float32) for channel in range(channels)]
    if channels in _DECODED:
        planes[:-1] = [plane * (planes[-1] / 65535) for plane in planes[:-1]]
    return [Image.fromarray(plane) for plane in planes]


def _merged(bands: list[Image.Image], out: Pixels) -> NDArray[Any]:
    """Rows of the result from what `_sources` became."""
    channels = out.shape[2]
    if out.dtype == np.uint8:
        (band,) = bands
        found: NDArray[np.uint8] = np.asarray(
            band.convert(_DECODED[channels]) if channels in _DECODED else band
        )
        return np.atleast_3d(found)
    planes = np.stack([np.asarray(band) for band in bands], axis=2)
    if channels in _DECODED:
        alpha = planes[..., -1:]
        np.divide(planes[..., :-1] * 65535, alpha, out=planes[..., :-1], where=alpha > 0.5)
    rows: NDArray[Any] = np.clip(np.rint(planes), 0, 65535).astype(out.dtype)
    return rows


def _coefficients(matrix: Matrix, size: tuple[int, int], samples: int, first: int) -> tuple[float, ...]:
    """Pillow's eight numbers for the rows from `first` on, at `samples` times the size."""
    width, height = size[0] * samples, size[1] * samples
    to_square = np.array([[1 / width, 0, 0], [0, 1 / height, first * samples / height], [0, 0, 1]])
    whole = matrix @ to_square
    return tuple((whole / whole[2, 2]).ravel()[:8].tolist())


def _scales(matrix: Matrix, size: tuple[int, int]) -> tuple[float, float]:
    """The least and the most pixels of the photo that a pixel of the result spans, in any direction."""
    found = []
    for u, v in ((0, 0), (1, 0), (1, 1), (0, 1)):
        x, y, w = matrix @ (u, v, 1)
        rows = np.array([matrix[0, :2] - x / w * matrix[2, :2], matrix[1, :2] - y / w * matrix[2, :2]]) / w
        found.append(np.linalg.svd(rows / size, compute_uv=False))
    return float(np.min(found)), float(np.max(found))


def _applied(matrix: Matrix, point: Point) -> Point:
    x, y, w = matrix @ (*point, 1)
    return float(x / w), float(y / w)


def _edge_lengths(corners: Corners) -> list[float]:
    return [math.dist(a, b) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)]
