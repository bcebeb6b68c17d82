"""Things laid piece by piece with joints between them."""

from __future__ import annotations

import numpy as np

from ..primitives.canvas import Canvas, Field, Grid, split
from ..primitives.palette import Palette
from ..primitives.surface import Surface, cavity, lay, pick, ramp, rounded, shade, step, unit


def brick(canvas: Canvas, palette: Palette) -> Surface:
    """Running bond with worn edges, burnt bricks and sandy mortar."""
    rows, cols = canvas.rows(12, multiple=2), canvas.cols(4)
    shift = np.arange(rows) % 2 * 0.5 + 0.06 * canvas.dice("shift", rows) - 0.03
    grid = canvas.grid(rows, cols, shift.astype(np.float32))
    rough, coarse = canvas.noise("rough", 24, octaves=6, gain=0.65), canvas.noise("coarse", 5)
    edge = grid.edge + rough * np.float32(0.0011) + coarse * np.float32(0.0008)
    body = step(0.0045, 0.012, edge)
    grain = canvas.grain("grain")

    height = 0.72 + _each(canvas, "lift", grid, 0.12) + _tilt(canvas, grid, 0.07) + 0.028 * rough
    pits = step(1.5, 2.4, canvas.noise("pits", 70, octaves=2))
    height -= 0.12 * pits
    mortar = 0.32 + 0.035 * canvas.noise("sand", 90, octaves=3) + 0.012 * grain
    height = mortar + (height - mortar) * body

    tone = 0.5 + _each(canvas, "tone", grid, 0.62) + 0.075 * rough + 0.05 * coarse + 0.03 * grain - 0.2 * pits
    burnt = pick((canvas.dice("burnt", grid.count) > 0.9).astype(np.float32), grid.id)
    tone -= 0.22 * burnt * (1 + 0.4 * coarse)
    color = ramp(palette.main, tone)
    joint = ramp(palette.accent, 0.5 + 0.14 * canvas.noise("joint", 30) + 0.07 * grain)
    smear = 0.35 * step(0.9, 2.2, canvas.noise("smear", 7, octaves=6, gain=0.65))
    lay(color, joint, np.maximum(1 - step(0.003, 0.0065, edge), smear))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.5)
    return surface


def tiles(canvas: Canvas, palette: Palette) -> Surface:
    """Square glazed tiles; a second colour makes a chequerboard."""
    count = 2 if palette.has_second else 1
    rows, cols = canvas.rows(5 - count % 2, count), canvas.cols(5 - count % 2, count)
    grid = canvas.grid(rows, cols)
    soft, fine = canvas.noise("glaze", 3), canvas.noise("fine", 40, octaves=4)
    edge = grid.edge + fine * np.float32(0.0003)
    body = step(0.0045, 0.011, edge)
    dome = step(0.0, 0.05, edge)
    tile = 0.70 + 0.05 * dome + _each(canvas, "lift", grid, 0.03) + _tilt(canvas, grid, 0.035) + 0.008 * soft
    sand = canvas.noise("sand", 90, octaves=3)
    joint = 0.38 + 0.03 * sand
    height = joint + (tile - joint) * body

    tone = 0.5 + _each(canvas, "tone", grid, 0.3) + 0.1 * soft + 0.035 * fine + 0.12 * (dome - 0.7)
    color = ramp(palette.main, tone)
    grout = palette.accent
    if palette.has_second:
        other = (grid.row + grid.id % cols) % 2
        lay(color, ramp(palette.accent, tone), other.astype(np.float32))
        grout = palette.tinted(None, (0.45, 0.44, 0.42)).accent
    crackle = canvas.cells("crackle", 60).gap
    shade(color, 1 - 0.05 * (1 - step(0.0, 0.06, crackle)))
    lay(color, ramp(grout, 0.5 + 0.13 * sand + 0.1 * soft), 1 - step(0.003, 0.0065, edge))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.35)
    return surface


