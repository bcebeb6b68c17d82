"""From the request that was made to the one that is sent: sizes that a model takes, room for a cut.

Known without looking at pixels, so that pricing and submitting load nothing that handles them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from ..errors import InvalidRequestError
from ..text.message import message
from .models import Registry, gif_frames
from .parameters import DROPPABLE, SNAPPED
from .providers import find_provider
from .request import GenerationRequest
from .sizes import AUTO, SMALLEST, format_size, parse_size, source_size


def effective_request(
    request: GenerationRequest, registry: Registry
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """The request that goes to the server, and what to tell about it beforehand.

    :raises InvalidRequestError: the size can't be read, or no tile of that size is made.
    """
    if not is_cut(request) or request.size == AUTO:
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


def is_cut(request: GenerationRequest) -> bool:
    """Whether the result of a request is made seamless after it has arrived."""
    return request.seamless and not find_provider(request.provider).tiles_by_nature


def tile_size(request: GenerationRequest) -> tuple[int, int] | None:
    """(width, height) of the tiles of a request; None for as large as the cut leaves them."""
    return None if request.size == AUTO else parse_size(request.size)


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
    if "size" in names and request.size != AUTO:
        rule = registry.size_rule(model, gif_frames(request))
        size = parse_size(request.size)
        if rule.problem(*size) is not None:
            changes["size"] = format_size(*rule.nearest(*size))
    return dataclasses.replace(request, **changes)
