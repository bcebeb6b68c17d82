"""What the request in the panel would cost, and why it can't be sent; worked out once for each change of it.

Drawing asks many times a second: what it asks is answered from memory unless a value has changed since.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...app import references, settings
from ...app.diagnostics import requirements
from ...core.errors import ConfigurationError, GptImageError, InvalidRequestError
from ...core.references.kinds import GUIDE, PAINTED, SHEET
from ...core.references.views import count_views, find_sheet, is_all_around
from ...core.request.providers import find_provider
from ...core.request.targets import find_target
from ...core.text.message import message
from ..common import state
from ..common.translate import translate
from ..points import values as points
from ..references import images, inpaint, kinds
from . import model_notice, to_parameters

if TYPE_CHECKING:
    from ...core.request.models import Model
    from ...core.request.pricing import Estimate
    from ...core.request.request import GenerationRequest

NO_PROMPT = "Write a prompt first."
PLACEHOLDER_PROMPT = "an image"  # an empty prompt has a price, too
CERTAIN = 1.05  # times the likely price, up to which the highest one is shown alone
SIDE = (1024, 1024)  # pixels of a side of a model that is painted for itself
UNKNOWN_SIZE = (1536, 1024)  # pixels of a reference that is not captured yet


@dataclass(frozen=True)
class Quote:
    """All that the panel says about its request."""

    price: str = ""
    """As it stands on the button."""
    low_usd: float = 0.0
    high_usd: float = 0.0
    problem: str = ""
    """One sentence why the request can't be sent; empty where it can."""
    error: GptImageError | None = None
    """The same as an error, which knows what mends it."""
    warnings: tuple[str, ...] = ()
    request: GenerationRequest | None = None
    """What the model takes of it."""
    model: Model | None = None
    provider: str = ""
    sheet: str = ""
    """Size of the sheet of image and height; empty where each is asked for alone."""

    @property
    def problem_code(self) -> str:
        """Code of the error; empty where the request can be sent."""
        return (self.error.code or "") if self.error is not None else ""

    @property
    def worst_case(self) -> str:
        """A sentence about what it may cost; empty where that stands on the button."""
        if self.high_usd <= CERTAIN * self.low_usd:
            return ""
        return message(
            "It may cost from {low} to {high}; the button shows what is likely, by the tables of prices and "
            "by what earlier answers took.",
            low=usd(self.low_usd),
            high=usd(self.high_usd),
        )

    @property
    def size(self) -> str:
        """The size that the model takes; empty before it is known."""
        return self.request.size if self.request is not None else ""


@dataclass
class Quotes:
    """What is known of the panel's request."""

    key: Any = None
    """Of the request that was quoted last."""
    last: Quote = Quote()
    asked: Any = None
    """The key of the quote that a thread works out."""
    models: dict[tuple[str, str], Model] = field(default_factory=dict)
    """What is known of models by provider and name, for requests that can't be sent as they are."""

    def keep(self, key: Any, found: Quote) -> None:
        """Take a quote for the last one."""
        self.key, self.last = key, found


def current(scene: bpy.types.Scene) -> Quote:
    """The quote for the scene's request. After a change a thread works it out; until then the old one holds.

    Why the request can't be sent, as far as it needs no work, is always up to date.
    """
    values, quotes = scene.gpt_image, state.part(Quotes)
    wanted = to_parameters.plain(values)
    key = _key(wanted, values)
    if key not in (quotes.key, quotes.asked):
        quotes.asked = key
        _ask(wanted, values, lambda found: quotes.keep(key, found), api.errand)
    error = _problem(values, wanted["provider"]) or quotes.last.error
    problem = error.text if error is not None else ""
    return dataclasses.replace(quotes.last, problem=problem, error=error, provider=wanted["provider"])


def price_now(scene: bpy.types.Scene, given: Mapping[str, Any] = MappingProxyType({})) -> Quote:
    """The quote for the scene's request with other parameters, now: for dialogs that ask for them.

    :param given: parameters that override the panel's.
    """
    values = scene.gpt_image
    target = given.get("target", values.target)
    wanted = {**to_parameters.plain(values), **to_parameters.change_target(values, target), **given}
    found: list[Quote] = []
    _ask(wanted, values, found.append, _do_now)
    return dataclasses.replace(found[0], provider=wanted["provider"])


