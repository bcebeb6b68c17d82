"""Small copies beside pictures, which Blender loads for its panels instead of the pictures themselves."""

from __future__ import annotations

import contextlib
from pathlib import Path

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
