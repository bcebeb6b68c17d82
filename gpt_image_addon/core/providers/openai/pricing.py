"""What a request to the Images API will cost by its tokens, and what it did cost. USD throughout."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...request.models import Model, Registry
from ...request.pricing import PARTIAL_IMAGE_TOKENS, Estimate, Observed, Usage, UsageHistory, no_history
from ...request.request import GenerationRequest
from ...request.sizes import AUTO, is_open, parse_size
from .fields import make_fields

PROMPT_OVERHEAD_TOKENS = 6
BYTES_PER_TOKEN = (2, 6)  # few for rare names and CJK, many for plain English
INPUT_IMAGE_EDGE = 1024  # smaller images are magnified toward this, at most twice
INPUT_IMAGE_PATCH = 32  # pixels
INPUT_IMAGE_TOKEN_CAP = 1536
AUTO_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))  # what the server chooses from
DEFAULT_FRAMES = 9  # of a gif
ENOUGH_SEEN = 3  # answers from which on experience replaces a guess
SAFETY_MARGIN = 1.25  # an upper bound by experience lies this much over the dearest answer
SVG_PRICES = "svg"  # key into `Registry.prices`: those of the model that draws, which nobody publishes
SVG_TOKENS = (40_000, 80_000)
"""Output tokens of that model, likely and at most: others report some $0.02 an SVG."""
MILLION = 1_000_000


@dataclass(frozen=True)
class _Tokens:
    """Output tokens of one image."""

    low: float
    likely: float
    high: float
    exact: bool


def estimate(
    fields: Mapping[str, Any],
    registry: Registry,
    picture_sizes: Sequence[tuple[int, int]] = (),
    seen: UsageHistory = no_history,
) -> Estimate:
    """The price of a request, from the very fields that would be sent.

    :param fields: names and values of the API; what is absent has the API's own default.
    :param picture_sizes: width and height in pixels of each reference, then of mask and markup.
    :param seen: what earlier answers took.
    """
    model = registry.get(fields["model"])
    prices = registry.prices[_find_rule(model, registry).prices]
    tokens = output_tokens(fields, registry, seen)
    image_in = sum(input_image_tokens(*size) for size in picture_sizes)
    few, many = text_tokens(fields["prompt"])
    n: int = fields.get("n", 1)
    partial: int = fields.get("partial_images", 0) * PARTIAL_IMAGE_TOKENS

    def usd(text: float, out: float) -> float:
        return (
            text * prices["text_in"] + image_in * prices["image_in"] + out * n * prices["image_out"]
        ) / MILLION

    price = Estimate(
        low_usd=usd(few, tokens.low),
        high_usd=usd(many, tokens.high + partial),
        exact=tokens.exact and model.known,
        likely_usd=usd(few, tokens.likely + partial),
    )
    return _add_drawing(price, registry) if fields.get("output_format") == "svg" else price


def _add_drawing(price: Estimate, registry: Registry) -> Estimate:
    """With what the model that draws an SVG costs beside the image that it draws from."""
    likely, most = (tokens * registry.prices[SVG_PRICES]["text_out"] / MILLION for tokens in SVG_TOKENS)
    return dataclasses.replace(
        price, high_usd=price.high_usd + most, likely_usd=price.likely_usd + likely, exact=False
    )


def price_request(
    request: GenerationRequest,
    prompt: str,
    registry: Registry,
    picture_sizes: Sequence[tuple[int, int]],
    seen: UsageHistory,
) -> Estimate:
    """See `providers.price_request`: by the very fields that are sent."""
    return estimate(make_fields(request, prompt), registry, picture_sizes, seen)


def text_tokens(prompt: str) -> tuple[int, int]:
    """Fewest and most tokens that a prompt takes; the tokenizer itself is not at hand."""
    size = len(prompt.encode())
    low, high = BYTES_PER_TOKEN
    return size // high + PROMPT_OVERHEAD_TOKENS, math.ceil(size / low) + PROMPT_OVERHEAD_TOKENS


def _find_rule(model: Model, registry: Registry) -> Model:
    """The model itself, or the default one to guess by where its prices are unknown."""
    return model if model.prices else registry.get(registry.default)


def output_tokens(fields: Mapping[str, Any], registry: Registry, seen: UsageHistory) -> _Tokens:
    """Output tokens of one image: by published tables, and where those leave a doubt by experience."""
    model = registry.get(fields["model"])
    rule = registry.output_tokens[_find_rule(model, registry).output_tokens]
    by_quality = rule.get("factor") or rule["table"]
    quality, size = fields.get("quality", AUTO), fields.get("size", AUTO)
    qualities = [quality] if quality in by_quality else list(by_quality)
    sizes = [parse_size(size)] if not is_open(size) else list(AUTO_SIZES)
    doubt = rule.get("uncertain", {})
    counts = [
        (_count_tokens(rule, name, *pixels), doubt.get(name, 1)) for name in qualities for pixels in sizes
    ]
    low, high = min(count for count, _ in counts), max(count * times for count, times in counts)
    animated = fields.get("output_format") == "gif"
    if animated:
        high *= fields.get("frame_count", DEFAULT_FRAMES)
    published = model.known and not doubt and not animated
    found = seen(fields["model"], quality, size)
    if found is None:
        return _Tokens(low, (low + high) / 2, high, len(counts) == 1 and published)
    if published:  # the tables bound what the server may choose; experience says what it does choose
        high = max(high, math.ceil(found.highest))
        return _Tokens(min(low, found.lowest), found.mean, high, low == high)
    return _learn(low, high, found)


def _count_tokens(rule: Mapping[str, Any], quality: str, width: int, height: int) -> int:
    if "table" in rule:
        square, portrait, landscape = rule["table"][quality]
        return int(square if width == height else portrait if height > width else landscape)
    return patch_tokens(rule["factor"][quality], width, height)


def _learn(low: int, high: int, found: Observed) -> _Tokens:
    """Experience in place of a guess: at first it only widens the range, later it replaces it."""
    safe = math.ceil(found.highest * SAFETY_MARGIN)
    if found.count >= ENOUGH_SEEN:
        return _Tokens(found.lowest, found.mean, safe, exact=False)
    return _Tokens(min(low, found.lowest), found.mean, safe if found.highest > high else high, exact=False)


def patch_tokens(factor: int, width: int, height: int) -> int:
    """Output tokens of one image by the formula that reproduces the published prices."""
    long, short = max(width, height), min(width, height)
    scaled = (2 * factor * short + long) // (2 * long)
    return math.ceil(factor * scaled * (2_000_000 + width * height) / 4_000_000)


def input_image_tokens(width: int, height: int) -> int:
    """Tokens of one reference image."""
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
    prices, drawing = registry.prices[model.prices], registry.prices[SVG_PRICES]
    return (
        usage.input_text * prices["text_in"]
        + usage.input_image * prices["image_in"]
        + usage.output_text * prices["text_out"]
        + usage.output_image * prices["image_out"]
        + usage.svg_input * drawing["text_in"]
        + usage.svg_output * drawing["text_out"]
    ) / MILLION
