"""What a request will cost, with all that its result may need, and whether it can be sent at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, partial, reduce
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from ..errors import InvalidRequestError
from ..panorama.views import POLES, view_side
from ..providers import find_hints, price_request
from ..request.models import Registry, check
from ..request.normalize import CheckedRequest, SentCrop, apply_like_size, effective_request
from ..request.pricing import Estimate, UsageHistory, no_history
from ..request.prompt import compose
from ..request.providers import find_provider
from ..request.request import Application, GenerationRequest
from ..request.sizes import format_size, is_like, is_open, parse_size
from ..request.targets import find_target
from ..request.validation import check_application, check_target
from ..text.message import Message, message
from .follow_ups import (
    AUTO_SIZE,
    asks_for_height,
    asks_for_poles,
    asks_for_repair,
    height_request,
    painted_size,
    pole_request,
    repair_request,
)

if TYPE_CHECKING:  # pricing loads nothing that handles pixels
    from ..editing.mask_regions import Flags
    from ..editing.region_edit import EditPlan

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""
Measure = Callable[[GenerationRequest], Sequence[Size]]
Masked: TypeAlias = "Callable[[], Flags]"
"""Tells where an image may change: (height, width) bool."""
SQUARE: Size = (1024, 1024)
NO_POLES = Message("The {provider} provider can't repaint poles, so they stay smoothed.")
NO_RELIEF = Message("relief and height_by_model have no effect on a decal without decal_relief.")
TILES_BY_NATURE = "Images of this provider tile by nature, so there are no seams to repair."


def validate_and_price(
    request: GenerationRequest,
    application: Application,
    registry: Registry,
    seen: UsageHistory = no_history,
    measure: Measure | None = None,
    masked: Masked | None = None,
) -> CheckedRequest:
    """Check a request and all that its application needs; nothing is sent.

    :param request: one that names provider and model.
    :param seen: what earlier answers took, as `Journal.seen` tells.
    :param measure: tells the sizes of its images where there are no files to read.
    :param masked: tells where the first of them may change, where that is known then.
    :raises InvalidRequestError: it can't be sent.
    """
    check_application(application)
    check_target(request, application)
    sizes = cache(partial(measure or image_sizes, request))
    plan = _plan(request, application, registry, masked) if measure is None or masked is not None else None
    shaped = request
    if is_like(request.size) and plan is None:
        shaped = apply_like_size(request, registry, sizes(), application.camera_frame)
    if request.mask is None:
        request = shaped
    if application.repair_seams and not request.seamless:
        raise InvalidRequestError("repair_seams is for seamless images.", param="repair_seams")
    if request.height_sheet and not application.height_by_model:
        raise InvalidRequestError(
            "height_sheet goes with height_by_model.",
            param="height_sheet",
            next_step="Set height_by_model as well, or leave height_sheet out.",
        )
    sent, notes = effective_request(shaped, registry)
    if plan is not None:
        sent = _cut(sent, request, plan.crops[0])
        notes = (*notes, *plan.notes)
    if application.object_name and not find_target(application.target).onto_object:
        notes = (*notes, f"object_name has no effect with the target {application.target}.")
    if find_target(application.target).relief_maps and not application.has_relief:
        wanted = application.relief is not None or application.height_by_model
        notes = (*notes, NO_RELIEF) if wanted else notes
    warnings = check(sent, registry, date.today())
    if application.repair_seams and find_provider(request.provider).tiles_by_nature:
        notes += (TILES_BY_NATURE,)
    is_world = find_target(application.target).is_panorama
    if application.repair_poles and is_world and not find_provider(request.provider).takes_masks:
        notes += (message(NO_POLES, provider=request.provider),)
    others = _others(request, sizes()) if measure is not None else None
    sent_sizes = sizes() if plan is None else _list_crop_sizes(request, plan.crops[0], others)
    checked = _price(request, sent, registry, sent_sizes, seen)
    if plan is not None:
        checked = dataclasses.replace(checked, crops=plan.crops)
    elif is_like(request.size) and _is_put_back(request, application):
        # Of the mask nothing is known yet: the usual part has a megapixel at most, in whatever shape.
        square = apply_like_size(request, registry, [SQUARE])
        part = _price(request, dataclasses.replace(sent, size=square.size), registry, sizes(), seen)
        checked = max(checked, part, key=lambda one: one.price.high_usd)
    price = _add_follow_ups(checked, application, registry, seen, others)
    return dataclasses.replace(checked, price=price, warnings=(*find_hints(request), *warnings, *notes))


def _plan(
    request: GenerationRequest, application: Application, registry: Registry, masked: Masked | None
) -> EditPlan | None:
    """What is sent of an image that the answer is put back into; None for other requests."""
    if not _is_put_back(request, application):
        return None
    from ..editing.region_edit import EditPlan, plan_edit, plan_mask
    from ..textures.writer import is_tile

    if masked is not None:
        crops = plan_mask(masked(), request, registry)
        return EditPlan(crops, tuple(dict.fromkeys(note for crop in crops for note in crop.notes())))
    return plan_edit(request, registry, is_tile)


def _is_put_back(request: GenerationRequest, application: Application) -> bool:
    """Whether the answer becomes a part of the first reference again."""
    is_edit = bool(request.references) and request.mask is not None and request.markup is None
    return is_edit and application.composite


def _cut(sent: GenerationRequest, wanted: GenerationRequest, crop: SentCrop) -> GenerationRequest:
    """What is sent about a part of the first reference: in its size, with the points that are in it."""
    placed = [(crop.locate(x, y), sentence) for x, y, sentence in wanted.points]
    points = tuple((*place, sentence) for place, sentence in placed if place is not None)
    return dataclasses.replace(sent, size=format_size(*crop.sent), points=points)


def _list_crop_sizes(
    request: GenerationRequest, crop: SentCrop, others: Sequence[Size] | None = None
) -> list[Size]:
    """Of the images that go with a part of the first reference, whose own size may be beyond all limits.

    :param others: sizes of the other references, where there are no files to read.
    """
    if others is None:
        others = image_sizes(dataclasses.replace(request, references=request.references[1:], mask=None))
    return [crop.sent, *others, crop.sent]


def _others(request: GenerationRequest, sizes: Sequence[Size]) -> Sequence[Size]:
    """The sizes of all references but the first."""
    return sizes[1 : len(request.references)]


def complete_size(request: GenerationRequest, registry: Registry) -> GenerationRequest:
    """See `normalize.apply_like_size`: by the files of a request that names its model.

    With a mask it stays: what is sent of the image is known only when its mask is read.

    :raises InvalidRequestError: a file can't be read, or no reference decides.
    """
    if not is_like(request.size) or request.mask is not None:
        return request
    return apply_like_size(request, registry, image_sizes(request))


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
    if sent.points:  # their markup, or marked copy, is as large as the first reference
        sizes = (*sizes, *sizes[:1])
    price = price_request(sent, prompt, registry, sizes, seen)
    return CheckedRequest(request, sent, prompt, model, price)


def image_sizes(request: GenerationRequest, known: Mapping[str, Size] = MappingProxyType({})) -> list[Size]:
    """Width and height of the references of a request, of its mask and its markup.

    :param known: those of images that are still to be made, by what stands in their place.
    :raises InvalidRequestError: a file can't be read.
    """
    return [known.get(path) or _measure_file(path) for path in request.files]


def _measure_file(path: str) -> Size:
    from ..imaging.formats import inspect_file

    return inspect_file(Path(path)).size


def price_follow_up(
    request: GenerationRequest, registry: Registry, size: Size, seen: UsageHistory = no_history
) -> CheckedRequest:
    """A follow-up request about an image of this size, and its mask where it has one."""
    images = (size,) if request.mask is None else (size, size)
    return price_unchecked(request, registry, images, seen)


def price_crop(
    checked: CheckedRequest,
    crop: SentCrop,
    registry: Registry,
    seen: UsageHistory = no_history,
    others: Sequence[Size] | None = None,
) -> CheckedRequest:
    """The follow-up request for a further crop of an edit.

    :param others: sizes of all references but the first, where there are no files to read.
    """
    sent = _cut(checked.sent, checked.wanted, crop)
    sizes = _list_crop_sizes(checked.wanted, crop, others)
    return dataclasses.replace(_price(checked.wanted, sent, registry, sizes, seen), crops=(crop,))


def _add_follow_ups(
    checked: CheckedRequest,
    application: Application,
    registry: Registry,
    seen: UsageHistory,
    others: Sequence[Size] | None,
) -> Estimate:
    """The price with that of the follow-up requests."""
    request, price = checked.wanted, checked.price
    for crop in checked.crops[1:]:
        price = price.plus(price_crop(checked, crop, registry, seen, others).price)
    if asks_for_height(request, application, registry):
        size = _guess_size(checked.sent.size)
        one = price_follow_up(height_request(request, "", size, registry), registry, size, seen)
        price = price.plus(one.price)
    if asks_for_repair(request, application):
        size = painted_size(_guess_size(request.size), request.model, registry)
        one = price_follow_up(repair_request(request, "-", "-", size), registry, size, seen)
        price = price.plus(dataclasses.replace(one.price, low_usd=0.0, exact=False).times(request.n))
    if asks_for_poles(request, application):
        poles = price_poles(request, POLES, _guess_size(checked.sent.size)[1], registry, seen)
        price = price.plus(dataclasses.replace(poles, low_usd=0.0, exact=False))
    return price


def price_poles(
    request: GenerationRequest,
    poles: Sequence[str],
    height: int,
    registry: Registry,
    seen: UsageHistory = no_history,
) -> Estimate:
    """The most that repainting poles of a panorama costs.

    :param height: of the panorama in pixels.
    """
    side = view_side(height)
    size = painted_size((side, side), request.model, registry)
    prices = (
        price_follow_up(pole_request(request, pole, "-", "-", size), registry, size, seen).price
        for pole in poles
    )
    return reduce(Estimate.plus, prices, Estimate(0.0, 0.0, exact=True))


def _guess_size(size: str) -> tuple[int, int]:
    return AUTO_SIZE if is_open(size) else parse_size(size)
