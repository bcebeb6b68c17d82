"""Logos as SVG: a silhouette that the words name, on a badge."""

from __future__ import annotations

import re
import zlib

import numpy as np

from . import decals
from .decals import Outline
from .primitives.palette import Colour, from_hex, tone
from .words import best_match, phrases, read

SIDE = 1024
_GROUND = re.compile(r"\s+(?:on|auf)\s+", re.IGNORECASE)
"""What stands behind it is what the subject is on."""
BADGES = ("round", "soft", "seal")
PLAIN = ("circle", "seal", "splat")
"""Silhouettes that are no figure: a star stands in for them."""
WHITE: Colour = (0.96, 0.95, 0.92)


def draw_logo(prompt: str, index: int = 0) -> str:
    """A drawing of what the words of a prompt name, the same for the same words.

    :param index: another variation for each.
    """
    dice = np.random.default_rng(zlib.crc32(f"{index} {prompt}".encode()))
    subject, _, ground = _GROUND.sub("\n", prompt, count=1).partition("\n")
    parts = phrases(subject)
    figures = [shape for shape in decals.SHAPES if shape.name not in PLAIN]
    shape = best_match(parts, figures) or next(one for one in figures if one.name == "star")
    reading = read(parts)
    color = reading.main or from_hex(shape.hex)
    badge = read(phrases(ground)).main or reading.second or reading.accent or tone(color, -0.3, 0.9)
    body = [_badge(BADGES[int(dice.integers(len(BADGES)))], badge)]
    for outline in shape.outline(dice):
        body.append(f'<path class="figure" d="{_path(outline, 0.24 * SIDE)}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">\n'
        f"<style>.figure {{ fill: {_hex(color)} }} .rim {{ fill: none; stroke: {_hex(WHITE)} }}</style>\n"
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _badge(kind: str, color: Colour) -> str:
    middle, fill = SIDE / 2, _hex(color)
    if kind == "soft":
        return (
            f'<rect x="82" y="82" width="860" height="860" rx="190" fill="{fill}"/>\n'
            '<rect class="rim" x="132" y="132" width="760" height="760" rx="150" stroke-width="26"/>'
        )
    rim = f'<circle class="rim" cx="{middle:g}" cy="{middle:g}" r="370" stroke-width="26"/>'
    if kind == "round":
        return f'<circle cx="{middle:g}" cy="{middle:g}" r="430" fill="{fill}"/>\n{rim}'
    return f'<path d="{_path(decals.ngon(24, 0.93), 450)}" fill="{fill}"/>\n{rim}'


def _path(outline: Outline, reach: float) -> str:
    points = [f"{SIDE / 2 + x * reach:.1f} {SIDE / 2 + y * reach:.1f}" for x, y in outline]
    return f"M{' L'.join(points)}Z"


def _hex(color: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*(round(min(max(value, 0), 1) * 255) for value in color))
