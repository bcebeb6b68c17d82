"""What GPT Image costs through a Comfy account, by the price that its nodes name. USD throughout."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import InvalidRequestError
from ...request.models import Registry
from ...request.pricing import Estimate, Usage, UsageHistory
from ...request.request import GenerationRequest
from ...text.message import message
from .badges import MODEL_PREFIX, Range, Table, find_prices, keep_prices

CREDITS_PER_USD = 211.0


def list_ranges(request: GenerationRequest, table: Table | None = None) -> list[Range]:
    """What an image may cost: one range, or all of them where the node chooses the quality.

    :param table: the prices of one server; all that are known without.
    """
    row = (find_prices() if table is None else table).get(request.model.removeprefix(MODEL_PREFIX), {})
    return [row[request.quality]] if request.quality in row else list(row.values())


def check_price(request: GenerationRequest, said: Table) -> None:
    """Whether a server's node costs no more than was reserved.

    :param said: what its badge says now; kept for the next estimate.
    :raises InvalidRequestError: it costs more.
    """
    known = max((most for _, most in list_ranges(request)), default=0.0)
    now = max((most for _, most in list_ranges(request, said)), default=0.0)
    keep_prices(said)
    if now > known:
        raise InvalidRequestError(
            message(
                "ComfyUI's node says up to ${now} an image, more than the ${known} that were counted on.",
                now=f"{now:.4f}",
                known=f"{known:.4f}",
            ),
            code="price_changed",
            param="model",
            next_step="Nothing was sent. Send it again to accept the new price, which is known now.",
        )


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
    ranges = list_ranges(request)
    if not ranges:
        raise InvalidRequestError(
            message("What {model} costs through a Comfy account is not known.", model=request.model),
            code="unknown_price",
            param="model",
            next_step="Test the connection to ComfyUI, which reads the price, or choose another model.",
        )
    low, high = min(least for least, _ in ranges), max(most for _, most in ranges)
    return Estimate(low * request.n, high * request.n, exact=False, likely_usd=(low + high) / 2 * request.n)


def cost_usd(usage: Usage, registry: Registry, model: str) -> float | None:
    """What an answer cost: nothing where all of it was there before; None where nobody said it."""
    if usage == Usage():
        return 0.0
    return usage.credits / CREDITS_PER_USD if usage.credits else None
