"""Extending an image beyond its borders: how far in one request, what of it is sent, and what is new.

An image grows by at most half of its width and height a request. Where it is small enough all of it is sent;
of a large one only what lies along the border, side by side and part by part, each pixel for pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidRequestError
from ..imaging.decoding import Pixels
from ..imaging.png_writer import encode_png
from ..pasting.boxes import Box, Size
from ..raster.arrays import blurred
from ..request.sizes import SizeRule, parse_size
from ..text.message import message
from .blending import grown
from .crops import MOST_PIXELS
from .mask_regions import Flags

MOST_GROWN = 0.5  # of the width or height, in one request
DEEPEST = 1024  # pixels that a large image grows by at once
LEAST_CONTEXT = 384  # pixels of the image beside what is new
OVERLAP = 512  # pixels along a border that the next part shares with the one before
LONGEST = 3  # times the shorter edge: a longer part would be stretched
MULTIPLE = 16  # edges that models take; more context makes up for what is missing
LAP = 5  # pixels of the known part, over which an answer fades in
MOST_STEPS = 200
SHARP, SOFT = 8.0, 32.0  # pixels from the border: from where the mirror is blurred, and wholly
BLUR = 12.0
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class Margins:
    """Pixels that an image grows by at each side."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def placed(self, size: Size) -> tuple[Size, Box]:
        """The size of the larger image, and where the image lies in it."""
        width, height = size[0] + self.left + self.right, size[1] + self.top + self.bottom
        return (width, height), Box(self.left, self.top, *size)


@dataclass(frozen=True)
class Step:
    """One request of an extension; all boxes lie in the larger image."""

    box: Box
    """What is sent."""
    context: Box
    """The part of it that is known, and is mirrored into the rest."""
    done: Box | None
    """Further pixels in it that are known: those of the step before, along the same border."""
    sent: Size
    """The size in which it is sent."""

    def new(self) -> Flags:
        """(height, width) of its box, true where it is not known yet."""
        mask = np.ones((self.box.height, self.box.width), bool)
        for known in (self.context, self.done):
            if known is not None:
                mask[inside(known, self.box)] = False
        return mask

    def editable(self) -> Flags:
        """(height, width) of its box, true where the answer may change it: a little of what is known, too.

        So an answer has faded in nearly wholly where the new part begins, of which alone it is taken.
        """
        return grown(self.new(), LAP)


def inside(part: Box, box: Box) -> tuple[slice, slice]:
    """Rows and columns of a box's pixels that are those of a part of it."""
    top, left = part.top - box.top, part.left - box.left
    return slice(top, top + part.height), slice(left, left + part.width)


