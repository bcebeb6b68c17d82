"""What a request will cost, and what it did cost. USD throughout."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BudgetExceededError
from ..text.message import Message, message

PARTIAL_IMAGE_TOKENS = 100
BATCH_SHARE = 0.5  # of the list price, through the Batch API
ANY_LIMIT = Message("the limit for a request is")
BELIEVED_TIMES = 20  # an answer that says it cost more than so many times its estimate is not believed
BELIEVED_USD = 100.0  # nor one beyond this; no request of the API comes near


@dataclass(frozen=True)
class Usage:
    """Tokens that an answer reports."""

    input_text: int = 0
    input_image: int = 0
    output_text: int = 0
    output_image: int = 0
    svg_input: int = 0
    """Of the model that draws an SVG, as `svg_output`, which holds its reasoning; billed beside the image."""
    svg_output: int = 0
    credits: float = 0.0
    """Of an account that is billed in some of its own."""

    def to_dict(self) -> dict[str, object]:
        """In the API's own form, with its ``svg_usage`` where there is one."""
        drawn = {
            "total_tokens": self.svg_input + self.svg_output,
            "input_tokens": self.svg_input,
            "output_tokens": self.svg_output,
        }
        return {
            "total_tokens": self.input_text + self.input_image + self.output_text + self.output_image,
            "input_tokens": self.input_text + self.input_image,
            "output_tokens": self.output_text + self.output_image,
            "input_tokens_details": {"text_tokens": self.input_text, "image_tokens": self.input_image},
            "output_tokens_details": {"text_tokens": self.output_text, "image_tokens": self.output_image},
            **({"svg_usage": drawn} if drawn["total_tokens"] else {}),
            **({"credits": self.credits} if self.credits else {}),
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
    """What of the upper bound is for follow-up requests, which are paid one by one."""

    def times(self, share: float) -> Estimate:
        """The same request at a share of the list price, such as `BATCH_SHARE`."""
        return Estimate(
            self.low_usd * share,
            self.high_usd * share,
            self.exact,
            self.likely_usd * share,
            self.further_usd * share,
        )

    def plus(self, follow_up: Estimate) -> Estimate:
        """Together with a follow-up request."""
        return Estimate(
            self.low_usd + follow_up.low_usd,
            self.high_usd + follow_up.high_usd,
            self.exact and follow_up.exact,
            self.likely_usd + follow_up.likely_usd,
            self.further_usd + follow_up.high_usd,
        )


@dataclass(frozen=True)
class Observed:
    """Output tokens an image of earlier answers to the same model, quality and size."""

    count: int
    mean: float
    lowest: float
    highest: float


UsageHistory = Callable[[str, str, str], Observed | None]
"""What was observed for a model, a quality and a size."""


def no_history(model: str, quality: str, size: str) -> Observed | None:
    """A `UsageHistory` without any experience."""
    return None


def picture_tokens(usage: Mapping[str, Any] | None, n: int, partial_images: int) -> float | None:
    """Output tokens of one image by an answer's ``usage``; None where that says nothing.

    :param n: images asked for.
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
    reason: str = ANY_LIMIT
    """Whose limit it is: a message that the amount ends."""
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
                "smaller size or fewer images.",
                usd=f"{math.ceil(price.high_usd * 100) / 100:.2f}",
            ),
        )


def is_believable(cost: float, high_usd: float) -> bool:
    """Whether an answer can have cost this much, by the upper bound of its estimate from the tables alone.

    Experience does not count here: it is made of what earlier answers said, one more each time.
    """
    return 0 <= cost <= min(high_usd * BELIEVED_TIMES, BELIEVED_USD)
