"""The table of procedural materials: what each is called, its shape, its colors, and how deep and rough it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .patterns import (
    Dice,
    Field,
    Parts,
    bevel,
    bumps,
    cells,
    courses,
    grooves,
    noise,
    ridges,
    smooth,
    strew,
    strokes,
    unit,
    warp,
    weave,
)


@dataclass(frozen=True)
class Shape:
    """The relief of a surface, and what its color follows."""

    height: Field
    """In pixels or any other unit: its steepness is set afterwards."""
    tint: Field
    """Standard normal, even over each piece where there are pieces."""
    joint: Field
    """1 where the ground or the joint is seen, 0 on the pieces."""


Build = Callable[[Dice, int], Shape]


@dataclass(frozen=True)
class Recipe:
    """One material."""

    words: str
    build: Build
    colors: str
    """Dark to light, as #rrggbb."""
    joints: str
    """Colors of joints or of the ground, one of which is taken."""
    slope: float
    """Root mean square slope, about."""
    roughness: float
    metallic: float = 0.0
    painted: float = 0.5
    """How much of the color has nothing to do with the relief, 0..1."""


def plain(height: Field, dice: Dice, tint: Field | None = None) -> Shape:
    """A surface in one piece."""
    side = len(height)
    tint = noise(dice, side, side / 3, 2.0) if tint is None else tint
    return Shape(height, tint, np.zeros_like(height))


def laid(
    parts: Parts, dice: Dice, gap: float, width: float, *, uneven: float = 0.3, face: Field | None = None
) -> Shape:
    """Pieces with joints; each lies a little higher or lower, with a `face` of its own."""
    side = len(parts.edge)
    body = bevel(parts, gap, width)
    depth = max(width, gap) * 0.8
    rise = 1 + uneven * 0.3 * parts.vary(dice)
    height = depth * body * rise
    height += uneven * 0.6 * noise(dice, side, 6, 1.8) * body + 0.4 * noise(dice, side, 3, 1.2) * (1 - body)
    if face is not None:
        height += face * body
    return Shape(
        height.astype(np.float32), parts.vary(dice), (1 - np.clip(body * 1.5, 0, 1)).astype(np.float32)
    )


def stones(
    size: float, gap: float, width: float, *, jitter: float = 0.9, stretch: float = 1.0, rough: float = 0.6
) -> Build:
    """Cells with joints: cobbles, rubble, cracked ground, scales."""

    def build(dice: Dice, side: int) -> Shape:
        around = cells(dice, side, size * dice.uniform(0.75, 1.3), jitter, stretch)
        edge = warp(dice, around.edge, 1.5, 20)
        moved = Parts(edge, around.number, around.count)
        return laid(moved, dice, gap * dice.uniform(0.6, 1.4), width * dice.uniform(0.7, 1.4), uneven=rough)

    return build


def bricks(
    size: float,
    length: float,
    gap: float,
    width: float,
    *,
    offset: float = 0.5,
    rough: float = 0.5,
    grain: float = 0,
) -> Build:
    """Courses of bricks, tiles or planks; `grain` pixels high along the pieces."""

    def build(dice: Dice, side: int) -> Shape:
        scale = dice.uniform(0.7, 1.4)
        parts = courses(dice, side, size * scale, length, offset)
        parts = Parts(warp(dice, parts.edge, rough, 30), parts.number, parts.count)
        face = grain * noise(dice, side, 14, 1.6, stretch=0.08) if grain else None
        return laid(parts, dice, gap * dice.uniform(0.6, 1.5), width, uneven=rough, face=face)

    return build


def fractal(
    size: float, slope: float, *, pits: float = 0.0, creases: float = 0.0, stretch: float = 1.0
) -> Build:
    """Rough ground, rock, plaster; `pits` and `creases` are shares of it."""

    def build(dice: Dice, side: int) -> Shape:
        at = size * dice.uniform(0.6, 1.6)
        height = noise(dice, side, at, slope, stretch)
        if creases:
            height = height + creases * ridges(dice, side, at)
        if pits:
            holes = noise(dice, side, max(at / 4, 3), 2.5)
            height = height - pits * np.maximum(holes - 1.2, 0) * 2
        return plain(height.astype(np.float32), dice)

    return build


