"""From the panel's values to the parameters of `api.submit`: the last look at bpy before a job runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import settings
from . import choices

Values = Any
"""A `GPT_IMAGE_PG_request`."""


def provider_of(values: Values) -> str:
    """The provider that a click on Generate would use."""
    if values.provider != "auto":
        return str(values.provider)
    return "openai" if settings.has_key() else "offline"


def prompt_of(values: Values) -> str:
    """The prompt: that of the text data-block where one is chosen."""
    return values.prompt_text.as_string().strip() if values.prompt_text else str(values.prompt)


def plain(values: Values) -> dict[str, Any]:
    """Everything but pictures: what the price depends on. Reads properties alone, so drawing may call it."""
    found = {
        "prompt": prompt_of(values),
        "provider": provider_of(values),
        "model": values.model.strip(),
        "target": values.target,
        "size": choices.asked_size(values),
        "quality": values.quality,
        "background": values.background,
        "n": values.n,
        "seamless": values.seamless,
        "output_format": values.output_format,
        "moderation": values.moderation,
        "partial_images": values.partial_images,
    }
    optional = {
        "style": "" if values.style == choices.NO_STYLE else values.style,
        "complexity": "" if values.complexity == choices.UNSET else values.complexity,
        "input_fidelity": "" if values.input_fidelity == choices.UNSET else values.input_fidelity,
        "safety_identifier": values.safety_identifier,
        "name": values.name,
    }
    found |= {name: value for name, value in optional.items() if value}
    if values.seamless and values.repair_seams and found["provider"] != "offline":
        found["repair_seams"] = True
    if values.output_format != "png":
        found["output_compression"] = values.output_compression
    if values.target == "material":
        found["maps"] = tuple(sorted(values.maps))
    return found


def place(context: bpy.types.Context) -> dict[str, Any]:
    """Where the result goes."""
    values = context.scene.gpt_image
    active = context.active_object
    found: dict[str, Any] = {
        "object_uid": active.session_uid if active is not None else None,
        "scene_uid": context.scene.session_uid,
        "view_matrix": _view_matrix(context),
    }
    if values.textures_dir:
        found["textures_dir"] = Path(bpy.path.abspath(values.textures_dir))
    return found


def _view_matrix(context: bpy.types.Context) -> tuple[float, ...] | None:
    view = getattr(context, "region_data", None)
    if view is None:
        return None
    return tuple(value for row in view.view_matrix.inverted() for value in row)
