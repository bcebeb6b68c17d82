"""Drafts from references: their light and shade, in the prompt's colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .primitives.canvas import Canvas, Field
from .primitives.palette import Colour
from .primitives.surface import Surface, lay, ramp

LUMA = (0.2126, 0.7152, 0.0722)
FIRST_SHARE = 0.7  # of the light and shade; the other references share the rest
STOPS = 7


def recolour(
    canvas: Canvas, references: Sequence[NDArray[np.uint8]], stops: Sequence[Colour] | None
) -> tuple[Surface, Field]:
    """The references' light and shade coloured along `stops`, and the first one's alpha (H, W), 0..1.

    Each reference is scaled and cropped to the canvas. Without `stops` the colours come from the second
    reference, or with only one from that itself. Details of the first keep a little of their own hue.
    """
    images = [_fit(canvas, reference) for reference in references]
    lights = [_light(image) for image in images]
    light = lights[0]
    if len(lights) > 1:
        light = FIRST_SHARE * light + (1 - FIRST_SHARE) * np.mean(lights[1:], axis=0, dtype=np.float32)
    tone = _level(light)
    if stops is None:
        stops = _stops(images[min(1, len(images) - 1)])
    color = ramp(stops, tone)
    lay(color, images[0][:3], np.full(canvas.shape, 0.15, np.float32))
    return Surface(0.15 + 0.7 * tone, color), images[0][3]


def _fit(canvas: Canvas, reference: NDArray[np.uint8]) -> Field:
    """(4, H, W) 0..1, the reference scaled to cover the canvas."""
    image = ImageOps.fit(
        Image.fromarray(np.ascontiguousarray(reference)).convert("RGBA"),
        (canvas.width, canvas.height),
        Image.Resampling.LANCZOS,
    )
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1), np.float32) / np.float32(255)


def _light(image: Field) -> Field:
    light = sum(image[channel] * np.float32(LUMA[channel]) for channel in range(3))
    return np.asarray(light, np.float32)


def _level(light: Field) -> Field:
    """Contrast stretched to 0..1, a flat image left in the middle."""
    low, high = (float(value) for value in np.quantile(light[::4, ::4], (0.01, 0.99)))
    return np.asarray(np.clip((light - np.float32(low)) / np.float32(max(high - low, 0.1)), 0, 1), np.float32)


def _stops(image: Field) -> tuple[Colour, ...]:
    """The image's own colours from dark to light."""
    pixels = image[:3].reshape(3, -1)[:, :: max(1, image[0].size // 20000)]
    order = np.argsort(_light(pixels), kind="stable")
    groups = np.array_split(pixels[:, order], STOPS, axis=1)
    means = [group.mean(axis=1, dtype=np.float64) for group in groups if group.size]
    return tuple((float(red), float(green), float(blue)) for red, green, blue in means)
