"""What a request would be, and cost; nothing is sent. What scripts call is offered by `api`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.request.parameters import SNAPPED
from ...core.request.pricing import Estimate
from ...core.request.request import GenerationRequest
from ...core.text.message import Message, message
from .. import references, settings
from ..submission import PreparedRequest, Submitter
from ..worlds import pole_repair
from .requests import build_request

if TYPE_CHECKING:
    from ...core.jobs.estimates import Measure
    from ...core.request.models import Model
    from ...core.request.normalize import CheckedRequest

UNSENT = Message("The stored result of job {job} was used; nothing was sent.")


@dataclass(frozen=True)
class Plan:
    """What a request would be, and cost."""

    request: GenerationRequest
    prompt: str
    """The words that would be sent."""
    estimate: Estimate
    warnings: tuple[str, ...]
    model: Model
    sheet: str = dataclasses.field(default="", kw_only=True)
    """Size of the sheet of image and height that would be asked for; empty where each is asked for alone."""


def plan(
    prompt: str,
    *,
    picture_sizes: tuple[tuple[int, int], ...] | None = None,
    reuse: bool | None = None,
    **parameters: Any,
) -> Plan:
    """Check and price a request; nothing is sent.

    :param reuse: as for `submit`: True prices what is sent where the result of an equal request is stored.
    :param picture_sizes: width and height of references, mask and markup, whose files then are not read.
    :param parameters: as for `submit`.
    :raises GptImageError: the request could not be sent.
    """
    request, application = build_request(prompt, **parameters)
    submitter = Submitter(settings.load(with_key=False))
    prepared = submitter.prepare(request, application, measure=_measure(picture_sizes))
    prepared.check_folder()
    found = plan_checked(request, prepared.checked)
    return _reduce_to_unpaid(found, prepared) if reuse else found


def _reduce_to_unpaid(found: Plan, prepared: PreparedRequest) -> Plan:
    """What is still sent where the result of an equal request is stored."""
    stored = prepared.find_stored()
    if stored is None:
        return found
    missing = pole_repair.find_missing(prepared)
    price = missing.price if missing is not None else Estimate(0.0, 0.0, exact=True)
    told = message(pole_repair.STORED if missing is not None else UNSENT, job=stored.id)
    return dataclasses.replace(found, estimate=price, warnings=(told, *found.warnings))


def planner(
    prompt: str,
    *,
    picture_sizes: tuple[tuple[int, int], ...] | None = None,
    masked: Callable[[], Any] | None = None,
    snap: bool = False,
    **parameters: Any,
) -> Callable[[], Plan]:
    """As `plan`, in two steps: this one reads Blender's settings, what it returns runs in any thread.

    :param masked: tells where the first image may change, see `estimates.validate_and_price`.
    :param snap: take the nearest size that the model takes, and leave out what it does not know.
    """
    request, application = build_request(prompt, **parameters)
    submitter, names = Submitter(settings.load(with_key=False)), SNAPPED if snap else ()
    measure = _measure(picture_sizes) or references.measure_captures(request)
    application = references.add_frame(request, application)

    def work() -> Plan:
        checked = submitter.check(request, application, snap=names, measure=measure, masked=masked)
        return plan_checked(request, checked)

    return work


def _measure(sizes: tuple[tuple[int, int], ...] | None) -> Measure | None:
    return None if sizes is None else lambda request: sizes


def plan_checked(request: GenerationRequest, checked: CheckedRequest) -> Plan:
    """
    :param request: as the user made it, perhaps without a model.
    """
    wanted = dataclasses.replace(checked.wanted, model=request.model)
    sheet = checked.sent.size if checked.sent.height_sheet else ""
    return Plan(wanted, checked.prompt, checked.price, checked.warnings, checked.model, sheet=sheet)


def estimate(prompt: str, **parameters: Any) -> Estimate:
    """The price of a request in USD; nothing is sent.

    :param parameters: as for `submit`.
    :raises GptImageError: the request could not be sent.
    """
    return plan(prompt, **parameters).estimate
