"""Stone, and what is cast or smeared like it."""

from __future__ import annotations

import numpy as np

from ..primitives.canvas import Canvas
from ..primitives.palette import Palette
from ..primitives.surface import Surface, cavity, lay, pick, ramp, rounded, step, unit


def stone(canvas: Canvas, palette: Palette) -> Surface:
    """A rock face: broken facets with ledges, crevices, mineral stains."""
    bend = canvas.bend("bend", 3, 0.05, octaves=6)
    blocks = canvas.cells("blocks", (5, 4), jitter=1.0)
    chips = canvas.cells("chips", (13, 9), jitter=1.0)
    gap, block = bend(blocks.gap), bend(blocks.near)
    chip = bend(chips.near)
    rough, fine = (
        canvas.noise("rough", 4, octaves=8, gain=0.6),
        canvas.noise("fine", 60, octaves=4, gain=0.75),
    )
    ridge = np.clip(np.abs(canvas.noise("ridge", (4, 2.5), octaves=7, gain=0.52)), 0, 1.5)
    crevice = 1 - step(0.0, 0.10, gap + 0.03 * rough)
    grain = canvas.grain("grain")
    height = 0.74 - 0.26 * block - 0.11 * chip + 0.085 * rough - 0.09 * ridge - 0.17 * crevice
    height += 0.016 * fine + 0.005 * grain

    light = (
        0.46 + 0.09 * rough - 0.10 * ridge - 0.10 * (chip - 0.5) + 0.07 * fine + 0.035 * grain - 0.2 * crevice
    )
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, light + 0.05), 0.5 * step(0.4, 1.8, canvas.noise("stain", 3, octaves=8)))
    surface = Surface(height, color)
    cavity(canvas, surface, 0.8, 0.04)
    return surface


def marble(canvas: Canvas, palette: Palette) -> Surface:
    """Polished marble: clouds, and veins where noise that flows one way crosses zero."""
    drift = canvas.noise("drift", 2, octaves=6, gain=0.5)
    veins = np.sin(
        np.float32(2 * np.pi) * (canvas.cols(2) * canvas.x + canvas.rows(1) * canvas.y) + 1.9 * drift
    )
    veins = veins + 0.16 * canvas.noise("frill", 6, octaves=6, gain=0.55)
    thin = canvas.noise("thin", 3, octaves=7, gain=0.5) + 0.5 * veins
    where = step(-1.0, 1.4, canvas.noise("where", 2, octaves=4))
    bold = np.exp(np.abs(veins) * np.float32(-16.0)) * (0.15 + 0.85 * where)
    halo = np.exp(np.abs(veins) * np.float32(-2.6)) * where
    fine = np.exp(np.abs(thin) * np.float32(-26.0)) * (1 - 0.6 * where)

    cloud = canvas.noise("cloud", 3, octaves=7, gain=0.55)
    light = 0.74 + 0.10 * cloud - 0.38 * halo + 0.010 * canvas.grain("grain")
    color = ramp(palette.main, light)
    lay(color, ramp(palette.accent, 0.45 + 0.18 * cloud), np.clip(0.85 * bold + 0.55 * fine, 0, 0.9))
    height = 0.5 - 0.025 * bold - 0.012 * fine + 0.004 * cloud
    return Surface(height, color)


def concrete(canvas: Canvas, palette: Palette) -> Surface:
    """Fair-faced concrete: blotches, air holes, fine cracks."""
    blotch, cloud = (
        canvas.noise("blotch", 2, octaves=6, gain=0.55),
        canvas.noise("cloud", 10, octaves=6, gain=0.6),
    )
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
    strokes = canvas.bend("flow", 3, 0.05, octaves=2)(canvas.noise("strokes", 5, octaves=5, gain=0.5))
    lip = np.float32(1) - np.abs(strokes)
    lip = unit(lip) ** 3
    fine, grain = canvas.noise("fine", 60, octaves=4, gain=0.75), canvas.grain("grain")
    height = 0.5 + 0.07 * strokes + 0.10 * lip + 0.018 * fine + 0.004 * grain
    blotch = canvas.noise("blotch", 2, octaves=6)
    light = 0.5 + 0.10 * blotch + 0.06 * strokes + 0.07 * lip + 0.035 * fine + 0.015 * grain
    surface = Surface(height, ramp(palette.main, light))
    cavity(canvas, surface, 0.5)
    return surface