def cobblestone(canvas: Canvas, palette: Palette) -> Surface:
    """Rounded setts in sand."""
    stones = canvas.cells("stones", 9, jitter=0.55)
    rough, coarse = canvas.noise("rough", 20, octaves=6, gain=0.62), canvas.noise("coarse", 4)
    grain = canvas.grain("grain")
    gap: Field = stones.gap + 0.03 * rough
    body = step(0.06, 0.2, gap)
    dome = rounded(1.15 * gap)
    lift = pick(canvas.dice("lift", stones.count), stones.id)
    stone = 0.38 + 0.42 * dome + 0.14 * lift + 0.03 * rough
    sand = 0.22 + 0.03 * canvas.noise("sand", 80, octaves=3) + 0.012 * grain
    height = sand + (stone - sand) * body

    tone = 0.15 + 0.5 * pick(canvas.dice("tone", stones.count), stones.id) + 0.22 * dome
    tone += 0.09 * rough + 0.05 * coarse + 0.04 * grain
    color = ramp(palette.main, tone)
    lay(color, ramp(palette.accent, 0.5 + 0.2 * coarse + 0.1 * grain), 1 - step(0.05, 0.13, gap))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.5, 0.03)
    return surface


def stone_wall(canvas: Canvas, palette: Palette) -> Surface:
    """Rubble masonry: broad hewn stones in deep mortar."""
    bend = canvas.bend("bend", 7, 0.010, octaves=4)
    stones = canvas.cells("stones", (7.5, 4.5), jitter=0.75)
    gap = bend(stones.gap)
    rough, fine = (
        canvas.noise("rough", 9, octaves=7, gain=0.6),
        canvas.noise("fine", 70, octaves=4, gain=0.75),
    )
    grain = canvas.grain("grain")
    body = step(0.06, 0.17, gap + 0.02 * rough)
    dome = rounded(gap * 1.4)
    lift = pick(canvas.dice("lift", stones.count), stones.id)
    stone = 0.42 + 0.26 * dome + 0.12 * lift + 0.055 * rough + 0.012 * fine
    mortar = 0.26 + 0.03 * canvas.noise("sand", 60, octaves=4) + 0.010 * grain
    height = mortar + (stone - mortar) * body

    tone = 0.16 + 0.48 * pick(canvas.dice("tone", stones.count), stones.id) + 0.14 * dome
    tone += 0.10 * rough + 0.06 * fine + 0.03 * grain
    warm = pick(canvas.dice("warm", stones.count), stones.id)
    color = ramp(palette.main, tone)
    lay(color, palette.accent[1], 0.35 * step(0.55, 1.0, warm))
    lay(
        color,
        ramp(palette.accent, 0.5 + 0.12 * rough + 0.08 * grain),
        1 - step(0.05, 0.11, gap + 0.02 * rough),
    )
    surface = Surface(height, color)
    cavity(canvas, surface, 0.6, 0.03)
    return surface


def roof(canvas: Canvas, palette: Palette) -> Surface:
    """Plain tiles with rounded ends, every course lying on the one below."""
    rows, cols = canvas.rows(9, 2), canvas.cols(8)
    grid = canvas.grid(rows, cols, (np.arange(rows) % 2 * 0.5).astype(np.float32))
    rough, grain = canvas.noise("rough", 14, octaves=7, gain=0.62), canvas.grain("grain")
    # A tile ends in a curve; below the curve the course underneath shows.
    drop = np.float32(0.80) + 0.20 * rounded(1 - np.square(2 * grid.u - 1))
    drop += 0.015 * _each(canvas, "length", grid, 2.0)
    over = step(-0.012, 0.012, drop - grid.v)
    half = canvas.grid(rows, cols, ((np.arange(rows) + 1) % 2 * 0.5).astype(np.float32))
    side = np.minimum(grid.u, 1 - grid.u) * over + np.minimum(half.u, 1 - half.u) * (1 - over)
    slot = 1 - step(0.012, 0.035, side + 0.004 * rough)
    upper = (
        0.36
        + 0.42 * grid.v
        + _each(canvas, "lift", grid, 0.08)
        + _each(canvas, "roll", grid, 0.1) * (grid.u - 0.5)
    )
    height = 0.30 + (upper - 0.30) * over + 0.022 * rough - 0.14 * slot

    tone = 0.5 + _each(canvas, "tone", grid, 0.5) * over + 0.08 * rough + 0.03 * grain + 0.12 * (grid.v - 0.5)
    tone -= 0.3 * (1 - over) + 0.3 * slot
    color = ramp(palette.main, tone)
    lay(
        color,
        ramp(palette.accent, tone),
        0.5 * step(0.7, 2.2, canvas.noise("lichen", 5, octaves=7, gain=0.62)),
    )
    surface = Surface(height, color)
    cavity(canvas, surface, 0.6)
    return surface


