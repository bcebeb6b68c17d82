"""What a request will cost, with all that its result may need, and whether it can be sent at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ..errors import InvalidRequestError
from ..providers import price_request
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

TILES_BY_NATURE = "Images of this provider tile by nature, so there are no seams to repair."


def validate_and_price(
    request: GenerationRequest,
    application: Application,
    registry: Registry,
    seen: UsageHistory,
    more_pictures: Sequence[tuple[int, int]] = (),
    *,
    read_files: bool = True,
) -> tuple[Estimate, tuple[str, ...]]:
    """The price of all that a request and its application need, and warnings.

    :param request: one that names provider and model.
    :param more_pictures: width and height of pictures whose files are not read.
    :param read_files: false where references, mask and markup are only stand-ins.
    :raises InvalidRequestError: it can't be sent.
    """
    check_application(application)
    if application.repair_seams and not request.seamless:
        raise InvalidRequestError("repair_seams is for seamless pictures.", param="repair_seams")
    sent, notes = effective_request(request, registry)
    if application.object_name and not find_target(application.target).onto_object:
        notes = (*notes, f"object_name has no effect with the target {application.target}.")
    warnings = check(sent, registry, date.today())
    files = request if read_files else dataclasses.replace(request, references=(), mask=None, markup=None)
    price = quote(files, registry, seen, more_pictures)
    if application.repair_seams and find_provider(request.provider).tiles_by_nature:
        notes += (TILES_BY_NATURE,)
    return with_further(price, request, application, registry, seen), (*warnings, *notes)


def quote(
    request: GenerationRequest,
    registry: Registry,
    seen: UsageHistory = no_history,
    more_pictures: Sequence[tuple[int, int]] = (),
) -> Estimate:
    """The price of a request that names its model.

    :param seen: what earlier answers took, as `Journal.seen` tells.
    :param more_pictures: width and height of references that are still to be made.
    :raises InvalidRequestError: a picture of it can't be read.
    """
    return price_sent(request, registry, [*_picture_sizes(request), *more_pictures], seen)


def price_sent(
    request: GenerationRequest,
    registry: Registry,
    picture_sizes: Sequence[tuple[int, int]],
    seen: UsageHistory = no_history,
) -> Estimate:
    """The price of what is sent for a request.

    :param picture_sizes: width and height of each of its pictures.
    """
    sent, _ = effective_request(request, registry)
    return price_request(sent, compose(sent), registry, picture_sizes, seen)


def _picture_sizes(request: GenerationRequest) -> Sequence[tuple[int, int]]:
    paths = [*request.references, *filter(None, (request.mask, request.markup))]
    if not paths:
        return ()
    from ..imaging.formats import inspect_file

    infos = [inspect_file(Path(path)) for path in paths]
    return [(info.width, info.height) for info in infos]


def further_price(
    request: GenerationRequest, registry: Registry, size: tuple[int, int], seen: UsageHistory = no_history
) -> Estimate:
    """The price of a further request about a picture of this size, and its mask where it has one."""
    pictures = (size,) if request.mask is None else (size, size)
    return price_sent(request, registry, pictures, seen)


def with_further(
    price: Estimate,
    request: GenerationRequest,
    application: Application,
    registry: Registry,
    seen: UsageHistory = no_history,
) -> Estimate:
    """The price with that of the further requests.

    :param request: as the user made it.
    """
    if asks_for_height(request, application):
        size = _expected(effective_request(request, registry)[0].size)
        price = price.plus(further_price(height_request(request, "", size, registry), registry, size, seen))
    if asks_for_repair(request, application):
        size = painted_size(_expected(request.size), request.model, registry)
        one = further_price(repair_request(request, "-", "-", size), registry, size, seen)
        price = price.plus(dataclasses.replace(one, low_usd=0.0, exact=False).times(request.n))
    return price


def _expected(size: str) -> tuple[int, int]:
    return AUTO_SIZE if size == AUTO else parse_size(size)
