"""A part of the main panel: the maps of a material, before it is made and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...core.request.parameters import STRENGTHS
from ...core.request.providers import find_provider
from ...core.request.targets import find_target
from . import maps

if TYPE_CHECKING:
    from .quote import Quote


STRENGTH_LABELS = ("Normal", "Height", "AO", "Roughness")
"""By `STRENGTHS`: short enough for a narrow sidebar."""


def draw_maps(layout: Any, values: Any, found: Quote) -> None:
    """Which maps there are and how strong; the same strengths can be given to a material that is there."""
    has_maps = bool(find_target(values.target).maps)
    if has_maps:
        layout.column().prop(values, "maps")
        column = layout.column()
        column.prop(values, "displacement")
        column.prop(values, "texture_size")
        if not find_provider(found.provider).knows_height:
            column.prop(values, "height_by_model")
    else:
        layout.label(text="Maps are made for the target Material", icon="INFO")
    material = maps.active_material(bpy.context)
    if not has_maps and (material is None or not api.can_remake(material.name)):
        return
    strengths = layout.column(align=True)
    strengths.label(text="Strengths")
    for name, text in zip(STRENGTHS, STRENGTH_LABELS, strict=True):
        strengths.prop(values, name, text=text, slider=True)
    layout.operator(maps.GPT_IMAGE_OT_remake_material.bl_idname, icon="FILE_REFRESH")
