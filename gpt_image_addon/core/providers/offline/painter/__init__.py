"""Offline drafts: textures painted from the words of a prompt, without network, for every size, seamless."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import condition, decals
from .animation import encode_gif
from .families import ENAMEL, FAMILIES, NOISE, Family
from .logo import draw_logo
from .primitives.canvas import Canvas, Field
from .primitives.palette import Palette, from_hex, tone
from .primitives.surface import RELIEF
from .recolour import recolour
from .words import Reading, best_match, phrases, read

__all__ = ["FAMILIES", "RELIEF", "Draft", "Family", "draw_logo", "encode_gif", "paint", "recognise"]


@dataclass(frozen=True)
class Draft:
    """A painted image and the height it was painted from."""

    color: NDArray[np.uint8]
    """(H, W, 3) sRGB, or (H, W, 4) when transparent (straight alpha)."""
    height: NDArray[np.float32]
    """(H, W) in 0..1; 1 stands for `RELIEF` of the image's shorter side."""
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

    The same prompt, size and index give the same bytes; each index is another variation. Without references
    the texture wraps around in both axes. `transparent` cuts a decal out of it. `references`, uint8 (H, W),
    (H, W, 3) or (H, W, 4) of any size, are recoloured instead. Raises ValueError for a smaller size.
    """
    if min(width, height) < 16:
        raise ValueError(f"a draft is at least 16 x 16 pixels, not {width} x {height}")
    canvas = Canvas(width, height, zlib.crc32(f"{index} {prompt}".encode()))
    parts = phrases(prompt)
    family, reading = best_match(parts, FAMILIES), read(parts)
    shape = (best_match(parts, decals.SHAPES) or decals.SPLAT) if transparent else None
    painter = family or (ENAMEL if shape else NOISE)
    palette = _palette(painter, reading, canvas, shape)
    alpha: Field | None = None
    if references:
        is_named = family is not None or reading.main is not None
        surface, alpha = recolour(canvas, references, palette.main if is_named else None)
    else:
        surface = painter.paint(canvas, palette)
    condition.weather(canvas, surface, reading.modifiers)
    planes = surface.color
    if shape:
        if alpha is None or float(alpha.min()) > 0.5:
            alpha = decals.cut(canvas, surface, palette, shape)
        planes = np.concatenate((planes, alpha[None]))
    return Draft(_bytes(planes), _clipped(surface.height), painter.name)


def recognise(prompt: str) -> Family:
    """The family that `prompt` names, or the one for none."""
    return best_match(phrases(prompt), FAMILIES) or NOISE


def _palette(family: Family, reading: Reading, canvas: Canvas, shape: decals.Shape | None) -> Palette:
    """The family's palette in the prompt's colours; what has no colour of its own gets one."""
    palette, main, accent = family.palette, reading.main, reading.accent
    if family is ENAMEL and shape:
        main = main or from_hex(shape.hex)
    elif family is NOISE and main is None:
        palette = palette.turned(float(canvas.dice("hue", 1)[0]))
    elif family is NOISE and main and not (accent or reading.second):
        accent = tone(main, 0.35, 0.8)
    return condition.repaint(palette.tinted(main, accent, reading.second), reading.modifiers)


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
