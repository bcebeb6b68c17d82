"""What a request will cost, and what it did cost. USD throughout."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .models import Model, Registry
from .request import GenerationRequest
from .sizes import AUTO, parse_size

PARTIAL_IMAGE_TOKENS = 100
PROMPT_OVERHEAD_TOKENS = 6
CHARACTERS_PER_TOKEN = (2.0, 6.0)  # few for names and CJK, many for plain English
INPUT_IMAGE_EDGE = 1024  # smaller pictures are magnified toward this, at most twice
INPUT_IMAGE_PATCH = 32  # pixels
INPUT_IMAGE_TOKEN_CAP = 1536
MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Tokens that an answer reports."""

    input_text: int = 0
    input_image: int = 0
    output_text: int = 0
    output_image: int = 0

    def to_dict(self) -> dict[str, object]:
        """In the API's own form."""
        return {
            "total_tokens": self.input_text + self.input_image + self.output_text + self.output_image,
            "input_tokens": self.input_text + self.input_image,
            "output_tokens": self.output_text + self.output_image,
            "input_tokens_details": {"text_tokens": self.input_text, "image_tokens": self.input_image},
            "output_tokens_details": {"text_tokens": self.output_text, "image_tokens": self.output_image},
        }


@dataclass(frozen=True)
class Estimate:
    """The price of a request before it is sent."""

    low_usd: float
    high_usd: float
    """Upper bound; this much is reserved."""
    exact: bool
    """Whether published tables decide the output tokens; "about" otherwise."""


def estimate(
    request: GenerationRequest, registry: Registry, picture_sizes: tuple[tuple[int, int], ...] = ()
) -> Estimate:
    """The price of a request.

    :param picture_sizes: width and height in pixels of each reference, then of mask and markup.
    """
    model = registry.get(request.model)
    table_model = model if model.prices else registry.get(registry.default_for(request.provider))
    prices = registry.prices[table_model.prices]
    low, high, exact = output_tokens(request, registry, table_model)
    image_in = sum(input_image_tokens(*size) for size in picture_sizes)
    characters = len(request.prompt)
    few, many = (characters / per + PROMPT_OVERHEAD_TOKENS for per in reversed(CHARACTERS_PER_TOKEN))
    partial = request.partial_images * PARTIAL_IMAGE_TOKENS

    def usd(text: float, out: float) -> float:
        return (
            text * prices["text_in"] + image_in * prices["image_in"] + out * prices["image_out"]
        ) / MILLION

    return Estimate(
        low_usd=usd(few, low * request.n),
        high_usd=usd(many, (high + partial) * request.n),
        exact=exact and model.known,
    )


def output_tokens(request: GenerationRequest, registry: Registry, model: Model) -> tuple[int, int, bool]:
    """Lowest and highest tokens of one picture, and whether published tables decide them."""
    rule = registry.output_tokens[model.output_tokens]
    by_quality = rule.get("factor") or rule["table"]
    qualities = [request.quality] if request.quality in by_quality else list(by_quality)
    sizes = [parse_size(request.size)] if request.size != AUTO else [(1024, 1024), (1536, 1024), (1024, 1536)]
    uncertain = rule.get("uncertain", {})
    counts = [
        (_tokens(rule, quality, *size), uncertain.get(quality, 1)) for quality in qualities for size in sizes
    ]
    exact = len(counts) == 1 and not uncertain
    return min(count for count, _ in counts), max(count * times for count, times in counts), exact


def _tokens(rule: Mapping[str, Any], quality: str, width: int, height: int) -> int:
    if "table" in rule:
        square, portrait, landscape = rule["table"][quality]
        return int(square if width == height else portrait if height > width else landscape)
    return patch_tokens(rule["factor"][quality], width, height)


def patch_tokens(factor: int, width: int, height: int) -> int:
    """Output tokens of one picture by the formula that reproduces the published prices."""
    long, short = max(width, height), min(width, height)
    scaled = (2 * factor * short + long) // (2 * long)
    return math.ceil(factor * scaled * (2_000_000 + width * height) / 4_000_000)


def input_image_tokens(width: int, height: int) -> int:
    """Tokens of one reference picture."""
    short, long = sorted((width, height))
    short = max(short, math.ceil(long / 3))
    magnify = min(2.0, max(1.0, INPUT_IMAGE_EDGE / long))
    patches = [math.ceil(edge * magnify / INPUT_IMAGE_PATCH) for edge in (short, long)]
    return min(INPUT_IMAGE_TOKEN_CAP, patches[0] * patches[1])


def cost_usd(usage: Usage, registry: Registry, model_id: str) -> float | None:
    """What an answer cost; None where the model's prices are unknown."""
    model = registry.get(model_id)
    if not model.prices:
        return None
    prices = registry.prices[model.prices]
    return (
        usage.input_text * prices["text_in"]
        + usage.input_image * prices["image_in"]
        + usage.output_text * prices["text_out"]
        + usage.output_image * prices["image_out"]
    ) / MILLION
