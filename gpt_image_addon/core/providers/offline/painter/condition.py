"""Age and weather: what the modifiers of a prompt do to a finished surface."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from .primitives.canvas import Canvas
from .primitives.palette import Palette, parse
from .primitives.surface import Surface, lay, ramp, shade, step

MOSS = parse("#1b2a0d #35501a #5c7a2c #8aa044")
DIRT = parse("#1e150d #3a2b1c #57432d")
RUST = parse("#4a1f0e #8a3f1a #b8642f")
SNOW = parse("#c9d8e6 #e8f0f6 #ffffff")


def repaint(palette: Palette, modifiers: Iterable[str]) -> Palette:
    """The palette that the modifiers leave, before anything is painted."""
    for name, lightness, chroma in PALETTE_MODIFIERS:
        if name in modifiers:
            palette = palette.toned(lightness, chroma)
    return palette


def weather(canvas: Canvas, surface: Surface, modifiers: Iterable[str]) -> None:
    """What lies on the surface or has happened to it, in place."""
    for name, effect in SURFACE_MODIFIERS:
        if name in modifiers:
            effect(canvas, surface)


def _crack(canvas: Canvas, surface: Surface) -> None:
    warp = canvas.bend("crack warp", 5, 0.025, octaves=5)
    gap = warp(canvas.cells("cracks", 4, jitter=1.0).gap)
    crack = 1 - step(0.008, 0.03, gap)
    surface.height -= 0.3 * crack
    shade(surface.color, 1 - 0.65 * crack)


def _worn(canvas: Canvas, surface: Surface) -> None:
    """Edges that stick out are rubbed bright, stains run through everything."""
    proud = surface.height - canvas.soften(surface.height, 0.015)
    stain = canvas.noise("wear", 3, octaves=7, gain=0.62)
    surface.color *= 1 + 0.11 * stain
    lay(surface.color, (0.72, 0.69, 0.65), 0.22 * step(0.03, 0.14, proud + 0.02 * stain))


def _dirty(canvas: Canvas, surface: Surface) -> None:
    where = canvas.noise("dirt", 3, octaves=8, gain=0.62)
    low = canvas.soften(surface.height, 0.03) - surface.height
    lay(surface.color, ramp(DIRT, 0.5 + 0.2 * where), 0.8 * step(0.1, 2.2, where + 14 * low))


def _grow_moss(canvas: Canvas, surface: Surface) -> None:
    """Moss grows in what lies low, and over it in places."""
    _grow(canvas, surface, "moss", MOSS, 7.0, 0.06)


def _grow_rust(canvas: Canvas, surface: Surface) -> None:
    _grow(canvas, surface, "corrosion", RUST, 2.0, 0.03)


def _snowy(canvas: Canvas, surface: Surface) -> None:
    """Snow fills what lies low and softens what it covers."""
    where = canvas.noise("snow", 2, octaves=6, gain=0.5)
    smooth = canvas.soften(surface.height, 0.04)
    cover = step(-0.3, 0.4, where + 6 * (smooth - surface.height))
    surface.height += (smooth + 0.1 + 0.02 * where - surface.height) * cover
    lay(surface.color, ramp(SNOW, 0.6 + 0.25 * where), 0.95 * cover)


def _wet(canvas: Canvas, surface: Surface) -> None:
    """Water darkens what it soaks and stands level in what lies low."""
    level = np.float32(np.quantile(surface.height[::8, ::8], 0.18))
    puddle = step(-0.02, 0.02, level - surface.height + 0.02 * canvas.noise("puddle", 3, octaves=3))
    np.maximum(surface.height, level, out=surface.height)
    shade(surface.color, 0.72 - 0.22 * puddle)


def _polish(canvas: Canvas, surface: Surface) -> None:
    """The finest relief is ground away."""
    smooth = canvas.soften(surface.height, 0.012)
    surface.height += (smooth - surface.height) * np.float32(0.6)


def _grow(
    canvas: Canvas,
    surface: Surface,
    name: str,
    stops: tuple[tuple[float, float, float], ...],
    low: float,
    thick: float,
) -> None:
    """A rough crust that prefers what lies `low`."""
    where = canvas.noise(name, 3, octaves=7, gain=0.6)
    fluff = canvas.noise(f"{name} fluff", 45, octaves=5, gain=0.75)
    below = canvas.soften(surface.height, 0.03) - surface.height
    cover = step(0.25, 0.75, where + low * below + 0.12 * fluff)
    surface.height += cover * (thick + 0.5 * thick * fluff)
    lay(surface.color, ramp(stops, 0.45 + 0.2 * fluff + 0.08 * where), cover)


PALETTE_MODIFIERS: tuple[tuple[str, float, float], ...] = (
    ("dark", -0.3, 1.0),
    ("light", 0.35, 0.85),
    ("worn", 0.0, 0.5),
    ("polished", -0.04, 1.15),
)
"""Name, lightness, chroma: see `Palette.toned`."""

SURFACE_MODIFIERS: tuple[tuple[str, Callable[[Canvas, Surface], None]], ...] = (
    ("polished", _polish),
    ("cracked", _crack),
    ("worn", _worn),
    ("rusty", _grow_rust),
    ("dirty", _dirty),
    ("mossy", _grow_moss),
    ("wet", _wet),
    ("snowy", _snowy),
)
"""In the order in which they happen."""
