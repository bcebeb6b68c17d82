"""Sizes of images: reading them, what a model takes, and the nearest size that it does take."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..errors import InvalidRequestError

AUTO = "auto"
SMALLEST = 8  # pixels a side: below that there is nothing to cut
OVERLAP_ASKED = 0.2375  # share that source_size() allows for: 1344 pixels for a tile of 1024


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels from ``WIDTHxHEIGHT``.

    :raises InvalidRequestError: the text is of another form.
    """
    found = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", text.strip().lower())
    if found is None or "0" in found.groups():
        raise InvalidRequestError(
            f"size '{text}' is not of the form 1024x1024 or 'auto'.", code="invalid_value", param="size"
        )
    return int(found[1]), int(found[2])


def format_size(width: int, height: int) -> str:
    """The inverse of `parse_size`."""
    return f"{width}x{height}"


@dataclass(frozen=True)
class SizeRule:
    """What sizes a model takes: a fixed list, or anything inside limits."""

    sizes: tuple[str, ...] = ()
    multiple: int = 1
    """Both edges are multiples of this many pixels."""
    max_edge: int = 100_000
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
        scale = shrink * max(1.0, math.sqrt(self.min_pixels / (wide * high * shrink**2)))
        wide, high = wide * scale, high * scale
        candidates = [
            (w, h) for w in self._around(wide) for h in self._around(high) if self.problem(w, h) is None
        ]
        return min(candidates, key=lambda s: (abs(s[0] - wide) + abs(s[1] - high), -s[0] * s[1]))

    def _around(self, edge: float) -> list[int]:
        step = int(edge // self.multiple)
        return [n * self.multiple for n in range(max(1, step - 1), step + 3)]


def source_size(width: int, height: int) -> tuple[int, int]:
    """The (width, height) to ask for, in multiples of 16, so that a tile of `width` x `height` can be cut."""
    asked_width, asked_height = (-(-side / (1 - OVERLAP_ASKED) // 16) * 16 for side in (width, height))
    return int(asked_width), int(asked_height)
