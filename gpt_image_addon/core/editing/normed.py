"""Brightness without light and contrast, over a pyramid of sizes: what two images are compared by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import Plane, blurred, resized

LEVELS = 4
FINEST = 1024  # pixels a side at most
WHOLE = 512  # pixels a side up to which an image is compared at its full size, else at half of it
SMALLEST = 24  # pixels a side
SIGMA = 6.0  # pixels: what is larger counts as light
LUMA = (0.299, 0.587, 0.114)
DARKEST = 2.0  # levels that keep the root from magnifying the noise of black
FAINTEST = 1.0  # levels: a weaker deviation is not magnified to a full one
SEEN = 0.05  # share of valid pixels in a blur, below which it says nothing


@dataclass(frozen=True)
class Level:
    """Two images at one size."""

    wanted: Plane
    """The original, without light and contrast; 0 where it is not valid."""
    found: Plane
    """The answer, likewise."""
    valid: NDArray[np.bool_]
    """Where both should show the same."""
    texture: Plane
    """The original's deviation from its own light, in levels."""


def levels_of(answer: NDArray[Any], original: NDArray[Any], valid: NDArray[np.bool_]) -> list[Level]:
    """Both images from the finest level to the coarsest, each half as large as the one before.

    :param answer: (h, w, 1 to 4) uint8, uint16 or float32 in 0..255, of any size.
    :param original: (H, W, 1 to 4) alike.
    :param valid: (H, W).
    """
    height, width = valid.shape
    longer = max(height, width)
    factor = 1.0 if longer <= WHOLE else max(2.0, longer / FINEST)
    wanted, found, known = _root(original), _root(answer), valid.astype(np.float32)
    levels: list[Level] = []
    for _ in range(LEVELS):
        size = round(height / factor), round(width / factor)
        if levels and min(size) < SMALLEST:
            break
        wanted, found, known = (resized(plane, *size) for plane in (wanted, found, known))
        levels.append(_level(wanted, found, known > 0.999))
        factor *= 2
    return levels


def _root(pixels: NDArray[Any]) -> Plane:
    """Root of the brightness, in 0..255: noise is as strong in the dark as in the light."""
    scale = np.float32(1 / 257 if pixels.dtype == np.uint16 else 1)
    if pixels.shape[2] >= 3:
        plane = sum(pixels[..., i] * np.float32(share * scale) for i, share in enumerate(LUMA))
    else:
        plane = pixels[..., 0] * scale
    return np.sqrt((plane + DARKEST) * np.float32(255), dtype=np.float32)


def _level(wanted: Plane, found: Plane, valid: NDArray[np.bool_]) -> Level:
    weight = valid.astype(np.float32)
    mass = blurred(weight, SIGMA, wraps=False)
    usable = valid & (mass > SEEN)
    first, texture = _normed(wanted, weight, mass)
    second, _ = _normed(found, weight, mass)
    return Level(np.where(usable, first, 0), second, usable, np.where(usable, texture, 0))


def _normed(plane: Plane, weight: Plane, mass: Plane) -> tuple[Plane, Plane]:
    """(x - blur) / deviation, and that difference; blurs see valid pixels alone."""
    mass = np.maximum(mass, 1e-3)
    texture: Plane = plane - blurred(plane * weight, SIGMA, wraps=False) / mass
    spread = np.sqrt(blurred(texture * texture * weight, SIGMA, wraps=False) / mass)
    return texture / (spread + np.float32(FAINTEST)), texture


def sampled(plane: Plane, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float32]:
    """Values of `plane` between its pixels, whose centers are whole numbers; its border is continued."""
    height, width = plane.shape
    x, y = (np.clip(at, 0, n - 1).astype(np.float32) for at, n in ((x, width), (y, height)))
    left, top = (np.minimum(at.astype(np.intp), max(n - 2, 0)) for at, n in ((x, width), (y, height)))
    x, y = x - left, y - top
    flat = np.ravel(plane)
    at = top * width + left
    right, below = min(1, width - 1), width if height > 1 else 0
    upper = flat[at] * (1 - x) + flat[at + right] * x
    lower = flat[at + below] * (1 - x) + flat[at + below + right] * x
    return np.asarray(upper * (1 - y) + lower * y, np.float32)
