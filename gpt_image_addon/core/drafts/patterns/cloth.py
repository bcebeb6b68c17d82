"""Woven, tanned and pressed."""

from __future__ import annotations

import numpy as np

from ..canvas import Canvas
from ..palette import Palette
from ..surface import Surface, cavity, lay, pick, ramp, shade, step


def fabric(canvas: Canvas, palette: Palette) -> Surface:
    """Plain weave: every thread goes over one and under the next."""
    rows, cols = canvas.rows(44, 2), canvas.cols(44, 2)
    wobble = 0.14 * canvas.noise("wobble", 6, octaves=4)
    across = canvas.x * np.float32(cols) + wobble + cols
    down = canvas.y * np.float32(rows) + 0.14 * canvas.noise("wobble down", 6, octaves=4) + rows
    col, row = np.floor(across).astype(np.int32), np.floor(down).astype(np.int32)
    u, v = across - col - np.float32(0.5), down - row - np.float32(0.5)
    over = 1 - 2.0 * ((col + row) % 2).astype(np.float32)
    warp = np.sqrt(np.clip(1 - np.square(u * 2.15), 0, 1)) * 0.6 + 0.4 * over * np.cos(v * np.float32(np.pi))
    weft = np.sqrt(np.clip(1 - np.square(v * 2.15), 0, 1)) * 0.6 - 0.4 * over * np.cos(u * np.float32(np.pi))
    is_warp = warp > weft
    fibre = np.where(is_warp, canvas.noise("twist", (60, 260), octaves=2), canvas.noise("twine", (260, 60), octaves=2))
    profile = np.maximum(warp, weft)
    height = 0.12 + 0.6 * np.clip(profile, 0, 1) + 0.03 * fibre + 0.03 * canvas.noise("drape", 2, octaves=3)

    thread = np.where(
        is_warp, pick(canvas.dice("warp", cols), col % cols), pick(canvas.dice("weft", rows), row % rows)
    )
    light = 0.22 + 0.42 * profile + 0.24 * (thread - 0.5) + 0.07 * fibre + 0.05 * canvas.noise("fade", 3, octaves=6)
    color = ramp(palette.main, light)
    if palette.has_accent:
        lay(color, ramp(palette.accent, light), (~is_warp).astype(np.float32))
    return Surface(height.astype(np.float32), color)


def leather(canvas: Canvas, palette: Palette) -> Surface:
    """Pebbled hide: cushions between creases, pores on top."""
    warp = 0.006 * canvas.noise("warp", 14, octaves=3), 0.006 * canvas.noise("warp down", 14, octaves=3)
    grainy = canvas.cells("pebbles", 46, jitter=0.95)
    gap = canvas.sample(grainy.gap, *warp)
    crease = 1 - step(0.0, 0.22, gap)
    fold = np.exp(np.abs(canvas.noise("fold", 4, octaves=5, gain=0.55)) * np.float32(-9.0))
    pores = step(1.5, 2.2, canvas.noise("pores", 150, octaves=2))
    broad, fine = canvas.noise("broad", 3, octaves=6), canvas.noise("fine", 100, octaves=3)
    height = 0.62 - 0.20 * crease + 0.05 * np.clip(gap, 0, 1) - 0.10 * fold + 0.03 * broad - 0.07 * pores + 0.008 * fine
    light = 0.58 - 0.26 * crease - 0.14 * fold + 0.11 * broad + 0.03 * fine - 0.12 * pores + 0.1 * gap
    surface = Surface(height, ramp(palette.main, light))
    cavity(canvas, surface, 0.4)
    return surface
