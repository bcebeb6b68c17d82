"""What the request in the panel would cost, and why it can't be sent; worked out once for each change of it.

Drawing asks many times a second: what it asks is answered from memory unless a value has changed since.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy

from .. import api, health, settings
from ..core.errors import GptImageError
from . import parameters

if TYPE_CHECKING:
    from ..core.models import Model

PLACEHOLDER_PROMPT = "a picture"  # an empty prompt has a price, too
UNKNOWN_SIZE = (1536, 1024)  # pixels of a reference that is not captured yet


@dataclass(frozen=True)
class Quote:
    """All that the panel says about its request."""

    price: str = ""
    """As it stands on the button."""
    high_usd: float = 0.0
    problem: str = ""
    """One sentence why the request can't be sent; empty where it can."""
    warnings: tuple[str, ...] = ()
    size: str = ""
    """The size that the model takes."""
    model: Model | None = None
    provider: str = ""


_last: tuple[Any, Quote] = (None, Quote())


def current(scene: bpy.types.Scene) -> Quote:
    """The quote for the scene's request as it is now."""
    global _last
    values = scene.gpt_image
    wanted = parameters.plain(values)
    key = (tuple(wanted.items()), _picture_sizes(values), settings.fingerprint())
    if key != _last[0]:
        _last = (key, _work_out(wanted, values))
    return _last[1]


def forget() -> None:
    """Work the next quote out anew: something beside the request has changed."""
    global _last
    _last = (None, Quote())


def model_names(values: Any) -> list[str]:
    """Names that the model field proposes."""
    provider = parameters.provider_of(values)
    return [row["id"] for row in api.models() if row["provider"] == provider and row["state"] != "shut down"]


def _work_out(wanted: dict[str, Any], values: Any) -> Quote:
    missing = health.missing_modules()
    if missing:
        return Quote(problem=missing)
    provider = wanted["provider"]
    try:
        model = api.model(wanted["model"], provider)
        wanted = {**wanted, "size": api.nearest_size(model, wanted["size"])}
    except GptImageError as error:
        return Quote(problem=error.text, provider=provider)
    known = Quote(size=wanted["size"], model=model, provider=provider)
    try:
        prompt = wanted.pop("prompt") or PLACEHOLDER_PROMPT
        plan = api.plan(prompt, **wanted, **_placeholders(values), picture_sizes=_picture_sizes(values))
    except GptImageError as error:
        return dataclasses.replace(known, problem=error.text)
    return dataclasses.replace(
        known,
        price=price_text(plan.estimate.low_usd, plan.estimate.high_usd, provider),
        high_usd=plan.estimate.high_usd,
        warnings=plan.warnings,
        problem=_problem(values, provider),
    )


def _problem(values: Any, provider: str) -> str:
    if not parameters.prompt_of(values):
        return "Write a prompt first."
    for number, reference in enumerate(values.references, 1):
        if reference.kind == "image" and reference.image is None:
            return f"Reference {number} has no image yet."
        if reference.kind == "file" and not reference.file:
            return f"Reference {number} has no file yet."
    try:
        settings.load(with_key=False).check_provider(provider, has_key=settings.has_key())
    except GptImageError as error:
        return error.text
    return ""


def _placeholders(values: Any) -> dict[str, Any]:
    """Stand-ins for pictures: the price needs their number and sizes alone."""
    found: dict[str, Any] = {"references": ["reference"] * len(values.references)}
    if values.mask != "none":
        found["mask"] = "mask"
    if values.use_markup:
        found["markup"] = "markup"
    return found


def _picture_sizes(values: Any) -> tuple[tuple[int, int], ...]:
    sizes = [_size_of(reference) for reference in values.references]
    extra = (values.mask != "none") + bool(values.use_markup)
    return tuple(sizes + (sizes[:1] or [UNKNOWN_SIZE]) * extra)


def _size_of(reference: Any) -> tuple[int, int]:
    if reference.kind == "image" and reference.image is not None and reference.image.size[0]:
        return tuple(reference.image.size)
    return (reference.width, reference.height) if reference.width else UNKNOWN_SIZE


def price_text(low_usd: float, high_usd: float, provider: str = "openai") -> str:
    """A price for people: three significant digits, a range where it is not certain."""
    if provider == "offline":
        return "free"
    if high_usd - low_usd < 0.05 * high_usd:
        return usd(high_usd)
    return f"{usd(low_usd)} to {usd(high_usd)}"


def usd(amount: float) -> str:
    """An amount with cents, or with as many digits as a fraction of one needs."""
    return f"${amount:.2f}" if amount >= 1 or amount == 0 else f"${amount:.3f}"
