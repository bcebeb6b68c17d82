"""What is sent to upscale an image: passes that double it, each in tiles that overlap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import InvalidRequestError
from ..pasting.boxes import Box, Size
from ..request.sizes import SizeRule, parse_size
from ..text.message import message

FACTOR = 2
"""Of one pass: what is enlarged further leaves the model too little to go by."""
SCALES = (2, 4, 8)
DETAIL_INVENTED = 8
"""From this scale on hardly anything that is shown was in the image."""
MOST_EDGE = 16384  # pixels of an upscaled image
SIDE = 1904  # pixels a side of a tile at most: what models paint well
WHOLE = 2048  # pixels a side up to which all of an image is one tile
OVERLAP = 192  # pixels that neighbors share at least


@dataclass(frozen=True)
class Edges:
    """Pixels by which a tile lies over those made before it, at each of its sides."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


@dataclass(frozen=True)
class Tile:
    """A part of an enlarged image that is one request."""

    box: Box
    """In the enlarged image; across its border where that tiles."""
    sent: Size
    """The size in which it is sent."""
    shared: Edges
    folds: tuple[int, int]
    """Pixels by which it lies over itself, across and down: where it goes once around an image that tiles."""

    @property
    def original(self) -> Box:
        """The same part of the image before the pass."""
        left, top = self.box.left // FACTOR, self.box.top // FACTOR
        right, bottom = -(-self.box.right // FACTOR), -(-self.box.bottom // FACTOR)
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class _Span:
    """A tile along one axis."""

    start: int
    length: int
    before: int = 0
    after: int = 0
    fold: int = 0


def pass_sizes(size: Size, scale: int) -> tuple[Size, ...]:
    """The sizes that an image has after each pass.

    :param size: (width, height) of the image.
    :raises InvalidRequestError: there is no such scale, or the result would be too large.
    """
    if scale not in SCALES:
        raise InvalidRequestError(
            message("scale is 2, 4 or 8, not {scale}.", scale=scale), code="invalid_value", param="scale"
        )
    if max(size) * scale > MOST_EDGE:
        raise InvalidRequestError(
            message(
                "The upscaled image would have {width} x {height} pixels; {most} x {most} is the most.",
                width=size[0] * scale,
                height=size[1] * scale,
                most=MOST_EDGE,
            ),
            code="too_large",
            param="scale",
            next_step="Choose a smaller scale.",
        )
    passes = range(1, int(math.log2(scale)) + 1)
    return tuple((size[0] * FACTOR**number, size[1] * FACTOR**number) for number in passes)


def plan_tiles(size: Size, rule: SizeRule, *, wraps: bool) -> tuple[Tile, ...]:
    """The tiles of a pass, in the order in which they are put together: row by row.

    :param size: (width, height) after the pass.
    :param rule: the sizes that the model takes.
    :param wraps: whether the image tiles; then its tiles lie across its border, too.
    """
    if not rule.sizes:
        most = min(rule.max_edge, math.isqrt(rule.max_pixels))
        return tuple(_tiles(size, rule, (min(SIDE, most),) * 2, min(WHOLE, most), wraps))
    plans = [
        tuple(_tiles(size, replace(rule, sizes=(one,)), parse_size(one), 0, wraps)) for one in rule.sizes
    ]
    return min(plans, key=lambda tiles: (len(tiles), _stretch(tiles[0])))


def _stretch(tile: Tile) -> float:
    return abs(math.log(tile.sent[0] * tile.box.height / (tile.sent[1] * tile.box.width)))


def _tiles(size: Size, rule: SizeRule, side: Size, whole: int, wraps: bool) -> Iterator[Tile]:
    across, down = (_spans(size[axis], side[axis], max(whole, side[axis]), rule, wraps) for axis in (0, 1))
    for row in down:
        for column in across:
            box = Box(column.start, row.start, column.length, row.length)
            sent = (box.width, box.height)
            if rule.problem(*sent) is not None:
                sent = rule.nearest(*sent)
            shared = Edges(column.before, row.before, column.after, row.after)
            yield Tile(box, sent, shared, (column.fold, row.fold))


def _spans(length: int, side: int, whole: int, rule: SizeRule, wraps: bool) -> list[_Span]:
    """The tiles along one axis.

    :param side: pixels of a tile at most.
    :param whole: pixels up to which there is one.
    """
    if not wraps and length <= whole:
        return [_Span(0, length)]
    if wraps and length + OVERLAP <= whole and length >= 2 * OVERLAP:
        return [_Span(0, length + OVERLAP, fold=OVERLAP)]
    if wraps:
        count = max(2, math.ceil(length / (side - OVERLAP)))
        starts = [_even(number * length / count) for number in range(count)]
        least = length / count + OVERLAP
    else:
        count = math.ceil((length - OVERLAP) / (side - OVERLAP))
        least = (length + (count - 1) * OVERLAP) / count
    step = FACTOR * rule.multiple if rule.multiple % FACTOR else rule.multiple
    long = side if rule.sizes else min(side, math.ceil(least / step) * step)
    long = min(long, length)
    if not wraps:
        starts = [_even(number * (length - long) / (count - 1)) for number in range(count)]
    ends = [start + long for start in starts]
    spans = [
        _Span(start, long, before=ends[number - 1] - start if number else 0)
        for number, start in enumerate(starts)
    ]
    if wraps:
        spans[-1] = replace(spans[-1], after=ends[-1] - length)
    return spans


def _even(place: float) -> int:
    return round(place / FACTOR) * FACTOR
