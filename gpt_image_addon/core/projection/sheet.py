"""Several views as one image in one request: its rectangles, drawn and cut apart again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidRequestError
from ..text.message import message
from .guides import BACKGROUND
from .paint import sample

Rectangle = tuple[int, int, int, int]
"""Left, top, width, height in pixels from the upper left."""


@dataclass(frozen=True)
class Sheet:
    """Square tiles in columns and rows."""

    columns: int
    rows: int
    side: int
    """Pixels of a tile."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.columns * self.side, self.rows * self.side

    def list_rectangles(self) -> tuple[Rectangle, ...]:
        """Of each tile, row by row from the upper left."""
        side = self.side
        return tuple(
            (at % self.columns * side, at // self.columns * side, side, side)
            for at in range(self.columns * self.rows)
        )


SHEETS = (Sheet(1, 1, 2880), Sheet(2, 2, 1440), Sheet(3, 2, 1152), Sheet(4, 2, 960), Sheet(4, 3, 816))
"""The largest that models draw, by the number of their tiles."""


def find_sheet(count: int) -> Sheet:
    """The sheet with the fewest tiles that holds some views.

    :raises InvalidRequestError: there are none, or too many.
    """
    most = SHEETS[-1].columns * SHEETS[-1].rows
    if not 0 < count <= most:
        raise InvalidRequestError(
            message("One sheet holds 1 to {most} views. Choose a number of views in that range.", most=most)
        )
    return next(sheet for sheet in SHEETS if sheet.columns * sheet.rows >= count)


def compose(sheet: Sheet, guides: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Guides in the tiles of a sheet, flat background in those that are left.

    :param guides: (side, side, 3) each.
    :returns: (height, width, 3).
    """
    width, height = sheet.size
    out = np.empty((height, width, 3), np.uint8)
    out[:] = BACKGROUND
    for (left, top, across, down), guide in zip(sheet.list_rectangles(), guides, strict=False):
        out[top : top + down, left : left + across] = guide
    return out


def cut(sheet: Sheet, answer: NDArray[Any], count: int) -> list[NDArray[np.float32]]:
    """The views of an answer of any size, each of the size of a tile.

    :param answer: (height, width, 3 or 4).
    :returns: (side, side, 3) float32 each.
    """
    height, width = answer.shape[:2]
    across, down = width / sheet.size[0], height / sheet.size[1]
    pixels = answer[..., :3].astype(np.float32)
    tiles = []
    for left, top, wide, high in sheet.list_rectangles()[:count]:
        first, end = round(left * across), round((left + wide) * across)
        upper, lower = round(top * down), round((top + high) * down)
        tile = pixels[upper:lower, first:end]
        if tile.shape[:2] != (high, wide):
            x = ((left + np.arange(wide) + 0.5) * across - first)[None].repeat(high, axis=0)
            y = ((top + np.arange(high) + 0.5) * down - upper)[:, None].repeat(wide, axis=1)
            tile = sample(tile, x.ravel(), y.ravel()).reshape(high, wide, 3)
        tiles.append(tile)
    return tiles
