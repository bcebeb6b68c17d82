"""Tokens and dollars, from the published formula and price list. Independent of the package under test."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PARTIAL_IMAGE_TOKENS = 100
PROMPT_OVERHEAD_TOKENS = 6

Q_FACTORS: dict[str, dict[str, int]] = {
    "2": {"low": 16, "medium": 48, "high": 96},
    "2.5": {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96},
}
# Said by third parties to be three to four times 2.5's tokens; the table itself is unpublished.
V26_MULTIPLIER = {"low": 3.5, "medium": 3.5}
V1_TOKENS: dict[str, tuple[int, int, int]] = {
    "low": (272, 408, 400),
    "medium": (1056, 1584, 1568),
    "high": (4160, 6240, 6208),
}


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    text_in: float
    image_in: float
    image_out: float


PRICES: dict[str, Price] = {
    "2.6": Price(5, 8, 30),
    "2.5": Price(5, 8, 30),
    "2": Price(5, 8, 30),
    "1.5": Price(5, 8, 32),
    "1-mini": Price(2, 2.5, 8),
    "1": Price(5, 10, 40),
}


SVG_IN, SVG_OUT = 0.1, 0.5  # US dollars for a million tokens of the model that draws


@dataclass(frozen=True)
class Usage:
    """The tokens of one request."""

    text_in: int
    image_in: int
    image_out: int
    svg_in: int = 0
    svg_out: int = 0

    def to_json(self, *, details: bool) -> dict[str, Any]:
        """The `usage` object; `output_tokens_details` belongs to whole answers, not to stream events."""
        body: dict[str, Any] = {
            "total_tokens": self.text_in + self.image_in + self.image_out,
            "input_tokens": self.text_in + self.image_in,
            "output_tokens": self.image_out,
            "input_tokens_details": {"text_tokens": self.text_in, "image_tokens": self.image_in},
        }
        if details:
            body["output_tokens_details"] = {"image_tokens": self.image_out, "text_tokens": 0}
        return body

    def usd(self, family: str) -> float:
        price = PRICES[family]
        total = (
            self.text_in * price.text_in + self.image_in * price.image_in + self.image_out * price.image_out
        )
        total += self.svg_in * SVG_IN + self.svg_out * SVG_OUT
        return total / 1_000_000


def output_tokens(family: str, quality: str, width: int, height: int) -> int:
    """Tokens of one finished image."""
    if family in ("1", "1.5", "1-mini"):
        square, portrait, landscape = V1_TOKENS[quality]
        return square if width == height else portrait if height > width else landscape
    factors = Q_FACTORS["2" if family == "2" else "2.5"]
    factor = factors[quality]
    longest, shortest = max(width, height), min(width, height)
    rows = (2 * factor * shortest + longest) // (2 * longest)
    tokens = math.ceil(factor * rows * (2_000_000 + width * height) / 4_000_000)
    return math.ceil(tokens * V26_MULTIPLIER.get(quality, 1)) if family == "2.6" else tokens


def input_image_tokens(width: int, height: int) -> int:
    """Tokens of one reference image: 32-pixel cells of the image after scaling, at most 1536."""
    longest = max(width, height)
    shortest = max(min(width, height), longest / 3)
    scale = min(2.0, max(1.0, 1024 / longest))
    cells = math.ceil(longest * scale / 32) * math.ceil(shortest * scale / 32)
    return min(cells, 1536)


def prompt_tokens(prompt: str) -> int:
    """A plain rule, not a tokenizer: four tokens for three words, and the fixed overhead."""
    return math.ceil(len(prompt.split()) * 4 / 3) + PROMPT_OVERHEAD_TOKENS


def usage_of(
    family: str,
    quality: str,
    size: tuple[int, int],
    *,
    prompt: str,
    images: int,
    partials: int,
    references: Iterable[tuple[int, int]],
) -> Usage:
    """Usage of a request that makes `images` images and sends `partials` previews."""
    out = images * output_tokens(family, quality, *size) + partials * PARTIAL_IMAGE_TOKENS
    return Usage(prompt_tokens(prompt), sum(input_image_tokens(*wh) for wh in references), out)
