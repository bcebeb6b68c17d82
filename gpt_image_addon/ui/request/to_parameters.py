"""From the panel's values to the parameters of `api.submit`: the last look at bpy before a job runs."""

from __future__ import annotations

from typing import Any

import bpy

from ...app import settings
from ...core.request.parameters import COMPRESSED_FORMATS, STRENGTHS
from ...core.request.providers import choose_provider, find_provider
from ...core.request.targets import find_target
from ..common import enum_items

SAME_NAME = ("target", "quality", "background", "n", "seamless", "output_format", "moderation")
"""Properties that are parameters as they stand."""

Values = Any
"""A `GPT_IMAGE_PG_request`."""


def provider_of(values: Values) -> str:
    """The provider that a click on Generate would use."""
    if values.provider != enum_items.AUTOMATIC:
        return str(values.provider)
    return choose_provider(has_key=settings.has_key())


def prompt_of(values: Values) -> str:
    """The prompt: that of the text data-block where one is chosen."""
    return values.prompt_text.as_string().strip() if values.prompt_text else str(values.prompt)


def plain(values: Values) -> dict[str, Any]:
    """Everything but pictures: what the price depends on. Reads properties alone, so drawing may call it."""
    found = {
        "prompt": prompt_of(values),
        "provider": provider_of(values),
        "model": values.model.strip(),
        "size": enum_items.asked_size(values),
        **{name: getattr(values, name) for name in SAME_NAME},
        **_of_format(values),
        **_of_target(values),
    }
    optional = {
        "style": "" if values.style == enum_items.NO_STYLE else values.style,
        "complexity": _chosen(values.complexity),
        "input_fidelity": _chosen(values.input_fidelity) if len(values.references) else "",
        "safety_identifier": values.safety_identifier.strip(),
        "name": values.name,
    }
    if values.seamless and values.repair_seams and find_provider(found["provider"]).repairs_seams:
        found["repair_seams"] = True
    return found | {name: value for name, value in optional.items() if value}


def _chosen(item: str) -> str:
    return "" if item == enum_items.UNSET else item


def _of_format(values: Values) -> dict[str, Any]:
    """What only some formats of the file have."""
    chosen = values.output_format
    if chosen == "gif":
        return {"frame_count": values.frame_count, "frame_duration_ms": values.frame_duration_ms}
    if chosen == "svg":
        model = values.svg_model.strip()
        effort = _chosen(values.svg_reasoning_effort) if model else ""
        return {"svg_model": model or None, "svg_reasoning_effort": effort or None}
    found = {"partial_images": values.partial_images, "stream": values.stream}
    found["previews_in_target"] = values.previews_in_target and values.partial_images > 0
    if chosen in COMPRESSED_FORMATS:
        found["output_compression"] = values.output_compression
    return found


def _of_target(values: Values) -> dict[str, Any]:
    """What only some targets have."""
    if not find_target(values.target).maps:
        return {}
    return {
        "maps": tuple(sorted(values.maps)),
        "displacement": values.displacement,
        "texture_size": values.texture_size or None,
        "height_by_model": values.height_by_model,
        "bits": int(values.bits),
        "pack": _chosen(values.pack) or None,
        "convention": values.convention,
        **strengths(values),
    }


def strengths(values: Values) -> dict[str, float]:
    """How strong the maps of a material are."""
    return {name: getattr(values, name) for name in STRENGTHS}


def place(context: bpy.types.Context) -> dict[str, Any]:
    """Where the result goes."""
    values = context.scene.gpt_image
    active = context.active_object
    found: dict[str, Any] = {
        "object_uid": active.session_uid if active is not None else None,
        "scene_uid": context.scene.session_uid,
        "view_matrix": _view_matrix(context),
    }
    folder = values.textures_dir or getattr(settings.preferences(), "textures_dir", "")
    if folder:
        found["textures_dir"] = folder
    return found


def _view_matrix(context: bpy.types.Context) -> tuple[float, ...] | None:
    view = getattr(context, "region_data", None)
    if view is None:
        return None
    return tuple(value for row in view.view_matrix.inverted() for value in row)
