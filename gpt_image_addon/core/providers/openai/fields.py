"""The fields of a request to the Images API, without its pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...request.request import GenerationRequest


def _svg(request: GenerationRequest) -> dict[str, Any] | None:
    if request.svg_model is None:
        return None
    effort = request.svg_reasoning_effort
    return {"model": request.svg_model} | ({"reasoning": {"effort": effort}} if effort else {})


def _unless(default: object, name: str) -> Callable[[GenerationRequest], Any]:
    def value(request: GenerationRequest) -> Any:
        found = getattr(request, name)
        return None if found == default else found

    return value


_ALWAYS: object = object()
PARAMETERS: tuple[tuple[str, Callable[[GenerationRequest], Any]], ...] = (
    ("model", _unless(_ALWAYS, "model")),
    ("stream", lambda request: request.is_streamed or None),
    ("prompt", _unless(_ALWAYS, "prompt")),
    ("background", _unless("auto", "background")),
    ("complexity", _unless(None, "complexity")),
    ("frame_count", _unless(None, "frame_count")),
    ("frame_duration_ms", _unless(None, "frame_duration_ms")),
    ("input_fidelity", _unless(None, "input_fidelity")),
    ("moderation", _unless("auto", "moderation")),
    ("n", _unless(_ALWAYS, "n")),
    ("output_compression", _unless(None, "output_compression")),
    ("output_format", _unless("png", "output_format")),
    ("partial_images", _unless(0, "partial_images")),
    ("quality", _unless(_ALWAYS, "quality")),
    ("safety_identifier", _unless(None, "safety_identifier")),
    ("size", _unless(_ALWAYS, "size")),
    ("svg", _svg),
)
"""The API's parameters in the order of the official client, and where their values come from. None, which
also stands for the API's own default, is left out."""
GENERATION_ONLY = frozenset({"moderation"})
EDIT_ONLY = frozenset({"input_fidelity"})


def parameters(request: GenerationRequest, prompt: str) -> dict[str, Any]:
    """The fields of a request, without its pictures.

    :param prompt: the words to send in place of the request's own.
    """
    foreign = GENERATION_ONLY if request.is_edit else EDIT_ONLY
    found = {name: value(request) for name, value in PARAMETERS if name not in foreign}
    found["prompt"] = prompt
    return {name: value for name, value in found.items() if value is not None}
