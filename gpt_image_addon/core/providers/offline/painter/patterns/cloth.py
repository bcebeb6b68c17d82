"""Woven, tanned and pressed."""

from __future__ import annotations

import math

import numpy as np

from ..primitives.canvas import Canvas, Field, split
from ..primitives.palette import Palette
from ..primitives.surface import Surface, bowl, cavity, lay, pick, ramp, rounded, step, unit


def fabric(canvas: Canvas, palette: Palette) -> Surface:
    """Plain weave: every thread goes over one and under the next."""
    rows, cols = canvas.rows(44, 2), canvas.cols(44, 2)
    wobble = 0.14 * canvas.noise("wobble", 6, octaves=4)
    across = canvas.x * np.float32(cols) + wobble + np.float32(cols)
    down = canvas.y * np.float32(rows) + 0.14 * canvas.noise("wobble down", 6, octaves=4) + np.float32(rows)
    (col, u), (row, v) = split(across), split(down)
    u, v = u - np.float32(0.5), v - np.float32(0.5)
    over = 1 - 2.0 * ((col + row) % 2).astype(np.float32)
    warp = rounded(1 - np.square(u * 2.15)) * 0.6 + 0.4 * over * np.cos(v * np.float32(np.pi))
    weft = rounded(1 - np.square(v * 2.15)) * 0.6 - 0.4 * over * np.cos(u * np.float32(np.pi))
    is_warp = warp > weft
    fibre = np.where(
        is_warp, canvas.noise("twist", (60, 260), octaves=2), canvas.noise("twine", (260, 60), octaves=2)
    )
    profile = np.maximum(warp, weft)
    height = 0.12 + 0.6 * unit(profile) + 0.03 * fibre + 0.03 * canvas.noise("drape", 2, octaves=3)

    thread = np.where(
        is_warp, pick(canvas.dice("warp", cols), col % cols), pick(canvas.dice("weft", rows), row % rows)
    )
    light = (
        0.22
        + 0.42 * profile
        + 0.24 * (thread - 0.5)
        + 0.07 * fibre
        + 0.05 * canvas.noise("fade", 3, octaves=6)
    )
    color = ramp(palette.main, light)
    if palette.has_second:
        lay(color, ramp(palette.accent, light), (~is_warp).astype(np.float32))
    return Surface(height, color)


def leather(canvas: Canvas, palette: Palette) -> Surface:
    """Pebbled hide: cushions between creases, pores on top."""
    warp = canvas.bend("warp", 14, 0.006)
    grainy = canvas.cells("pebbles", 46, jitter=0.95)
    gap = warp(grainy.gap)
    crease = 1 - step(0.0, 0.22, gap)
    fold = np.exp(np.abs(canvas.noise("fold", 4, octaves=5, gain=0.55)) * np.float32(-9.0))
    pores = step(1.5, 2.2, canvas.noise("pores", 150, octaves=2))
    broad, fine = canvas.noise("broad", 3, octaves=6), canvas.noise("fine", 100, octaves=3)
    height = (
        0.62 - 0.20 * crease + 0.05 * unit(gap) - 0.10 * fold + 0.03 * broad - 0.07 * pores + 0.008 * fine
    )
    light = 0.58 - 0.26 * crease - 0.14 * fold + 0.11 * broad + 0.03 * fine - 0.12 * pores + 0.1 * gap
    surface = Surface(height, ramp(palette.main, light))
    cavity(canvas, surface, 0.4)
    return surface


def carpet(canvas: Canvas, palette: Palette) -> Surface:
    """Short dense pile, trodden in places."""
    tufts = canvas.cells("tufts", 64, jitter=0.85)
    fibre = canvas.noise("fibre", 160, octaves=3, gain=0.9)
    tread = canvas.noise("tread", 3, octaves=4)
    top = unit(1 - 1.15 * tufts.near)
    own = pick(canvas.dice("tone", tufts.count), tufts.id)
    height = 0.2 + 0.5 * top + 0.1 * own + 0.04 * fibre + 0.05 * tread
    light = 0.14 + 0.48 * top + 0.28 * (own - 0.5) + 0.09 * fibre + 0.05 * tread
    color = ramp(palette.main, light)
    if palette.has_second:
        lay(
            color,
            ramp(palette.accent, light),
            pick((canvas.dice("fleck", tufts.count) > 0.7) * np.float32(1), tufts.id),
        )
    return Surface(height, color)