def wrinkled(size: float, fine: float) -> Build:
    """Leather, crumpled paper, cloth in folds: smooth fields between creases, with a `fine` grain."""

    def build(dice: Dice, side: int) -> Shape:
        around = cells(dice, side, size * dice.uniform(0.7, 1.4), 1.0)
        folds = np.minimum(warp(dice, around.edge, size / 6, size), size / 3)
        height = (
            smooth(folds, 0.8)
            + fine * noise(dice, side, 3, 1.5)
            + size / 12 * noise(dice, side, size * 3, 2.5)
        )
        return plain(height.astype(np.float32), dice)

    return build


def grained(size: float, stretch: float, *, rings: float = 0.0, cracks: float = 0.0) -> Build:
    """Wood, bark, brushed metal: drawn out along the columns' direction."""

    def build(dice: Dice, side: int) -> Shape:
        at = size * dice.uniform(0.7, 1.5)
        fibre = noise(dice, side, at, 1.4, 1 / stretch)
        height = fibre
        if rings:
            bent = noise(dice, side, side / 2, 2.5, 0.3)
            height = height + rings * np.sin(bent * dice.uniform(8, 20)).astype(np.float32)
        if cracks:
            height = height - cracks * np.maximum(-ridges(dice, side, at * 3) * -1, 0) * (fibre < 0)
        return plain(
            height.astype(np.float32), dice, unit(0.6 * noise(dice, side, at * 2, 1.6, 1 / stretch) + height)
        )

    return build


def woven(size: float, twill: int = 1, fuzz: float = 0.1) -> Build:
    """Cloth, denim, carbon, wicker."""

    def build(dice: Dice, side: int) -> Shape:
        height = size / 2 * warp(dice, weave(side, size * dice.uniform(0.8, 1.5), twill), 0.6, 25)
        height = height + fuzz * size * noise(dice, side, 3, 1.2)
        return plain(height.astype(np.float32), dice)

    return build


def studded(size: float, share: float, *, sign: float = 1.0, shift: bool = True) -> Build:
    """Tread plate, pearls, rubber studs; with `sign` -1 holes."""

    def build(dice: Dice, side: int) -> Shape:
        body = bumps(side, size * dice.uniform(0.8, 1.4), share, shift)
        height = sign * body * size * share / 3 + 0.05 * noise(dice, side, 12, 1.5)
        return Shape(height.astype(np.float32), noise(dice, side, 40, 2.0), (sign < 0) * np.ceil(body * 0.99))

    return build


def ribbed(size: float, bend: float, *, sharp: float = 1.0, along: int = 0) -> Build:
    """Corrugated sheet, ripples in sand, corduroy, ploughed soil."""

    def build(dice: Dice, side: int) -> Shape:
        waves = warp(dice, grooves(side, size * dice.uniform(0.7, 1.5), along), bend, size * 3)
        height = size / 3 * np.sign(waves) * np.abs(waves) ** sharp + 0.2 * noise(dice, side, 5, 1.4)
        return plain(height.astype(np.float32), dice)

    return build


def strewn(
    size: float, cover: float, *, length: float = 1.6, bulge: float = 1.0, vein: bool = False
) -> Build:
    """Pebbles, gravel, leaves, chips on the ground."""

    def build(dice: Dice, side: int) -> Shape:
        lying = strew(
            dice, side, size * dice.uniform(0.8, 1.4), cover=cover, length=length, bulge=bulge, vein=vein
        )
        ground = (lying.number == 0).astype(np.float32)
        height = smooth(lying.height, 0.6) + 0.4 * noise(dice, side, 5, 1.4) * (0.3 + ground)
        return Shape(height.astype(np.float32), lying.vary(dice), ground)

    return build


def bladed(count: int, length: float, angle: float | None = None, thick: float = 1.0) -> Build:
    """Grass, straw, needles, fur, carpet, scratched metal."""

    def build(dice: Dice, side: int) -> Shape:
        lines = smooth(
            strokes(dice, side, int(count * (side / 256) ** 2), length * dice.uniform(0.7, 1.4), angle), thick
        )
        height = unit(lines) + 0.5 * noise(dice, side, 12, 1.8)
        return plain(height.astype(np.float32), dice, unit(lines + 0.6 * noise(dice, side, 30, 2.0)))

    return build