def hexagons(canvas: Canvas, palette: Palette) -> Surface:
    """Six-sided tiles; a second colour falls on some of them."""
    rows, cols = canvas.rows(8.08, 2), canvas.cols(7)
    across, down = canvas.x * np.float32(cols), canvas.y * np.float32(rows)
    best = np.full(canvas.shape, 9.0, np.float32)
    second, index = best.copy(), np.zeros(canvas.shape, np.int32)
    base, _ = split(down)
    tall = np.float32(0.75**0.5)  # a row's height in hexagon widths
    for row in (base - 1, base, base + 1):
        shift = (row % 2).astype(np.float32) * np.float32(0.5)
        col, u = split(across - shift)
        dx, dy = u - np.float32(0.5), (down - row.astype(np.float32) - np.float32(0.5)) * tall
        far, beside = np.square(dx) + np.square(dy), np.square(1 - np.abs(dx)) + np.square(dy)
        second = np.minimum(second, np.maximum(best, far))
        index = np.where(far < best, row % rows * cols + col % cols, index)
        best = np.minimum(best, far)
        second = np.minimum(second, np.maximum(best, beside))
    edge = (second - best) * np.float32(0.5 / 7)
    count = rows * cols
    soft, fine, grain = canvas.noise("glaze", 4), canvas.noise("fine", 40, octaves=4), canvas.grain("grain")
    body = step(0.0035, 0.010, edge + np.float32(0.0003) * fine)
    dome = step(0.0, 0.045, edge)
    lift = pick(canvas.dice("lift", count) - np.float32(0.5), index)
    joint = 0.38 + 0.03 * fine + 0.006 * grain
    height = joint + (0.68 + 0.06 * dome + 0.05 * lift + 0.006 * soft - joint) * body
    tone = 0.5 + 0.4 * pick(canvas.dice("tone", count) - np.float32(0.5), index) + 0.08 * soft + 0.03 * fine
    tone += 0.12 * (dome - 0.7)
    color = ramp(palette.main, tone)
    grout = palette.accent
    if palette.has_second:
        lay(
            color,
            ramp(palette.accent, tone),
            pick((canvas.dice("other", count) > 0.66).astype(np.float32), index),
        )
        grout = palette.tinted(None, (0.3, 0.3, 0.29)).accent
    lay(color, ramp(grout, 0.5 + 0.15 * fine + 0.05 * grain), 1 - step(0.002, 0.0055, edge))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.35)
    return surface


def mosaic(canvas: Canvas, palette: Palette) -> Surface:
    """Small hand-cut stones in several colours."""
    rows, cols = canvas.rows(22), canvas.cols(22)
    bend = canvas.bend("bend", 3, 0.012, octaves=2)
    stones = canvas.cells(
        "stones", (rows * canvas.side / canvas.height, cols * canvas.side / canvas.width), jitter=0.42
    )
    fine, grain = canvas.noise("fine", 60, octaves=4), canvas.grain("grain")
    gap = stones.gap + 0.02 * fine
    body = step(0.08, 0.2, gap)
    own = pick(canvas.dice("tone", stones.count), stones.id)
    lift = pick(canvas.dice("lift", stones.count), stones.id)
    height = 0.3 + 0.02 * grain + (0.34 + 0.14 * lift + 0.05 * unit(gap) + 0.01 * fine) * body
    light = 0.1 + 0.8 * own + 0.05 * fine + 0.02 * grain
    color = ramp(palette.main, light)
    drawn = step(0.1, 0.3, bend(canvas.noise("figure", 2, octaves=3, gain=0.4)))
    chance = pick(canvas.dice("other", stones.count), stones.id)
    lay(color, ramp(palette.accent, light), step(0.45, 0.55, 0.75 * drawn + 0.4 * chance))
    lay(color, (0.55, 0.53, 0.49), 1 - step(0.06, 0.13, gap))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.4)
    return surface


def _each(canvas: Canvas, name: str, grid: Grid, spread: float) -> Field:
    """A value of its own for every piece, centred on 0."""
    return pick((canvas.dice(name, grid.count) - np.float32(0.5)) * np.float32(spread), grid.id)


def _tilt(canvas: Canvas, grid: Grid, spread: float) -> Field:
    """Every piece leans a little its own way."""
    along = _each(canvas, "tilt u", grid, spread) * (grid.u - np.float32(0.5))
    along += _each(canvas, "tilt v", grid, spread) * (grid.v - np.float32(0.5))
    return along
