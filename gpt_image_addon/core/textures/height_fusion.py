"""A height picture made by a model, laid over the picture it was made for, and joined with its fine detail.

Such a picture shows the right relief but rarely lies on the pixel: shifted by two pixels it is worth half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import Plane, blurred, resized
from .edge_alignment import FARTHEST, register_by_edges, warp
from .lighting import light_ramp, log_luminance, remove_ramp
from .relief import estimate_height, steepness, stretch

# Edge correlation, measured on scanned materials: 8 true pairs 0.06 to 0.62; of 56 others none above 0.046 at
# shifts up to 1.4 % of a side, and none above 0.055 beyond.
ACCEPTED = 0.06
FAR_ACCEPTED = (
    0.12  # where the answer is moved by FARTHEST: a search that goes so far finds something by chance
)
FINE_SIGMA = 3.0  # pixels below which the detail comes from the picture
PATCH_SIGMA = 6.0  # pixels over which an estimate fades into what is known
FINE_SHARE = 0.5  # slope of that detail, as a share of the height's


@dataclass(frozen=True)
class Registration:
    """A model's height picture laid over the picture it was made for."""

    height: Plane
    """(H, W) float32 in 0..1, warped to lie on the picture."""
    score: float
    """Correlation of the edges of both, -1..1."""
    accepted: bool
    """The two belong together, the surer the farther one was moved; otherwise it is not to be used."""
    shift: tuple[float, float]
    """(rows, columns) in pixels that the answer was moved by as a whole."""


def register_height(color: NDArray[np.uint8], answer: NDArray[Any]) -> Registration:
    """`answer`, a grey or RGB height picture of any size, 8 or 16 bits, laid over `color` (H, W, 3 or 4)."""
    plane = resized(_grey(answer), color.shape[0], color.shape[1])
    found = register_by_edges(plane, log_luminance(color))
    far = math.hypot(*found.moved) / (FARTHEST * min(plane.shape))
    needed = ACCEPTED + (FAR_ACCEPTED - ACCEPTED) * far
    return Registration(warp(plane, found.shifts), found.score, found.score >= needed, found.moved)


def fuse(height: Plane, color: NDArray[np.uint8], wraps: bool = False) -> Plane:
    """`height` (H, W) in 0..1 with the fine detail of `color` (H, W, 3 or 4) added, in 0..1.

    A model's height is smooth; what is finer than FINE_SIGMA pixels comes from the picture: dark is deep.
    """
    light = log_luminance(color)
    remove_ramp(light, light_ramp(light))
    detail = estimate_height(light, wraps)
    detail -= blurred(detail, FINE_SIGMA, wraps)
    detail *= FINE_SHARE * steepness(height) / max(steepness(detail), 1e-6)
    detail += height
    return stretch(detail)


def reestimate(height: Plane, color: NDArray[np.uint8], where: NDArray[np.bool_]) -> Plane:
    """`height` of a tile `color`, estimated from its brightness `where` it was painted anew since, (H, W)."""
    detail = estimate_height(log_luminance(color), wraps=True)
    detail *= np.float32(steepness(height) / max(steepness(detail), 1e-6))
    detail += np.float32(height[where].mean() - detail[where].mean())
    weight = blurred(where.astype(np.float32), PATCH_SIGMA, wraps=True)
    mixed: Plane = np.clip(height + weight * (detail - height), 0, 1)
    return mixed


def _grey(answer: NDArray[Any]) -> Plane:
    plane = answer if answer.ndim == 2 else answer[..., :3].mean(-1)
    scaled: Plane = np.divide(plane, 65535 if answer.dtype == np.uint16 else 255, dtype=np.float32)
    return scaled