def both(first: Build, second: Build, share: float) -> Build:
    """One relief with `share` of another's over it."""

    def build(dice: Dice, side: int) -> Shape:
        one, other = first(dice, side), second(dice, side)
        steep = [float(np.hypot(*np.gradient(shape.height)).std()) for shape in (one, other)]
        return Shape(one.height + share * other.height * steep[0] / max(steep[1], 1e-6), one.tint, one.joint)

    return build


DARK, LIGHT, EARTH = "#3a342e #55504a", "#b0a89a #c9c2b4 #8f887c", "#4a3a2a #6b5640"
STONE, RED, WOOD = "#5a5650 #837d74 #aaa398", "#5c2418 #8f4630 #b86f4e", "#4a2f1a #7a5230 #a87a4c"
METAL, GREEN, WHITE = "#6a6a6c #8e8f92 #b5b6b8", "#2a3a16 #4a6026 #7a8a3c", "#b8b4aa #d2cec4 #e8e4da"
ANY = f"{DARK} {LIGHT}"

# fmt: off
RECIPES: tuple[Recipe, ...] = (
    Recipe("red brick wall", bricks(28, 2.3, 4, 4), RED, ANY, 0.5, 0.8),
    Recipe("old brick wall", bricks(30, 2.1, 5, 6, rough=1.6), RED, ANY, 0.6, 0.85, painted=0.7),
    Recipe("white brick wall", bricks(26, 2.4, 3, 4, rough=0.8), WHITE, LIGHT, 0.4, 0.7, painted=0.2),
    Recipe("clinker brick", bricks(22, 3.2, 3, 2), "#3a2420 #5c3a30 #7a5644", ANY, 0.5, 0.6),
    Recipe("castle brick wall", both(bricks(44, 2, 6, 8, rough=1.5), fractal(12, 1.5), 0.6), STONE, ANY, 0.55, 0.8),
    Recipe("concrete blocks", both(bricks(64, 2, 4, 3), fractal(4, 1.2, pits=1), 0.5), "#8a8a86 #a5a5a0", LIGHT, 0.3, 0.8),
    Recipe("stone wall", stones(40, 5, 9, stretch=1.5, rough=1.2), STONE, ANY, 0.5, 0.75),
    Recipe("dry stone wall", both(stones(30, 4, 10, stretch=2.2, rough=1.5), fractal(9, 1.5), 0.5), STONE, DARK, 0.65, 0.8),
    Recipe("cobblestone", stones(30, 4, 14, jitter=0.6), "#4a4845 #827d75 #b5aea2", f"{EARTH} {ANY}", 0.5, 0.7),
    Recipe("stone path", stones(56, 6, 6, rough=0.8), STONE, f"{GREEN} {EARTH} {ANY}", 0.35, 0.7),
    Recipe("stone paving", bricks(48, 1.5, 3, 3, offset=-1, rough=0.8), STONE, ANY, 0.3, 0.65),
    Recipe("flagstone with moss", stones(64, 7, 5), STONE, GREEN, 0.35, 0.75),
    Recipe("pebbles", strewn(16, 5, length=1.3), "#55504a #8a8276 #c2b8a8", EARTH, 0.6, 0.6),
    Recipe("gravel", strewn(9, 5, length=1.2, bulge=1.1), STONE, EARTH, 0.6, 0.8),
    Recipe("river stones", strewn(34, 4, length=1.4), "#4a4a4c #7a7c7e #b0aca4", EARTH, 0.55, 0.5),
    Recipe("rubble", both(stones(14, 2, 6, rough=2), fractal(20, 1.6), 0.8), STONE, EARTH, 0.65, 0.85),
    Recipe("rock", fractal(70, 1.9, creases=0.6), STONE, DARK, 0.45, 0.75, painted=0.35),
    Recipe("cliff rock", both(fractal(90, 2.0, creases=1.2), fractal(10, 1.6), 0.5), STONE, DARK, 0.5, 0.75, painted=0.3),
    Recipe("layered rock", both(ribbed(22, 8, sharp=0.5), fractal(24, 1.7), 0.8), "#6a5644 #8f7860 #b5a084", DARK, 0.45, 0.8),
    Recipe("lava rock", fractal(30, 1.7, pits=2, creases=0.5), "#1e1c1c #383434 #524c4a", DARK, 0.5, 0.8),
    Recipe("slate", both(ribbed(40, 10, sharp=0.3), fractal(30, 2.0), 0.6), "#2e3338 #454c52 #626a70", DARK, 0.25, 0.5),
    Recipe("sandstone", both(fractal(5, 1.2), ribbed(30, 6), 0.5), "#a5835c #c2a078 #dcc09a", LIGHT, 0.25, 0.85),
    Recipe("granite", fractal(4, 1.4), "#4a4644 #8a8480 #c2bab4", LIGHT, 0.06, 0.4, painted=1.0),
    Recipe("marble", fractal(60, 2.4), WHITE, LIGHT, 0.012, 0.2, painted=1.0),
    Recipe("onyx", fractal(80, 2.4), "#3a2c1e #7a5c3a #d2b078", LIGHT, 0.012, 0.15, painted=1.0),
    Recipe("ceramic tiles", bricks(40, 1, 3, 2, offset=0, rough=0.05), "#8fb0b5 #c1d8d8 #e9f2ef", ANY, 0.15, 0.2),
    Recipe("bathroom tiles", bricks(24, 1, 2, 2, offset=0, rough=0.03), WHITE, ANY, 0.15, 0.15, painted=0.15),
    Recipe("terracotta tiles", bricks(48, 1, 5, 3, offset=0, rough=0.4), "#8a4a2e #b06a44 #c98a60", ANY, 0.25, 0.7),
    Recipe("mosaic", stones(14, 2.5, 2, jitter=0.4, rough=0.1), "#2a4a6a #c2a05a #e0d8c8", ANY, 0.3, 0.35, painted=0.9),
    Recipe("roof tiles", both(bricks(34, 1.1, 2, 8), ribbed(34, 1, along=1), 0.8), RED, DARK, 0.5, 0.75),
    Recipe("slate roof", bricks(26, 1.3, 2, 10, rough=0.6), "#33383e #4c535a #6a7076", DARK, 0.35, 0.6),
    Recipe("wood planks", bricks(48, 8, 2.5, 2, offset=-1, rough=0.2, grain=0.6), WOOD, DARK, 0.2, 0.6, painted=0.7),
    Recipe("weathered planks", bricks(40, 7, 4, 3, offset=-1, rough=0.5, grain=1.4), "#5a5046 #7c7266 #a0968a", DARK, 0.3, 0.8),
    Recipe("wood floor", bricks(40, 5, 1.2, 1, offset=-1, rough=0.03, grain=0.1), WOOD, DARK, 0.08, 0.4, painted=0.9),
    Recipe("parquet", bricks(24, 4, 1, 1, rough=0.02, grain=0.1), WOOD, DARK, 0.08, 0.3, painted=0.9),
    Recipe("oak wood", grained(5, 18, rings=0.5), WOOD, DARK, 0.1, 0.5, painted=0.9),
    Recipe("painted wood", both(grained(5, 14), bricks(50, 9, 3, 2, offset=-1), 1.0), "#3a5a6a #6a8a94 #b8c8c8", DARK, 0.15, 0.5, painted=0.3),
    Recipe("tree bark", both(grained(16, 4, cracks=1.5), fractal(8, 1.4), 0.5), "#2e241a #55452f #7c6a50", DARK, 0.6, 0.85, painted=0.3),
    Recipe("birch bark", both(grained(10, 0.2), fractal(40, 2), 0.5), WHITE, DARK, 0.2, 0.6, painted=0.8),
    Recipe("plywood", grained(4, 24, rings=0.3), "#a5835c #c2a078 #d8bc94", LIGHT, 0.06, 0.6, painted=0.9),
    Recipe("cork", strewn(7, 5, bulge=0.4), "#7a5636 #a57c54 #c29c74", EARTH, 0.2, 0.8),
    Recipe("wicker", woven(18, fuzz=0.06), WOOD, DARK, 0.5, 0.6),
    Recipe("plaster", fractal(10, 1.5, pits=0.4), WHITE, LIGHT, 0.22, 0.8, painted=0.12),
    Recipe("rough stucco", fractal(7, 1.9, creases=0.6), f"{WHITE} #b89a6a", LIGHT, 0.35, 0.85, painted=0.1),
    Recipe("trowelled plaster", both(fractal(40, 2.3, creases=0.8), fractal(4, 1.2), 0.3), f"{WHITE} #a58a6a", LIGHT, 0.18, 0.75, painted=0.15),
    Recipe("painted plaster wall", both(fractal(5, 1.6), fractal(60, 2.2), 0.5), "#8a9aa0 #b0bcc0 #c8d0d2", LIGHT, 0.15, 0.6, painted=0.2),
    Recipe("concrete", fractal(30, 1.5, pits=1.2), "#7a7a76 #98988f #b0aea5", LIGHT, 0.12, 0.75, painted=0.8),
    Recipe("rough concrete", fractal(8, 1.5, pits=1.5), "#6a6a66 #8a8a84 #a5a39c", LIGHT, 0.3, 0.85, painted=0.4),
    Recipe("asphalt", both(strewn(5, 4, length=1.1), fractal(3, 1.2), 0.4), "#2a2a2c #444446 #6a6a68", DARK, 0.4, 0.85, painted=0.5),
    Recipe("brown leather", wrinkled(11, 0.2), "#2e1a10 #55321c #7c4e2e", DARK, 0.2, 0.5, painted=0.2),
    Recipe("black leather", wrinkled(16, 0.15), "#141414 #242424 #383636", DARK, 0.25, 0.4, painted=0.2),
    Recipe("crumpled paper", wrinkled(50, 0.02), WHITE, LIGHT, 0.25, 0.75, painted=0.05),
    Recipe("reptile skin", stones(13, 2, 6, jitter=0.5, rough=0.1), GREEN, DARK, 0.4, 0.4),
    Recipe("linen fabric", woven(6), "#8a8070 #b0a690 #d0c8b4", LIGHT, 0.3, 0.85, painted=0.3),
    Recipe("wool fabric", both(woven(12, fuzz=0.25), bladed(900, 9), 0.5), "#5a2a2e #8a4a4a #a5706a", DARK, 0.4, 0.9, painted=0.3),
    Recipe("denim", woven(6, 2), "#1e2e4a #34507a #6a84a8", "#b8c0cc", 0.3, 0.85),
    Recipe("carpet", bladed(5000, 7, thick=0.7), "#4a2e2e #7a5050 #a57c74", DARK, 0.45, 0.9),
    Recipe("fur", bladed(3000, 26, 1.2, 0.6), "#3a2a1c #6a4e34 #a58660", DARK, 0.4, 0.75),
    Recipe("corduroy", ribbed(12, 0.4), "#4a3a26 #6e583a #94784e", DARK, 0.4, 0.85, painted=0.2),
    Recipe("carbon fibre", woven(14, 2, fuzz=0.01), "#101012 #26262a #404046", DARK, 0.15, 0.3),
    Recipe("steel plate", fractal(90, 2.2), METAL, DARK, 0.03, 0.35, 1.0, painted=0.9),
    Recipe("brushed steel", grained(2, 60), METAL, DARK, 0.03, 0.35, 1.0, painted=0.6),
    Recipe("scratched metal", both(fractal(60, 2), bladed(60, 120, thick=0.6), 0.8), METAL, DARK, 0.08, 0.35, 1.0, painted=0.6),
    Recipe("metal plates", both(bricks(90, 1.2, 3, 2, offset=0, rough=0.05), studded(22, 0.25, shift=False), 0.5), METAL, DARK, 0.2, 0.4, 1.0),
    Recipe("tread plate", studded(26, 0.6), METAL, DARK, 0.3, 0.4, 1.0, painted=0.3),
    Recipe("perforated metal", studded(20, 0.6, sign=-1), METAL, "#0a0a0a #1a1a1a", 0.4, 0.4, 1.0, painted=0.2),
    Recipe("corrugated metal", ribbed(30, 0, along=1), METAL, DARK, 0.4, 0.45, 0.9),
    Recipe("hammered copper", stones(20, 0.5, 12, jitter=0.8, rough=0.1), "#6a3a22 #a5643e #d29468", DARK, 0.25, 0.3, 1.0, painted=0.4),
    Recipe("rusty metal", fractal(14, 1.4, pits=0.6), "#3a2014 #7a4424 #a5683a", DARK, 0.15, 0.75, 0.1, painted=0.9),
    Recipe("painted metal", both(fractal(50, 2), fractal(5, 1.5, pits=2), 0.5), "#2e5a4a #4a7c68 #8aa898", "#6a3a20", 0.08, 0.45, painted=0.8),
    Recipe("chainmail", woven(14, fuzz=0), METAL, "#0a0a0a #161616", 0.5, 0.35, 1.0, painted=0.1),
    Recipe("forest ground", both(strewn(12, 3, length=2.6, bulge=0.25), fractal(20, 1.6), 0.5), "#2e2418 #55442e #8a7048", EARTH, 0.4, 0.85),
    Recipe("soil", fractal(14, 1.5, creases=0.3), "#2e2218 #4a3826 #6e563c", EARTH, 0.3, 0.9, painted=0.4),
    Recipe("mud", fractal(40, 1.9, creases=0.4), "#3a2a1c #54402c #6e563e", EARTH, 0.2, 0.5, painted=0.2),
    Recipe("cracked earth", stones(44, 4, 4, rough=0.6), "#7a5e42 #a08260 #b89c78", "#3a2a1c #55402c", 0.3, 0.85, painted=0.3),
    Recipe("sand", both(fractal(60, 2.2), fractal(2.5, 1.0), 0.8), "#a5855c #c0a074 #d8bc90", LIGHT, 0.2, 0.85, painted=0.2),
    Recipe("sand ripples", ribbed(26, 7), "#a5855c #c0a074 #d8bc90", LIGHT, 0.25, 0.8, painted=0.1),
    Recipe("snow", both(fractal(50, 2.3), fractal(3, 1.1), 0.4), "#c8d0d8 #dce2e8 #f0f2f4", WHITE, 0.15, 0.6, painted=0.05),
    Recipe("grass", bladed(3500, 16, thick=0.8), GREEN, EARTH, 0.45, 0.75),
    Recipe("straw", bladed(1500, 60, thick=1.0), "#7a6236 #a58a54 #d2b87c", EARTH, 0.45, 0.8),
    Recipe("moss", both(fractal(30, 1.8), bladed(4000, 4, thick=0.8), 0.8), GREEN, EARTH, 0.4, 0.85),
    Recipe("fallen leaves", strewn(34, 5, length=1.7, bulge=0.2, vein=True), "#5a3416 #94602a #c89a4c", EARTH, 0.4, 0.65),
    Recipe("green leaves", strewn(26, 6, length=2.0, bulge=0.25, vein=True), GREEN, DARK, 0.4, 0.5),
    Recipe("wood chips", strewn(14, 5, length=2.4, bulge=0.25), WOOD, EARTH, 0.5, 0.8),
    Recipe("coal", stones(22, 2, 9, rough=1.8), "#0c0c0e #1c1c1e #323234", DARK, 0.5, 0.5, painted=0.3),
    Recipe("ice", fractal(50, 2.1, creases=0.8), "#a0b8c8 #c0d2dc #dce8ee", WHITE, 0.12, 0.15, painted=0.6),
    Recipe("water", fractal(40, 2.6, creases=0.5), "#1a3a4a #2e5a6a #4a7c88", DARK, 0.15, 0.06, painted=0.2),
    Recipe("quilted fabric", both(studded(40, 1.2), woven(4), 0.3), "#5a5a6a #84848e #a8a8b0", DARK, 0.25, 0.8, painted=0.1),
    Recipe("rubber studs", studded(18, 0.5, shift=False), "#161616 #262626 #3a3a3a", DARK, 0.35, 0.7, painted=0.1),
)
# fmt: on
