"""Plants, drawn leaf by leaf."""

from __future__ import annotations

import math

import numpy as np

from ..primitives.canvas import Brush, Canvas
from ..primitives.palette import Palette
from ..primitives.surface import Surface, cavity, lay, ramp, rounded, step, unit


def grass(canvas: Canvas, palette: Palette) -> Surface:
    """A lawn seen from above: blades drawn from the ground up."""
    brush = canvas.brush(layers=2)
    count = round(4200 * canvas.width * canvas.height / canvas.side**2)
    dice = canvas.rng("blades").random((count, 6), dtype=np.float32).tolist()
    for order, (x, y, turn, length, hue, bend) in enumerate(dice):
        root = x * canvas.width / canvas.side, y * canvas.height / canvas.side
        depth = 0.15 + 0.85 * order / count
        _blade(brush, root, turn * 2 * math.pi, 0.03 + 0.05 * length, 2 * bend - 1, depth, 0.1 + 0.9 * hue)
    blade, hue = brush.fields()
    soil, clump, grain = (
        canvas.noise("soil", 40, octaves=4),
        canvas.noise("clump", 3, octaves=4),
        canvas.grain("grain"),
    )
    bare = 1 - step(0.04, 0.1, blade)
    height = 0.08 + 0.8 * blade + bare * (0.03 + 0.02 * soil)
    light = 0.08 + 0.85 * blade * (0.55 + 0.6 * hue) + 0.06 * clump * blade + 0.015 * grain
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, 0.3 + 0.6 * blade), 0.7 * step(0.93, 0.97, hue))
    lay(color, ramp(palette.accent, 0.12 + 0.06 * soil), 0.85 * bare)
    return Surface(height, color)


def foliage(canvas: Canvas, palette: Palette) -> Surface:
    """Leaves over leaves, each with its midrib."""
    brush = canvas.brush(layers=3)
    count = round(650 * canvas.width * canvas.height / canvas.side**2)
    dice = canvas.rng("leaves").random((count, 5), dtype=np.float32).tolist()
    for order, (x, y, turn, size, hue) in enumerate(dice):
        at = x * canvas.width / canvas.side, y * canvas.height / canvas.side
        _leaf(brush, at, turn * 2 * math.pi, 0.05 + 0.06 * size, 0.12 + 0.88 * order / count, 0.1 + 0.9 * hue)
    depth, hue, across = brush.fields()
    fine, cloud = canvas.noise("fine", 40, octaves=5), canvas.noise("cloud", 3, octaves=4)
    height = 0.05 + 0.7 * depth + 0.12 * across + 0.006 * fine
    light = 0.02 + 0.62 * depth * (0.6 + 0.5 * hue) + 0.12 * across + 0.035 * fine + 0.03 * cloud
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, light), 0.8 * step(0.9, 0.95, hue))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.4, 0.03)
    return surface


def moss(canvas: Canvas, palette: Palette) -> Surface:
    """Cushions of tiny shoots."""
    cushions = canvas.cells("cushions", 5, jitter=1.0)
    mound = canvas.soften(rounded(cushions.gap), 0.03) + 0.12 * canvas.noise("mound", 5, octaves=4)
    shoots = unit(1 - canvas.cells("shoots", 75, jitter=1.0).near)
    fluff, grain = canvas.noise("fluff", 50, octaves=5, gain=0.8), canvas.grain("grain")
    height = 0.2 + 0.4 * mound + 0.16 * shoots + 0.04 * fluff
    light = 0.05 + 0.36 * mound + 0.32 * shoots + 0.10 * fluff + 0.03 * grain
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, light), 0.5 * step(0.8, 2.2, canvas.noise("dry", 4, octaves=7)))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.7, 0.03)
    return surface


def _leaf(
    brush: Brush, at: tuple[float, float], turn: float, length: float, depth: float, hue: float
) -> None:
    """Two halves that lean towards the midrib between them."""
    outline = [
        (s, 0.3 * math.sin(math.pi * s**0.75) * (1 - 0.3 * s)) for s in (0.0, 0.15, 0.3, 0.5, 0.7, 0.85, 1.0)
    ]
    cos, sin = math.cos(turn) * length, math.sin(turn) * length

    def place(s: float, side: float) -> tuple[float, float]:
        return at[0] + s * cos - side * sin, at[1] + s * sin + side * cos

    for sign, lean in ((1, 0.75), (-1, 0.35)):
        brush.polygon([place(s, sign * side) for s, side in outline], depth, hue, lean)
    brush.line([place(0.0, 0.0), place(0.9, 0.0)], 0.0016, depth, hue, 1.3)


def _blade(
    brush: Brush, root: tuple[float, float], turn: float, length: float, bend: float, depth: float, hue: float
) -> None:
    """A blade that rises from its root to its tip, which is `depth` high."""
    x, y = root
    half = 0.0035
    for part in range(3):
        dx, dy = math.cos(turn), math.sin(turn)
        tip = half * (0.8, 0.55, 0.0)[part]
        end_x, end_y = x + dx * length / 3, y + dy * length / 3
        corners = [
            (x - dy * half, y + dx * half),
            (end_x - dy * tip, end_y + dx * tip),
            (end_x + dy * tip, end_y - dx * tip),
            (x + dy * half, y - dx * half),
        ]
        brush.polygon(corners, depth * (0.55 + 0.2 * part), hue)
        x, y, half, turn = end_x, end_y, tip, turn + bend * 0.5
