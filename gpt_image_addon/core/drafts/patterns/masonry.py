"""Things laid piece by piece with joints between them."""

from __future__ import annotations

import numpy as np

from ..canvas import Canvas, Field, Grid
from ..palette import Palette
from ..surface import Surface, cavity, lay, pick, ramp, shade, step


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
    count = 2 if palette.has_accent else 1
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
    if palette.has_accent:
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
    gap = stones.gap + 0.03 * rough
    body = step(0.06, 0.2, gap)
    dome = np.sqrt(np.clip(gap * 1.15, 0, 1))
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


def _each(canvas: Canvas, name: str, grid: Grid, spread: float) -> Field:
    """A value of its own for every piece, centred on 0."""
    return pick((canvas.dice(name, grid.count) - np.float32(0.5)) * np.float32(spread), grid.id)


def _tilt(canvas: Canvas, grid: Grid, spread: float) -> Field:
    """Every piece leans a little its own way."""
    along = _each(canvas, "tilt u", grid, spread) * (grid.u - np.float32(0.5))
    along += _each(canvas, "tilt v", grid, spread) * (grid.v - np.float32(0.5))
    return along
