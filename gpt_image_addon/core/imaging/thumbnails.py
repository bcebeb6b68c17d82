"""Small images: copies beside results, which Blender loads for panels, and previews of what is being made."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import read_file, replace_file
from ..errors import StorageError
from ..results.store import thumbnail_of
from .decoding import UnusablePictureError, decode_small
from .formats import encode_png

EDGE = 256  # pixels of the longer edge, as Blender's own


def write_thumbnail(picture: Path) -> None:
    """Make the small copy; where that can't be done, the picture itself will be shown."""
    with contextlib.suppress(OSError, StorageError, UnusablePictureError):
        small = decode_small(read_file(picture), EDGE)
        replace_file(thumbnail_of(picture), encode_png(small))


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
