"""The periodic ground that every family paints on: coordinates, dice, noise and cells.

All fields are float32 of shape (H, W) and wrap around in both axes at any size. Lengths are in *sides*:
1.0 is the shorter side of the image, so that features keep their aspect in images that are not square.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field: TypeAlias = NDArray[np.float32]
Index: TypeAlias = NDArray[np.int32]

BAND = 64  # rows worked on at once, so that the scratch arrays stay in the processor's cache
SMALLEST_FEATURE = 4  # pixels; cells below this would only alias


@dataclass(frozen=True)
class Grid:
    """Rows of rectangles, each row shifted by its own offset."""

    u: Field
    """Position along the rectangle's width, 0..1."""
    v: Field
    """Position along the rectangle's height, 0..1."""
    id: Index
    """Which rectangle, 0..count-1."""
    row: Index
    """Which row, shape (H, 1)."""
    edge: Field
    """Distance to the nearest edge, in sides."""
    rows: int
    cols: int

    @property
    def count(self) -> int:
        """How many rectangles there are."""
        return self.rows * self.cols


@dataclass(frozen=True)
class Cells:
    """Cells around scattered points (Worley 1996, "A cellular texture basis function")."""

    near: Field
    """Distance to the nearest point, in cells."""
    gap: Field
    """How much farther the second nearest point is: 0 on the border between two cells."""
    id: Index
    """Which cell, 0..count-1."""
    count: int


@dataclass(frozen=True)
class Canvas:
    """An image's size and its dice. Every noise has a name; the name decides its numbers, not the order
    of calls."""

    width: int
    height: int
    seed: int

    @property
    def side(self) -> int:
        """The shorter side, in pixels."""
        return min(self.width, self.height)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.height, self.width

    @property
    def x(self) -> Field:
        """Pixel centres across the image, 0..1, shape (W,)."""
        return ((np.arange(self.width, dtype=np.float32) + 0.5) / self.width).astype(np.float32)

    @property
    def y(self) -> Field:
        """Pixel centres down the image, 0..1, shape (H, 1)."""
        return ((np.arange(self.height, dtype=np.float32) + 0.5) / self.height).astype(np.float32)[:, None]

    def rng(self, name: str) -> np.random.Generator:
        """The dice called `name`."""
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(name.encode())]))

    def dice(self, name: str, count: int) -> Field:
        """`count` numbers in 0..1, shape (count,)."""
        return self.rng(name).random(count, dtype=np.float32)

    def rows(self, per_side: float, multiple: int = 1) -> int:
        """How many features fit down the image at `per_side` of them a side, a multiple of `multiple`."""
        return _fit(per_side, self.height, self.side, multiple)

    def cols(self, per_side: float, multiple: int = 1) -> int:
        """How many features fit across the image at `per_side` of them a side, a multiple of `multiple`."""
        return _fit(per_side, self.width, self.side, multiple)

    def noise(
        self, name: str, cells: float | tuple[float, float], *, octaves: int = 5, gain: float = 0.55
    ) -> Field:
        """Fractal value noise with mean 0 and standard deviation 1.

        `cells` is the number of blobs a side at the lowest octave, or (down, across) for streaks. Octaves
        finer than the image are left out. Built as a pyramid: each octave doubles a small periodic lattice,
        and only the last step touches every pixel.
        """
        down, across = cells if isinstance(cells, tuple) else (cells, cells)
        rng = self.rng(name)
        ny = max(1, round(down * self.height / self.side))
        nx = max(1, round(across * self.width / self.side))
        field = rng.random((ny, nx), dtype=np.float32) - np.float32(0.5)
        amplitude = 1.0
        for _ in range(octaves - 1):
            if ny >= self.height and nx >= self.width:
                break
            ny, nx = max(ny, min(2 * ny, self.height)), max(nx, min(2 * nx, self.width))
            amplitude *= gain
            field = resize(field, ny, nx)
            field += np.float32(amplitude) * (rng.random((ny, nx), dtype=np.float32) - np.float32(0.5))
        field -= field.mean(dtype=np.float64).astype(np.float32)
        field /= max(float(field.std(dtype=np.float64)), 1e-6)
        return resize(field, self.height, self.width)

    def grain(self, name: str) -> Field:
        """One number per pixel with mean 0 and standard deviation 1."""
        white = self.rng(name).random(self.shape, dtype=np.float32)
        white -= np.float32(0.5)
        white *= np.float32(math.sqrt(12.0))
        return white

    def soften(self, field: Field, radius: float) -> Field:
        """`field` blurred by about `radius` sides."""
        lattice = max(1.0, radius * self.side / 2)
        low = resize(field, max(1, round(self.height / lattice)), max(1, round(self.width / lattice)))
        for axis in (0, 1, 0, 1):
            low = (np.roll(low, 1, axis) + np.roll(low, -1, axis)) * np.float32(0.25) + low * np.float32(0.5)
        return resize(low, self.height, self.width)

    def grid(self, rows: int, cols: int, offsets: Field | None = None) -> Grid:
        """`rows` x `cols` rectangles; row r starts `offsets[r]` rectangles to the right."""
        down = self.y * np.float32(rows)
        row, v = split(down)
        across = np.broadcast_to(self.x * np.float32(cols), self.shape)
        if offsets is not None:
            across = across + (np.float32(cols) - offsets[row])
        col, u = split(across)
        edge = np.minimum(u, 1 - u) * np.float32(self.width / self.side / cols)
        edge = np.minimum(edge, np.minimum(v, 1 - v) * np.float32(self.height / self.side / rows))
        col %= cols
        col += row * cols
        return Grid(u, np.broadcast_to(v, self.shape), col, row, edge, rows, cols)

    def cells(self, name: str, per_side: float | tuple[float, float], jitter: float = 0.9) -> Cells:
        """About `per_side` (or (down, across)) scattered cells a side; `jitter` 0 is a regular grid, 1 is
        wild."""
        down, across = per_side if isinstance(per_side, tuple) else (per_side, per_side)
        ny, nx = max(3, self.rows(down)), max(3, self.cols(across))
        rng = self.rng(name)
        at_x = np.float32(0.5 - jitter / 2) + np.float32(jitter) * rng.random((ny, nx), dtype=np.float32)
        at_y = np.float32(0.5 - jitter / 2) + np.float32(jitter) * rng.random((ny, nx), dtype=np.float32)
        out = Cells(
            np.empty(self.shape, np.float32),
            np.empty(self.shape, np.float32),
            np.empty(self.shape, np.int32),
            ny * nx,
        )
        points = _spread(self.x * np.float32(nx), at_y, at_x)
        for top in range(0, self.height, BAND):
            rows = slice(top, min(top + BAND, self.height))
            _nearest_two(self.y[rows] * np.float32(ny), points, out, rows)
        return out

    def bend(self, name: str, cells: float, reach: float, *, octaves: int = 3) -> Bend:
        """A way to distort fields: every point is moved by noise of about `reach` sides."""
        right = self.noise(name, cells, octaves=octaves) * np.float32(reach)
        down = self.noise(f"{name} down", cells, octaves=octaves) * np.float32(reach)
        return Bend(self, right, down)

    def brush(self, layers: int = 1) -> Brush:
        """Something to draw strokes with."""
        return Brush(self, layers)


