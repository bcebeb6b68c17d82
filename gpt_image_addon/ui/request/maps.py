"""The maps of a material: a part of the main panel, and the operator on those that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bpy

from ... import api
from ...core.request.parameters import PARAMETERS, Parameter
from ...core.request.targets import find_target
from ...core.text.message import message
from ..common.operator import FINISHED, Returned, reporting
from ..common.translate import translate
from ..common.widgets import draw_sentence, sidebar_width
from ..materials import tuning
from ..materials.tuning import active_material
from . import to_parameters
from .sections import Draw, draw_section

if TYPE_CHECKING:
    from .quote import Quote


class GPT_IMAGE_OT_remake_material(bpy.types.Operator):
    """Make the maps of the active material anew with these strengths; nothing is sent and nothing paid"""

    bl_idname = "gpt_image.remake_material"
    bl_label = "Apply Strengths to Material"
    bl_options = {"REGISTER"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        material = active_material(context)
        if material is None:
            cls.poll_message_set("The active object has no material.")
            return False
        if not api.can_remake(material.name):
            cls.poll_message_set("The active material was not made from a result with maps.")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        job = api.submit_remake(
            active_material(context).name, **to_parameters.strengths(context.scene.gpt_image)
        )
        if bpy.app.background:
            job.wait()
        return FINISHED


def draw_surface(layout: Any, values: Any, found: Quote) -> None:
    """How it tiles, its maps and their strengths, which a material that is there can have, too."""
    tuning.draw(layout, active_material(bpy.context))
    has_maps = bool(find_target(values.target).maps)
    draw_section(layout, values, found, "surface", OWN)
    if not has_maps:
        layout.label(text="A Material also has maps", icon="INFO")
    material = active_material(bpy.context)
    if not has_maps and (material is None or not api.can_remake(material.name)):
        return
    strengths = layout.column(align=True)
    strengths.label(text="Strengths")
    for row in PARAMETERS.values():
        if row.panel is not None and row.panel.section == "strengths" and _is_shown(row, values):
            strengths.prop(values, row.name, text=row.panel.short or row.panel.label, slider=True)
    layout.operator(GPT_IMAGE_OT_remake_material.bl_idname, icon="FILE_REFRESH")


def _is_shown(row: Parameter, values: Any) -> bool:
    """Relief takes the place of the factors of normals and height; where they are set they are seen."""
    return row.name not in BY_RELIEF or getattr(values, row.name) != row.default


def _draw_relief(layout: Any, values: Any, found: Quote) -> None:
    column = layout.column(align=True)
    column.prop(values, "relief")
    usual = tuning.usual_relief(to_parameters.read_prompt(values))
    if not values.relief and usual:
        row = column.row()
        row.active = False
        row.label(text=translate(message("Usually some {depth} mm", depth=f"{usual:g}")), translate=False)


def _draw_sheet(layout: Any, values: Any, found: Quote) -> None:
    """The choice, and which way the request will go."""
    if not values.height_by_model:
        return
    column = layout.column(align=True)
    column.prop(values, "height_sheet")
    if found.request is None or found.problem:
        return
    text = message("Two requests")
    if found.sheet:
        text = message("One request: {size}", size=found.sheet.replace("x", " × "))
    row = column.row()
    row.active = False
    row.label(text=translate(text), translate=False)


def _draw_words(layout: Any, values: Any, found: Quote) -> None:
    row = layout.row()
    row.active = to_parameters.is_surface(values)
    row.prop(values, "surface_words")
    draw_sentence(layout, to_parameters.added_words(values), "ADD", sidebar_width(bpy.context))


def _draw_kinds(layout: Any, values: Any, found: Quote) -> None:
    layout.column().prop(values, "maps")


OWN: Mapping[str, Draw] = {
    "surface_words": _draw_words,
    "maps": _draw_kinds,
    "relief": _draw_relief,
    "height_sheet": _draw_sheet,
}
BY_RELIEF = ("normal_strength", "height_strength")

CLASSES = (GPT_IMAGE_OT_remake_material,)
