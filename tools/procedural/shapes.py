"""Shapes of procedural materials: what the table in recipes.py puts together."""

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