def margins_for_size(image: Size, wanted: Size) -> Margins:
    """What is missing at each side, the image in the middle.

    :raises InvalidRequestError: the image is larger than that.
    """
    across, down = wanted[0] - image[0], wanted[1] - image[1]
    if min(across, down) < 0:
        raise InvalidRequestError(
            message(
                "The image has {width}x{height} pixels, which is more than {wanted_width}x{wanted_height}; "
                "to extend it, name a larger size.",
                width=image[0],
                height=image[1],
                wanted_width=wanted[0],
                wanted_height=wanted[1],
            ),
            code="invalid_value",
            param="size",
        )
    return Margins(across // 2, across - across // 2, down // 2, down - down // 2)


def margins_for_aspect(image: Size, aspect: tuple[float, float]) -> Margins:
    """The least that is missing for width : height."""
    width, height = image
    ratio = aspect[0] / aspect[1]
    wanted = max(width, round(height * ratio)), max(height, round(width / ratio))
    return margins_for_size(image, wanted)


def plan_steps(image: Size, margins: Margins, rule: SizeRule) -> tuple[Step, ...]:
    """The requests that extend an image, in their order; each needs the answers to those before it.

    :param rule: the sizes that the model takes.
    :raises InvalidRequestError: nothing is to be added, or so much that it takes too many requests.
    """
    if min(vars(margins).values()) < 0 or not any(vars(margins).values()):
        raise InvalidRequestError(
            "Name how many pixels are to be added, and at which sides.", code="invalid_value", param="side"
        )
    canvas, known = margins.placed(image)
    steps: list[Step] = []
    while known != Box(0, 0, *canvas):
        larger = _grown(known, canvas, None)
        if _is_one(known, larger):
            steps.append(Step(larger, known, None, sent_size(larger, rule)))
        else:
            larger = _grown(known, canvas, (min(DEEPEST, known.height), min(DEEPEST, known.width)))
            steps += _bands(known, larger, rule)
        known = larger
        if len(steps) > MOST_STEPS:
            raise InvalidRequestError(
                message("That takes more than {limit} requests; extend it by less.", limit=MOST_STEPS),
                code="invalid_value",
                param="side",
            )
    return tuple(steps)


def _grown(known: Box, canvas: Size, most: Size | None) -> Box:
    """What one request may grow the known part to.

    :param most: pixels at a side, across and down.
    """
    left, width = _grown_along(known.left, known.width, canvas[0], most[0] if most else None)
    top, height = _grown_along(known.top, known.height, canvas[1], most[1] if most else None)
    return Box(left, top, width, height)


def _grown_along(start: int, length: int, whole: int, most: int | None) -> tuple[int, int]:
    before, after = start, whole - start - length
    total = min(before + after, max(1, int(length * MOST_GROWN)))
    if not before + after:
        return start, length
    first = round(total * before / (before + after))
    first, second = min(first, before), min(total - first, after)
    if most is not None:
        first, second = min(first, most), min(second, most)
    return start - first, length + first + second


def _is_one(known: Box, larger: Box) -> bool:
    """Whether all of it goes with one request: small enough, not too long, and not one thin strip."""
    longer, shorter = max(larger.width, larger.height), min(larger.width, larger.height)
    sides = (
        known.left - larger.left,
        larger.right - known.right,
        known.top - larger.top,
        larger.bottom - known.bottom,
    )
    is_thin = sum(map(bool, sides)) == 1 and larger.area > 4 * (larger.area - known.area)
    return larger.area <= MOST_PIXELS and longer <= LONGEST * shorter and not is_thin


def _bands(known: Box, larger: Box, rule: SizeRule) -> Iterator[Step]:
    """Parts along each border, one border after the other."""
    for side in SIDES:
        along = known.height if side in ("left", "right") else known.width
        depth = {
            "left": known.left - larger.left,
            "right": larger.right - known.right,
            "top": known.top - larger.top,
            "bottom": larger.bottom - known.bottom,
        }[side]
        if not depth:
            continue
        context = _context(known, side, depth, along, rule)
        across = depth + context
        longest = max(MULTIPLE, min(MOST_PIXELS // across, LONGEST * across) // MULTIPLE * MULTIPLE)
        for first, start, end in _parts(along, longest):
            yield _band_step(known, side, depth, context, (first, start, end), rule)
        known = _joined(known, side, depth)


def _context(known: Box, side: str, depth: int, along: int, rule: SizeRule) -> int:
    """How deep into the image a part reaches."""
    across = known.width if side in ("left", "right") else known.height
    least = max(depth, min(LEAST_CONTEXT, 2 * along))
    needed = math.ceil(rule.min_pixels / min(along, LONGEST * (depth + least)))
    least = max(least, min(needed, LONGEST * along) - depth)
    return min(across, least + -(depth + least) % MULTIPLE)


def _parts(along: int, longest: int) -> Iterator[tuple[int, int, int]]:
    """Where each part begins to be sent, begins to be new, and ends."""
    if along <= longest:
        yield 0, 0, along
        return
    overlap = min(OVERLAP, longest // 3) // MULTIPLE * MULTIPLE
    count = math.ceil((along - overlap) / (longest - overlap))
    length = math.ceil((along - overlap) / count / MULTIPLE) * MULTIPLE
    ends = [min(along, overlap + length * (n + 1)) for n in range(count)]
    start = 0
    for end in ends:
        first = max(0, start - overlap)
        first = max(0, first - -(end - first) % MULTIPLE)
        yield first, start, end
        start = end


def _band_step(
    known: Box, side: str, depth: int, context: int, part: tuple[int, int, int], rule: SizeRule
) -> Step:
    first, start, end = part
    upright = side in ("left", "right")
    origin = (known.top if upright else known.left) + first
    outer, inner = {
        "left": (known.left - depth, known.left),
        "right": (known.right, known.right - context),
        "top": (known.top - depth, known.top),
        "bottom": (known.bottom, known.bottom - context),
    }[side]

    def box(place: int, across: int, along: int) -> Box:
        if upright:
            return Box(place, origin, across, along)
        return Box(origin, place, along, across)

    whole = box(min(outer, inner), depth + context, end - first)
    done = box(outer, depth, start - first) if start > first else None
    return Step(whole, box(inner, context, end - first), done, sent_size(whole, rule))


def _joined(known: Box, side: str, depth: int) -> Box:
    if side in ("left", "right"):
        return Box(known.left - depth * (side == "left"), known.top, known.width + depth, known.height)
    return Box(known.left, known.top - depth * (side == "top"), known.width, known.height + depth)


def sent_size(box: Box, rule: SizeRule) -> Size:
    """The size in which a box is sent: pixel for pixel where the model takes that."""
    if rule.problem(box.width, box.height) is None:
        return box.width, box.height
    if rule.sizes:
        return min(
            map(parse_size, rule.sizes), key=lambda s: abs(math.log(s[0] * box.height / (s[1] * box.width)))
        )
    return rule.like(box.width, box.height, min(max(box.area, rule.min_pixels), MOST_PIXELS))


def sent_pixels(canvas: Pixels, step: Step) -> Pixels:
    """What is sent of a canvas: the known pixels as they are, mirrored and blurred where it is new."""
    box = step.box
    part = canvas[box.top : box.bottom, box.left : box.right]
    rows, columns = inside(step.context, box)
    known = part[rows, columns]
    around = (
        (rows.start, box.height - rows.stop),
        (columns.start, box.width - columns.stop),
        (0, 0),
    )
    mirror = np.pad(known, around, mode="symmetric")
    new = step.new()
    weight = np.clip((_distance(box, step.context) - SHARP) / (SOFT - SHARP), 0, 1).astype(np.float32)
    out = part.copy()
    top = np.iinfo(canvas.dtype).max
    for channel in range(canvas.shape[2]):
        if channel == canvas.shape[2] - 1 and canvas.shape[2] in (2, 4):
            out[..., channel][new] = top
            continue
        sharp = mirror[..., channel].astype(np.float32)
        filled = sharp + (blurred(sharp, BLUR, wraps=False) - sharp) * weight
        out[..., channel][new] = np.clip(np.rint(filled[new]), 0, top)
    return out


def encode_step(canvas: Pixels, step: Step) -> tuple[bytes, bytes]:
    """The files that a step sends: the image, and the mask that is white where it may change."""
    mask = np.where(step.editable(), np.uint8(255), np.uint8(0))
    return encode_png(sent_pixels(canvas, step), compression=1), encode_png(mask, compression=1)


def empty_canvas(image: Pixels, margins: Margins) -> Pixels:
    """The larger image, black where it is new."""
    height, width, channels = image.shape
    size, at = margins.placed((width, height))
    canvas = np.zeros((size[1], size[0], channels), image.dtype)
    canvas[at.top : at.bottom, at.left : at.right] = image
    return canvas


def _distance(box: Box, context: Box) -> NDArray[Any]:
    """(height, width): of each pixel of a box from the part that is known, 0 in it."""
    rows, columns = np.arange(box.top, box.bottom), np.arange(box.left, box.right)
    down = np.maximum(np.maximum(context.top - rows, rows - context.bottom + 1), 0)
    across = np.maximum(np.maximum(context.left - columns, columns - context.right + 1), 0)
    return np.hypot(down[:, None], across[None])


def put_in(canvas: Pixels, step: Step, answered: Pixels) -> None:
    """Lay what is new of an answer, fitted to what was sent, into the canvas: nothing else changes."""
    box, new = step.box, step.new()
    canvas[box.top : box.bottom, box.left : box.right][new] = answered[new]
