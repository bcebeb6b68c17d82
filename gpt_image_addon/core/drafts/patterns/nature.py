"""Ground, plants and water."""

from __future__ import annotations

import math

import numpy as np

from ..canvas import Brush, Canvas
from ..palette import Palette
from ..surface import Surface, cavity, lay, pick, ramp, shade, step


def grass(canvas: Canvas, palette: Palette) -> Surface:
    """A lawn seen from above: blades drawn from the ground up."""
    brush = canvas.brush(layers=2)
    count = round(3600 * canvas.width * canvas.height / canvas.side**2)
    dice = canvas.rng("blades").random((count, 6), dtype=np.float32).tolist()
    for order, (x, y, turn, length, hue, bend) in enumerate(dice):
        root = x * canvas.width / canvas.side, y * canvas.height / canvas.side
        _blade(brush, root, turn * 2 * math.pi, 0.03 + 0.05 * length, 2 * bend - 1, 0.15 + 0.85 * order / count, hue)
    blade, hue = brush.fields()
    soil, clump, fine = canvas.noise("soil", 40, octaves=4), canvas.noise("clump", 3, octaves=4), canvas.grain("grain")
    bare = (blade < 0.05).astype(np.float32)
    height = 0.08 + 0.8 * blade + 0.02 * soil * bare + 0.02 * clump
    light = 0.02 + 0.75 * blade * (0.55 + 0.6 * hue) + 0.05 * clump + 0.015 * fine
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, 0.3 + 0.5 * blade), np.maximum(0.7 * step(0.9, 0.97, hue), 0.8 * bare))
    return Surface(height.astype(np.float32), color)


def ground(canvas: Canvas, palette: Palette) -> Surface:
    """Soil with pebbles and crumbs."""
    soil, crumbs = canvas.noise("soil", 4, octaves=8, gain=0.66), canvas.noise("crumbs", 50, octaves=4, gain=0.7)
    grain = canvas.grain("grain")
    pebbles = canvas.cells("pebbles", 20, jitter=1.0)
    size = pick(np.power(canvas.dice("size", pebbles.count), 3) * np.float32(0.5), pebbles.id)
    dome = np.clip(1 - np.square((pebbles.near + 0.02 * crumbs) / (size + 0.02)), 0, 1) * (size > 0.1)
    body = step(0.0, 0.15, dome)
    height = 0.40 + 0.07 * soil + 0.05 * crumbs + 0.012 * grain + 0.3 * np.sqrt(dome) * size * 2
    light = 0.42 + 0.12 * soil + 0.10 * crumbs + 0.05 * grain
    color = ramp(palette.main, light)
    own = pick(canvas.dice("tone", pebbles.count), pebbles.id)
    lay(color, ramp(palette.accent, 0.2 + 0.5 * own + 0.15 * dome + 0.05 * crumbs), body)
    surface = Surface(height.astype(np.float32), color)
    cavity(canvas, surface, 0.8, 0.015)
    return surface


def sand(canvas: Canvas, palette: Palette) -> Surface:
    """Wind ripples: gentle on one side, steep on the other, forking."""
    bend = canvas.noise("bend", (2, 1.5), octaves=3, gain=0.4)
    phase = canvas.y * np.float32(canvas.rows(14)) + 0.75 * bend + 0.08 * canvas.noise("wave", 8, octaves=3)
    saw = phase - np.floor(phase)
    ripple = np.where(saw < 0.7, step(0.0, 0.7, saw), 1 - step(0.7, 1.0, saw))
    strength = 0.55 + 0.2 * canvas.noise("strength", 3, octaves=2)
    grain, fine = canvas.grain("grain"), canvas.noise("fine", 90, octaves=3, gain=0.8)
    height = 0.35 + 0.25 * ripple * strength + 0.03 * bend + 0.012 * fine + 0.007 * grain
    light = 0.38 + 0.20 * ripple * strength + 0.05 * canvas.noise("broad", 3, octaves=6) + 0.05 * fine + 0.06 * grain
    color = ramp(palette.main, light)
    lay(color, palette.accent[0], 0.5 * (grain > 1.66))
    return Surface(height.astype(np.float32), color)


def water(canvas: Canvas, palette: Palette) -> Surface:
    """Small waves with the net of light they throw."""
    swell = canvas.noise("swell", (5, 3), octaves=4, gain=0.45)
    warp = 0.02 * canvas.noise("warp", 5, octaves=2), 0.02 * canvas.noise("warp down", 5, octaves=2)
    net = canvas.sample(canvas.cells("net", 8, jitter=0.9).near, *warp)
    fine = canvas.sample(canvas.cells("fine", 17, jitter=0.9).near, *warp)
    light = np.power(np.clip(net, 0, 1.2), 3) * 0.55 + np.power(np.clip(fine, 0, 1.2), 3) * 0.3
    height = 0.5 + 0.07 * swell + 0.10 * (net - 0.5) + 0.03 * (fine - 0.5)
    color = ramp(palette.main, 0.18 + 0.09 * swell + 0.8 * light)
    return Surface(height.astype(np.float32), color)


def ice(canvas: Canvas, palette: Palette) -> Surface:
    """Clouded ice with white fractures at several depths."""
    cloud = canvas.noise("cloud", 3, octaves=7, gain=0.55)
    warp = 0.03 * canvas.noise("warp", 4, octaves=5), 0.03 * canvas.noise("warp down", 4, octaves=5)
    deep = canvas.sample(canvas.cells("deep", 4, jitter=1.0).gap, *warp)
    thin = canvas.sample(canvas.cells("thin", 9, jitter=1.0).gap, *warp)
    crack = np.exp(-deep * np.float32(26.0)) + 0.6 * np.exp(-thin * np.float32(55.0)) * step(-0.3, 0.9, cloud)
    haze = np.exp(-deep * np.float32(6.0))
    bubbles = canvas.cells("bubbles", 40, jitter=1.0)
    bubble = (1 - step(0.08, 0.16, bubbles.near)) * pick(canvas.dice("size", bubbles.count) ** 4, bubbles.id)
    light = 0.34 + 0.12 * cloud + 0.28 * haze + 0.55 * crack + 0.4 * bubble
    height = 0.5 + 0.012 * cloud - 0.10 * np.clip(crack, 0, 1) + 0.01 * canvas.noise("melt", 5, octaves=3)
    return Surface(height.astype(np.float32), ramp(palette.main, light))


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
