"""Things that were engineered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..primitives.canvas import Brush, Canvas, Field, split
from ..primitives.palette import Palette
from ..primitives.surface import Surface, bowl, cavity, lay, ramp, step, unit
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
    # The cuts start at the border; elsewhere they would not show that the image repeats.
    away = int(dice.integers(canvas.height)), int(dice.integers(canvas.width))
    edge = np.roll(edge, away, (0, 1))
    fields = {name: np.roll(field, away, (0, 1)) for name, field in fields.items()}
    fine, stain = canvas.noise("fine", 90, octaves=3), canvas.noise("stain", 3, octaves=7, gain=0.6)
    scratch = scratches(canvas, 150)
    body = step(0.001, 0.006, edge)
    plate = 0.52 + 0.2 * fields["lift"] - 0.16 * fields["vent"] + 0.07 * fields["bolt"]
    height = 0.22 + (plate + 0.003 * fine - 0.03 * scratch - 0.22) * body - 0.05 * fields["glow"]
    worn = (1 - step(0.005, 0.013, edge + 0.0025 * stain)) * body
    light = (
        0.42
        + 0.45 * fields["tone"]
        + 0.05 * stain
        + 0.02 * fine
        + 0.22 * scratch
        + 0.3 * worn * step(0, 1, stain)
    )
    light += 0.1 * fields["bolt"] - 0.28 * fields["vent"] - 0.4 * (1 - body)
    color = ramp(palette.main, light)
    lay(color, palette.accent[len(palette.accent) // 2], unit(fields["glow"]))
    surface = Surface(height, color)
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
        fields["glow"][window] = step(0.0, 0.002, strip) * step(
            0.02, 0.022, from_y if high > wide else from_x
        )
    elif kind < 0.6:
        groove = np.abs(np.minimum(from_x, from_y) - np.float32(0.026))
        fields["vent"][window] = 0.6 * (1 - step(0.001, 0.003, groove))


def carbon_fibre(canvas: Canvas, palette: Palette) -> Surface:
    """Two-by-two twill of flat tows under clear resin."""
    rows, cols = canvas.rows(32, 4), canvas.cols(32, 4)
    across, down = np.broadcast_to(canvas.x * np.float32(cols), canvas.shape), canvas.y * np.float32(rows)
    (col, u), (row, v) = split(across), split(down)
    phase = (col + row) % 4
    stands = phase < 2
    over: Field = np.where(stands, u, v)
    along: Field = np.where(stands, v, u)
    fibre: Field = np.where(
        stands, canvas.noise("up", (30, 330), octaves=2), canvas.noise("across", (330, 30), octaves=2)
    )
    round_off: Field = 1 - 0.7 * bowl(over)
    shine: Field = np.where(stands, np.float32(0.62), np.float32(0.30)) * round_off
    height: Field = 0.5 + 0.03 * round_off + 0.003 * fibre
    light = shine * (1 - 0.15 * bowl(along)) + 0.05 * fibre + 0.02 * canvas.noise("clear", 3)
    return Surface(height, ramp(palette.main, light))


def circuit(canvas: Canvas, palette: Palette) -> Surface:
    """A printed board: traces that turn by eighths, pads and chips."""
    brush = canvas.brush(layers=2)
    dice, share = canvas.rng("board"), canvas.width * canvas.height / canvas.side**2
    pitch = 1 / 40
    for _ in range(round(95 * share)):
        _trace(brush, dice, canvas, pitch)
    for x, y, wide, high in dice.random((round(11 * share), 4), dtype=np.float32).tolist():
        _chip(brush, x * canvas.width / canvas.side, y * canvas.height / canvas.side, wide, high, pitch)
    kind, light = brush.fields()
    fine, stain = canvas.noise("fine", 120, octaves=3), canvas.noise("stain", 3, octaves=6)
    trace, pad, chip = step(0.15, 0.3, kind), step(0.45, 0.6, kind), step(0.75, 0.9, kind)
    height = 0.3 + 0.06 * trace + 0.06 * pad + 0.35 * chip + 0.006 * fine
    color = ramp(palette.main, 0.35 + 0.06 * stain + 0.04 * fine + 0.28 * trace)
    lay(color, ramp(palette.accent, 0.5 + 0.12 * fine + 0.1 * stain), pad)
    lay(color, (0.075, 0.078, 0.085), chip)
    color += 0.45 * chip * (light > 0.5)
    surface = Surface(height, color)
    cavity(canvas, surface, 0.5)
    return surface


def _trace(brush: Brush, dice: np.random.Generator, canvas: Canvas, pitch: float) -> None:
    x = pitch * int(dice.integers(0, max(1, round(canvas.width / canvas.side / pitch))))
    y = pitch * int(dice.integers(0, max(1, round(canvas.height / canvas.side / pitch))))
    points, turn = [(x, y)], int(dice.integers(0, 8))
    for _ in range(int(dice.integers(2, 6))):
        dx, dy = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))[turn % 8]
        reach = pitch * int(dice.integers(1, 6 if turn % 2 else 12))
        x, y = x + dx * reach, y + dy * reach
        points.append((x, y))
        turn += 1 if float(dice.random()) < 0.5 else -1
    brush.line(points, 0.005, 0.35, 0.0)
    for x, y in (points[0], points[-1]):
        for radius, kind in ((0.0085, 0.65), (0.0035, 0.0)):
            brush.polygon([(x + dx * radius, y + dy * radius) for dx, dy in _ROUND], kind, 0.0)


def _chip(brush: Brush, x: float, y: float, wide: float, high: float, pitch: float) -> None:
    x, y = round(x / pitch) * pitch, round(y / pitch) * pitch
    wide, high = pitch * round(2 + 5 * wide**2), pitch * round(2 + 3 * high**2)
    for i in range(round(wide / pitch * 2)):
        left = x + pitch * (0.5 * i + 0.15)
        brush.polygon(_box(left, y - 0.011, left + 0.0055, y + high + 0.011), 0.65, 0.0)
    brush.polygon(_box(x, y, x + wide, y + high), 1.0, 0.0)
    brush.polygon(_box(x + 0.01, y + 0.01, x + 0.017, y + 0.017), 1.0, 1.0)


def _box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


_ROUND = [(float(np.cos(t)), float(np.sin(t))) for t in np.linspace(0, 2 * np.pi, 16, endpoint=False)]
