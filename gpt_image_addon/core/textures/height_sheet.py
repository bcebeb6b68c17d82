"""An image and its height that came side by side as one sheet: taken apart, and the height judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..imaging.pixels import fit_color
from ..raster.arrays import Plane
from ..text.message import Message, message
from .height_fusion import Registration, register_height

REACH = 0.03  # of a half: how far from the middle the border of both may lie
BORDER = 3.0  # times the usual step from column to column that one at a border has at least
LEAST_STEP = 6.0  # levels of such a step: what is fainter is no border
FLAT = 4.0  # levels of deviation along a column, below which it is of a gap
COLORED = 12.0  # levels between the channels of a half, on average, above which it is no height
SAME = 0.985  # correlation of its values with brightness: repeats .995 and more, true heights up to .98


@dataclass(frozen=True)
class Sheet:
    """Both halves at one size."""

    color: NDArray[np.uint8]
    """(height, width, 3 or 4): the left one."""
    height: NDArray[np.uint8]
    """(height, width, 3 or 4): the right one, as it was received."""


def has_shape_of_sheet(received: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether an answer is rather a sheet of two images than one image.

    :param received: its width and height in pixels.
    :param wanted: those of one image.
    """
    aspect = received[0] * wanted[1] / (received[1] * wanted[0])
    return aspect > math.sqrt(2)


def split_sheet(pixels: NDArray[np.uint8]) -> Sheet:
    """The halves of a sheet, without the line or gap between them; each as large as half of the sheet.

    :param pixels: (height, width, 3 or 4).
    """
    size = pixels.shape[1] // 2, pixels.shape[0]
    left, right = _find_border(pixels)
    halves = (np.ascontiguousarray(half) for half in (pixels[:, :left], pixels[:, right:]))
    return Sheet(*(half if half.shape[1] == size[0] else fit_color(half, size) for half in halves))


def _find_border(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """The columns where the left half ends and the right one begins: the middle where no border is found.

    At a border the whole column differs from the one beside it; a gap is flat, with one on either side.
    Joints and planks have such columns, too, so the middle comes first, and then the plainest one.
    """
    width = pixels.shape[1]
    middle, reach = width // 2, max(1, round(REACH * width / 2))
    plain = middle, width - middle
    if _is_colored(pixels[:, middle:]):
        return plain
    steps = np.empty(width - 1, np.float32)
    for first in range(0, width - 1, 256):
        part = pixels[:, first : first + 257, :3].astype(np.int16)
        steps[first : first + 256] = np.abs(np.diff(part, axis=1)).mean((0, 2))
    near = np.arange(middle - reach, middle + reach + 1)
    near = near[steps[near - 1] > max(LEAST_STEP, BORDER * float(np.median(steps)))]
    if not len(near):
        return plain
    chosen = int(np.argmin(np.abs(near - middle)))
    if abs(int(near[chosen]) - middle) > 1:
        chosen = int(np.argmax(steps[near - 1]))
    first = last = chosen
    while first > 0 and _is_between(pixels, near[first - 1], near[first]):
        first -= 1
    while last < len(near) - 1 and _is_between(pixels, near[last], near[last + 1]):
        last += 1
    return int(near[first]), int(near[last])


def _is_between(pixels: NDArray[np.uint8], start: int, end: int) -> bool:
    """Whether columns are of neither half: one that mixes both, or a gap."""
    part = pixels[:, start:end, :3]
    return end - start == 1 or float(part.std((0,)).max()) < FLAT


def _is_colored(half: NDArray[np.uint8]) -> bool:
    """Whether a half can be no height."""
    return float(np.ptp(half[..., :3], axis=-1).mean()) > COLORED


def judge_height(sheet: Sheet) -> Registration | Message:
    """The height of a sheet laid over its image, or why it is not used, as a sentence."""
    answer = sheet.height[..., :3]
    if _is_colored(answer):
        return Message("The right half of the sheet is in colors, so it is no height, and is not used.")
    found = register_height(sheet.color, answer)
    if _repeats(found.height, sheet.color):
        return Message("The right half of the sheet repeats the image, so it is no height, and is not used.")
    if not found.accepted:
        return message(
            "The model's height does not fit the image (edges agree by {score}) and is not used.",
            score=f"{found.score:.2f}",
        )
    return found


def _repeats(height: Plane, color: NDArray[np.uint8]) -> bool:
    """Whether a height is the image's own brightness, either way round."""
    brightness = color[..., :3].mean(-1, dtype=np.float32)
    a, b = height - height.mean(), brightness - brightness.mean()
    return abs(float((a * b).sum())) > SAME * math.sqrt(float((a * a).sum()) * float((b * b).sum())) > 0
