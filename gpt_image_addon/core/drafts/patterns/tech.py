"""Things that were engineered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..canvas import Canvas, Field
from ..palette import Palette
from ..surface import Surface, cavity, lay, ramp, step
from .metal import scratches


@dataclass(frozen=True)
class _Panel:
    left: int
    top: int
    right: int
    bottom: int


UNITS = 16  # panel edges lie on a lattice of this many units a side


def panels(canvas: Canvas, palette: Palette) -> Surface:
    """Hull plates of many sizes with bevels, bolts, vents and a few lights."""
    dice = canvas.rng("panels")
    fields = {name: np.zeros(canvas.shape, np.float32) for name in ("lift", "tone", "vent", "bolt", "glow")}
    edge = np.full(canvas.shape, 0.1, np.float32)
    cols, rows = canvas.cols(UNITS), canvas.rows(UNITS)
    for panel in _split(_Panel(0, 0, cols, rows), dice):
        _plate(canvas, panel, (cols, rows), dice, edge, fields)
    fine, stain = canvas.noise("fine", 90, octaves=3), canvas.noise("stain", 3, octaves=7, gain=0.6)
    scratch = scratches(canvas, 150)
    body = step(0.001, 0.006, edge)
    plate = 0.52 + 0.2 * fields["lift"] - 0.16 * fields["vent"] + 0.07 * fields["bolt"]
    height = 0.22 + (plate + 0.003 * fine - 0.03 * scratch - 0.22) * body - 0.05 * fields["glow"]
    worn = (1 - step(0.005, 0.013, edge + 0.0025 * stain)) * body
    light = 0.42 + 0.45 * fields["tone"] + 0.05 * stain + 0.02 * fine + 0.22 * scratch + 0.3 * worn * step(0, 1, stain)
    light += 0.1 * fields["bolt"] - 0.28 * fields["vent"] - 0.4 * (1 - body)
    color = ramp(palette.main, light)
    lay(color, palette.accent[len(palette.accent) // 2], np.clip(fields["glow"], 0, 1))
    surface = Surface(height.astype(np.float32), color)
    cavity(canvas, surface, 0.5)
    return surface


def _split(panel: _Panel, dice: np.random.Generator) -> list[_Panel]:
    """Cut into smaller panels until they are small or the dice are content."""
    width, height = panel.right - panel.left, panel.bottom - panel.top
    longest = max(width, height)
    if longest <= 2 or (longest <= 8 and float(dice.random()) < 0.22) or min(width, height) < 2:
        return [panel]
    share = 0.3 + 0.4 * float(dice.random())
    if width > height or (width == height and float(dice.random()) < 0.5):
        cut = panel.left + max(1, round(width * share))
        halves = (
            _Panel(panel.left, panel.top, cut, panel.bottom),
            _Panel(cut, panel.top, panel.right, panel.bottom),
        )
    else:
        cut = panel.top + max(1, round(height * share))
        halves = (
            _Panel(panel.left, panel.top, panel.right, cut),
            _Panel(panel.left, cut, panel.right, panel.bottom),
        )
    return [piece for half in halves for piece in _split(half, dice)]


def _plate(
    canvas: Canvas,
    panel: _Panel,
    units: tuple[int, int],
    dice: np.random.Generator,
    edge: Field,
    fields: dict[str, Field],
) -> None:
    """One panel's fields: how far from its edge, how high, which tone, what is mounted on it."""
    left, right = (round(at * canvas.width / units[0]) for at in (panel.left, panel.right))
    top, bottom = (round(at * canvas.height / units[1]) for at in (panel.top, panel.bottom))
    window = np.s_[top:bottom, left:right]
    x = (np.arange(right - left, dtype=np.float32) + np.float32(0.5)) / np.float32(canvas.side)
    y = ((np.arange(bottom - top, dtype=np.float32) + np.float32(0.5)) / np.float32(canvas.side))[:, None]
    wide, high = (right - left) / canvas.side, (bottom - top) / canvas.side
    from_x, from_y = np.minimum(x, np.float32(wide) - x), np.minimum(y, np.float32(high) - y)
    edge[window] = np.minimum(from_x, from_y)
    lift, tone, kind = dice.random(3).tolist()
    fields["lift"][window] = lift
    fields["tone"][window] = tone - 0.5
    bolt = np.hypot(from_x - np.float32(0.014), from_y - np.float32(0.014))
    fields["bolt"][window] = 1 - step(0.0028, 0.0045, bolt)
    inside = step(0.026, 0.03, np.minimum(from_x, from_y))
    along, size = (y, high) if high > wide else (x, wide)
    if kind < 0.24 and min(wide, high) > 0.11:
        slats = 0.5 + 0.5 * np.cos(along * np.float32(2 * np.pi * round(size / 0.016) / size))
        fields["vent"][window] = inside * step(0.35, 0.65, slats)
    elif kind < 0.36 and max(wide, high) > 0.11:
        strip = (from_x if high > wide else from_y) - np.float32(min(wide, high) / 2 - 0.006)
        fields["glow"][window] = step(0.0, 0.002, strip) * step(0.02, 0.022, from_y if high > wide else from_x)
    elif kind < 0.6:
        groove = np.abs(np.minimum(from_x, from_y) - np.float32(0.026))
        fields["vent"][window] = 0.6 * (1 - step(0.001, 0.003, groove))
