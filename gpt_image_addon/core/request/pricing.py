"""What a request will cost, and what it did cost. USD throughout."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import BudgetExceededError
from ..text.message import message
from .models import Model, Registry
from .sizes import AUTO, parse_size

PARTIAL_IMAGE_TOKENS = 100
PROMPT_OVERHEAD_TOKENS = 6
BYTES_PER_TOKEN = (2, 6)  # few for rare names and CJK, many for plain English
INPUT_IMAGE_EDGE = 1024  # smaller pictures are magnified toward this, at most twice
INPUT_IMAGE_PATCH = 32  # pixels
INPUT_IMAGE_TOKEN_CAP = 1536
AUTO_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))  # what the server chooses from
DEFAULT_FRAMES = 9  # of a gif
ENOUGH_SEEN = 3  # answers from which on experience replaces a guess
SAFETY_MARGIN = 1.25  # an upper bound by experience lies this much over the dearest answer
BATCH_SHARE = 0.5  # of the list price, through the Batch API
BELIEVED_TIMES = 20  # an answer that says it cost more than so many times its estimate is not believed
BELIEVED_USD = 100.0  # nor one beyond this; no request of the API comes near
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
    likely_usd: float = 0.0
    """The best single guess: what equal requests cost on average, where there were any."""
    further_usd: float = 0.0
    """What of the upper bound is for further requests, which are paid one by one."""

    def times(self, share: float) -> Estimate:
        """The same request at a share of the list price, such as `BATCH_SHARE`."""
        return Estimate(
            self.low_usd * share,
            self.high_usd * share,
            self.exact,
            self.likely_usd * share,
            self.further_usd * share,
        )

    def plus(self, further: Estimate) -> Estimate:
        """Together with a further request."""
        return Estimate(
            self.low_usd + further.low_usd,
            self.high_usd + further.high_usd,
            self.exact and further.exact,
            self.likely_usd + further.likely_usd,
            self.further_usd + further.high_usd,
        )


@dataclass(frozen=True)
class Observed:
    """Output tokens a picture of earlier answers to the same model, quality and size."""

    count: int
    mean: float
    lowest: float
    highest: float


UsageHistory = Callable[[str, str, str], Observed | None]
"""What was observed for a model, a quality and a size."""


def no_history(model: str, quality: str, size: str) -> Observed | None:
    """A `UsageHistory` without any experience."""
    return None


@dataclass(frozen=True)
class _Tokens:
    """Output tokens of one picture."""

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
    prices = registry.prices[_priced(model, registry).prices]
    tokens = output_tokens(fields, registry, seen)
    image_in = sum(input_image_tokens(*size) for size in picture_sizes)
    few, many = text_tokens(fields["prompt"])
    n: int = fields.get("n", 1)
    partial: int = fields.get("partial_images", 0) * PARTIAL_IMAGE_TOKENS

    def usd(text: float, out: float) -> float:
        return (
            text * prices["text_in"] + image_in * prices["image_in"] + out * n * prices["image_out"]
        ) / MILLION

    return Estimate(
        low_usd=usd(few, tokens.low),
        high_usd=usd(many, tokens.high + partial),
        exact=tokens.exact and model.known,
        likely_usd=usd(few, tokens.likely + partial),
    )


def text_tokens(prompt: str) -> tuple[int, int]:
    """Fewest and most tokens that a prompt takes; the tokenizer itself is not at hand."""
    size = len(prompt.encode())
    low, high = BYTES_PER_TOKEN
    return size // high + PROMPT_OVERHEAD_TOKENS, math.ceil(size / low) + PROMPT_OVERHEAD_TOKENS


def _priced(model: Model, registry: Registry) -> Model:
    """The model itself, or the default one to guess by where its prices are unknown."""
    return model if model.prices else registry.get(registry.default)


def output_tokens(fields: Mapping[str, Any], registry: Registry, seen: UsageHistory) -> _Tokens:
    """Output tokens of one picture: by published tables, and where those leave a doubt by experience."""
    model = registry.get(fields["model"])
    rule = registry.output_tokens[_priced(model, registry).output_tokens]
    by_quality = rule.get("factor") or rule["table"]
    quality, size = fields.get("quality", AUTO), fields.get("size", AUTO)
    qualities = [quality] if quality in by_quality else list(by_quality)
    sizes = [parse_size(size)] if size != AUTO else list(AUTO_SIZES)
    doubt = rule.get("uncertain", {})
    counts = [(_counted(rule, name, *pixels), doubt.get(name, 1)) for name in qualities for pixels in sizes]
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
    return _learned(low, high, found)


def _counted(rule: Mapping[str, Any], quality: str, width: int, height: int) -> int:
    if "table" in rule:
        square, portrait, landscape = rule["table"][quality]
        return int(square if width == height else portrait if height > width else landscape)
    return patch_tokens(rule["factor"][quality], width, height)


def _learned(low: int, high: int, found: Observed) -> _Tokens:
    """Experience in place of a guess: at first it only widens the range, later it replaces it."""
    safe = math.ceil(found.highest * SAFETY_MARGIN)
    if found.count >= ENOUGH_SEEN:
        return _Tokens(found.lowest, found.mean, safe, exact=False)
    return _Tokens(min(low, found.lowest), found.mean, safe if found.highest > high else high, exact=False)


def picture_tokens(usage: Mapping[str, Any] | None, n: int, partial_images: int) -> float | None:
    """Output tokens of one picture by an answer's ``usage``; None where that says nothing.

    :param n: pictures asked for.
    :param partial_images: previews asked for, each of which costs the same.
    """
    total = (usage or {}).get("output_tokens")
    if not isinstance(total, int) or total <= 0:
        return None
    each = total / n - partial_images * PARTIAL_IMAGE_TOKENS
    return each if each > 0 else total / n


@dataclass(frozen=True)
class Limits:
    """What the user allows."""

    max_cost_usd: float | None = None
    """Of one request; None for no limit."""
    reason: str = "the limit for a request is"
    """Whose limit it is, as the start of a sentence that the amount ends."""
    monthly_budget_usd: float | None = None
    """None for no limit."""


def check_limit(price: Estimate, limits: Limits) -> None:
    """Whether one request may cost this much.

    :raises BudgetExceededError: its upper bound is over the limit.
    """
    limit = limits.max_cost_usd
    if limit is not None and price.high_usd > limit:
        raise BudgetExceededError(
            message(
                "This could cost ${usd}, and {reason} ${limit}.",
                usd=f"{price.high_usd:.4f}",
                reason=limits.reason,
                limit=f"{limit:.2f}",
            ),
            code="max_cost_exceeded",
            next_step=message(
                "Allow it with --max-cost {usd} (max_cost in Python), or choose a lower quality, a "
                "smaller size or fewer pictures.",
                usd=f"{math.ceil(price.high_usd * 100) / 100:.2f}",
            ),
        )


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


def is_believable(cost: float, high_usd: float) -> bool:
    """Whether an answer can have cost this much, by the upper bound of its estimate from the tables alone.

    Experience does not count here: it is made of what earlier answers said, one more each time.
    """
    return 0 <= cost <= min(high_usd * BELIEVED_TIMES, BELIEVED_USD)