class Bend:
    """Reads fields at displaced positions, bilinear, wrapping around."""

    def __init__(self, canvas: Canvas, right: Field, down: Field) -> None:
        """`right` and `down` are displacements in sides."""
        width, height = canvas.width, canvas.height
        x = canvas.x * np.float32(width) + np.float32(8 * width - 0.5) + right * np.float32(canvas.side)
        y = canvas.y * np.float32(height) + np.float32(8 * height - 0.5) + down * np.float32(canvas.side)
        (left, self._x), (top, self._y) = split(x), split(y)
        left %= width
        top %= height
        self._right = np.where(left == width - 1, np.int32(1 - width), np.int32(1))
        self._below = np.where(top == height - 1, np.int32(width * (1 - height)), np.int32(width))
        self._at = top * np.int32(width) + left

    def __call__(self, field: Field) -> Field:
        """`field` distorted."""
        flat = field.ravel()
        at = self._at
        upper = flat.take(at)
        upper += (flat.take(at + self._right) - upper) * self._x
        at = at + self._below
        lower: Field = flat.take(at)
        lower += (flat.take(at + self._right) - lower) * self._x
        lower -= upper
        lower *= self._y
        lower += upper
        return lower


class Brush:
    """Draws polygons that wrap around, later ones over earlier ones, anti-aliased; each carries one
    number or more."""

    def __init__(self, canvas: Canvas, layers: int = 1) -> None:
        self._canvas = canvas
        self._scale = 2 if canvas.side <= 1536 else 1
        size = canvas.width * self._scale, canvas.height * self._scale
        self._images = [Image.new("F", size) for _ in range(layers)]
        self._draws = [ImageDraw.Draw(image) for image in self._images]

    def polygon(self, points: list[tuple[float, float]], *values: float) -> None:
        """Fill the polygon through `points` (x, y in sides) with one value a layer."""
        scale = self._canvas.side * self._scale
        width, height = self._images[0].size
        xs = [x * scale for x, _ in points]
        ys = [y * scale for _, y in points]
        for shift_y in _wraps(min(ys), max(ys), height):
            for shift_x in _wraps(min(xs), max(xs), width):
                moved = [(x + shift_x, y + shift_y) for x, y in zip(xs, ys, strict=True)]
                for draw, value in zip(self._draws, values, strict=True):
                    draw.polygon(moved, fill=value)

    def line(self, points: list[tuple[float, float]], width: float, *values: float) -> None:
        """Stroke through `points` (x, y in sides), at least one pixel wide."""
        scale = self._canvas.side * self._scale
        thick = max(1, round(width * scale))
        pic_width, pic_height = self._images[0].size
        xs = [x * scale for x, _ in points]
        ys = [y * scale for _, y in points]
        for shift_y in _wraps(min(ys) - thick, max(ys) + thick, pic_height):
            for shift_x in _wraps(min(xs) - thick, max(xs) + thick, pic_width):
                moved = [(x + shift_x, y + shift_y) for x, y in zip(xs, ys, strict=True)]
                for draw, value in zip(self._draws, values, strict=True):
                    draw.line(moved, fill=value, width=thick)

    def fields(self) -> list[Field]:
        """What was drawn, one field a layer; 0 where nothing was."""
        size = self._canvas.width, self._canvas.height
        return [np.array(image.resize(size, Image.Resampling.BOX), np.float32) for image in self._images]