def _do_now(work: Callable[[], Any], done: Callable[[Any, GptImageError | None], None]) -> None:
    try:
        plan = work()
    except GptImageError as error:
        done(None, error)
    else:
        done(plan, None)


def messages(values: Any, found: Quote) -> tuple[str, ...]:
    """What is wrong with the request, and what is to know about it."""
    return tuple(filter(None, (found.problem, model_notice.notice(values), *found.warnings)))


def forget() -> None:
    """Work the next quote out anew: something beside the request has changed."""
    quotes = state.part(Quotes)
    quotes.asked = None
    quotes.keep(None, Quote())


def _key(wanted: dict[str, Any], values: Any) -> Any:
    sizes = _image_sizes(values, wanted["target"])
    masked = values.mask, values.composite, values.whole_image, images.mask_key(values)
    shown = len(values.references), masked, values.use_markup, sizes
    said = tuple((kinds.parameters(values) | points.priced(values)).items())
    frame = tuple(images.frame(values).values())
    return tuple(wanted.items()), shown, said, frame, settings.fingerprint()


def model_names(values: Any) -> list[str]:
    """Names that the model field proposes."""
    provider = to_parameters.provider_of(values)
    return [row["id"] for row in api.models() if row["provider"] == provider and row["state"] != "shut down"]


def _planner(wanted: dict[str, Any], values: Any) -> Callable[[], Any]:
    prompt = wanted["prompt"] or PLACEHOLDER_PROMPT
    others = {name: value for name, value in wanted.items() if name != "prompt"}
    images_sent, sizes = _placeholders(values, wanted["target"]), _image_sizes(values, wanted["target"])
    masked = _masked(values, wanted["target"])
    first = api.planner(prompt, **others, **images_sent, picture_sizes=sizes, masked=masked, snap=True)
    count = to_parameters.count_requests(values, wanted["target"])
    if count < 2:
        return first
    further = {
        **images_sent,
        "references": [*images_sent["references"], PAINTED],
        "reference_kinds": (*images_sent["reference_kinds"], PAINTED),
        "mask": "mask",
        "composite": False,
    }
    sizes = (*sizes, sizes[0], sizes[0])
    return _add_up(first, api.planner(prompt, **others, **further, picture_sizes=sizes, snap=True), count)


def _add_up(first: Callable[[], Any], further: Callable[[], Any], count: int) -> Callable[[], Any]:
    """What one request and others like each other take together.

    :param count: of all of them.
    """

    def work() -> Any:
        plan = first()
        price = plan.estimate.plus(further().estimate.times(count - 1))
        return dataclasses.replace(plan, estimate=dataclasses.replace(price, further_usd=0.0))

    return work


def _ask(
    wanted: dict[str, Any], values: Any, done: Callable[[Quote], None], errand: Callable[..., None]
) -> None:
    """
    :param errand: lets somebody do the work, see `scheduler.errand`.
    """
    try:
        work = _planner(wanted, values)
    except GptImageError as error:
        done(Quote(error=error))
        return
    errand(work, lambda plan, error: done(_quote(plan, error, wanted)))


def _quote(plan: Any, error: GptImageError | None, wanted: dict[str, Any]) -> Quote:
    provider, name = wanted["provider"], wanted["model"]
    models = state.part(Quotes).models
    if error is not None:
        return Quote(error=error, model=models.get((provider, name)))
    models[provider, name] = plan.model
    price = plan.estimate
    return Quote(
        price=price_of(price, is_paid=find_provider(provider).is_paid),
        low_usd=price.low_usd,
        high_usd=price.high_usd,
        warnings=plan.warnings if wanted["prompt"] else (),  # those of the placeholder are nobody's
        request=plan.request,
        model=plan.model,
        sheet=plan.sheet,
    )


