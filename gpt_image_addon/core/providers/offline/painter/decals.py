"""Decals: silhouettes found by their words, cut from a family's texture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from .primitives.canvas import Canvas, Field
from .primitives.palette import Palette, tone
from .primitives.surface import Surface, lay, step

Outline: TypeAlias = list[tuple[float, float]]  # x right, y down, within -1..1; self-overlaps are holes
Outliner: TypeAlias = Callable[[np.random.Generator], list[Outline]]

REACH = 0.44  # how far a shape reaches from the middle, in sides: it never touches the image's border
_PLAIN = ("circle", "square", "seal", "splat")


@dataclass(frozen=True)
class Shape:
    """One silhouette."""

    name: str
    words: str
    """Comma-separated words that mean it."""
    hex: str
    """Its colour when the prompt names neither colour nor family."""
    outline: Outliner
    """The shape's pieces, drawn over each other; the dice vary it."""
    has_rim: bool = True
    """Edged in the second colour, as stickers and badges are; paint is not."""
    refines: tuple[str, ...] = _PLAIN
    """Shapes that it wins over: a star sticker is a star."""


def cut(canvas: Canvas, surface: Surface, palette: Palette, shape: Shape) -> Field:
    """Emboss `surface` in place with `shape`; returns the alpha (H, W), 0..1.

    The rim's colour goes on under alpha 0, so that filtering never pulls in a foreign colour.
    """
    alpha = mask(canvas, shape)
    near = canvas.soften(alpha, 0.022)
    dome = step(0.45, 1.0, near)
    if shape.has_rim:
        rim = 1 - step(0.80, 0.86, near)
        lay(surface.color, tone(palette.accent[0], -0.15, 1.0), rim)
        dome += 0.25 * rim
        surface.height *= 1 - 0.8 * rim
    surface.height *= np.float32(0.55)
    surface.height += np.float32(0.35) * dome
    surface.height *= alpha
    return alpha


def mask(canvas: Canvas, shape: Shape) -> Field:
    """`shape` in the middle of the image, anti-aliased; (H, W), 0..1."""
    scale = 4 if canvas.side <= 1536 else 2
    size = canvas.width * scale, canvas.height * scale
    image = Image.new("L", size)
    draw = ImageDraw.Draw(image)
    reach = REACH * canvas.side * scale
    for outline in shape.outline(canvas.rng("shape")):
        draw.polygon([(size[0] / 2 + x * reach, size[1] / 2 + y * reach) for x, y in outline], fill=255)
    return np.asarray(image.reduce(scale), np.float32) / np.float32(255)


def polar(radius: Callable[[float], float], steps: int = 360) -> Outline:
    """A closed curve around the middle; the angle starts at the top and runs clockwise."""
    turns = [2 * math.pi * i / steps for i in range(steps + 1)]
    return [(radius(turn) * math.sin(turn), -radius(turn) * math.cos(turn)) for turn in turns]


def disc(x: float, y: float, radius: float) -> Outline:
    """A filled circle."""
    return [(x + dx * radius, y + dy * radius) for dx, dy in polar(lambda _: 1.0, 96)]


def ngon(corners: int, inner: float = 0.0, turn: float = 0.0) -> Outline:
    """A regular polygon, or a star when `inner` is the radius of its notches."""
    radii = [1.0, inner] if inner else [1.0]
    turns = [turn + 2 * math.pi * i / (corners * len(radii)) for i in range(corners * len(radii))]
    return [
        (radii[i % len(radii)] * math.sin(t), -radii[i % len(radii)] * math.cos(t))
        for i, t in enumerate(turns)
    ]


def mirrored(right: Outline) -> Outline:
    """The right half, from top to bottom, completed on the left."""
    return right + [(-x, y) for x, y in reversed(right)]


def _heart(_: np.random.Generator) -> list[Outline]:
    turns = [2 * math.pi * i / 240 for i in range(240)]
    lobes = [13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t) for t in turns]
    return [[(math.sin(t) ** 3, -lobe / 17 - 0.1) for t, lobe in zip(turns, lobes, strict=True)]]


def _leaf(_: np.random.Generator) -> list[Outline]:
    steps = [i / 60 for i in range(61)]
    teeth = [0.52 * math.sin(math.pi * s**0.8) ** 1.1 * (1 + 0.07 * (s * 11 % 1)) for s in steps]
    blade = mirrored([(half, -1 + 1.6 * s) for s, half in zip(steps, teeth, strict=True)])
    return [blade, [(-0.03, 0.5), (0.03, 0.5), (0.05, 1.0), (-0.02, 1.0)]]


