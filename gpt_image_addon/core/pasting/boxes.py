"""Rectangles of pixels in an image; where the image tiles, they may lie across its border."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels, from the upper left corner of the upright image."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond it; beyond the image's width where it lies across the border."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond it."""
        return self.top + self.height

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    def is_in(self, size: Size) -> bool:
        """Whether all of it lies in an image."""
        return self.left >= 0 and self.top >= 0 and self.right <= size[0] and self.bottom <= size[1]

    def pieces(self, size: Size) -> Iterator[tuple[Box, int, int]]:
        """The parts of a box that may lie across the border of a tiling image, each inside the image.

        :returns: each part, and the column and the row of the box at which it begins.
        """
        for top, row, height in _spans(self.top, self.height, size[1]):
            for left, column, width in _spans(self.left, self.width, size[0]):
                yield Box(left, top, width, height), column, row


def _spans(start: int, length: int, whole: int) -> Iterator[tuple[int, int, int]]:
    """Where each part begins in the image and in the box, and how long it is."""
    done = 0
    while done < length:
        place = (start + done) % whole
        part = min(whole - place, length - done)
        yield place, done, part
        done += part