def _problem(values: Any, provider: str) -> GptImageError | None:
    missing = requirements.missing_modules()
    if missing:
        return ConfigurationError(missing, code="missing_module")
    if not to_parameters.read_prompt(values):
        return InvalidRequestError(NO_PROMPT, code="missing_prompt")
    for number, reference in enumerate(values.references, 1):
        if reference.kind == "image" and reference.image is None:
            text = message("Reference {number} has no image yet.", number=number)
            return InvalidRequestError(text, code="missing_picture")
        if reference.kind == "file" and not reference.file:
            text = message("Reference {number} has no file yet.", number=number)
            return InvalidRequestError(text, code="missing_picture")
    unsent = points.find_problem(values)
    if unsent is not None:
        return unsent
    problem = inpaint.problem(values)
    if problem:
        return InvalidRequestError(problem, code="unusable_mask", param="mask")
    try:
        settings.load(with_key=False).check_provider(provider, has_key=settings.has_key())
    except GptImageError as error:
        return error
    return None


def _placeholders(values: Any, target: str) -> dict[str, Any]:
    """Stand-ins for images: the price needs their number and sizes alone."""
    found: dict[str, Any] = {"references": ["reference"] * len(values.references)} | kinds.parameters(values)
    found |= points.priced(values)
    if values.mask != "none":
        found |= {"mask": "mask", "composite": values.composite, "whole_image": values.whole_image}
    if values.use_markup:
        found["markup"] = "markup"
    found |= images.frame(values)
    guides = list_guides(values, target)
    if guides:
        found["references"] = [*guides, *found["references"]]
        found["reference_kinds"] = (*guides, *found.get("reference_kinds", ()))
        labels = found.get("reference_labels", ())
        found["reference_labels"] = (*[""] * len(guides), *labels) if labels else ()
    return found


def _masked(values: Any, target: str) -> Callable[[], Any] | None:
    """Tells where the image that is edited may change; None where that is not known before a click."""
    if not len(values.references) or list_guides(values, target):
        return None
    return images.masked(values, _size_of(values.references[0]))


def list_guides(values: Any, target: str) -> list[str]:
    """The kinds of what is shown of a model that is painted."""
    if not find_target(target).is_projected:
        return []
    is_sheet = is_all_around(values.views) and to_parameters.count_requests(values, target) < 2
    return [SHEET if is_sheet else GUIDE, *sorted(values.guides)]


def _image_sizes(values: Any, target: str) -> tuple[tuple[int, int], ...]:
    guides = list_guides(values, target)
    if SHEET in guides:
        size = find_sheet(count_views(values.views)).size
    else:
        size = SIDE if is_all_around(values.views) else references.render_size()
    sizes = [*[size] * len(guides), *(_size_of(reference) for reference in values.references)]
    extra = (values.mask != "none") + bool(values.use_markup)
    return tuple(sizes + (sizes[:1] or [UNKNOWN_SIZE]) * extra)


def _size_of(reference: Any) -> tuple[int, int]:
    if reference.kind == "image" and reference.image is not None and reference.image.size[0]:
        return references.shown_size(reference.image)
    if reference.kind in references.CAPTURES and (reference.live or not reference.captured):
        return references.render_size()
    return (reference.width, reference.height) if reference.width else UNKNOWN_SIZE


def price_of(price: Estimate, *, is_paid: bool = True) -> str:
    """A price as it stands on a button."""
    return price_text(price.likely_usd or price.high_usd, price.high_usd, is_paid=is_paid)


def price_text(likely_usd: float, high_usd: float, *, is_paid: bool = True) -> str:
    """A price for people as one number; what is likely where it is not certain."""
    if not is_paid:
        return translate("free")
    return usd(high_usd) if high_usd <= CERTAIN * likely_usd else f"≈ {usd(likely_usd)}"


def with_price(label: str, high_usd: float) -> str:
    """The text of a button that sends, with what it costs at most.

    :param label: translated already.
    """
    return f"{label}  ·  {usd(high_usd)}" if high_usd else label


def usd(amount: float) -> str:
    """An amount with cents, or with as many digits as a fraction of one needs."""
    return f"${amount:.2f}" if amount >= 1 or amount == 0 else f"${amount:.3f}"
