"""The operator that drags the rectangle of a mask over a 3D view."""

from __future__ import annotations

from typing import Any

import bpy

from ..common import sidebar
from ..common.operator import CANCELLED, FINISHED, Returned
from ..common.translate import translate
from . import rectangle_outline

SMALLEST = 0.01  # of the view
HINT = "Drag over what may change in a 3D view; Esc cancels."
Point = tuple[float, float]


class GPT_IMAGE_OT_draw_rectangle(bpy.types.Operator):
    """Draw the rectangle that may change over a 3D view"""

    bl_idname = "gpt_image.draw_rectangle"
    bl_label = "Draw Rectangle"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any(True for _ in _views(context)):
            cls.poll_message_set("There is no 3D view in this window.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        self._start: Point | None = None
        self._area = 0
        context.window.cursor_modal_set("CROSSHAIR")
        context.workspace.status_text_set(translate(HINT))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        here = event.mouse_x, event.mouse_y
        view = next((view for view in _views(context) if self._is_view(view, here)), None)
        if event.type in {"ESC", "RIGHTMOUSE"} or (view is None and self._area):
            self.cancel(context)
            return CANCELLED
        if view is None:
            return {"RUNNING_MODAL"}
        area, region = view
        at = rectangle_outline.share(region, here)
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            self._start, self._area = at, area.as_pointer()
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._start is not None:
            self.cancel(context)
            return self._finish(context, area, _between(self._start, at))
        elif self._start is not None:
            rectangle_outline.drag(area, _between(self._start, at))
            context.workspace.status_text_set(translate(HINT))  # a job that ends takes it away
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing on the screen; Blender calls it, too, when it ends the operator."""
        for area, _ in _views(context):
            if area.as_pointer() == self._area:
                rectangle_outline.drag(area, None)
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)

    def _is_view(self, view: tuple[Any, Any], point: Point) -> bool:
        """Whether it is the view that the rectangle was begun in, or else the one with the mouse in it."""
        area, region = view
        if self._area:
            return bool(area.as_pointer() == self._area)
        x, y = point[0] - region.x, point[1] - region.y
        return bool(0 <= x < region.width and 0 <= y < region.height)

    def _finish(
        self, context: bpy.types.Context, area: bpy.types.Area, rectangle: rectangle_outline.Rectangle
    ) -> Returned:
        left, bottom, right, top = rectangle
        if right - left < SMALLEST or top - bottom < SMALLEST:
            self.report(
                {"WARNING"}, translate("The rectangle is too small; drag from one corner to the other.")
            )
            return CANCELLED
        values = context.scene.gpt_image
        values.mask_rectangle, values.mask = rectangle, "rectangle"
        if not len(values.references):
            with context.temp_override(area=area):
                bpy.ops.gpt_image.add_reference(kind="viewport")
        sidebar.redraw()
        return FINISHED


def _views(context: bpy.types.Context) -> Any:
    """The 3D views of the window, with the regions that show the scene."""
    screen = context.window.screen if context.window else None
    for area in screen.areas if screen else ():
        if area.type == "VIEW_3D":
            yield area, next(region for region in area.regions if region.type == "WINDOW")


def _between(start: Point, end: Point) -> rectangle_outline.Rectangle:
    (left, right), (bottom, top) = (sorted(pair) for pair in zip(start, end, strict=True))
    return left, bottom, right, top


CLASSES = (GPT_IMAGE_OT_draw_rectangle,)
