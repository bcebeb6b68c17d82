"""Heights of surfaces that tile, as noise, cells, courses, threads, grain and strewn things.

Each function takes dice and a side in pixels and returns float32 planes (side, side). A `size` is in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Dice = np.random.Generator


@dataclass(frozen=True)
class Parts:
    """A surface made of many pieces."""

    edge: Field
    """Pixels from the border of the piece, about."""
    number: NDArray[np.int64]
    """Which piece."""
    count: int

    def vary(self, dice: Dice) -> Field:
        """A standard normal value a piece."""
        return dice.standard_normal(self.count).astype(np.float32)[self.number]


def unit(field: Field) -> Field:
    """`field` with mean 0 and standard deviation 1; 0 where it is even."""
    out = field - field.mean()
    return np.asarray(out / max(float(out.std()), 1e-6), np.float32)


def smooth(field: Field, sigma: float) -> Field:
    """Gaussian blur that wraps."""
    down, across = frequencies(field.shape[0])
    spectrum = np.fft.rfft2(field) * np.exp(-2 * (np.pi * sigma) ** 2 * (down**2 + across**2))
    return np.fft.irfft2(spectrum, s=field.shape).astype(np.float32)


def frequencies(side: int) -> tuple[Field, Field]:
    """Cycles a pixel down and across, for rfft2."""
    return (
        np.fft.fftfreq(side)[:, None].astype(np.float32),
        np.fft.rfftfreq(side)[None].astype(np.float32),
    )


def noise(
    dice: Dice, side: int, size: float, slope: float = 1.6, stretch: float = 1.0, angle: float = 0.0
) -> Field:
    """Fractal noise: amplitude falls with frequency to the power `slope` below features of `size`.

    `stretch` above 1 draws it out along `angle`, radians from the columns' direction.
    """
    down, across = frequencies(side)
    along = across * np.cos(angle) + down * np.sin(angle)
    beside = down * np.cos(angle) - across * np.sin(angle)
    rate = np.hypot(along * stretch, beside) * size
    gain = (1 + rate * rate) ** (-slope / 2)
    gain[0, 0] = 0
    spectrum = np.fft.rfft2(dice.standard_normal((side, side))) * gain
    return unit(np.fft.irfft2(spectrum, s=(side, side)).astype(np.float32))


def ridges(dice: Dice, side: int, size: float, slope: float = 2.2) -> Field:
    """Creases: high along lines, low between."""
    return unit(-np.abs(noise(dice, side, size, slope)))


def warp(dice: Dice, field: Field, reach: float, size: float) -> Field:
    """`field` pushed about by up to some `reach` pixels."""
    side = len(field)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    rows, columns = (
        (at + reach * noise(dice, side, size, 2.5)).round().astype(np.int64) % side for at in (y, x)
    )
    return np.asarray(field[rows, columns])


def cells(dice: Dice, side: int, size: float, jitter: float = 0.9, stretch: float = 1.0) -> Parts:
    """Voronoi cells of about `size` pixels, `stretch` times as wide as high."""
    rows = max(2, round(side / size))
    columns = max(2, round(side / (size * stretch)))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    y, x = (y + 0.5) * rows / side, (x + 0.5) * columns / side
    offsets = 0.5 + jitter * (dice.random((2, rows, columns)).astype(np.float32) - 0.5)
    first = np.full((side, side), 9, np.float32)
    second = first.copy()
    number = np.zeros((side, side), np.int64)
    row, column = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            r, c = row + down, column + across
            here = (r % rows) * columns + c % columns
            dy = r + offsets[0].ravel()[here] - y
            dx = (c + offsets[1].ravel()[here] - x) * stretch
            distance = np.hypot(dy, dx)
            nearer = distance < first
            second = np.where(nearer, first, np.minimum(second, distance))
            number = np.where(nearer, here, number)
            first = np.minimum(first, distance)
    return Parts((second - first) * np.float32(size / 2), number, rows * columns)


def courses(dice: Dice, side: int, size: float, length: float = 2.2, offset: float = 0.5) -> Parts:
    """Courses `size` pixels high of pieces `length` times as long, each course shifted by `offset` of one."""
    rows = max(2, round(side / size / 2) * 2)
    columns = max(1, round(side / (size * length)))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    y, x = (y + 0.5) * rows / side, (x + 0.5) * columns / side
    row = np.floor(y).astype(np.int64)
    shift = offset * (row % 2) if offset >= 0 else dice.random(rows).astype(np.float32)[row]
    x = x + shift.astype(np.float32)
    column = np.floor(x).astype(np.int64) % columns
    down = np.minimum(y - row, 1 - y + row) * side / rows
    beside = np.minimum(x - np.floor(x), 1 - x + np.floor(x)) * side / columns
    edge = np.minimum(down, beside).astype(np.float32)
    return Parts(edge, row * columns + column, rows * columns)


def bevel(parts: Parts, gap: float, width: float) -> Field:
    """0 in joints `gap` pixels wide, rising to 1 within `width` pixels."""
    at = np.clip((parts.edge - gap / 2) / max(width, 0.5), 0, 1)
    return np.asarray(np.sqrt(at * (2 - at)), np.float32)


def weave(side: int, size: float, twill: int = 1) -> Field:
    """Threads of `size` pixels over and under each other; `twill` threads at a time."""
    count = max(2, round(side / size / (2 * twill)) * 2 * twill)
    y, x = (np.mgrid[:side, :side].astype(np.float32) + 0.5) * count / side
    row, column = np.floor(y), np.floor(x)
    over = ((row + column) // twill) % 2 == 0
    warp_thread = np.sin(np.pi * (x - column)) * (0.6 + 0.4 * np.sin(np.pi * (y - row)))
    weft = np.sin(np.pi * (y - row)) * (0.6 + 0.4 * np.sin(np.pi * (x - column)))
    return np.where(over, warp_thread + 0.4, weft).astype(np.float32)


def bumps(side: int, size: float, share: float = 0.6, shift: bool = True) -> Field:
    """Round bumps in rows, `size` pixels apart, `share` of that wide, from 0 to 1."""
    count = max(2, round(side / size / 2) * 2)
    y, x = (np.mgrid[:side, :side].astype(np.float32) + 0.5) * count / side
    x = x + 0.5 * (np.floor(y) % 2 if shift else 0)
    far = np.hypot(y - np.floor(y) - 0.5, x - np.floor(x) - 0.5) / (share / 2)
    return np.asarray(np.sqrt(np.clip(1 - far * far, 0, 1)), np.float32)


def grooves(side: int, size: float, along: int = 0) -> Field:
    """Even waves `size` pixels wide down (0) or across (1)."""
    count = max(1, round(side / size))
    at = np.sin(2 * np.pi * count * (np.arange(side, dtype=np.float32) + 0.5) / side)
    plane = np.broadcast_to(at[:, None] if along == 0 else at[None], (side, side))
    return np.ascontiguousarray(plane, np.float32)


@dataclass(frozen=True)
class Strewn:
    """Things lying over each other."""

    height: Field
    number: NDArray[np.int64]
    """Which thing is seen; 0 is the ground."""
    count: int

    def vary(self, dice: Dice) -> Field:
        """A standard normal value a thing."""
        return dice.standard_normal(self.count + 1).astype(np.float32)[self.number]


def strew(
    dice: Dice,
    side: int,
    size: float,
    *,
    cover: float,
    length: float = 1.6,
    bulge: float = 1.0,
    vein: bool = False,
) -> Strewn:
    """Ellipses of about `size` pixels, `length` times as long, laid at random until `cover` times the area.

    `bulge` 1 is a pebble, 0.2 a leaf, with a `vein`; each lies a little askew.
    """
    count = int(min(cover * side * side / (size * size * length * 0.8), 4000))
    height = np.zeros((side, side), np.float32)
    number = np.zeros((side, side), np.int64)
    for i in range(1, count + 1):
        short = size / 2 * dice.uniform(0.6, 1.3)
        long = short * length * dice.uniform(0.8, 1.2)
        reach = min(int(np.ceil(max(short, long))) + 1, side // 2 - 1)
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
        turn = dice.uniform(0, np.pi)
        u = (x * np.cos(turn) + y * np.sin(turn)) / long
        v = (y * np.cos(turn) - x * np.sin(turn)) / short
        inside = 1 - u * u - v * v
        tilt = dice.normal(0, 0.3, 2)
        top = bulge * short * np.sqrt(np.maximum(inside, 0)) + (tilt[0] * u + tilt[1] * v) * short * 0.5
        if vein:
            top += 0.3 * short * np.minimum(np.abs(v) * 2, 0.5)
        rows = (np.arange(-reach, reach + 1) + dice.integers(side)) % side
        columns = (np.arange(-reach, reach + 1) + dice.integers(side)) % side
        box = np.ix_(rows, columns)
        below = height[box]
        seat = float(np.median(below[inside > 0.3])) * 0.6 if (inside > 0.3).any() else 0.0
        seen = (inside > 0) & (top + seat > below)
        height[box] = np.where(seen, top + seat, below)
        number[box] = np.where(seen, i, number[box])
    return Strewn(height, number, count)


def strokes(dice: Dice, side: int, count: int, length: float, angle: float | None = None) -> Field:
    """Thin lines, 0..1: scratches, blades, straw; along `angle` or anywhere."""
    out = np.zeros((side, side), np.float32)
    steps = np.arange(int(length), dtype=np.float32)
    for _ in range(count):
        turn = dice.uniform(0, np.pi) if angle is None else angle + dice.normal(0, 0.08)
        bend = dice.normal(0, 0.3 / length)
        turns = turn + bend * steps
        y, x = (
            dice.uniform(0, side) + np.cumsum(np.sin(turns)),
            dice.uniform(0, side) + np.cumsum(np.cos(turns)),
        )
        rows, columns = y.astype(np.int64) % side, x.astype(np.int64) % side
        out[rows, columns] = np.maximum(out[rows, columns], dice.uniform(0.4, 1))
    return out
