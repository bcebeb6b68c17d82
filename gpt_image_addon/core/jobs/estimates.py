"""What a request will cost, with all that its result may need, and whether it can be sent at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from ..errors import InvalidRequestError
from ..providers import find_hints, price_request
from ..request.checked_request import CheckedRequest
from ..request.models import Registry, check
from ..request.normalize import effective_request
from ..request.pricing import Estimate, UsageHistory, no_history
from ..request.prompt import compose
from ..request.providers import find_provider
from ..request.request import Application, GenerationRequest, check_application
from ..request.sizes import AUTO, parse_size
from ..request.targets import find_target
from .follow_ups import (
    AUTO_SIZE,
    asks_for_height,
    asks_for_repair,
    height_request,
    painted_size,
    repair_request,
)

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""
Measure = Callable[[GenerationRequest], Sequence[Size]]
TILES_BY_NATURE = "Images of this provider tile by nature, so there are no seams to repair."


def validate_and_price(
    request: GenerationRequest,
    application: Application,
    registry: Registry,
    seen: UsageHistory = no_history,
    measure: Measure | None = None,
) -> CheckedRequest:
    """Check a request and all that its application needs; nothing is sent.

    :param request: one that names provider and model.
    :param seen: what earlier answers took, as `Journal.seen` tells.
    :param measure: tells the sizes of its images where there are no files to read.
    :raises InvalidRequestError: it can't be sent.
    """
    check_application(application)
    if application.repair_seams and not request.seamless:
        raise InvalidRequestError("repair_seams is for seamless images.", param="repair_seams")
    sent, notes = effective_request(request, registry)
    if application.object_name and not find_target(application.target).onto_object:
        notes = (*notes, f"object_name has no effect with the target {application.target}.")
    warnings = check(sent, registry, date.today())
    sizes = (measure or image_sizes)(request)
    if application.repair_seams and find_provider(request.provider).tiles_by_nature:
        notes += (TILES_BY_NATURE,)
    checked = _price(request, sent, registry, sizes, seen)
    price = _with_follow_ups(checked, application, registry, seen)
    return dataclasses.replace(checked, price=price, warnings=(*find_hints(request), *warnings, *notes))


def price_unchecked(
    request: GenerationRequest,
    registry: Registry,
    sizes: Sequence[Size] = (),
    seen: UsageHistory = no_history,
) -> CheckedRequest:
    """A request that needs no check: one that we make ourselves, or that was sent before.

    :param sizes: width and height of references, mask and markup.
    """
    return _price(request, effective_request(request, registry)[0], registry, sizes, seen)


def _price(
    request: GenerationRequest,
    sent: GenerationRequest,
    registry: Registry,
    sizes: Sequence[Size],
    seen: UsageHistory,
) -> CheckedRequest:
    model = registry.get(request.model)
    prompt = compose(sent, takes_markup=model.markup)
    if request.points:  # their markup, or marked copy, is as large as the first reference
        sizes = (*sizes, *sizes[:1])
    price = price_request(sent, prompt, registry, sizes, seen)
    return CheckedRequest(request, sent, prompt, model, price)


def image_sizes(request: GenerationRequest, known: Mapping[str, Size] = MappingProxyType({})) -> list[Size]:
    """Width and height of the references of a request, of its mask and its markup.

    :param known: those of images that are still to be made, by what stands in their place.
    :raises InvalidRequestError: a file can't be read.
    """
    return [known.get(path) or _size_of(path) for path in request.files]


def _size_of(path: str) -> Size:
    from ..imaging.formats import inspect_file

    info = inspect_file(Path(path))
    return info.width, info.height


def price_follow_up(
    request: GenerationRequest, registry: Registry, size: Size, seen: UsageHistory = no_history
) -> CheckedRequest:
    """A follow-up request about an image of this size, and its mask where it has one."""
    images = (size,) if request.mask is None else (size, size)
    return price_unchecked(request, registry, images, seen)


def _with_follow_ups(
    checked: CheckedRequest, application: Application, registry: Registry, seen: UsageHistory
) -> Estimate:
    """The price with that of the follow-up requests."""
    request, price = checked.wanted, checked.price
    if asks_for_height(request, application):
        size = _expected(checked.sent.size)
        one = price_follow_up(height_request(request, "", size, registry), registry, size, seen)
        price = price.plus(one.price)
    if asks_for_repair(request, application):
        size = painted_size(_expected(request.size), request.model, registry)
        one = price_follow_up(repair_request(request, "-", "-", size), registry, size, seen)
        price = price.plus(dataclasses.replace(one.price, low_usd=0.0, exact=False).times(request.n))
    return price


def _expected(size: str) -> tuple[int, int]:
    return AUTO_SIZE if size == AUTO else parse_size(size)