def terrazzo(canvas: Canvas, palette: Palette) -> Surface:
    """Chips of many stones in polished cement."""
    fine, grain = canvas.noise("fine", 90, octaves=3), canvas.grain("grain")
    bed = 0.72 + 0.05 * canvas.noise("bed", 3, octaves=6) + 0.03 * fine + 0.02 * grain
    color = ramp(palette.main, bed)
    chips = np.zeros(canvas.shape, np.float32)
    for name, per_side, least in (("dust", 44, 0.12), ("small", 22, 0.1), ("large", 10, 0.08)):
        cells = canvas.cells(name, per_side, jitter=1.0)
        size = pick(canvas.dice(f"{name} size", cells.count), cells.id)
        chip = step(0.0, 0.05, cells.gap - least - 0.45 * size) * (size < 0.7)
        hue = pick(canvas.dice(f"{name} hue", cells.count), cells.id)
        lay(color, ramp(palette.accent, hue + 0.03 * fine), chip)
        chips = np.maximum(chips, chip)
    return Surface(0.5 + 0.006 * chips + 0.002 * fine, color)


def gravel(canvas: Canvas, palette: Palette) -> Surface:
    """Loose pebbles, large ones on small ones."""
    fine, grain = canvas.noise("fine", 60, octaves=4, gain=0.7), canvas.grain("grain")
    height = 0.1 + 0.02 * fine
    color = ramp(palette.accent, 0.3 + 0.1 * fine + 0.04 * grain)
    for name, per_side, base, share in (
        ("small", 34, 0.1, 1.0),
        ("middle", 20, 0.2, 0.8),
        ("large", 12, 0.3, 0.5),
    ):
        stones = canvas.cells(name, per_side, jitter=0.95)
        present = pick((canvas.dice(f"{name} present", stones.count) < share).astype(np.float32), stones.id)
        dome = rounded(stones.gap * 2.2 - 0.12) * present
        top = base + (0.3 + 4.0 / per_side) * dome + 0.008 * fine
        over = step(0.15, 0.3, dome) * (top > height)
        own = pick(canvas.dice(f"{name} tone", stones.count), stones.id)
        light = 0.02 + 0.62 * own + 0.25 * dome + 0.05 * fine + 0.035 * grain
        lay(color, ramp(palette.main, light), over)
        height = np.where(over > 0, height + (top - height) * over, height)
    surface = Surface(height, color)
    cavity(canvas, surface, 0.6, 0.03)
    return surface


def enamel(canvas: Canvas, palette: Palette) -> Surface:
    """Smooth thick paint, a little lighter towards the upper left; what a decal is made of unless told
    otherwise."""
    sway = 0.03 * canvas.noise("sway", 2, octaves=3)
    turn = np.float32(2 * np.pi)
    slope = 0.25 * np.cos(turn * (canvas.y - 0.22)) + 0.15 * np.cos(turn * (canvas.x - 0.3))
    peel = canvas.noise("peel", 50, octaves=2)
    light = 0.45 + slope + sway + 0.012 * peel
    return Surface(0.5 + 0.006 * peel + 0.2 * sway, ramp(palette.main, light))


def noise(canvas: Canvas, palette: Palette) -> Surface:
    """For prompts that name nothing known: warped clouds of paint."""
    flow = canvas.noise("flow", 2, octaves=4, gain=0.5)
    base = canvas.bend("bend", 2, 0.12, octaves=4)(canvas.noise("base", 2, octaves=7))
    band = 0.5 + 0.5 * np.sin(base * np.float32(2.6) + flow)
    fine = canvas.noise("fine", 60, octaves=4, gain=0.7)
    height = 0.5 + 0.10 * base + 0.12 * (band - 0.5) + 0.015 * fine
    light = 0.15 + 0.7 * band + 0.05 * base + 0.03 * fine
    surface = Surface(height, ramp(palette.main, light))
    lay(surface.color, ramp(palette.accent, light), 0.75 * step(0.4, 1.6, flow + 0.4 * base))
    cavity(canvas, surface, 0.6, 0.03)
    return surface