def split(field: Field) -> tuple[Index, Field]:
    """Whole part (floor) and fraction; subtracting the integers themselves would go to float64."""
    whole = np.floor(field)
    return whole.astype(np.int32), field - whole


def resize(field: Field, ny: int, nx: int) -> Field:
    """A periodic field brought to shape (ny, nx): bicubic up, area-weighted down."""
    old_y, old_x = field.shape
    if (old_y, old_x) == (ny, nx):
        return field
    pad_y, pad_x = 2 * math.ceil(max(1.0, old_y / ny)) + 1, 2 * math.ceil(max(1.0, old_x / nx)) + 1
    padded = Image.fromarray(np.pad(field, ((pad_y, pad_y), (pad_x, pad_x)), mode="wrap"))
    box = (pad_x, pad_y, pad_x + old_x, pad_y + old_y)
    return np.array(padded.resize((nx, ny), Image.Resampling.BICUBIC, box=box), np.float32)


def _fit(per_side: float, length: int, side: int, multiple: int) -> int:
    most = max(1, length // SMALLEST_FEATURE // multiple)
    return multiple * min(most, max(1, round(per_side * length / side / multiple)))


def _wraps(low: float, high: float, length: int) -> list[int]:
    return [shift for shift in (-length, 0, length) if high + shift >= 0 and low + shift <= length]


@dataclass(frozen=True)
class _Points:
    """Where the points of neighbouring cells lie, spread out along the pixels of a row."""

    col: Index
    """The neighbour's column, (W,)."""
    from_x: Field
    """From that column to the pixel, in cells, (W,)."""
    x: Field
    y: Field
    """The points within their cells, (rows of cells, W)."""


def _spread(x: Field, at_y: Field, at_x: Field) -> list[_Points]:
    """The points to the left, here and to the right of every pixel."""
    cols, _ = split(x)
    points = []
    for step_x in (-1, 0, 1):
        col = (cols + step_x) % at_x.shape[1]
        from_x = x - cols.astype(np.float32) - np.float32(step_x)
        points.append(_Points(col, from_x, at_x.take(col, axis=1), at_y.take(col, axis=1)))
    return points


def _nearest_two(y: Field, points: list[_Points], out: Cells, rows: slice) -> None:
    """Fill `rows` of `out` from the nine cells around each pixel; `y` is in cells, (rows, 1)."""
    cell_y, fraction = split(y[:, 0])
    ny, nx = points[0].x.shape[0], out.count // points[0].x.shape[0]
    first = np.full((len(y), len(points[0].col)), 9.0, np.float32)
    second, index = first.copy(), np.zeros(first.shape, np.int32)
    for step_y in (-1, 0, 1):
        row = (cell_y + step_y) % ny
        from_y = (fraction - np.float32(step_y))[:, None]
        for near in points:
            dy, dx = from_y - near.y[row], near.from_x - near.x[row]
            dy *= dy
            dx *= dx
            dy += dx
            np.minimum(second, np.maximum(first, dy, out=dx), out=second)
            np.copyto(index, row[:, None] * np.int32(nx) + near.col, where=dy < first)
            np.minimum(first, dy, out=first)
    out.near[rows] = np.sqrt(first)
    out.gap[rows] = np.sqrt(second) - out.near[rows]
    out.id[rows] = index
