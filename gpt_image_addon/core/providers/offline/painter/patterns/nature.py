"""Ground, plants and water."""

from __future__ import annotations

import numpy as np

from ..primitives.canvas import Canvas, Field, split
from ..primitives.palette import Palette
from ..primitives.surface import Surface, cavity, lay, pick, ramp, step, unit


def ground(canvas: Canvas, palette: Palette) -> Surface:
    """Soil with crumbs and half-buried pebbles."""
    soil, crumbs = (
        canvas.noise("soil", 4, octaves=8, gain=0.62),
        canvas.noise("crumbs", 36, octaves=5, gain=0.72),
    )
    grain = canvas.grain("grain")
    pebbles = canvas.cells("pebbles", 22, jitter=1.0)
    size = pick(np.power(canvas.dice("size", pebbles.count), 4) * np.float32(0.55), pebbles.id)
    outline = 0.10 * canvas.noise("outline", 30, octaves=3) * size
    dome = unit(1 - np.square((pebbles.near + outline) / (size + 0.02))) * (size > 0.08)
    body = step(0.05, 0.3, dome - 0.10 * np.clip(crumbs, -1, 2))
    height = 0.40 + 0.07 * soil + 0.06 * crumbs + 0.012 * grain + 0.5 * np.sqrt(dome) * size
    light = 0.42 + 0.10 * soil + 0.13 * crumbs + 0.06 * grain
    color = ramp(palette.main, light)
    own = pick(canvas.dice("tone", pebbles.count), pebbles.id)
    lay(color, ramp(palette.accent, 0.05 + 0.6 * own + 0.15 * dome + 0.06 * crumbs + 0.04 * grain), body)
    surface = Surface(height, color)
    cavity(canvas, surface, 1.0, 0.015)
    return surface


def sand(canvas: Canvas, palette: Palette) -> Surface:
    """Wind ripples: gentle on one side, steep on the other, forking."""
    sway = canvas.noise("bend", (2, 1.5), octaves=3, gain=0.4)
    phase = canvas.y * np.float32(canvas.rows(14)) + 0.75 * sway + 0.08 * canvas.noise("wave", 8, octaves=3)
    _, saw = split(phase)
    ripple = np.where(saw < 0.7, step(0.0, 0.7, saw), 1 - step(0.7, 1.0, saw))
    strength = 0.55 + 0.2 * canvas.noise("strength", 3, octaves=2)
    grain, fine = canvas.grain("grain"), canvas.noise("fine", 90, octaves=3, gain=0.8)
    height = 0.35 + 0.25 * ripple * strength + 0.03 * sway + 0.012 * fine + 0.007 * grain
    light = (
        0.34
        + 0.34 * ripple * strength
        + 0.05 * canvas.noise("broad", 3, octaves=6)
        + 0.05 * fine
        + 0.06 * grain
    )
    color = ramp(palette.main, light)
    lay(color, palette.accent[0], 0.5 * (grain > 1.66))
    return Surface(height, color)


def water(canvas: Canvas, palette: Palette) -> Surface:
    """Small waves with the net of light they throw."""
    swell = canvas.noise("swell", (5, 3), octaves=4, gain=0.45)
    warp = canvas.bend("warp", 5, 0.02, octaves=2)
    net: Field = warp(canvas.cells("net", 8, jitter=0.9).near)
    fine: Field = warp(canvas.cells("fine", 17, jitter=0.9).near)
    light: Field = 0.55 * net * net * net + 0.3 * fine * fine * fine
    height = 0.5 + 0.07 * swell + 0.10 * (net - 0.5) + 0.03 * (fine - 0.5)
    color = ramp(palette.main, 0.18 + 0.09 * swell + 0.8 * light)
    return Surface(height, color)


def ice(canvas: Canvas, palette: Palette) -> Surface:
    """Clouded ice with white fractures at several depths."""
    cloud = canvas.noise("cloud", 3, octaves=7, gain=0.55)
    warp = canvas.bend("warp", 3, 0.05, octaves=6)
    deep = warp(canvas.cells("deep", 3, jitter=1.0).gap)
    thin = warp(canvas.cells("thin", 7, jitter=1.0).gap)
    where = step(-0.6, 1.2, canvas.noise("where", 3, octaves=3))
    crack = np.exp(-deep * np.float32(70.0)) * (0.35 + 0.65 * where)
    crack += 0.45 * np.exp(-thin * np.float32(80.0)) * step(-0.2, 1.4, cloud)
    haze = np.exp(-deep * np.float32(9.0)) * where
    bubbles = canvas.cells("bubbles", 34, jitter=1.0)
    size = pick(np.power(canvas.dice("size", bubbles.count), 5) * np.float32(0.3), bubbles.id)
    bubble = (1 - step(-0.04, 0.04, bubbles.near - size)) * (size > 0.03)
    frost = canvas.noise("frost", (90, 50), octaves=3, gain=0.8)
    light = 0.36 + 0.13 * cloud + 0.20 * haze + 0.6 * crack + 0.16 * bubble + 0.02 * frost
    height = (
        0.5 + 0.010 * cloud - 0.10 * unit(crack) + 0.012 * canvas.noise("melt", 5, octaves=3) + 0.002 * frost
    )
    return Surface(height, ramp(palette.main, light))


