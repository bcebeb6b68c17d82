"""What a family paints: a height and the colour that belongs to it, and the small arithmetic of painting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Field, Index
from .palette import Colour

RELIEF = 0.05  # a height of 1 stands for this share of the image's shorter side
RAMP_STEPS = 1024


@dataclass
class Surface:
    """A material seen from above."""

    height: Field
    """(H, W), about 0..1 in units of RELIEF."""
    color: Field
    """(3, H, W) sRGB, about 0..1."""


def step(low: float, high: float, field: Field) -> Field:
    """0 below `low`, 1 above `high`, smooth between."""
    t = (field - np.float32(low)) * np.float32(1.0 / (high - low))
    np.clip(t, 0, 1, out=t)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def bowl(at: Field) -> Field:
    """1 at both ends of 0..1, 0 in the middle, round between."""
    return np.asarray(np.square(2 * at - 1), np.float32)


def unit(field: Field) -> Field:
    """`field` clipped to 0..1."""
    return np.asarray(np.clip(field, 0, 1), np.float32)


def rounded(field: Field) -> Field:
    """Square root of `field` clipped to 0..1: the profile of something round."""
    return np.asarray(np.sqrt(unit(field)), np.float32)


def ramp(stops: Sequence[Colour], tone: Field) -> Field:
    """Colours for `tone` 0..1 along evenly spaced `stops`; (3, H, W)."""
    at = np.linspace(0.0, 1.0, RAMP_STEPS)
    index = np.clip(tone * np.float32(RAMP_STEPS - 1), 0, RAMP_STEPS - 1).astype(np.int32)
    where = np.linspace(0.0, 1.0, len(stops))
    color = np.empty((3, *tone.shape), np.float32)
    for channel in range(3):
        values = np.interp(at, where, [stop[channel] for stop in stops]).astype(np.float32)
        np.take(values, index, out=color[channel], mode="clip")
    return color


def lay(color: Field, over: Field | Colour, mask: Field) -> None:
    """Paint `over` (one colour or an image) onto `color` in place, as strongly as `mask` 0..1 says."""
    for channel in range(3):
        plane = color[channel]
        plane += (over[channel] - plane) * mask


def shade(color: Field, amount: Field) -> None:
    """Multiply `color` in place."""
    color *= amount


def cavity(canvas: Canvas, surface: Surface, strength: float, radius: float = 0.02) -> None:
    """Darken what lies lower than its surroundings, as dust and missing light do."""
    low = canvas.soften(surface.height, radius) - surface.height
    low *= np.float32(-strength)
    low += 1
    np.clip(low, 0.55, 1.25, out=low)
    shade(surface.color, low)


def pick(table: Field, index: Index) -> Field:
    """`table[index]`, shape of `index`."""
    return np.take(table, index)