def _splat(dice: np.random.Generator) -> list[Outline]:
    wave = dice.random((9, 2)).tolist()
    arms = [(2 * math.pi * turn, 0.12 + 0.3 * size) for turn, size in dice.random((9, 2)).tolist()]

    def radius(turn: float) -> float:
        body = 0.52 + sum(
            0.05 / (k + 1) ** 0.5 * a * math.sin((k + 2) * turn + 7 * b) for k, (a, b) in enumerate(wave)
        )
        return float(body + sum(size * math.exp(26 * (math.cos(turn - at) - 1)) for at, size in arms))

    drops = []
    for at, far, size in dice.random((14, 3)).tolist():
        turn, size = 2 * math.pi * at, 0.018 + 0.05 * size**2
        reach = min(0.98 - size, radius(turn) + 0.06 + 0.3 * far)
        drops.append(disc(reach * math.sin(turn), -reach * math.cos(turn), size))
    return [[(min(1.0, max(-1.0, x)), min(1.0, max(-1.0, y))) for x, y in polar(radius, 720)], *drops]


def _cloud(_: np.random.Generator) -> list[Outline]:
    puffs = (
        (-0.55, 0.15, 0.38),
        (-0.15, -0.15, 0.48),
        (0.35, -0.05, 0.42),
        (0.65, 0.2, 0.32),
        (0.0, 0.2, 0.4),
    )
    return [*(disc(*puff) for puff in puffs), [(-0.55, 0.1), (0.65, 0.1), (0.65, 0.52), (-0.55, 0.52)]]


def _drop(_: np.random.Generator) -> list[Outline]:
    turns = [2 * math.pi * i / 240 for i in range(240)]
    return [[(0.62 * math.sin(t) * math.sin(t / 2) ** 1.3, 0.1 - 0.98 * math.cos(t)) for t in turns]]


def _crown(_: np.random.Generator) -> list[Outline]:
    points = mirrored([(0.0, -0.72), (0.3, -0.05), (0.88, -0.55), (0.72, 0.6)])
    return [points, disc(0, -0.76, 0.1), disc(0.88, -0.58, 0.09), disc(-0.88, -0.58, 0.09)]


def _sun(_: np.random.Generator) -> list[Outline]:
    ray = ((0.66, -0.15), (1.0, 0.0), (0.66, 0.15))
    turns = [2 * math.pi * i / 12 for i in range(12)]
    return [disc(0, 0, 0.58), *([(r * math.sin(t + a), -r * math.cos(t + a)) for r, a in ray] for t in turns)]


def _moon(_: np.random.Generator) -> list[Outline]:
    turns = [math.radians(40 + 280 * i / 120) for i in range(121)]
    outer = [(0.15 + 0.95 * math.cos(t), 0.95 * math.sin(t)) for t in turns]
    start, middle = outer[0], 0.5
    radius, half = math.hypot(start[0] - middle, start[1]), math.atan2(start[1], start[0] - middle)
    back = [2 * math.pi - half + (2 * half - 2 * math.pi) * i / 120 for i in range(121)]
    return [outer + [(middle + radius * math.cos(t), radius * math.sin(t)) for t in back]]


def _paw(_: np.random.Generator) -> list[Outline]:
    toes = ((-0.66, -0.08, 0.19), (-0.25, -0.5, 0.21), (0.25, -0.5, 0.21), (0.66, -0.08, 0.19))
    pad = mirrored(
        [(0.0, -0.05), (0.28, 0.05), (0.52, 0.4), (0.55, 0.62), (0.38, 0.78), (0.15, 0.72), (0.0, 0.68)]
    )
    return [pad, disc(0.37, 0.58, 0.2), disc(-0.37, 0.58, 0.2), *(disc(*toe) for toe in toes)]


_ARROW = [(-0.95, -0.26), (0.1, -0.26), (0.1, -0.68), (0.95, 0.0), (0.1, 0.68), (0.1, 0.26), (-0.95, 0.26)]
_BOLT = [(0.25, -1.0), (-0.6, 0.12), (-0.08, 0.12), (-0.25, 1.0), (0.6, -0.2), (0.08, -0.2)]
_CROSS = mirrored([(0.3, -0.9), (0.3, -0.3), (0.9, -0.3), (0.9, 0.3), (0.3, 0.3), (0.3, 0.9)])
_SHIELD = mirrored(
    [(0.0, -0.9), (0.4, -0.8), (0.8, -0.85)]
    + [
        (0.8 * math.cos(math.pi / 2 * i / 30) ** 0.8, -0.1 + 1.05 * math.sin(math.pi / 2 * i / 30))
        for i in range(31)
    ]
)
_RIBBON = [(-1, -0.32), (1, -0.32), (0.8, 0), (1, 0.32), (-1, 0.32), (-0.8, 0)]

