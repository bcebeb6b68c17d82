"""Previews of pictures that are still being made, as small arrays that a panel can show at once."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EDGE = 256  # pixels of the longer edge


@dataclass(frozen=True)
class Preview:
    """One preview."""

    number: int
    """1 for the first of a job."""
    width: int
    height: int
    pixels: NDArray[np.float32] = field(repr=False)
    """Flat RGBA from 0 to 1, bottom row first."""


def make_preview(number: int, data: bytes) -> Preview | None:
    """A preview from an encoded picture; None where it can't be read: a lost preview is no loss."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.thumbnail((EDGE, EDGE))
            small = np.asarray(picture.convert("RGBA"))[::-1]
    except (OSError, ValueError, SyntaxError):
        return None
    pixels = np.multiply(small, np.float32(1 / 255), dtype=np.float32).ravel()
    return Preview(number, small.shape[1], small.shape[0], pixels)
