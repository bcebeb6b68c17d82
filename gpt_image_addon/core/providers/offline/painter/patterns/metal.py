"""Metals, bright and corroded."""

from __future__ import annotations

import math

import numpy as np

from ..primitives.canvas import Canvas, Field
from ..primitives.palette import Palette
from ..primitives.surface import Surface, cavity, lay, ramp, step


def brushed_metal(canvas: Canvas, palette: Palette) -> Surface:
    """Hairlines in one direction, long soft bands of light."""
    hair = canvas.noise("hair", (300, 2), octaves=3, gain=0.9)
    line = canvas.noise("line", (90, 1), octaves=4, gain=0.7)
    band = canvas.noise("band", (4, 1), octaves=3)
    stain = canvas.noise("stain", 3, octaves=6)
    height = 0.5 + 0.014 * hair + 0.010 * line
    light = 0.5 + 0.085 * hair + 0.085 * line + 0.075 * band + 0.03 * stain
    return Surface(height, ramp(palette.main, light))


def metal(canvas: Canvas, palette: Palette) -> Surface:
    """A used sheet: scratches every way, dents, wiped stains."""
    scratch = scratches(canvas, 900)
    dent, stain = canvas.noise("dent", 3, octaves=3, gain=0.4), canvas.noise("stain", 3, octaves=8, gain=0.62)
    wipe = canvas.noise("wipe", (60, 8), octaves=4, gain=0.7)
    spot = step(1.6, 2.3, canvas.noise("spot", 50, octaves=3))
    height = 0.55 + 0.03 * dent + 0.003 * wipe - 0.035 * scratch - 0.03 * spot
    light = 0.5 + 0.03 * dent + 0.055 * stain + 0.05 * wipe + 0.4 * scratch - 0.25 * spot
    surface = Surface(height, ramp(palette.main, light))
    lay(surface.color, palette.accent[-1], 0.3 * step(0.6, 2.4, stain - 0.6 * dent))
    return surface


def rust(canvas: Canvas, palette: Palette) -> Surface:
    """Paint or steel that flakes off above swollen rust."""
    where = canvas.noise("where", 3, octaves=8, gain=0.6)
    fine, grain = canvas.noise("fine", 45, octaves=5, gain=0.75), canvas.grain("grain")
    front = where + 0.10 * fine
    eaten = step(-0.06, 0.1, front)
    lip = np.exp(np.square((front + 0.06) * np.float32(8.0)) * np.float32(-1.0))
    crust = 0.44 + 0.06 * fine + 0.05 * where + 0.012 * grain
    scratch = scratches(canvas, 200)
    sheet = 0.62 + 0.008 * canvas.noise("sheet", 6) - 0.03 * scratch
    height = sheet + (crust - sheet) * eaten + 0.06 * lip
    light = 0.42 + 0.13 * fine + 0.17 * canvas.noise("hue", 4, octaves=7) + 0.05 * grain
    color = ramp(
        palette.accent, 0.45 + 0.16 * canvas.noise("patina", 3, octaves=7) + 0.03 * grain + 0.3 * scratch
    )
    bleeding = step(-1.1, 0.1, front + 0.25 * canvas.noise("runs", (2, 24), octaves=4))
    lay(color, palette.main[len(palette.main) // 2], 0.6 * bleeding)
    lay(color, ramp(palette.main, light), eaten)
    surface = Surface(height, color)
    cavity(canvas, surface, 0.6)
    return surface


def tread_plate(canvas: Canvas, palette: Palette) -> Surface:
    """Chequer plate: raised lozenges, turned a quarter from one to the next."""
    rows, cols = canvas.rows(14, 2), canvas.cols(14, 2)
    grid = canvas.grid(rows, cols)
    flip = 1 - 2.0 * ((grid.row + grid.id % cols) % 2).astype(np.float32)
    u, v = grid.u - np.float32(0.5), grid.v - np.float32(0.5)
    along, across = u + flip * v, v - flip * u
    lozenge = np.square(along * np.float32(1 / 0.78)) + np.abs(across * np.float32(1 / 0.26))
    bump = 1 - step(0.55, 1.0, lozenge)
    scratch, stain = scratches(canvas, 500), canvas.noise("stain", 3, octaves=8, gain=0.62)
    wipe = canvas.noise("wipe", (60, 20), octaves=4, gain=0.7)
    rubbed = bump * step(-0.5, 1.0, canvas.noise("rubbed", 2, octaves=3))
    height = 0.4 + 0.28 * bump + 0.004 * wipe + 0.008 * stain - 0.03 * scratch
    light = 0.40 + 0.055 * stain + 0.05 * wipe + 0.3 * scratch + 0.16 * bump + 0.14 * rubbed
    surface = Surface(height, ramp(palette.main, light))
    lay(surface.color, palette.accent[0], 0.5 * step(0.3, 2.2, stain) * (1 - bump))
    cavity(canvas, surface, 0.9)
    return surface


def scratches(canvas: Canvas, per_side: int) -> Field:
    """Thin straight scratches, 0..1."""
    brush = canvas.brush()
    count = round(per_side * canvas.width * canvas.height / canvas.side**2)
    for x, y, turn, length, depth in canvas.rng("scratches").random((count, 5), dtype=np.float32).tolist():
        x, y, length = (
            x * canvas.width / canvas.side,
            y * canvas.height / canvas.side,
            0.01 + 0.25 * length**4,
        )
        dx, dy = length * math.cos(turn * math.pi), length * math.sin(turn * math.pi)
        brush.line([(x, y), (x + dx, y + dy)], 0.0008, 0.1 + 0.9 * depth**3)
    return brush.fields()[0]
