"""From where a model is painted, as requests name it, and the sheets that show it from several sides."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InvalidRequestError
from ..text.message import message

ALL_AROUND = "auto"
"""As many sides as it takes, up to `USUAL_COUNT`, as tiles of one sheet; a number asks for so many."""
USUAL_COUNT = 6

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

    def list_rectangles(self, count: int) -> tuple[Rectangle, ...]:
        """Of the first tiles, row by row from the upper left."""
        side = self.side
        return tuple((at % self.columns * side, at // self.columns * side, side, side) for at in range(count))


SHEETS = (Sheet(1, 1, 2880), Sheet(2, 2, 1440), Sheet(3, 2, 1152), Sheet(4, 2, 960), Sheet(4, 3, 816))
"""The largest that models draw, by the number of their tiles."""
MOST_VIEWS = SHEETS[-1].columns * SHEETS[-1].rows


def is_all_around(views: str) -> bool:
    """Whether the sides are chosen by what they show, and not by the scene."""
    return views == ALL_AROUND or views.isdecimal()


def count_views(views: str) -> int:
    """How many sides are asked for at most, where `is_all_around`.

    :raises InvalidRequestError: none, or too many.
    """
    count = USUAL_COUNT if views == ALL_AROUND else int(views[:9])
    if not 0 < count <= MOST_VIEWS:
        raise InvalidRequestError(
            message("One sheet holds 1 to {most} views, not {count}.", most=MOST_VIEWS, count=count),
            code="invalid_value",
            param="views",
        )
    return count


def find_sheet(count: int) -> Sheet:
    """The sheet with the fewest tiles that holds some views."""
    return next(sheet for sheet in SHEETS if sheet.columns * sheet.rows >= count)


def fit_sheet(count: int, size: tuple[int, int]) -> Sheet:
    """The sheet with the largest tiles for some views in an image of a size; what is left of it stays empty.

    :param size: width and height in pixels.
    """
    width, height = size
    fitted = []
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        fitted.append(Sheet(columns, rows, max(1, min(width // columns, height // rows))))
    return max(fitted, key=lambda sheet: (sheet.side, sheet.columns))
