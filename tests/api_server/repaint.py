"""Masked edits as a model answers them: the masked part painted anew, and the rest kept only roughly.

What is painted is put together from the rest of the image patch by patch, each the likest of many to what
is there beside it already (after Efros and Leung, 1999).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HOW = ("repaired", "shifted", "wrong", "unchanged")
"""What a masked edit may come back as; `shifted` is repaired, three pixels aside."""
DRIFT = 3  # levels that the model changes what it should keep by
SHIFT = (3, -2)  # rows, columns
BLOCK, MARGIN, TRIES = 16, 8, 200  # pixels, pixels, patches
PAINTED_AT = 512  # pixels a side from which on it is painted at half the size, which is quick


def repainted(image: Image.Image, keep: Image.Image, how: str) -> Image.Image:
    """An RGB image, edited where `keep` is black."""
    pixels = np.asarray(image, np.int16)
    if how == "wrong":
        dice = np.random.default_rng(5)
        other = Image.fromarray(dice.integers(0, 256, (32, 32, 3), np.uint8))
        return other.resize(image.size, Image.Resampling.BICUBIC)
    kept = np.asarray(keep) > 127
    painted = pixels if how == "unchanged" else _painted(image, kept)
    if how == "shifted":
        painted = np.roll(painted, SHIFT, (0, 1))
    return Image.fromarray(np.clip(painted + DRIFT, 0, 255).astype(np.uint8))


def _painted(image: Image.Image, kept: NDArray[np.bool_]) -> NDArray[Any]:
    step = 1 if min(image.size) < PAINTED_AT else 2
    small = np.asarray(image.reduce(step), np.int16)
    filled = _filled(small, kept[::step, ::step]).astype(np.uint8)
    grown = Image.fromarray(filled).resize(image.size, Image.Resampling.BICUBIC)
    return np.where(kept[..., None], np.asarray(image), np.asarray(grown)).astype(np.int16)


def _filled(pixels: NDArray[Any], kept: NDArray[np.bool_]) -> NDArray[Any]:
    out, known = pixels.copy(), kept.copy()
    height, width = kept.shape
    dice = np.random.default_rng(1)
    side = BLOCK + 2 * MARGIN
    sources = _whole(kept, side, dice)
    for top in range(0, height, BLOCK):
        for left in range(0, width, BLOCK):
            if known[top : top + BLOCK, left : left + BLOCK].all():
                continue
            y, x = (min(max(at - MARGIN, 0), n - side) for at, n in ((top, height), (left, width)))
            here = (slice(y, y + side), slice(x, x + side))
            seen = known[here]
            chosen = min(sources, key=lambda s: _distance(pixels[s], out[here], seen))
            inner = np.zeros_like(seen)
            inner[top - y : top - y + BLOCK, left - x : left - x + BLOCK] = True
            inner &= ~seen
            out[here][inner] = pixels[chosen][inner]
            known[here] |= inner
    return out


def _whole(kept: NDArray[np.bool_], side: int, dice: np.random.Generator) -> list[tuple[slice, slice]]:
    """Squares that lie in the kept part."""
    found: list[tuple[slice, slice]] = []
    while len(found) < TRIES:
        y, x = (int(dice.integers(0, n - side)) for n in kept.shape)
        square = (slice(y, y + side), slice(x, x + side))
        if kept[square].all():
            found.append(square)
    return found


def _distance(patch: NDArray[Any], wanted: NDArray[Any], seen: NDArray[np.bool_]) -> int:
    return int(((patch - wanted)[seen].astype(np.int32) ** 2).sum())
