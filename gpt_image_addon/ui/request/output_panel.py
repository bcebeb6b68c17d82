"""Parts of the main panel: what comes back and where it goes, and what only some models take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.request.parameters import ANIMATED_OR_DRAWN, COMPRESSED_FORMATS
from ...core.request.providers import find_provider
from ...core.request.targets import find_target
from ..common import enum_items
from ..common.widgets import draw_choice

if TYPE_CHECKING:
    from .quote import Quote


def draw_output(layout: Any, values: Any, found: Quote) -> None:
    """Name, format of the file, previews, copies."""
    layout.prop(values, "name")
    draw_choice(layout, values, "output_format", None if _offers_files(found) else enum_items.PIXEL_FORMATS)
    chosen = values.output_format
    if chosen in COMPRESSED_FORMATS:
        layout.prop(values, "output_compression", slider=True)
    if chosen == "gif":
        column = layout.column(align=True)
        column.prop(values, "frame_count")
        column.prop(values, "frame_duration_ms")
    if chosen == "svg":
        layout.prop(values, "svg_model")
        row = layout.row()
        row.active = bool(values.svg_model)
        row.prop(values, "svg_reasoning_effort")
    if chosen not in ANIMATED_OR_DRAWN:
        layout.prop(values, "partial_images")
        if values.partial_images:
            layout.prop(values, "previews_in_target")
        if values.n > 1:
            layout.prop(values, "stream")
    layout.prop(values, "textures_dir")
    if find_target(values.target).maps:
        column = layout.column()
        for name in ("bits", "convention", "pack"):
            column.prop(values, name)


def _offers_files(found: Quote) -> bool:
    return found.model is not None and found.model.vector


def draw_advanced(layout: Any, values: Any, found: Quote) -> None:
    """Only what the chosen model takes."""
    layout.prop(values, "model", placeholder=found.model.id if found.model else "")
    is_moderated = find_provider(found.provider).is_moderated
    if is_moderated:
        layout.prop(values, "moderation")
    if found.model and found.model.complexities:
        draw_choice(layout, values, "complexity", (enum_items.UNSET, *found.model.complexities))
    if found.model and found.model.input_fidelities and len(values.references):
        draw_choice(layout, values, "input_fidelity", (enum_items.UNSET, *found.model.input_fidelities))
    if is_moderated:
        layout.prop(values, "safety_identifier")
