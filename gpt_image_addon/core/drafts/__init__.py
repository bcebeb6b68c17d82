"""Offline drafts: textures painted from the words of a prompt, without network, for every size, seamless."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import condition, decals
from .canvas import Canvas, Field
from .families import FAMILIES, NOISE, Family
from .palette import Palette, tone
from .recolour import recolour
from .surface import RELIEF, Surface
from .words import Phrase, Reading, best_match, phrases, read

__all__ = ["FAMILIES", "RELIEF", "Draft", "Family", "paint", "recognise"]


@dataclass(frozen=True)
class Draft:
    """A painted picture and the height it was painted from."""

    color: NDArray[np.uint8]
    """(H, W, 3) sRGB, or (H, W, 4) when transparent (straight alpha)."""
    height: NDArray[np.float32]
    """(H, W) in 0..1; 1 stands for `RELIEF` of the picture's shorter side."""
    family: str
    """Name of the family recognised, "noise" otherwise."""


def paint(
    prompt: str,
    width: int,
    height: int,
    *,
    index: int = 0,
    transparent: bool = False,
    references: Sequence[NDArray[np.uint8]] = (),
) -> Draft:
    """Paint what the words of `prompt` name, `width` x `height` pixels, each at least 16.

    The same prompt, size and index give the same bytes; each index is another variation. Without references the
    texture wraps around in both axes. `transparent` cuts a decal out of it. `references`, uint8 (H, W), (H, W, 3) or
    (H, W, 4) of any size, are recoloured instead. Raises ValueError for a smaller size.
    """
    if min(width, height) < 16:
        raise ValueError(f"a draft is at least 16 x 16 pixels, not {width} x {height}")
    parts = phrases(prompt)
    family, reading = best_match(parts, FAMILIES) or NOISE, read(parts)
    canvas = Canvas(width, height, zlib.crc32(f"{index} {prompt}".encode()))
    palette = _palette(family, reading, canvas)
    alpha: Field | None = None
    if references:
        is_named = family is not NOISE or reading.main is not None
        surface, alpha = recolour(canvas, references, palette.main if is_named else None)
    else:
        surface = family.paint(canvas, palette)
    condition.weather(canvas, surface, reading.modifiers)
    if not transparent:
        return Draft(_bytes(surface.color), _clipped(surface.height), family.name)
    if alpha is None or float(alpha.min()) > 0.5:
        alpha = decals.cut(canvas, surface, palette, best_match(parts, decals.SHAPES) or decals.SPLAT)
    return Draft(_bytes(np.concatenate((surface.color, alpha[None]))), _clipped(surface.height), family.name)


def recognise(prompt: str) -> Family:
    """The family that `prompt` names, or the one for none."""
    return best_match(phrases(prompt), FAMILIES) or NOISE


def _palette(family: Family, reading: Reading, canvas: Canvas) -> Palette:
    palette = family.palette
    accent = reading.accent
    if family is NOISE:
        if reading.main is None:
            palette = palette.turned(float(canvas.dice("hue", 1)[0]))
        elif accent is None:
            accent = tone(reading.main, 0.35, 0.8)
    return condition.repaint(palette.tinted(reading.main, accent), reading.modifiers)


def _clipped(height: Field) -> Field:
    return np.ascontiguousarray(np.clip(height, 0, 1), dtype=np.float32)


def _bytes(planes: Field) -> NDArray[np.uint8]:
    """(C, H, W) 0..1 to (H, W, C) 0..255."""
    color = np.empty((*planes.shape[1:], planes.shape[0]), np.uint8)
    for channel, plane in enumerate(planes):
        scaled = plane * np.float32(255)
        scaled += np.float32(0.5)
        color[..., channel] = np.clip(scaled, 0, 255)
    return color