def cracked_earth(canvas: Canvas, palette: Palette) -> Surface:
    """Dried mud: curled plates, cracks within cracks."""
    bend = canvas.bend("bend", 5, 0.022, octaves=6)
    plates = canvas.cells("plates", 6, jitter=0.95)
    gap = bend(plates.gap)
    small = bend(canvas.cells("small", 15, jitter=1.0).gap)
    rough, fine, grain = (
        canvas.noise("rough", 6, octaves=7),
        canvas.noise("fine", 60, octaves=4),
        canvas.grain("grain"),
    )
    crack = 1 - step(0.015, 0.09, gap + 0.01 * rough)
    hair = (1 - step(0.01, 0.05, small)) * step(0.2, 1.2, canvas.noise("where", 3, octaves=3))
    curl = np.exp(gap * np.float32(-5.0))
    height = 0.52 + 0.14 * curl + 0.025 * rough + 0.012 * fine + 0.005 * grain
    height -= 0.5 * crack + 0.12 * hair
    light = 0.56 + 0.10 * rough + 0.05 * fine + 0.03 * grain + 0.12 * curl - 0.6 * crack - 0.3 * hair
    surface = Surface(height, ramp(palette.main, light))
    cavity(canvas, surface, 0.5)
    return surface


def lava(canvas: Canvas, palette: Palette) -> Surface:
    """Cooled crust adrift on glowing rock."""
    bend = canvas.bend("bend", 4, 0.03, octaves=6)
    gap = bend(canvas.cells("plates", 5, jitter=1.0).gap)
    small = bend(canvas.cells("small", 12, jitter=1.0).gap)
    rough, fine = (
        canvas.noise("rough", 5, octaves=8, gain=0.6),
        canvas.noise("fine", 50, octaves=5, gain=0.75),
    )
    hot = step(-0.6, 1.4, canvas.noise("hot", 2, octaves=4))
    heat = np.exp(-gap * np.float32(11.0)) * (0.5 + 0.7 * hot) + 0.5 * np.exp(-small * np.float32(18.0)) * hot
    heat = unit(heat - 0.05 * np.abs(fine))
    crust = 1 - step(0.12, 0.45, heat)
    height = 0.22 + (0.3 + 0.10 * rough + 0.03 * fine + 0.12 * unit(gap)) * crust
    color = ramp(palette.main, 0.4 + 0.13 * rough + 0.10 * fine)
    lay(color, ramp(palette.accent, heat), step(0.06, 0.4, heat))
    return Surface(height, color)


def snow(canvas: Canvas, palette: Palette) -> Surface:
    """Wind-packed snow with a glitter of crystals."""
    drift = canvas.noise("drift", (3, 2), octaves=4, gain=0.42)
    ridge = 1 - np.abs(canvas.noise("ridge", (5, 3), octaves=5, gain=0.5))
    fine, grain = canvas.noise("fine", 70, octaves=4, gain=0.75), canvas.grain("grain")
    height = 0.45 + 0.10 * drift + 0.06 * np.clip(ridge, -1, 1) + 0.012 * fine + 0.003 * grain
    light = 0.58 + 0.14 * drift + 0.10 * ridge + 0.035 * fine + 0.02 * grain
    surface = Surface(height, ramp(palette.main, light))
    lay(surface.color, palette.accent[0], 0.8 * (grain > 1.715))
    cavity(canvas, surface, 0.35, 0.04)
    return surface


def clouds(canvas: Canvas, palette: Palette) -> Surface:
    """A sky with fair-weather clouds."""
    bend = canvas.bend("bend", 2, 0.05, octaves=5)
    mass = bend(canvas.noise("mass", (3, 2), octaves=8, gain=0.55))
    cover = step(-0.2, 1.5, mass)
    lit = np.roll(mass, round(0.02 * canvas.side), axis=0)
    color = ramp(palette.main, 0.5 + 0.18 * canvas.noise("haze", 2, octaves=3))
    lay(color, ramp(palette.accent, 0.55 + 0.5 * (mass - lit) + 0.22 * mass), cover)
    return Surface(0.3 + 0.35 * cover, color)


def space(canvas: Canvas, palette: Palette) -> Surface:
    """Gas and stars."""
    bend = canvas.bend("bend", 2, 0.09, octaves=6)
    gas = bend(canvas.noise("gas", 2, octaves=8, gain=0.55))
    other = canvas.noise("other", 2, octaves=7)
    color = ramp(palette.main, 0.12 + 0.45 * step(-0.6, 2.4, gas) + 0.05 * gas)
    lay(
        color,
        ramp(palette.accent, step(0.0, 2.5, other + 0.5 * gas)),
        0.7 * step(0.3, 2.2, other + 0.4 * gas),
    )
    stars = np.zeros(canvas.shape, np.float32)
    for name, per_side, sharp in (("far", 70, 900.0), ("near", 18, 700.0)):
        cells = canvas.cells(name, per_side, jitter=1.0)
        shine = pick(np.power(canvas.dice(f"{name} shine", cells.count), 6), cells.id)
        stars += shine * np.exp(np.square(cells.near) * np.float32(-sharp * 20.0 / per_side / (20.0 / 18.0)))
    color += unit(stars)
    return Surface(0.5 + 0.05 * gas, color)
