"""Wood, sawn and grown."""

from __future__ import annotations

import numpy as np

from ..primitives.canvas import Canvas, Field, split
from ..primitives.palette import Palette
from ..primitives.surface import Surface, cavity, lay, pick, ramp, rounded, step, unit


def wood_grain(canvas: Canvas, palette: Palette) -> Surface:
    """One wide board: flowing year rings, knots, pores."""
    down = canvas.y * np.float32(canvas.rows(13))
    warp = 0.55 * canvas.noise("flow", (1.5, 1), octaves=3, gain=0.4) + 0.06 * canvas.noise(
        "wave", (8, 2), octaves=3
    )
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
    warp = 0.28 * canvas.noise("flow", (3, 1.5), octaves=3, gain=0.4) + 0.05 * canvas.noise(
        "wave", (16, 3), octaves=3
    )
    surface = _board(canvas, palette, rings + warp + bend, heart, (own - np.float32(0.5)) * np.float32(0.5))

    body = step(0.0015, 0.0075, edge)
    surface.height *= np.float32(0.6)
    surface.height += 0.3 + 0.1 * pick(canvas.dice("lift", grid.count), grid.id)
    surface.height *= body
    surface.height += np.float32(0.05)
    lay(surface.color, palette.accent[0], 0.9 * (1 - step(0.001, 0.0045, edge)))
    cavity(canvas, surface, 0.35)
    return surface


def parquet(canvas: Canvas, palette: Palette) -> Surface:
    """Herringbone: blocks of five by one, each row turned a quarter."""
    length = 5
    rows, cols = canvas.rows(30, 2 * length), canvas.cols(30, 2 * length)
    across, down = np.broadcast_to(canvas.x * np.float32(cols), canvas.shape), canvas.y * np.float32(rows)
    (col, u), (row, v) = split(across), split(down)
    # Along every diagonal, `length` cells belong to lying blocks and the next `length` to standing ones.
    phase = (col - row) % (2 * length)
    lies = phase < length
    place = np.where(lies, phase, 2 * length - 1 - phase)
    within: Field = np.where(lies, u, v)
    along = (within + place.astype(np.float32)) / np.float32(length)
    over: Field = np.where(lies, v, u)
    start = np.where(lies, col - place, col) % cols + np.where(lies, row, row - place) % rows * cols
    block = start + np.where(lies, 0, rows * cols)
    edge = np.minimum(
        np.minimum(along, 1 - along) * np.float32(length), np.minimum(over, 1 - over)
    ) / np.float32(30)

    own = pick(canvas.dice("own", 2 * rows * cols), block)
    flow = np.where(
        lies, canvas.noise("flow", (8, 3), octaves=3), canvas.noise("flow down", (3, 8), octaves=3)
    )
    fibre = np.where(
        lies, canvas.noise("fibre", (150, 8), octaves=3), canvas.noise("fibre down", (8, 150), octaves=3)
    )
    lean = (pick(canvas.dice("lean", 2 * rows * cols), block) - np.float32(0.5)) * along
    rings = 2.4 * over + 2.0 * lean + 0.3 * flow + 13.0 * own
    surface = _sawn(palette, rings, fibre, 0.06 * flow + (own - np.float32(0.5)) * np.float32(0.42))
    body = step(0.0006, 0.004, edge)
    tilt = pick(canvas.dice("tilt", 2 * rows * cols) - np.float32(0.5), block)
    top: Field = 0.25 + 0.4 * surface.height + 0.06 * own + (over - np.float32(0.5)) * tilt * np.float32(0.05)
    surface.height = np.float32(0.15) + top * body
    lay(surface.color, palette.accent[0], 0.85 * (1 - step(0.0004, 0.0026, edge)))
    cavity(canvas, surface, 0.35)
    return surface


def bark(canvas: Canvas, palette: Palette) -> Surface:
    """Old bark: long plates, deep furrows, splinters."""
    bend = canvas.bend("bend", 5, 0.035, octaves=4)
    gap = bend(canvas.cells("plates", (3.5, 9), jitter=1.0).gap)
    small = bend(canvas.cells("flakes", (9, 20), jitter=1.0).gap)
    splinter = canvas.noise("splinter", (14, 70), octaves=5, gain=0.7)
    rough, grain = canvas.noise("rough", 6, octaves=7, gain=0.6), canvas.grain("grain")
    plate = rounded(gap * 1.3)
    height = 0.12 + 0.55 * plate + 0.12 * rounded(small) + 0.045 * splinter + 0.05 * rough
    light = 0.08 + 0.50 * plate + 0.10 * small + 0.08 * splinter + 0.07 * rough + 0.03 * grain
    color = ramp(palette.main, light)
    lay(
        color, ramp(palette.accent, light), 0.4 * step(0.6, 2.0, canvas.noise("lichen", 4, octaves=7)) * plate
    )
    surface = Surface(height, color)
    cavity(canvas, surface, 0.5, 0.03)
    return surface


def _board(canvas: Canvas, palette: Palette, rings: Field, heart: Field, tone: Field | np.float32) -> Surface:
    """A board with its fibres across the image; `heart` 0..1 is where knots are, `tone` shifts the
    colour."""
    fibre = canvas.noise("fibre", (150, 4), octaves=3, gain=0.7)
    streak = canvas.noise("streak", (30, 2), octaves=3)
    cloud = canvas.noise("cloud", (3, 1), octaves=3)
    pores = step(1.15, 1.9, canvas.noise("pores", (170, 9), octaves=2, gain=0.8))
    surface = _sawn(palette, rings, fibre, tone + 0.07 * streak + 0.08 * cloud - 0.2 * pores - 0.62 * heart)
    surface.height += 0.02 * streak - 0.12 * pores - 0.08 * heart
    return surface


def _sawn(palette: Palette, rings: Field, fibre: Field, tone: Field) -> Surface:
    """Sawn wood: `rings` counts years, `fibre` is its finest streaks, `tone` shifts the colour."""
    _, year = split(rings)
    late = step(0.15, 0.9, year) * (1 - step(0.92, 1.0, year))  # dark summer wood ends abruptly in winter
    return Surface(
        0.55 + 0.10 * late + 0.035 * fibre, ramp(palette.main, 0.62 - 0.30 * late + 0.11 * fibre + tone)
    )


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
        fade = np.square(1 - unit(far / 36))
        bend[window] += fade * np.exp(-far / 6) * np.float32(2.2 + turn)
        heart[window] = np.maximum(heart[window], np.exp(-far * np.float32(1.2)))
    return bend, heart


def _around(offset: Field) -> Field:
    """The shorter way around the image, in images."""
    return np.subtract(offset, np.rint(offset), dtype=np.float32)
