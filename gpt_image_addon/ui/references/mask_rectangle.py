"""The operator that drags the rectangle of a mask over a 3D view, and its outline."""

from __future__ import annotations

from typing import Any

import bpy

from ..common.operator import CANCELLED, FINISHED, Returned
from ..common.translate import translate

SMALLEST = 0.01  # of the view
COLOR = (1.0, 0.6, 0.1, 1.0)
Point = tuple[int, int]
"""Pixels of the window."""


class Outline:
    """The rectangle between two points, drawn over a 3D view until it is removed."""

    def __init__(self) -> None:
        self._points: tuple[Point, Point] | None = None
        draw_handler_add = bpy.types.SpaceView3D.draw_handler_add
        self._handler = draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")

    def stretch(self, start: Point, end: Point) -> None:
        """Draw it between these points from now on."""
        self._points = start, end

    def remove(self) -> None:
        """Draw it no more."""
        bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")

    def _draw(self) -> None:
        region = bpy.context.region
        if self._points is None or region != _view_region(bpy.context):
            return
        import gpu
        from gpu_extras.batch import batch_for_shader

        (x0, y0), (x1, y1) = ((x - region.x, y - region.y) for x, y in self._points)
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        shader.uniform_float("viewportSize", (region.width, region.height))
        shader.uniform_float("lineWidth", 2.0 * bpy.context.preferences.system.ui_scale)
        shader.uniform_float("color", COLOR)
        batch_for_shader(shader, "LINE_STRIP", {"pos": corners}).draw(shader)


class GPT_IMAGE_OT_draw_rectangle(bpy.types.Operator):
    """Draw the rectangle that may change over the 3D view"""

    bl_idname = "gpt_image.draw_rectangle"
    bl_label = "Draw Rectangle"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if _view_region(context) is None:
            cls.poll_message_set("There is no 3D view in this window.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        self._start: Point | None = None
        self._outline = Outline()
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        here = event.mouse_x, event.mouse_y
        if event.type in {"ESC", "RIGHTMOUSE"} or _view_region(context) is None:
            self.cancel(context)
            return CANCELLED
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            self._start = here
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._start is not None:
            self.cancel(context)
            return self._finish(context, _share(context, self._start), _share(context, here))
        elif self._start is not None:
            self._outline.stretch(self._start, here)
            _view_region(context).tag_redraw()
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing on the screen; Blender calls it, too, when it ends the operator."""
        self._outline.remove()
        context.window.cursor_modal_restore()
        region = _view_region(context)
        if region is not None:
            region.tag_redraw()

    def _finish(
        self, context: bpy.types.Context, start: tuple[float, float], end: tuple[float, float]
    ) -> Returned:
        (left, right), (bottom, top) = (sorted(pair) for pair in zip(start, end, strict=True))
        if right - left < SMALLEST or top - bottom < SMALLEST:
            self.report(
                {"WARNING"}, translate("The rectangle is too small; drag from one corner to the other.")
            )
            return CANCELLED
        values = context.scene.gpt_image
        values.mask, values.mask_rectangle = "rectangle", (left, bottom, right, top)
        return FINISHED


def _view_region(context: bpy.types.Context) -> Any:
    screen = context.window.screen if context.window else None
    areas = [area for area in (screen.areas if screen else ()) if area.type == "VIEW_3D"]
    return next((region for area in areas for region in area.regions if region.type == "WINDOW"), None)


def _share(context: bpy.types.Context, point: Point) -> tuple[float, float]:
    """Where a point is in the captured view: 0 to 1 from its lower left corner.

    The capture keeps the view's height and has the aspect of the scene's render.
    """
    region, render = _view_region(context), context.scene.render
    width = region.height * render.resolution_x / render.resolution_y
    x = (point[0] - region.x - region.width / 2) / width + 0.5
    y = (point[1] - region.y) / region.height
    return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))


CLASSES = (GPT_IMAGE_OT_draw_rectangle,)
