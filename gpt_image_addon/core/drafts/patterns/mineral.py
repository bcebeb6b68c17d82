"""Stone, and what is cast or smeared like it."""

from __future__ import annotations

import numpy as np

from ..canvas import Canvas
from ..palette import Palette
from ..surface import Surface, cavity, lay, pick, ramp, shade, step


def stone(canvas: Canvas, palette: Palette) -> Surface:
    """A rock face: broken facets, cracks, lichen-free."""
    facets = canvas.cells("facets", 6, jitter=1.0)
    rough = canvas.noise("rough", 4, octaves=9, gain=0.62)
    ridge = np.abs(canvas.noise("ridge", 3, octaves=6, gain=0.5))
    grain = canvas.grain("grain")
    crack = 1 - step(0.0, 0.09, facets.gap + 0.05 * rough)
    tilt = pick(canvas.dice("tilt", facets.count), facets.id)
    height = 0.5 + 0.10 * rough + 0.13 * tilt - 0.10 * ridge - 0.10 * crack + 0.008 * grain
    height += 0.15 * (0.5 - np.clip(facets.near, 0, 1))

    speckle = canvas.noise("speckle", 110, octaves=3, gain=0.8)
    light = 0.45 + 0.11 * rough + 0.16 * (tilt - 0.5) - 0.06 * ridge + 0.07 * speckle + 0.04 * grain - 0.18 * crack
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, light), 0.55 * step(0.3, 1.6, canvas.noise("vein", 3, octaves=7)))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.9, 0.03)
    return surface


def marble(canvas: Canvas, palette: Palette) -> Surface:
    """Polished marble: clouds, and veins where a warped noise crosses zero."""
    flow = canvas.noise("flow", 2, octaves=4, gain=0.5)
    veins = canvas.noise("veins", 2, octaves=7, gain=0.5)
    veins = canvas.sample(veins, 0.09 * flow, 0.09 * canvas.noise("flow down", 2, octaves=4, gain=0.5))
    thin = canvas.noise("thin", 5, octaves=6, gain=0.5)
    patch = step(-0.8, 1.2, flow)
    bold = np.exp(np.abs(veins) * np.float32(-13.0)) * (0.25 + 0.75 * patch)
    halo = np.exp(np.abs(veins) * np.float32(-2.8))
    fine = np.exp(np.abs(thin + 0.4 * veins) * np.float32(-22.0)) * (1 - 0.75 * patch)

    cloud = canvas.noise("cloud", 3, octaves=7, gain=0.55)
    light = 0.70 + 0.10 * cloud - 0.28 * halo * patch + 0.012 * canvas.grain("grain")
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, 0.45 + 0.18 * cloud), np.clip(0.9 * bold + 0.5 * fine, 0, 0.92))
    height = 0.5 - 0.025 * bold - 0.012 * fine + 0.004 * cloud
    return Surface(height, color)


def concrete(canvas: Canvas, palette: Palette) -> Surface:
    """Fair-faced concrete: blotches, air holes, fine cracks."""
    blotch, cloud = canvas.noise("blotch", 2, octaves=6, gain=0.55), canvas.noise("cloud", 10, octaves=6, gain=0.6)
    fine, grain = canvas.noise("fine", 120, octaves=3, gain=0.8), canvas.grain("grain")
    holes = canvas.cells("holes", 22, jitter=1.0)
    size = pick(np.power(canvas.dice("size", holes.count), 6) * np.float32(0.22), holes.id)
    hole = 1 - step(-0.03, 0.03, holes.near - size + 0.006 * fine)
    hole *= (size > 0.02).astype(np.float32)
    hair = np.exp(np.abs(canvas.noise("hair", 2, octaves=8, gain=0.6)) * np.float32(-70.0))
    hair *= step(0.2, 1.2, canvas.noise("where", 2, octaves=3))

    height = 0.62 + 0.016 * cloud + 0.012 * blotch + 0.012 * fine + 0.005 * grain - 0.28 * hole - 0.08 * hair
    light = 0.52 + 0.13 * blotch + 0.075 * cloud + 0.04 * fine + 0.025 * grain - 0.3 * hole - 0.3 * hair
    surface = Surface(height, ramp(palette.main, light))
    lay(surface.color, palette.accent[0], 0.25 * step(0.8, 2.4, canvas.noise("stain", (1.5, 5), octaves=6)))
    cavity(canvas, surface, 0.5)
    return surface


def plaster(canvas: Canvas, palette: Palette) -> Surface:
    """Trowelled plaster: overlapping strokes with raised lips."""
    flow = canvas.noise("flow", 3, octaves=2)
    strokes = canvas.noise("strokes", 5, octaves=5, gain=0.5)
    strokes = canvas.sample(strokes, 0.05 * flow, 0.05 * canvas.noise("flow down", 3, octaves=2))
    lip = 1 - np.abs(strokes)
    lip = np.clip(lip, 0, 1) ** 3
    fine, grain = canvas.noise("fine", 60, octaves=4, gain=0.75), canvas.grain("grain")
    height = 0.5 + 0.07 * strokes + 0.10 * lip + 0.018 * fine + 0.004 * grain
    blotch = canvas.noise("blotch", 2, octaves=6)
    light = 0.5 + 0.10 * blotch + 0.06 * strokes + 0.07 * lip + 0.035 * fine + 0.015 * grain
    surface = Surface(height, ramp(palette.main, light))
    cavity(canvas, surface, 0.5)
    return surface


def noise(canvas: Canvas, palette: Palette) -> Surface:
    """For prompts that name nothing known: warped clouds of paint."""
    flow = canvas.noise("flow", 2, octaves=4, gain=0.5)
    base = canvas.sample(canvas.noise("base", 2, octaves=7), 0.12 * flow, 0.12 * canvas.noise("flow down", 2))
    band = 0.5 + 0.5 * np.sin(base * np.float32(2.6) + flow)
    fine = canvas.noise("fine", 60, octaves=4, gain=0.7)
    height = 0.5 + 0.10 * base + 0.12 * (band - 0.5) + 0.015 * fine
    light = 0.15 + 0.7 * band + 0.05 * base + 0.03 * fine
    surface = Surface(height, ramp(palette.main, light))
    lay(surface.color, ramp(palette.accent, light), 0.75 * step(0.4, 1.6, flow + 0.4 * base))
    cavity(canvas, surface, 0.6, 0.03)
    return surface
