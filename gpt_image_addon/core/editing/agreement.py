"""Whether two registered images show the same: correlations of many small blocks, not of the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import Plane, blurred
from .normed import Level

BLOCKS = 12  # a side
FULL = 0.25  # share of a block that has to be valid
AGREES = 0.4  # correlation from which a block counts as the same
ENOUGH = 0.6  # share of such blocks from which the images are the same
LEAST = 0.2  # correlation that all but a fifth of the blocks reach then
MOST_NOISE = 1.6  # times the deviation that noise alone would have: what has more is texture
FAINT = 0.6  # levels: a weaker deviation is none
FINE, COARSE = 1.0, 4.0  # pixels: the band in which texture is told from noise
FEW = 6  # blocks with texture, below which it can't be told that images differ
FEWEST = 3  # likewise, that they are the same


@dataclass(frozen=True)
class Agreement:
    """Correlations of the blocks that can be compared, by their distribution."""

    blocks: int
    share: float
    """Of them that agree, 0..1."""
    median: float
    low: float
    """The 20th percentile."""

    @property
    def textured(self) -> bool:
        return self.blocks >= FEW

    @property
    def fits(self) -> bool:
        return self.blocks >= FEWEST and self.share >= ENOUGH and self.low > LEAST

    @property
    def rank(self) -> float:
        """What the better of two placements has more of."""
        return self.median + self.low


def compare(level: Level, placed: Plane) -> Agreement:
    """How well an answer agrees with the original around the mask.

    Where faint texture agrees as well as any, all blocks count, and else those that have more than noise.

    :param placed: the answer's plane as it is moved; NaN where it has no pixels.
    """
    seen = level.valid & ~np.isnan(placed)
    textured = _textured(level)
    height, width = seen.shape
    rows, columns = (np.linspace(0, n, BLOCKS + 1).astype(int) for n in (height, width))
    textured_blocks: list[float] = []
    every_block: list[float] = []
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            part = (slice(top, bottom), slice(left, right))
            inside = seen[part]
            if inside.mean() < FULL:
                continue
            every_block.append(_correlation(level.wanted[part][inside], placed[part][inside]))
            if textured[part][inside].mean() > 0.5:
                textured_blocks.append(every_block[-1])
    overall = _spread_of(every_block)
    return overall if overall.fits else _spread_of(textured_blocks)


def _spread_of(correlations: list[float]) -> Agreement:
    if not correlations:
        return Agreement(0, 0.0, 0.0, 0.0)
    values = np.array(correlations)
    share = float((values > AGREES).mean())
    return Agreement(len(values), share, float(np.median(values)), float(np.percentile(values, 20)))


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    p, q = one - one.mean(), other - other.mean()
    return float((p * q).sum() / max(float(np.sqrt((p * p).sum() * (q * q).sum())), 1e-9))


def _textured(level: Level) -> NDArray[np.bool_]:
    """Where the original has more than noise.

    Noise is as strong in every pixel's difference from its neighbors (Immerkær, 1996) as between them; what
    passes the band beyond that is texture.
    """
    texture, kernel = level.texture, (1, -2, 1)
    fine = np.zeros_like(texture)
    for i in range(3):
        for j in range(3):
            fine += (kernel[i] * kernel[j]) * np.roll(texture, (i - 1, j - 1), (0, 1))
    band = blurred(texture, FINE, wraps=False) - blurred(texture, COARSE, wraps=False)
    noise, strength = _deviation(fine) / 6, _deviation(band)
    # What the band lets pass of white noise of deviation 1.
    passed = math.sqrt((1 / FINE**2 + 1 / COARSE**2 - 4 / (FINE**2 + COARSE**2)) / (4 * math.pi))
    return np.asarray(strength > np.maximum(FAINT, MOST_NOISE * passed * noise))


def _deviation(plane: Plane) -> Plane:
    """Around each pixel, of a plane whose mean is 0."""
    squares = blurred(np.square(plane), 2 * COARSE, wraps=False)
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)
