"""From the request that was made to the one that is sent: sizes that a model takes, room for a cut.

A `CheckedRequest` holds both, and all else that was worked out: nobody after works any of it out again.

Known without looking at pixels, so that pricing and submitting load nothing that handles them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import InvalidRequestError
from ..references.kinds import deciding_reference
from ..text.message import message
from .models import Model, Registry, gif_frames
from .parameters import DROPPABLE, PIXEL_FORMATS, PROMPT_LIMIT, SNAPPED
from .pricing import Estimate
from .providers import find_provider
from .request import GenerationRequest
from .sizes import (
    LIKE_DETAIL,
    SMALLEST,
    format_size,
    is_like,
    is_open,
    like_detail,
    parse_size,
    same_aspect,
    source_size,
)

NO_SHEET = (
    "Image and height can't be asked for as one sheet here (its size, references, previews, transparency or "
    "another kind of image): the height is a request of its own."
)


class SentCrop(Protocol):
    """The part of the first reference that is sent, see `core.editing.crops.Crop`."""

    @property
    def sent(self) -> tuple[int, int]:
        """The size in which it is sent."""
        ...

    def locate(self, x: float, y: float) -> tuple[float, float] | None:
        """Where a place of the whole image is in it, both from 0 to 1 from the lower left; None outside."""
        ...


@dataclass(frozen=True)
class CheckedRequest:
    """What travels from the button to the journal and to the provider."""

    wanted: GenerationRequest
    """As the user made it; names provider and model."""
    sent: GenerationRequest
    """What the provider is asked for: in a size that the model takes, with room for a cut."""
    prompt: str
    """The words that are sent."""
    model: Model
    price: Estimate
    """Of all that the result needs."""
    warnings: tuple[str, ...] = ()
    """Each a sentence."""
    crops: tuple[SentCrop, ...] = ()
    """Of a masked edit: the first is sent with this request, the others with follow-up requests."""

    def with_references(self, references: Sequence[str]) -> CheckedRequest:
        """The same with files in place of the names of captures, whose sizes its price knows.

        :param references: paths of as many files.
        """
        paths = tuple(references)
        return dataclasses.replace(
            self,
            wanted=dataclasses.replace(self.wanted, references=paths),
            sent=dataclasses.replace(self.sent, references=paths),
        )


def apply_like_size(
    request: GenerationRequest,
    registry: Registry,
    sizes: Sequence[tuple[int, int]],
    frame: Sequence[int] | None = None,
) -> GenerationRequest:
    """The request with the size that ``like`` means: the shape of the reference that decides.

    It has the detail that was asked for, but no more pixels than that image, or a megapixel.

    :param request: one that names its model.
    :param sizes: width and height in pixels of its images, in the order of `GenerationRequest.files`.
    :param frame: width and height in pixels of the camera's frame, where it is that which the image shows.
    :returns: the same where its size is another one.
    :raises InvalidRequestError: no reference decides.
    """
    if not is_like(request.size):
        return request
    detail = like_detail(request.size)
    number = deciding_reference(
        request.reference_kinds, len(request.references), is_masked=request.mask is not None
    )
    if number is None:
        raise InvalidRequestError(
            "The size 'like' takes the shape of a reference, and none is of a kind that decides it."
            if request.references
            else "The size 'like' takes the shape of a reference, and there is none.",
            code="missing_picture",
            param="size",
            next_step="Add a reference, or name a size such as 1536x1024.",
        )
    width, height = sizes[number]
    shown = frame[0] * frame[1] if frame else width * height
    rule = registry.likely_size_rule(request.model, gif_frames(request))
    size = rule.like(width, height, min(detail, max(shown, LIKE_DETAIL)))
    return dataclasses.replace(request, size=format_size(*size))


def effective_request(
    request: GenerationRequest, registry: Registry
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """The request that goes to the server, and what to tell about it beforehand.

    :raises InvalidRequestError: the size can't be read, or no tile of that size is made.
    """
    if not request.height_sheet:
        return _with_room(request, registry)
    size = sheet_size(request, registry)
    if size is not None:
        return dataclasses.replace(request, size=format_size(*size)), ()
    sent, notes = _with_room(dataclasses.replace(request, height_sheet=False), registry)
    return sent, (*notes, NO_SHEET) if find_provider(request.provider).needs_height else notes


def _with_room(request: GenerationRequest, registry: Registry) -> tuple[GenerationRequest, tuple[str, ...]]:
    """See `effective_request`, of one image."""
    if not is_cut(request) or is_open(request.size):
        return request, ()
    wanted = parse_size(request.size)
    check_tile_size(wanted)
    asked = source_size(*wanted)
    rule = registry.size_rule(registry.get(request.model))
    sent = asked if rule.problem(*asked) is None else rule.nearest(*asked)
    notes: tuple[str, ...] = ()
    if sent[0] < asked[0] or sent[1] < asked[1]:
        notes = (
            message(
                "No tile of {size} can be cut from {image_size}: it will be enlarged.",
                size=request.size,
                image_size=format_size(*sent),
            ),
        )
    return dataclasses.replace(request, size=format_size(*sent)), notes


def sheet_size(request: GenerationRequest, registry: Registry) -> tuple[int, int] | None:
    """Width and height in pixels of the sheet of image and height that is asked for.

    :returns: None where each is asked for alone: no sheet is wanted, or the model paints none of that size.
    :raises InvalidRequestError: the size can't be read, or no tile of that size is made.
    """
    if not request.height_sheet or is_open(request.size) or not _can_be_sheet(request):
        return None
    size = parse_size(request.size)
    if is_cut(request):
        check_tile_size(size)
        size = source_size(*size)
    rule = registry.size_rule(registry.get(request.model))
    sheet = 2 * size[0], size[1]
    if rule.problem(*sheet) is None:
        return sheet
    grown = rule.nearest(*sheet)
    is_larger = grown[0] >= sheet[0] and grown[1] >= sheet[1]
    return grown if is_cut(request) and is_larger and same_aspect(grown, sheet) else None


def _can_be_sheet(request: GenerationRequest) -> bool:
    """Whether a request is for a new image of pixels: what is shown to the model has no second half, previews
    would show both, and a height has no transparency."""
    is_plain = request.output_format in PIXEL_FORMATS and request.background != "transparent"
    is_alone = not (request.files or request.partial_images or request.workflow or request.panorama)
    return is_plain and is_alone and find_provider(request.provider).needs_height


def is_cut(request: GenerationRequest) -> bool:
    """Whether the result of a request is made seamless after it has arrived."""
    return request.seamless and not find_provider(request.provider).tiles_by_nature


def tile_size(request: GenerationRequest) -> tuple[int, int] | None:
    """(width, height) of the tiles of a request; None for as large as the cut leaves them."""
    return None if is_open(request.size) else parse_size(request.size)


def check_tile_size(size: tuple[int, int]) -> None:
    """:raises InvalidRequestError: no tile of this (width, height) is made."""
    least, most = 2 * SMALLEST, 8192
    if min(size) < least or max(size) > most:
        raise InvalidRequestError(
            message(
                "A tile has {least} to {most} pixels an edge, not {width}x{height}.",
                least=least,
                most=most,
                width=size[0],
                height=size[1],
            ),
            code="invalid_value",
            param="size",
        )


def check_length(prompt: str) -> None:
    """:raises InvalidRequestError: a prompt is too long with all that joins it."""
    if len(prompt) > PROMPT_LIMIT:
        raise InvalidRequestError(
            message(
                "With the words that join it the prompt has {count} characters; {limit} is the limit.",
                count=f"{len(prompt):,}",
                limit=f"{PROMPT_LIMIT:,}",
            ),
            param="prompt",
            next_step="Shorten the prompt, or the labels of its references.",
        )


def snap_to_model(
    request: GenerationRequest, registry: Registry, names: Collection[str] = SNAPPED
) -> GenerationRequest:
    """The request in its own size where the model takes it, else in the nearest, and without what it has not.

    :param request: one that names its model.
    :param names: those of `SNAPPED` that may change.
    :raises InvalidRequestError: it names no size.
    """
    model = registry.get(request.model)
    changes: dict[str, Any] = {
        row.name: None
        for row in DROPPABLE
        if row.name in names and getattr(request, row.name) not in row.taken_by(model)
    }
    if "size" in names and not is_open(request.size):
        rule = registry.size_rule(model, gif_frames(request))
        size = parse_size(request.size)
        if rule.problem(*size) is not None:
            changes["size"] = format_size(*rule.nearest(*size))
    return dataclasses.replace(request, **changes)
