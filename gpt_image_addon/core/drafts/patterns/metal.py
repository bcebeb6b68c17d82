"""Metals, bright and corroded."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Canvas, Field
from ..palette import Palette
from ..surface import Surface, cavity, lay, ramp, shade, step


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
    scratch = scratches(canvas, 420)
    dent, stain = canvas.noise("dent", 3, octaves=3, gain=0.4), canvas.noise("stain", 2, octaves=7, gain=0.6)
    fine = canvas.noise("fine", (110, 60), octaves=3, gain=0.8)
    height = 0.55 + 0.035 * dent + 0.006 * fine - 0.05 * scratch
    light = 0.5 + 0.05 * dent + 0.11 * stain + 0.05 * fine + 0.32 * scratch
    surface = Surface(height, ramp(palette.main, light))
    lay(surface.color, palette.accent[0], 0.35 * step(0.7, 2.2, stain + 0.3 * fine))
    return surface


def rust(canvas: Canvas, palette: Palette) -> Surface:
    """Paint or steel that flakes off above swollen rust."""
    where = canvas.noise("where", 3, octaves=8, gain=0.6)
    fine, grain = canvas.noise("fine", 45, octaves=5, gain=0.75), canvas.grain("grain")
    eaten = step(-0.55, -0.35, where + 0.10 * fine)
    lip = np.exp(np.square((where + 0.10 * fine + 0.5) * np.float32(7.0)) * np.float32(-1.0))
    crust = 0.42 + 0.07 * fine + 0.05 * where + 0.015 * grain
    sheet = 0.62 + 0.008 * canvas.noise("sheet", 6) - 0.03 * scratches(canvas, 120)
    height = sheet + (crust - sheet) * eaten + 0.07 * lip
    light = 0.45 + 0.17 * fine + 0.14 * canvas.noise("hue", 5, octaves=6) + 0.06 * grain
    color = ramp(palette.accent, 0.5 + 0.1 * canvas.noise("patina", 3, octaves=6) + 0.03 * grain)
    halo = step(-1.0, -0.5, where + 0.15 * fine)
    lay(color, palette.main[len(palette.main) // 2], 0.45 * halo)
    lay(color, ramp(palette.main, light), eaten)
    surface = Surface(height, color)
    cavity(canvas, surface, 0.6)
    return surface


def scratches(canvas: Canvas, per_side: int) -> Field:
    """Thin straight scratches, 0..1."""
    brush = canvas.brush()
    count = round(per_side * canvas.width * canvas.height / canvas.side**2)
    for x, y, turn, length, depth in canvas.rng("scratches").random((count, 5), dtype=np.float32).tolist():
        x, y, length = x * canvas.width / canvas.side, y * canvas.height / canvas.side, 0.01 + 0.25 * length**4
        dx, dy = length * math.cos(turn * math.pi), length * math.sin(turn * math.pi)
        brush.line([(x, y), (x + dx, y + dy)], 0.0008, 0.1 + 0.9 * depth**3)
    return brush.fields()[0]
