"""Where a decal lies, by a click on a surface: of one that is there, else of the next."""

from __future__ import annotations

import bpy
from bpy.props import FloatVectorProperty, StringProperty
from bpy_extras import view3d_utils

from ... import api
from ...app.decals import baking, moving
from ..common import sidebar
from ..common.operator import FINISHED, Returned, reporting, waiting
from ..common.translate import translate

HINT = "Click on a surface to put the decal there; Enter or Esc ends."
ENDS = frozenset({"ESC", "RET", "NUMPAD_ENTER", "RIGHTMOUSE"})


class GPT_IMAGE_OT_place_decal(bpy.types.Operator):
    """Put the active decal where you click, cut anew out of what is there; without one, choose where the
    next decal comes: the 3D cursor goes there, and the object becomes the active one"""

    bl_idname = "gpt_image.place_decal"
    bl_label = "Place Decal"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    at: FloatVectorProperty(
        name="Place", description="Middle of the decal", subtype="XYZ_LENGTH", options={"SKIP_SAVE"}
    )
    onto: StringProperty(name="Object", description="What the decal is put on", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.mode != "OBJECT":
            cls.poll_message_set("Go to Object Mode first.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        context.workspace.status_text_set(translate(HINT))
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        if event.type in ENDS and event.value == "PRESS":
            self.cancel(context)
            return {"CANCELLED"}
        view = _find_view(context, event.mouse_x, event.mouse_y)
        if event.type != "LEFTMOUSE" or view is None:
            return {"PASS_THROUGH"}
        if event.value != "PRESS":
            return {"RUNNING_MODAL"}
        with waiting(context):  # for a dense mesh it takes longer than a frame
            found = _cast(context, *view, (event.mouse_x, event.mouse_y))
        if found is None:
            context.window.cursor_modal_set("CROSSHAIR")
            return {"RUNNING_MODAL"}
        self.cancel(context)
        self.onto, self.at = found
        return self._place(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing on the screen; Blender calls it, too, when it ends the operator."""
        context.workspace.status_text_set(None)
        context.window.cursor_modal_restore()

    def execute(self, context: bpy.types.Context) -> Returned:
        return self._place(context)

    @reporting
    def _place(self, context: bpy.types.Context) -> Returned | None:
        active = context.active_object
        if moving.is_decal(active) and not baking.is_baked(active):
            with waiting(context):
                api.move_decal(active.name, tuple(self.at), object_name=self.onto or None)
            return FINISHED
        context.scene.cursor.location = self.at
        onto = context.view_layer.objects.get(self.onto)
        if onto is not None:
            for obj in context.selected_objects:
                obj.select_set(False)
            onto.select_set(True)
            context.view_layer.objects.active = onto
        sidebar.redraw()
        return FINISHED


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


CLASSES = (GPT_IMAGE_OT_place_decal,)
