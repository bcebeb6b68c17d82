"""Colour and light: linear luminance, and evening out uneven illumination."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import Plane, blurred, in_blocks

LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB, ITU-R BT.709
DARKEST = 1 / 255  # keeps the logarithm of black within reason


def full_scale(pixels: NDArray[Any]) -> int:
    """The value of white: 255 or 65535. Raises ValueError for pixels that are neither 8- nor 16-bit."""
    if pixels.dtype == np.uint8:
        return 255
    if pixels.dtype == np.uint16:
        return 65535
    raise ValueError(f"Pictures have 8 or 16 bits a channel here, not {pixels.dtype}.")


def to_linear(encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB values in 0..1 to linear light."""
    low, high = encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, low, high).astype(np.float32)


_LINEAR = {top: to_linear(np.linspace(0, 1, top + 1, dtype=np.float32)) for top in (255,)}


def log_luminance(color: NDArray[np.uint8]) -> Plane:
    """Natural logarithm of the linear luminance of an (H, W, 3 or more) sRGB picture."""
    weighted = [(weight * _LINEAR[255]).astype(np.float32) for weight in LUMINANCE]
    out = np.empty(color.shape[:2], np.float32)

    def work(first: int, end: int) -> None:
        rows = color[first:end]
        total = weighted[0].take(rows[..., 0])
        total += weighted[1].take(rows[..., 1])
        total += weighted[2].take(rows[..., 2])
        np.maximum(total, DARKEST, out=total)
        np.log(total, out=out[first:end])

    in_blocks(color.shape[0], work)
    return out


def illumination(log_light: Plane, wraps: bool) -> Plane:
    """The smooth part of a logarithmic luminance, mean removed: uneven light, as opposed to the material."""
    smooth = blurred(log_light, max(1.0, min(log_light.shape) / 7), wraps)
    smooth -= smooth.mean()
    return smooth
