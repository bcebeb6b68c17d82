"""Panoramas as models paint them, for tests."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

HEIGHT = 256


@cache
def pinched() -> Image.Image:
    """Spots whose columns run together at the poles, as models paint them."""
    rough = np.tile(np.random.default_rng(1).integers(40, 215, (16, 32, 3), np.uint8), (1, 3, 1))
    wide = Image.fromarray(rough).resize((6 * HEIGHT, HEIGHT), Image.Resampling.BICUBIC)
    return wide.crop((2 * HEIGHT, 0, 4 * HEIGHT, HEIGHT))