# fmt: off
SHAPES: tuple[Shape, ...] = (
    Shape(
        "splat", "splat, splatter, splash, stain, blot, graffiti, spritzer, fleck, klecks, farbklecks",
        "#2b6fc4", _splat, has_rim=False,
    ),
    Shape("star", "star, stars, stern, sterne, starfish, seestern", "#e8b730", lambda _: [ngon(5, 0.46)]),
    Shape("heart", "heart, hearts, herz, herzen, herzchen", "#c8283c", _heart),
    Shape("leaf", "leaf, leaves, foliage, blatt, blaetter, laub", "#4b9a3a", _leaf),
    Shape(
        "flower", "flower, flowers, daisy, blossom, petals, blume, blumen, bluete, blueten, gaensebluemchen",
        "#d65a96", lambda _: [polar(lambda t: 0.45 + 0.5 * abs(math.cos(4 * t)) ** 0.7)],
    ),
    Shape("arrow", "arrow, arrows, pointer, pfeil, pfeile, richtungspfeil", "#2f6fb8", lambda _: [_ARROW]),
    Shape(
        "bolt", "lightning, lightning bolt, thunderbolt, flash, high voltage, blitz, hochspannung",
        "#edc02a", lambda _: [_BOLT],
    ),
    Shape("cross", "cross, plus, medic, first aid, kreuz, erste hilfe", "#c9302c", lambda _: [_CROSS]),
    Shape("shield", "shield, crest, coat of arms, schild, wappen", "#2a4f8f", lambda _: [_SHIELD]),
    Shape(
        "triangle", "triangle, warning, hazard, danger, dreieck, warnung, warnschild, achtung",
        "#e9b824", lambda _: [ngon(3)],
    ),
    Shape(
        "diamond", "diamond, rhombus, gem, jewel, raute, diamant, edelstein",
        "#35a3b5", lambda _: [ngon(4)],
    ),
    Shape("hexagon", "hexagon, hexagonal, sechseck, sechseckig+", "#e0a12e", lambda _: [ngon(6)]),
    Shape(
        "octagon", "octagon, stop sign, achteck, stoppschild",
        "#bf2f2b", lambda _: [ngon(8, turn=math.pi / 8)],
    ),
    Shape("drop", "drop, droplet, drops, raindrop, tear, tropfen, wassertropfen, traene", "#3b8fd0", _drop),
    Shape("moon", "moon, crescent, mond, halbmond, mondsichel", "#e6d9a0", _moon),
    Shape("sun", "sun, sunburst, sonne", "#efb02f", _sun),
    Shape(
        "gear", "gear, gears, cog, cogwheel, zahnrad, zahnraeder",
        "#8b9299",
        lambda _: [polar(lambda t: 0.8 + 0.14 * math.tanh(4 * math.sin(12 * t)), 720) + disc(0, 0, 0.32)],
    ),
    Shape(
        "ring", "ring, hoop, target, donut, reifen, zielscheibe",
        "#c8473a", lambda _: [disc(0, 0, 0.95) + disc(0, 0, 0.55)],
    ),
    Shape("cloud", "cloud, clouds, wolke, wolken", "#cfe0ee", _cloud),
    Shape("crown", "crown, king, queen, royal, krone, koenig, koenigin", "#d9ab3a", _crown),
    Shape("paw", "paw, paw print, pawprint, pfote, pfoten, pfotenabdruck", "#6b4a33", _paw),
    Shape("ribbon", "ribbon, banner, schleife, spruchband", "#a8283a", lambda _: [_RIBBON]),
    Shape(
        "seal", "seal, stamp, wax seal, rosette, siegel, stempel, briefmarke",
        "#8f2430", lambda _: [polar(lambda t: 0.9 + 0.05 * math.cos(20 * t))], refines=_PLAIN,
    ),
    Shape(
        "square", "square, label, quadrat, etikett",
        "#5a6f86", lambda _: [ngon(4, turn=math.pi / 4)], refines=(),
    ),
    Shape(
        "circle", "circle, round, disc, disk, badge, emblem, button, coin, logo, sticker, decal, "
        "kreis, rund+, scheibe, knopf, muenze, abzeichen, plakette, aufkleber",
        "#c4382d", lambda _: [disc(0, 0, 0.95)], refines=(),
    ),
)
# fmt: on

SPLAT = SHAPES[0]
