"""Further requests that a result may need, to the model that painted it: a picture's height, and its seams.

Each is a job of its own in the journal, named after the job it belongs to, with its own price.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from .admission import quote, sent_fields
from .asked import as_sent, is_cut
from .defaults import OBJECT_TARGETS, PROMPT_LIMIT
from .errors import InvalidRequestError
from .files import PART_SUFFIX, read_file
from .models import Registry, check
from .pricing import Estimate, Seen, estimate, nothing_seen
from .request import Application, GenerationRequest, check_application
from .results import ANSWER_FILE, PICTURE_STEM
from .sizes import AUTO, format_size, parse_size

HEIGHT_JOB = "height"
SEAMS_JOB = "seams-{number}"
"""One for each picture, which are numbered from 1."""
AUTO_SIZE = (1536, 1024)  # the largest that a model paints when the size is left to it
HEIGHT_PROMPT = (
    "A height map of exactly this picture: greyscale only, white where the surface stands highest, black "
    "where it lies deepest, smooth steps of grey in between. Every edge stays on the very pixel where it is "
    "in the picture; nothing is moved, added, cropped or rescaled. Colour, stains, light and shadow are no "
    "height. No text, no frame."
)


TILES_BY_NATURE = "Offline drafts tile by nature, so there are no seams to repair."
REPAIR_PROMPT = (
    "A texture whose opposite edges were joined along the masked cross, where they do not fit. Repaint the "
    "masked part only, so that the surface runs through it unbroken: the same material at the same scale, in "
    "the same colours and even light; every line, joint and grain that enters it meets its other end. "
    "Everything outside stays on the very pixel where it is; nothing is moved, cropped or rescaled. "
    "No text, no frame."
)
REPAIR_SUBJECT = " The texture shows: {prompt}"


def height_request(
    request: GenerationRequest, picture: str, size: tuple[int, int], registry: Registry
) -> GenerationRequest:
    """The edit that asks for the height of a picture.

    :param picture: path of the picture.
    :param size: its width and height in pixels.
    """
    sent = painted_size(size, request.model, registry)
    return _edit(request, prompt=HEIGHT_PROMPT, size=format_size(*sent), references=(picture,))


def repair_request(
    request: GenerationRequest, picture: str, mask: str, size: tuple[int, int]
) -> GenerationRequest:
    """The edit that asks for the seams of a tile, painted over.

    :param request: names provider, model and quality; its prompt says what the tile shows.
    :param picture: path of the rolled tile.
    :param mask: path of a picture that is white where it may be repainted.
    :param size: width and height of both, as `painted_size` says.
    """
    subject = REPAIR_SUBJECT.format(prompt=request.prompt) if request.prompt else ""
    prompt = (REPAIR_PROMPT + subject)[:PROMPT_LIMIT]
    return _edit(request, prompt=prompt, size=format_size(*size), references=(picture,), mask=mask)


def _edit(request: GenerationRequest, **values: Any) -> GenerationRequest:
    """An edit by the same model, in the same manner."""
    same = ("provider", "model", "quality", "moderation", "safety_identifier")
    return GenerationRequest(**{name: getattr(request, name) for name in same}, **values)


def painted_size(size: tuple[int, int], model: str, registry: Registry) -> tuple[int, int]:
    """The size that the model paints nearest to this one: (width, height) in pixels."""
    rule = registry.size_rule(registry.get(model))
    return size if rule.problem(*size) is None else rule.nearest(*size)


def asks_for_height(request: GenerationRequest, application: Application) -> bool:
    """Whether the model is asked for the height: an offline draft's own is exact."""
    return application.height_by_model and request.provider != "offline"


def asks_for_repair(request: GenerationRequest, application: Application) -> bool:
    """Whether poor seams are repainted: an offline draft has none."""
    return application.repair_seams and is_cut(request)


def further_price(
    request: GenerationRequest, registry: Registry, size: tuple[int, int], seen: Seen = nothing_seen
) -> Estimate:
    """The price of a further request about a picture of this size, and its mask where it has one."""
    pictures = (size,) if request.mask is None else (size, size)
    return estimate(sent_fields(request, registry), registry, pictures, seen)


def with_further(
    price: Estimate,
    request: GenerationRequest,
    application: Application,
    registry: Registry,
    seen: Seen = nothing_seen,
) -> Estimate:
    """The price with that of the further requests.

    :param request: as the user made it.
    """
    if asks_for_height(request, application):
        size = _expected(as_sent(request, registry)[0].size)
        price = price.plus(further_price(height_request(request, "", size, registry), registry, size, seen))
    if asks_for_repair(request, application):
        size = painted_size(_expected(request.size), request.model, registry)
        one = further_price(repair_request(request, "-", "-", size), registry, size, seen)
        price = price.plus(dataclasses.replace(one, low_usd=0.0, exact=False).times(request.n))
    return price


def _expected(size: str) -> tuple[int, int]:
    return AUTO_SIZE if size == AUTO else parse_size(size)


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
    if application.repair_seams and not request.seamless:
        raise InvalidRequestError("repair_seams is for seamless pictures.", param="repair_seams")
    sent, notes = as_sent(request, registry)
    if application.object_name and application.target not in OBJECT_TARGETS:
        notes = (*notes, f"object_name has no effect with the target {application.target}.")
    warnings = check(sent, registry, date.today())
    files = request if read_files else dataclasses.replace(request, references=(), mask=None, markup=None)
    price = quote(files, registry, seen, more_pictures)
    notes += (TILES_BY_NATURE,) if application.repair_seams and request.provider == "offline" else ()
    return with_further(price, request, application, registry, seen), (*warnings, *notes)


def further_id(job: str, kind: str) -> str:
    """The id of the further job of a kind."""
    return f"{job}-{kind}"


def further_folder(folder: Path, kind: str) -> Path | None:
    """The result folder of a further job, beside that of its job or, after midnight, in the next month's."""
    found = next(folder.parent.parent.glob(f"*/{further_id(folder.name, kind)}/{ANSWER_FILE}"), None)
    return found.parent if found else None


def further_jobs(folder: Path) -> tuple[str, ...]:
    """The further jobs that answered."""
    found = folder.parent.parent.glob(f"*/{further_id(folder.name, '*')}/{ANSWER_FILE}")
    return tuple(sorted(answer.parent.name for answer in found if answer.parent.suffix != PART_SUFFIX))


def answer_of(folder: Path, kind: str) -> bytes | None:
    """The encoded picture that a further job brought."""
    found = further_folder(folder, kind)
    picture = next(found.glob(f"{PICTURE_STEM}1.*"), None) if found else None
    return read_file(picture) if picture else None
