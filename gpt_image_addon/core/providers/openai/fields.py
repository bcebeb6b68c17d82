"""The fields of a request to the Images API, without its images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...request.parameters import PARAMETERS
from ...request.request import GenerationRequest


def _svg(request: GenerationRequest) -> dict[str, Any] | None:
    if request.svg_model is None:
        return None
    effort = request.svg_reasoning_effort
    return {"model": request.svg_model} | ({"reasoning": {"effort": effort}} if effort else {})


_OWN: Mapping[str, Callable[[GenerationRequest], Any]] = {
    "stream": lambda request: request.is_streamed or None,
    "svg": _svg,
}
"""Fields that are no parameter as it stands."""
_FIRST = ("model", "stream", "prompt")
_REST = _OWN.keys() | {row.name for row in PARAMETERS.values() if row.field}
FIELDS = (*_FIRST, *sorted(_REST - set(_FIRST)))
"""In the order of the official client."""
GENERATION_ONLY = frozenset({"moderation"})
EDIT_ONLY = frozenset(row.name for row in PARAMETERS.values() if row.needs == "references")


def make_fields(request: GenerationRequest, prompt: str) -> dict[str, Any]:
    """The fields of a request, without its images.

    :param prompt: the words to send in place of the request's own.
    """
    foreign = GENERATION_ONLY if request.is_edit else EDIT_ONLY
    found = {name: _read_value(name, request) for name in FIELDS if name not in foreign}
    found["prompt"] = prompt
    return {name: value for name, value in found.items() if value is not None}


def _read_value(name: str, request: GenerationRequest) -> Any:
    """The value of a field; None, which also stands for the API's own default, is left out."""
    if name in _OWN:
        return _OWN[name](request)
    value, row = getattr(request, name), PARAMETERS[name]
    return None if row.field == "changed" and value == row.default else value
