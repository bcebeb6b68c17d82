"""Previews of pictures that are still being made, as small arrays that a panel can show at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .decoding import UnusablePictureError, decode_small

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
        small = decode_small(data, EDGE)[::-1]
    except UnusablePictureError:
        return None
    pixels = np.multiply(small, np.float32(1 / 255), dtype=np.float32).ravel()
    return Preview(number, small.shape[1], small.shape[0], pixels)
