"""Sizes of images: reading them, what a model takes, and the nearest size that it does take."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InvalidRequestError

AUTO = "auto"
LIKE = "like"
"""The shape of a reference; ``like:2048x2048`` has the detail of that size instead of `LIKE_DETAIL`."""
PANORAMA_SIZE = "2048x1024"
"""Of a panorama where none is named: all around is twice as wide as from straight up to straight down."""
LIKE_DETAIL = 1024 * 1024  # pixels; also what a smaller reference may get
DETAIL_KEPT = 0.94  # share of the pixels that a size of the right shape has at least
ASPECT_TOLERANCE = 0.02  # difference of aspects up to which a result is taken for the same image
FRAME_LIMIT = 100_000_000  # pixels of a camera's frame that an image is fitted to
SMALLEST = 8  # pixels a side: below that there is nothing to cut
OVERLAP_ASKED = 0.2375  # share that source_size() allows for: 1344 pixels for a tile of 1024


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels from ``WIDTHxHEIGHT``.

    :raises InvalidRequestError: the text is of another form.
    """
    found = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", text.strip().lower())
    if found is None or "0" in found.groups():
        raise InvalidRequestError(
            f"size '{text}' is not of the form 1024x1024, 'like' or 'auto'.",
            code="invalid_value",
            param="size",
        )
    return int(found[1]), int(found[2])


def is_like(size: str) -> bool:
    """Whether a size is that of a reference's shape."""
    return size == LIKE or size.startswith(f"{LIKE}:")


def is_open(size: str) -> bool:
    """Whether a size says nothing of pixels before it is known what is sent."""
    return size == AUTO or is_like(size)


def like_detail(size: str) -> int:
    """The pixels that a size for which `is_like` is true asks for.

    :raises InvalidRequestError: what follows the colon is no size.
    """
    if size == LIKE:
        return LIKE_DETAIL
    width, height = parse_size(size.removeprefix(f"{LIKE}:"))
    return width * height


def format_size(width: int, height: int) -> str:
    """The inverse of `parse_size`."""
    return f"{width}x{height}"


def same_aspect(first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Whether two (width, height) differ only in scale."""
    return abs(first[0] * second[1] / (first[1] * second[0]) - 1) <= ASPECT_TOLERANCE


def is_frame(frame: Sequence[int]) -> bool:
    """Whether an image can be fitted to a ``camera_frame``: width and height in pixels."""
    return len(frame) == 2 and min(frame) > 0 and frame[0] * frame[1] <= FRAME_LIMIT


@dataclass(frozen=True)
class SizeRule:
    """What sizes a model takes: a fixed list, or anything inside limits."""

    sizes: tuple[str, ...] = ()
    multiple: int = 1
    """Both edges are multiples of this many pixels."""
    max_edge: int = 100_000
    """Pixels."""
    min_edge: int = 1
    """Pixels."""
    max_ratio: float = math.inf
    """Longer edge / shorter edge."""
    min_pixels: int = 1
    max_pixels: int = 10**10
    experimental_above: int | None = None
    """Number of pixels above which the model makes no promise."""

    def problem(self, width: int, height: int) -> str | None:
        """Why the size is not taken, as the end of a sentence; None where it is."""
        if self.sizes:
            return None if format_size(width, height) in self.sizes else f"is none of {', '.join(self.sizes)}"
        if width % self.multiple or height % self.multiple:
            return f"has an edge that is not a multiple of {self.multiple}"
        if max(width, height) > self.max_edge:
            return f"has an edge over {self.max_edge} pixels"
        if min(width, height) < self.min_edge:
            return f"has an edge under {self.min_edge} pixels"
        if max(width, height) > self.max_ratio * min(width, height):
            return f"is longer than {self.max_ratio:g}:1"
        if width * height < self.min_pixels:
            return f"has fewer than {self.min_pixels:,} pixels"
        if width * height > self.max_pixels:
            return f"has more than {self.max_pixels:,} pixels"
        return None

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """A size that is taken, close to this one in aspect and then in pixels."""
        if self.sizes:
            return min(
                map(parse_size, self.sizes), key=lambda s: abs(math.log(s[0] * height / (s[1] * width)))
            )
        wide, high = min(width, height * self.max_ratio), min(height, width * self.max_ratio)
        shrink = min(1.0, self.max_edge / max(wide, high), math.sqrt(self.max_pixels / (wide * high)))
        least = max(math.sqrt(self.min_pixels / (wide * high)), self.min_edge / min(wide, high))
        scale = max(shrink, least)
        wide, high = wide * scale, high * scale
        candidates = [
            (w, h) for w in self._around(wide) for h in self._around(high) if self.problem(w, h) is None
        ]
        return min(candidates, key=lambda s: (abs(s[0] - wide) + abs(s[1] - high), -s[0] * s[1]))

    def like(self, width: int, height: int, pixels: int) -> tuple[int, int]:
        """The size that is taken nearest to width : height, of at most so many pixels and hardly fewer.

        :param pixels: as many as the model takes of that shape, where these are out of its reach.
        """
        aspect = min(max(width / height, 1 / self.max_ratio), self.max_ratio)
        longest = self.max_edge**2 / max(aspect, 1 / aspect)
        pixels = int(max(self.min_pixels, min(pixels, self.max_pixels, longest)))
        high = math.sqrt(pixels / aspect)
        steps = range(int(high * DETAIL_KEPT // self.multiple), int(high // self.multiple) + 2)
        candidates = [
            (w, h)
            for h in (step * self.multiple for step in steps if step)
            for w in self._around(h * aspect)
            if DETAIL_KEPT * pixels <= w * h <= pixels and self.problem(w, h) is None
        ]
        if not candidates:
            return self.nearest(round(high * aspect), round(high))
        return min(candidates, key=lambda s: (abs(math.log(s[0] / (s[1] * aspect))), -s[0] * s[1]))

    def _around(self, edge: float) -> list[int]:
        step = int(edge // self.multiple)
        return [n * self.multiple for n in range(max(1, step - 1), step + 3)]


def source_size(width: int, height: int) -> tuple[int, int]:
    """The (width, height) to ask for, in multiples of 16, so that a tile of `width` x `height` can be cut."""
    asked_width, asked_height = (-(-side / (1 - OVERLAP_ASKED) // 16) * 16 for side in (width, height))
    return int(asked_width), int(asked_height)
