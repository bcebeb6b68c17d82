"""Regular patterns in two colours, printed on a fine cloth."""

from __future__ import annotations

import numpy as np

from ..primitives.canvas import Canvas, Field, split
from ..primitives.palette import Palette
from ..primitives.surface import Surface, lay, ramp, step


def stripes(canvas: Canvas, palette: Palette) -> Surface:
    """Upright stripes of equal width."""
    turns = canvas.cols(6)
    wave = np.sin(canvas.x * np.float32(2 * np.pi * turns))
    return _printed(canvas, palette, np.broadcast_to(_crisp(canvas, wave, 2 * np.pi * turns), canvas.shape))


def checks(canvas: Canvas, palette: Palette) -> Surface:
    """A chequerboard."""
    cols, rows = canvas.cols(4), canvas.rows(4)
    wave = np.sin(canvas.x * np.float32(2 * np.pi * cols)) * np.sin(canvas.y * np.float32(2 * np.pi * rows))
    return _printed(canvas, palette, _crisp(canvas, wave, 2 * np.pi * cols))


def dots(canvas: Canvas, palette: Palette) -> Surface:
    """Round dots, each row half a step aside."""
    cols, rows = canvas.cols(8), canvas.rows(8, 2)
    grid = canvas.grid(rows, cols, (np.arange(rows) % 2 * 0.5).astype(np.float32))
    wide, high = canvas.width / canvas.side / cols, canvas.height / canvas.side / rows
    far = np.hypot(
        (grid.u - np.float32(0.5)) * np.float32(wide), (grid.v - np.float32(0.5)) * np.float32(high)
    )
    return _printed(canvas, palette, _crisp(canvas, np.float32(0.28 * min(wide, high)) - far, 1))


def plaid(canvas: Canvas, palette: Palette) -> Surface:
    """Tartan: bands and fine lines of both colours in twill."""
    cols, rows = canvas.cols(3), canvas.rows(3)
    across, down = _sett(canvas, canvas.x * np.float32(cols)), _sett(canvas, canvas.y * np.float32(rows))
    twill = canvas.x * np.float32(canvas.cols(96)) + canvas.y * np.float32(canvas.rows(96))
    is_warp = step(-0.4, 0.4, np.sin(np.float32(2 * np.pi) * twill))
    return _printed(canvas, palette, across * is_warp + down * (1 - is_warp))


def camouflage(canvas: Canvas, palette: Palette) -> Surface:
    """Four tones in interlocking blots."""
    tone = np.full(canvas.shape, 0.5, np.float32)
    for name, value in (("first", 0.75), ("second", 0.25), ("third", 0.03)):
        blot = step(-0.02, 0.02, canvas.noise(name, (3.5, 2.5), octaves=4, gain=0.42) - 0.55)
        tone += (value - tone) * blot
    return _printed(canvas, palette, np.zeros(canvas.shape, np.float32), tone)


def _printed(canvas: Canvas, palette: Palette, second: Field, tone: Field | None = None) -> Surface:
    """Cloth in the first colour with the second one where `second` is 1."""
    weave = canvas.noise("weave", (220, 90), octaves=2) * np.float32(0.6) + canvas.noise(
        "weft", (90, 220), octaves=2
    )
    fade, grain = canvas.noise("fade", 3, octaves=6), canvas.grain("grain")
    light = 0.035 * weave + 0.035 * fade + 0.012 * grain
    color = ramp(palette.main, light + (0.5 if tone is None else tone))
    lay(color, ramp(palette.accent, light + 0.5), second)
    return Surface(0.5 + 0.012 * weave + 0.01 * fade, color)


def _crisp(canvas: Canvas, field: Field, per_side: float) -> Field:
    """1 where `field`, which changes `per_side` a side, is above 0, with an edge two pixels soft."""
    soft = per_side / canvas.side
    return step(-soft, soft, field)


def _sett(canvas: Canvas, turns: Field) -> Field:
    """The order of a tartan's threads along one axis."""
    _, at = split(turns)
    band = np.zeros(at.shape, np.float32)
    for start, stop, value in ((0.08, 0.40, 0.75), (0.22, 0.26, 0.15), (0.60, 0.63, 1.0), (0.70, 0.73, 1.0)):
        band = np.where((at >= start) & (at < stop), np.float32(value), band)
    return band