def knit(canvas: Canvas, palette: Palette) -> Surface:
    """Stocking stitch: columns of interlocked V."""
    rows, cols = canvas.rows(26), canvas.cols(20)
    across = (
        canvas.x * np.float32(cols) + np.float32(0.08) * canvas.noise("pull", 5, octaves=3) + np.float32(cols)
    )
    leg, side = split(2 * across)  # each stitch has a left and a right leg
    slant: Field = np.where(leg % 2 == 1, side, 1 - side)
    down = canvas.y * np.float32(rows) - np.float32(0.8) * slant + np.float32(rows)
    down = down + np.float32(0.08) * canvas.noise("pull down", 5, octaves=3)
    course, v = split(down)
    stitch = leg // 2 % cols + course % rows * cols
    yarn = rounded(1 - 0.9 * bowl(side)) * rounded(1 - bowl(v))
    ply = 0.5 + 0.5 * np.sin((v * 2 + slant) * np.float32(9.0))
    fuzz, grain = canvas.noise("fuzz", 120, octaves=3, gain=0.9), canvas.grain("grain")
    height = 0.15 + 0.55 * yarn + 0.06 * ply * yarn + 0.025 * fuzz
    own = pick(canvas.dice("tone", rows * cols), stitch) - np.float32(0.5)
    light = 0.1 + 0.5 * yarn + 0.10 * ply * yarn + 0.16 * own + 0.06 * fuzz + 0.02 * grain
    color = ramp(palette.main, light)
    if palette.has_second:
        band = (course % rows * 6 // rows) % 2
        lay(color, ramp(palette.accent, light), band.astype(np.float32))
    return Surface(height, color)


def paper(canvas: Canvas, palette: Palette) -> Surface:
    """Laid fibres, soft stains, faint dents."""
    brush = canvas.brush()
    count = round(900 * canvas.width * canvas.height / canvas.side**2)
    for x, y, turn, length, light in canvas.rng("fibres").random((count, 5), dtype=np.float32).tolist():
        x, y, length = x * canvas.width / canvas.side, y * canvas.height / canvas.side, 0.01 + 0.03 * length
        dx, dy = length * math.cos(turn * 2 * math.pi), length * math.sin(turn * 2 * math.pi)
        brush.line([(x, y), (x + dx, y + dy / 2), (x + dx * 1.5, y + dy)], 0.0006, light - 0.5)
    fibres = brush.fields()[0]
    dent, stain = canvas.noise("dent", 4, octaves=3), canvas.noise("stain", 2, octaves=8, gain=0.6)
    felt, grain = canvas.noise("felt", 90, octaves=3, gain=0.85), canvas.grain("grain")
    height = 0.5 + 0.02 * dent + 0.012 * felt + 0.02 * fibres + 0.002 * grain
    light = 0.6 + 0.13 * stain + 0.05 * felt + 0.25 * fibres + 0.02 * grain
    return Surface(height, ramp(palette.main, light))


def fur(canvas: Canvas, palette: Palette) -> Surface:
    """Hairs that follow a flow, drawn from the skin up."""
    brush = canvas.brush(layers=2)
    flow = canvas.noise("flow", 2, octaves=2, gain=0.4)
    count = round(7000 * canvas.width * canvas.height / canvas.side**2)
    dice = canvas.rng("hairs").random((count, 5), dtype=np.float32).tolist()
    for order, (x, y, turn, length, hue) in enumerate(dice):
        angle = 1.2 + 0.7 * float(flow[int(y * canvas.height), int(x * canvas.width)]) + 0.6 * (turn - 0.5)
        x, y, length = x * canvas.width / canvas.side, y * canvas.height / canvas.side, 0.03 + 0.04 * length
        points = []
        for _ in range(3):
            points.append((x, y))
            x, y = x + length / 2 * math.cos(angle), y + length / 2 * math.sin(angle)
            angle += 0.25 * (hue - 0.5)
        depth = 0.2 + 0.8 * order / count
        brush.line(points, 0.0022, depth, hue)
    hair, hue = brush.fields()
    clump, grain = canvas.noise("clump", 6, octaves=3), canvas.grain("grain")
    light = 0.05 + 0.5 * hair + 0.4 * hue * hair + 0.07 * clump + 0.02 * grain
    return Surface(0.1 + 0.7 * hair + 0.04 * clump, ramp(palette.main, light))
