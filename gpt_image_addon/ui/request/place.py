"""Where the result will go: a line above the button, which opens the choices that there are."""

from __future__ import annotations

from typing import Any

import bpy

from ...app import results
from ...core.request.targets import find_target, list_family
from ...core.text.message import message
from ..common.translate import translate
from ..references import inpaint
from . import to_parameters


def draw(layout: Any, context: bpy.types.Context) -> None:
    """The line: a popover where something can be chosen, else a label, which is as high."""
    values = context.scene.gpt_image
    objects = to_parameters.receivers(context)
    place, is_odd = results.describe_place(
        context.active_object,
        values.target,
        objects,
        new_material=values.new_material,
        places=len(values.decal_places),
    )
    inpainted = inpaint.find(values)
    if inpainted is not None:
        place, is_odd = message("In place of {image}", image=inpainted[0].name), False
    tiled = inpaint.replaced_tiles(values)
    if tiled is not None:
        place, is_odd = message("In place of a tile of {image}", image=tiled.name), False
    row = layout.row(align=True)
    icon = "ERROR" if is_odd else "FORWARD"
    onto_object = bool(objects) and find_target(values.target).onto_object
    if inpainted is None and (onto_object or len(list_family(values.target)) > 1):
        row.popover(GPT_IMAGE_PT_place.__name__, text=translate(place), icon=icon, translate=False)
    else:
        said = row.row()
        said.active = is_odd
        said.label(text=translate(place), icon=icon, translate=False)
    if find_target(values.target).is_decal:
        # Not in the popover: one stays open while such a tool runs, and takes the next click for itself.
        row.operator("gpt_image.place_decal", text="", icon="RESTRICT_SELECT_OFF")


class GPT_IMAGE_PT_place(bpy.types.Panel):
    """Choose what is made, or the objects, the material slot, and whether the material there is changed"""

    bl_label = "Where It Goes"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"
    bl_options = {"INSTANCED"}  # noqa: RUF012
    bl_ui_units_x = 12

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        values = context.scene.gpt_image
        family = list_family(values.target)
        if len(family) > 1:
            layout.label(text="Make")
            column = layout.column(align=True)
            for name in family:
                column.prop_enum(values, "target", name)
        if to_parameters.is_drawing(values):
            layout.operator_context = "INVOKE_DEFAULT"
            layout.operator("gpt_image.import_curves", text="Import SVG File...", icon="FILE_FOLDER")
        if find_target(values.target).is_animated:
            layout.operator_context = "INVOKE_DEFAULT"
            layout.operator("gpt_image.import_sprite", text="Import Images or GIF...", icon="FILE_FOLDER")
        if not find_target(values.target).onto_object:
            return
        objects = to_parameters.receivers(context)
        layout.label(text="Where It Goes")
        row = layout.row(align=True)
        row.enabled = len(results.receivers(context)) > 1
        row.prop(values, "onto", expand=True)
        if not objects or find_target(values.target).is_decal:
            return
        _draw_slots(layout, objects)
        if not find_target(values.target).is_surface:
            layout.prop(values, "new_material")


def _draw_slots(layout: Any, objects: list[bpy.types.Object]) -> None:
    """The slots of the object; of several, each gets the result in the slot that is its active one."""
    obj = objects[0]
    layout.label(text=obj.name, icon="OBJECT_DATA", translate=False)
    if obj.mode == "EDIT":
        layout.label(text="On the faces that are selected")
    elif len(obj.material_slots) > 1:
        layout.template_list(
            "MATERIAL_UL_matslots", "", obj, "material_slots", obj, "active_material_index", rows=3
        )
    elif obj.active_material is None:
        layout.label(text="It has no material yet.")
    else:
        layout.label(text=obj.active_material.name, icon="MATERIAL", translate=False)


CLASSES = (GPT_IMAGE_PT_place,)
