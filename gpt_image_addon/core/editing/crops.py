"""What of an image is sent for an edit: crops around the regions of a mask, each with context.

A crop is the region's box and a margin of half its longer side. It grows to a shape that the model takes by
more context and is not stretched, and moves inward at the border; across it where the image tiles. It is sent
pixel for pixel where the model takes so many, enlarged up to twice where it takes no fewer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidRequestError
from ..pasting.boxes import Box, Size
from ..request.sizes import SizeRule, parse_size
from ..text.message import Message, message
from .mask_regions import Flags, find_regions

MARGIN = 0.5  # of the region's longer side
LEAST_MARGIN = 64  # pixels
MOST_ENLARGED = 2.0
NEARLY = 1.1  # enlarged by less than this, it is sent pixel for pixel with more context instead
MOST_PIXELS = 2560 * 1440
"""Sent for one crop; a larger one is reduced to it."""
REDUCED = 0.99  # of the detail, from which on less is worth a word
STRETCHED = 1.02

Boxes = NDArray[np.int64]
"""(n, 4): left, top, width, height."""


@dataclass(frozen=True)
class Crop:
    """A part of an image that is sent, and the size in which it is sent."""

    box: Box
    """What is sent of the upright image; across its border where it tiles."""
    region: Box
    """The box of what may change in it."""
    sent: Size
    """The size that the model gets."""
    image: Size
    """Of the whole image, upright."""

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels sent for a pixel of the image, across and down."""
        return self.sent[0] / self.box.width, self.sent[1] / self.box.height

    @property
    def detail(self) -> float:
        """Share of the image's detail that is sent, in one direction; above 1 where it is enlarged."""
        return min(self.scale)

    @property
    def stretch(self) -> float:
        """How much longer one direction is sent than the other, at least 1."""
        across, down = self.scale
        return max(across / down, down / across)

    @property
    def to_sent(self) -> NDArray[np.float64]:
        """(2, 3): from places in the image to places in what is sent, where a pixel's center is at + 0.5."""
        across, down = self.scale
        return np.array([[across, 0, -across * self.box.left], [0, down, -down * self.box.top]])

    @property
    def to_image(self) -> NDArray[np.float64]:
        """(2, 3): the inverse of `to_sent`."""
        across, down = self.scale
        return np.array([[1 / across, 0, self.box.left], [0, 1 / down, self.box.top]])

    def locate(self, x: float, y: float) -> tuple[float, float] | None:
        """Where a place of the image is in what is sent; None where it is outside.

        :param x: from 0 to 1 from the lower left corner of the image, as `y`; so is what is returned.
        """
        inside = []
        for share, edge, start, length in (
            (x, self.image[0], self.box.left, self.box.width),
            (1 - y, self.image[1], self.box.top, self.box.height),
        ):
            turns = (0,) if 0 <= start <= edge - length else (0, -1, 1)  # across the border of what tiles
            places = [round((share + turn) * edge - start, 6) for turn in turns]
            inside.append(next((at / length for at in places if 0 <= at <= length), None))
        across, down = inside
        return None if across is None or down is None else (across, 1 - down)

    def editable(self, mask: Flags) -> Flags:
        """What may change in it: the mask's part in its region, as (height, width) of its box.

        :param mask: (height, width) bool, of the upright image.
        """
        out = np.zeros((self.box.height, self.box.width), bool)
        width, height = self.image
        row = (self.region.top - self.box.top) % height
        column = (self.region.left - self.box.left) % width
        for piece, right, down in self.region.pieces(self.image):
            out[row + down : row + down + piece.height, column + right : column + right + piece.width] = mask[
                piece.top : piece.bottom, piece.left : piece.right
            ]
        return out

    def notes(self) -> tuple[Message, ...]:
        """What the user should know of how it is sent."""
        notes = []
        if self.detail < REDUCED:
            notes.append(
                message("It is sent at 1/{factor} of the image's detail.", factor=f"{1 / self.detail:.1f}")
            )
        if self.stretch > STRETCHED:
            notes.append(
                message(
                    "It is sent stretched to {width}x{height}: the image is too narrow for a size that the"
                    " model takes.",
                    width=self.sent[0],
                    height=self.sent[1],
                )
            )
        return tuple(notes)


def plan_crops(
    mask: Flags, rule: SizeRule, *, wraps: bool = False, size: Size | None = None, most: int = MOST_PIXELS
) -> tuple[Crop, ...]:
    """The crops that are sent for a mask, one for each region or for several that lie together.

    Two are joined where the joint crop has fewer pixels than both, and is not sent at less detail.

    :param mask: (height, width) bool, true where the upright image may change.
    :param rule: the sizes that the model takes.
    :param wraps: whether the image tiles.
    :param size: the size in which each crop is sent; one that the model takes.
    :param most: pixels sent for one crop.
    :raises InvalidRequestError: the mask is empty.
    """
    image = (mask.shape[1], mask.shape[0])
    regions = find_regions(mask, wraps=wraps)
    if not regions:
        raise InvalidRequestError("The mask is empty: nothing may change.", code="empty_mask", param="mask")
    least = min(rule.min_pixels, most)
    joined = _joined(regions, image, wraps, least, most)
    return tuple(_plan(region, image, rule, wraps, size, most) for region in joined)


