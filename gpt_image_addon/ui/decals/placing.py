"""Where a decal lies, by clicks on surfaces: of one that is there, else of the next ones."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, FloatVectorProperty, StringProperty
from bpy_extras import view3d_utils

from ... import api
from ...app.decals import baking, moving
from ...core.text.message import message
from ..common import sidebar
from ..common.operator import FINISHED, Returned, reporting, waiting
from ..common.translate import translate
from ..points import overlay

HINT = "Click on a surface to put the decal there; Enter or Esc ends."
SEVERAL = "Click where the decal comes, with Shift where several come; Enter or Esc ends."
ENDS = frozenset({"ESC", "RET", "NUMPAD_ENTER", "RIGHTMOUSE"})


class GPT_IMAGE_OT_place_decal(bpy.types.Operator):
    """Put the active decal where you click, cut anew out of what is there; without one, choose where the
    next decal comes: the 3D cursor goes there, and the object becomes the active one. Shift-click chooses
    several places, each of which gets the next image"""

    bl_idname = "gpt_image.place_decal"
    bl_label = "Place Decal"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    at: FloatVectorProperty(
        name="Place", description="Middle of the decal", subtype="XYZ_LENGTH", options={"SKIP_SAVE"}
    )
    onto: StringProperty(name="Object", description="What the decal is put on", options={"SKIP_SAVE"})
    is_further: BoolProperty(
        name="Further Place", description="Keep the places that were chosen", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.mode != "OBJECT":
            cls.poll_message_set("Go to Object Mode first.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        self._added = 0
        context.workspace.status_text_set(translate(HINT if _find_moved(context) else SEVERAL))
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        self._markers = bpy.types.SpaceView3D.draw_handler_add(
            _draw_places, (context.scene.gpt_image,), "WINDOW", "POST_PIXEL"
        )
        sidebar.redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        if event.type in ENDS and event.value == "PRESS":
            self.cancel(context)
            return FINISHED if self._added else {"CANCELLED"}
        view = _find_view(context, event.mouse_x, event.mouse_y)
        if event.type != "LEFTMOUSE" or view is None:
            return {"PASS_THROUGH"}
        if event.value != "PRESS":
            return {"RUNNING_MODAL"}
        with waiting(context):  # for a dense mesh it takes longer than a frame
            found = _cast(context, *view, (event.mouse_x, event.mouse_y))
        goes_on = event.shift and _find_moved(context) is None
        if found is None or goes_on:
            context.window.cursor_modal_set("CROSSHAIR")
        if found is None:
            return {"RUNNING_MODAL"}
        self.onto, self.at = found
        self.is_further = self._added > 0
        if goes_on:
            self._place_next(context, is_one_of_several=True)
            self._added += 1
            return {"RUNNING_MODAL"}
        self.cancel(context)
        return self._place(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing on the screen; Blender calls it, too, when it ends the operator."""
        context.workspace.status_text_set(None)
        context.window.cursor_modal_restore()
        bpy.types.SpaceView3D.draw_handler_remove(self._markers, "WINDOW")
        sidebar.redraw()

    def execute(self, context: bpy.types.Context) -> Returned:
        return self._place(context)

    @reporting
    def _place(self, context: bpy.types.Context) -> Returned | None:
        decal = _find_moved(context)
        if decal is not None:
            with waiting(context):
                api.move_decal(decal.name, tuple(self.at), object_name=self.onto or None)
            return FINISHED
        self._place_next(context, is_one_of_several=self.is_further)
        return FINISHED

    def _place_next(self, context: bpy.types.Context, *, is_one_of_several: bool) -> None:
        """Choose where the next decal comes; a further place is one beside those that were chosen."""
        places = context.scene.gpt_image.decal_places
        if not self.is_further:
            places.clear()
        if is_one_of_several:
            places.add().at = self.at
        context.scene.cursor.location = self.at
        onto = context.view_layer.objects.get(self.onto)
        if onto is not None:
            for obj in () if self.is_further else context.selected_objects:
                obj.select_set(False)
            onto.select_set(True)
            context.view_layer.objects.active = onto
        sidebar.redraw()


class GPT_IMAGE_OT_clear_decal_places(bpy.types.Operator):
    """Forget the places that were chosen: the next decal comes to the 3D cursor"""

    bl_idname = "gpt_image.clear_decal_places"
    bl_label = "Clear Places"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> Returned:
        context.scene.gpt_image.decal_places.clear()
        return FINISHED


def draw_places(layout: Any, values: Any) -> None:
    """How many places were chosen, and a cross that forgets them."""
    if not len(values.decal_places):
        return
    row = layout.row()
    row.label(
        text=translate(message("Places: {count}", count=len(values.decal_places))),
        icon="STICKY_UVS_LOC",
        translate=False,
    )
    row.operator(GPT_IMAGE_OT_clear_decal_places.bl_idname, text="", icon="X", emboss=False)


def _find_moved(context: bpy.types.Context) -> bpy.types.Object | None:
    """The decal that a click moves."""
    active = context.active_object
    return active if moving.is_decal(active) and not baking.is_baked(active) else None


def _draw_places(values: Any) -> None:
    """The places that were chosen, numbered, over the 3D view that is drawn."""
    region, view = bpy.context.region, bpy.context.region_data
    if view is not None:
        found = (
            view3d_utils.location_3d_to_region_2d(region, view, place.at) for place in values.decal_places
        )
        overlay.draw_numbers([tuple(at) if at is not None else None for at in found])


def _find_view(
    context: bpy.types.Context, x: int, y: int
) -> tuple[bpy.types.Region, bpy.types.RegionView3D] | None:
    """The part of a 3D view under the mouse that shows the scene."""
    for area in context.screen.areas:
        if area.type != "VIEW_3D":
            continue
        inside = [r for r in area.regions if r.x <= x < r.x + r.width and r.y <= y < r.y + r.height]
        if inside and all(region.type == "WINDOW" for region in inside):
            return inside[0], area.spaces.active.region_3d
    return None


def _cast(
    context: bpy.types.Context,
    region: bpy.types.Region,
    view: bpy.types.RegionView3D,
    mouse: tuple[int, int],
) -> tuple[str, tuple[float, float, float]] | None:
    """The object under the mouse, and where on it; of a decal the one that it is on."""
    place = mouse[0] - region.x, mouse[1] - region.y
    origin = view3d_utils.region_2d_to_origin_3d(region, view, place)
    direction = view3d_utils.region_2d_to_vector_3d(region, view, place)
    depsgraph = context.evaluated_depsgraph_get()
    is_hit, point, _, _, obj, _ = context.scene.ray_cast(depsgraph, origin, direction)
    if not is_hit:
        return None
    original = obj.original
    onto = original.parent if moving.is_decal(original) else original
    return onto.name, tuple(point)


CLASSES = (GPT_IMAGE_OT_place_decal, GPT_IMAGE_OT_clear_decal_places)
