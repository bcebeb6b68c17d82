"""A form's request, brought to what the chosen model takes: what it hides must not stand in the way."""

from __future__ import annotations

import dataclasses

from .models import Model, Registry, gif_frames
from .request import GenerationRequest
from .sizes import AUTO, format_size, parse_size


def fitted(request: GenerationRequest, model: Model, registry: Registry) -> GenerationRequest:
    """The request in its own size where the model takes it, else in the nearest, and without what it has not.

    :raises InvalidRequestError: it names no size.
    """
    return dataclasses.replace(
        request,
        size=_nearest(request, model, registry),
        complexity=request.complexity if request.complexity in model.complexities else None,
        input_fidelity=request.input_fidelity if request.input_fidelity in model.input_fidelities else None,
    )


def _nearest(request: GenerationRequest, model: Model, registry: Registry) -> str:
    if request.size == AUTO:
        return request.size
    rule = registry.size_rule(model, gif_frames(request))
    size = parse_size(request.size)
    return request.size if rule.problem(*size) is None else format_size(*rule.nearest(*size))