def _joined(regions: list[Box], image: Size, wraps: bool, least: int, most: int) -> list[Box]:
    boxes = np.array([(box.left, box.top, box.width, box.height) for box in regions], np.int64)
    before = 0
    while before != len(boxes):
        before, first = len(boxes), 0
        while first < len(boxes):
            others = np.delete(boxes, first, axis=0)
            joint = _joint(boxes[first], others, image, wraps)
            costs, both = _pixels(joint, image), np.maximum(_pixels(others, image), least)
            own = max(int(_pixels(boxes[first : first + 1], image)[0]), least)
            saved = own + both - np.maximum(costs, least)
            good = (saved > 0) & (costs <= np.maximum(np.maximum(both, own), most))
            good |= _overlap(boxes[first], others, image)
            if not good.any():
                first += 1
                continue
            best = int(np.argmax(np.where(good, saved, np.iinfo(np.int64).min)))
            boxes = np.vstack([joint[best], np.delete(others, best, axis=0)])
            first = 0 if first == 0 else first - 1
    return [Box(*map(int, box)) for box in boxes]


def _pixels(boxes: Boxes, image: Size) -> Boxes:
    """Pixels of the crop around each box, whatever the model takes."""
    margin = np.maximum(LEAST_MARGIN, boxes[:, 2:].max(axis=1, keepdims=True) * MARGIN).astype(np.int64)
    pixels: Boxes = np.minimum(boxes[:, 2:] + 2 * margin, image).prod(axis=1)
    return pixels


def _joint(one: Boxes, others: Boxes, image: Size, wraps: bool) -> Boxes:
    """The smallest box around one box and each of others."""
    joint = np.empty_like(others)
    for axis in (0, 1):
        start, length = one[axis], one[axis + 2]
        starts, lengths = others[:, axis], others[:, axis + 2]
        if wraps:
            from_one = np.maximum(length, (starts - start) % image[axis] + lengths)
            from_other = np.maximum(lengths, (start - starts) % image[axis] + length)
            joint[:, axis] = np.where(from_one <= from_other, start, starts)
            joint[:, axis + 2] = np.minimum(np.minimum(from_one, from_other), image[axis])
        else:
            joint[:, axis] = np.minimum(start, starts)
            joint[:, axis + 2] = np.maximum(start + length, starts + lengths) - joint[:, axis]
    return joint


def _overlap(one: Boxes, others: Boxes, image: Size) -> Flags:
    apart = (others[:, :2] - one[:2]) % image
    back = (one[:2] - others[:, :2]) % image
    shared: Flags = ((apart < one[2:]) | (back < others[:, 2:])).all(axis=1)
    return shared


def _plan(region: Box, image: Size, rule: SizeRule, wraps: bool, size: Size | None, most: int) -> Crop:
    margin = max(LEAST_MARGIN, round(MARGIN * max(region.width, region.height)))
    wanted = min(region.width + 2 * margin, image[0]), min(region.height + 2 * margin, image[1])
    if size is not None:
        sizes = [size]
    elif rule.sizes:
        sizes = [parse_size(text) for text in rule.sizes]
    else:
        sizes = [_sent_size(wanted, image, replace(rule, max_pixels=min(rule.max_pixels, most)))]
    crops = [Crop(_box(region, wanted, sent, image, wraps), region, sent, image) for sent in sizes]
    return min(crops, key=lambda crop: (round(crop.stretch, 2), -round(crop.detail, 2), crop.box.area))


def _sent_size(wanted: Size, image: Size, rule: SizeRule) -> Size:
    """The size in which a crop of the wanted size is sent, pixel for pixel where that is taken."""
    width, height = map(float, wanted)
    width, height = max(width, height / rule.max_ratio), max(height, width / rule.max_ratio)
    needed = rule.min_pixels / (width * height)
    if needed > 1:
        scale = min(MOST_ENLARGED, math.sqrt(needed))
        context = math.sqrt(needed) / scale
        width, height = width * context * scale, height * context * scale
    multiple = rule.multiple
    up = (-(-math.ceil(width) // multiple) * multiple, -(-math.ceil(height) // multiple) * multiple)
    return up if rule.problem(*up) is None else rule.nearest(*up)


def _box(region: Box, wanted: Size, sent: Size, image: Size, wraps: bool) -> Box:
    """The crop of the sent size's shape around a region: what is wanted, as far as the image goes."""
    scale = min(sent[0] / wanted[0], sent[1] / wanted[1], MOST_ENLARGED)
    if 1 < scale < NEARLY:
        scale = 1.0
    width, height = sent[0] / scale, sent[1] / scale
    if width > image[0]:
        width, height = image[0], max(region.height, min(height, image[0] * sent[1] / sent[0]))
    if height > image[1]:
        height, width = image[1], max(region.width, min(width, image[1] * sent[0] / sent[1]))
    whole = max(region.width, round(width)), max(region.height, round(height))
    left = _place(region.left, region.width, whole[0], image[0], wraps)
    top = _place(region.top, region.height, whole[1], image[1], wraps)
    return Box(left, top, *whole)


def _place(start: int, length: int, crop: int, whole: int, wraps: bool) -> int:
    """Where a crop begins that has a region in its middle and lies in the image."""
    place = start + (length - crop) // 2
    return place % whole if wraps else min(max(place, 0), whole - crop)
