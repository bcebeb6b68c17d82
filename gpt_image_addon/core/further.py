"""Further requests that a result may need: the height of a picture, asked of the model that painted it.

Each is a job of its own in the journal, named after the job it belongs to, with its own price.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from .admission import quote, sent_fields
from .models import Registry, check
from .pricing import Estimate, Seen, estimate, nothing_seen
from .request import Application, GenerationRequest, check_application
from .results import ANSWER_FILE, PICTURE_STEM
from .seamless import as_sent
from .sizes import AUTO, format_size, parse_size

HEIGHT_JOB = "height"
AUTO_SIZE = (1536, 1024)  # the largest that a model paints when the size is left to it
HEIGHT_PROMPT = (
    "A height map of exactly this picture: greyscale only, white where the surface stands highest, black "
    "where it lies deepest, smooth steps of grey in between. Every edge stays on the very pixel where it is "
    "in the picture; nothing is moved, added, cropped or rescaled. Colour, stains, light and shadow are no "
    "height. No text, no frame."
)


def height_request(
    request: GenerationRequest, picture: str, size: tuple[int, int], registry: Registry
) -> GenerationRequest:
    """The edit that asks for the height of a picture.

    :param picture: path of the picture.
    :param size: its width and height in pixels.
    """
    rule = registry.size_rule(registry.get(request.model))
    sent = size if rule.problem(*size) is None else rule.nearest(*size)
    return GenerationRequest(
        prompt=HEIGHT_PROMPT,
        provider=request.provider,
        model=request.model,
        size=format_size(*sent),
        quality=request.quality,
        moderation=request.moderation,
        safety_identifier=request.safety_identifier,
        references=(picture,),
    )


def asks_for_height(request: GenerationRequest, application: Application) -> bool:
    """Whether the model is asked for the height: an offline draft's own is exact."""
    return application.height_by_model and request.provider != "offline"


def further_price(
    request: GenerationRequest, registry: Registry, size: tuple[int, int], seen: Seen = nothing_seen
) -> Estimate:
    """The price of a further request for a picture of this size."""
    return estimate(sent_fields(request, registry), registry, (size,), seen)


def with_further(
    price: Estimate,
    request: GenerationRequest,
    application: Application,
    registry: Registry,
    seen: Seen = nothing_seen,
) -> Estimate:
    """The price with that of the further requests.

    :param request: as it is sent.
    """
    if not asks_for_height(request, application):
        return price
    size = AUTO_SIZE if request.size == AUTO else parse_size(request.size)
    more = further_price(height_request(request, "", size, registry), registry, size, seen)
    return Estimate(
        low_usd=price.low_usd + more.low_usd,
        high_usd=price.high_usd + more.high_usd,
        exact=price.exact and more.exact,
        likely_usd=price.likely_usd + more.likely_usd,
    )


def checked(
    request: GenerationRequest,
    application: Application,
    registry: Registry,
    seen: Seen,
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
    sent, notes = as_sent(request, registry)
    warnings = check(sent, registry, date.today())
    files = request if read_files else dataclasses.replace(request, references=(), mask=None, markup=None)
    price = quote(files, registry, seen, more_pictures)
    return with_further(price, sent, application, registry, seen), (*warnings, *notes)


def further_id(job: str, kind: str) -> str:
    """The id of the further job of a kind."""
    return f"{job}-{kind}"


def further_folder(folder: Path, kind: str) -> Path | None:
    """The result folder of a further job, beside that of its job or, after midnight, in the next month's."""
    found = next(folder.parent.parent.glob(f"*/{further_id(folder.name, kind)}/{ANSWER_FILE}"), None)
    return found.parent if found else None


def further_jobs(folder: Path, kinds: Sequence[str] = (HEIGHT_JOB,)) -> tuple[str, ...]:
    """The further jobs that answered."""
    return tuple(further_id(folder.name, kind) for kind in kinds if further_folder(folder, kind))


def answer_of(folder: Path, kind: str) -> bytes | None:
    """The encoded picture that a further job brought."""
    found = further_folder(folder, kind)
    picture = next(found.glob(f"{PICTURE_STEM}1.*"), None) if found else None
    return picture.read_bytes() if picture else None
