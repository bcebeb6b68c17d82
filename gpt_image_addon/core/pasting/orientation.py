"""From places in an upright image to those in its file, where EXIF says that it is stored on its side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.decoding import SIDEWAYS, TURNS
from .boxes import Box, Size

_FLIPPED = {
    2: (True, False),
    3: (True, True),
    4: (False, True),
    6: (False, True),
    7: (True, True),
    8: (True, False),
}
"""Whether the stored columns and rows run the other way, by orientation."""
_BACK = {6: 8, 8: 6}
"""The orientation whose turn takes one back; every other one takes itself back."""


def upright_size(size: Size, orientation: int) -> Size:
    """The size of the upright image from that of the stored one, and the other way round."""
    return size[::-1] if orientation in SIDEWAYS else size


def stored_box(box: Box, orientation: int, stored: Size) -> Box:
    """Where a box of the upright image is stored.

    :param stored: size of the stored image.
    """
    if orientation in SIDEWAYS:
        box = Box(box.top, box.left, box.height, box.width)
    across, down = _FLIPPED.get(orientation, (False, False))
    left = stored[0] - box.right if across else box.left
    top = stored[1] - box.bottom if down else box.top
    return Box(left, top, box.width, box.height)


def stored_pixels(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Upright pixels, or weights of them, as they are stored."""
    return upright_pixels(pixels, _BACK.get(orientation, orientation))


def upright_pixels(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Stored pixels, turned upright.

    :param pixels: (height, width) or (height, width, channels).
    """
    turn = TURNS.get(orientation)
    return pixels if turn is None else np.asarray(turn(pixels))
