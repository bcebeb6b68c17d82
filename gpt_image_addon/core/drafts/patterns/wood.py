"""Wood, sawn and grown."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Canvas, Field
from ..palette import Palette
from ..surface import Surface, cavity, lay, pick, ramp, shade, step


def wood_grain(canvas: Canvas, palette: Palette) -> Surface:
    """One wide board: flowing year rings, knots, pores."""
    down = np.broadcast_to(canvas.y * np.float32(canvas.rows(9)), canvas.shape)
    warp = 0.55 * canvas.noise("flow", (1.5, 1), octaves=3, gain=0.4) + 0.06 * canvas.noise("wave", (8, 2), octaves=3)
    bend, heart = _knots(canvas, 4)
    return _board(canvas, palette, down + warp + 1.2 * bend, heart, np.float32(0.0))


def wood_planks(canvas: Canvas, palette: Palette) -> Surface:
    """Boards of a floor or wall, each cut from its own tree, nailed at the ends."""
    rows = canvas.rows(6)
    grid = canvas.grid(rows, canvas.cols(1), canvas.dice("ends", rows))
    own = pick(canvas.dice("own", grid.count), grid.id)
    ripple = canvas.noise("ripple", (14, 2), octaves=3)
    edge = grid.edge + np.float32(0.0006) * ripple
    slope = pick(canvas.dice("slope", grid.count) - np.float32(0.5), grid.id)
    cathedral = np.square((grid.u - own) * np.float32(1.7)) * 3.0 * slope
    # Rings around a line off the plank's middle give the arches that flat-sawn boards show.
    middle = grid.v - 0.5 + (own - np.float32(0.5)) * np.float32(0.8)
    rings = np.sqrt(np.square(middle * 2.4) + 0.05) * 3.2 + cathedral + own * 17
    bend, heart = _knots(canvas, 5)
    warp = 0.28 * canvas.noise("flow", (3, 1.5), octaves=3, gain=0.4) + 0.05 * canvas.noise("wave", (16, 3), octaves=3)
    surface = _board(canvas, palette, rings + warp + bend, heart, (own - np.float32(0.5)) * np.float32(0.5))

    body = step(0.0015, 0.0075, edge)
    surface.height *= np.float32(0.6)
    surface.height += 0.3 + 0.1 * pick(canvas.dice("lift", grid.count), grid.id)
    surface.height *= body
    surface.height += np.float32(0.05)
    lay(surface.color, palette.accent[0], 0.9 * (1 - step(0.001, 0.0045, edge)))
    cavity(canvas, surface, 0.35)
    return surface


def _board(canvas: Canvas, palette: Palette, rings: Field, heart: Field, tone: Field | np.float32) -> Surface:
    """Sawn wood: `rings` counts years, `heart` 0..1 is where knots are, `tone` shifts the colour."""
    year = rings - np.floor(rings)
    late = step(0.15, 0.9, year) * (1 - step(0.92, 1.0, year))  # dark summer wood ends abruptly in winter
    fibre = canvas.noise("fibre", (150, 4), octaves=3, gain=0.7)
    streak = canvas.noise("streak", (30, 2), octaves=3)
    cloud = canvas.noise("cloud", (3, 1), octaves=3)
    pores = step(1.15, 1.9, canvas.noise("pores", (170, 9), octaves=2, gain=0.8))

    light = 0.62 - 0.30 * late + 0.075 * fibre + 0.07 * streak + 0.08 * cloud + tone
    light -= 0.2 * pores + 0.62 * heart
    height = 0.55 + 0.10 * late + 0.035 * fibre + 0.02 * streak - 0.12 * pores - 0.08 * heart
    return Surface(height, ramp(palette.main, light))


def _knots(canvas: Canvas, per_side: int) -> tuple[Field, Field]:
    """How far knots push the rings aside, and where they are (0..1)."""
    bend, heart = np.zeros(canvas.shape, np.float32), np.zeros(canvas.shape, np.float32)
    count = max(1, round(per_side * canvas.width * canvas.height / canvas.side**2))
    for at_x, at_y, size, turn in canvas.rng("knots").random((count, 4), dtype=np.float32).tolist():
        radius = 0.008 + 0.016 * size
        dx = _around(canvas.x - np.float32(at_x)) * np.float32(canvas.width / canvas.side / 1.5)
        dy = _around(canvas.y - np.float32(at_y)) * np.float32(canvas.height / canvas.side)
        rows = np.flatnonzero(np.abs(dy[:, 0]) < radius * 6)
        cols = np.flatnonzero(np.abs(dx) < radius * 6)
        far = (np.square(dy[rows]) + np.square(dx[cols])) / np.float32(radius * radius)
        window = np.ix_(rows, cols)
        fade = np.square(1 - np.clip(far / 36, 0, 1))
        bend[window] += fade * np.exp(-far / 6) * np.float32(2.2 + turn)
        heart[window] = np.maximum(heart[window], np.exp(-far * np.float32(1.2)))
    return bend, heart


def _around(offset: Field) -> Field:
    """The shorter way around the picture, in pictures."""
    return offset - np.round(offset)
