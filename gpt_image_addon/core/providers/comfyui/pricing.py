"""What GPT Image costs through a Comfy account, by the price that its nodes name. USD throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...request.models import Registry
from ...request.pricing import Estimate, Usage, UsageHistory
from ...request.request import GenerationRequest

BADGES: Mapping[str, tuple[float, float]] = {
    "low": (0.0048, 0.019),
    "medium": (0.041, 0.168),
    "high": (0.165, 0.67),
}
"""USD an image of gpt-image-2, least and most, as the node of ComfyUI 0.30 says before it is run."""


CREDITS_PER_USD = 211.0


def price_request(
    request: GenerationRequest,
    prompt: str,
    registry: Registry,
    picture_sizes: Sequence[tuple[int, int]],
    seen: UsageHistory,
) -> Estimate:
    """See `providers.price_request`."""
    if request.workflow is not None:  # one with paid nodes is refused, and gets no key
        return Estimate(0.0, 0.0, exact=True)
    ranges = [BADGES[request.quality]] if request.quality in BADGES else list(BADGES.values())
    low, high = min(least for least, _ in ranges), max(most for _, most in ranges)
    return Estimate(low * request.n, high * request.n, exact=False, likely_usd=(low + high) / 2 * request.n)


def cost_usd(usage: Usage, registry: Registry, model: str) -> float | None:
    """What an answer cost: nothing where all of it was there before; None where nobody said it."""
    if usage == Usage():
        return 0.0
    return usage.credits / CREDITS_PER_USD if usage.credits else None
