"""The operator that places points over a 3D view or an image."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.errors import InvalidRequestError
from ...core.text.message import message
from ..common import sidebar, state
from ..common.operator import FINISHED, Returned, reporting
from ..common.translate import translate
from ..references.operators import find_view
from . import overlay
from . import values as points

HINT = "Click to add a point, drag to move it, X or Ctrl-click to remove it; Enter or Esc ends."
NEAR = 1.5  # radii of a circle, in which a click means it
ENDS = frozenset({"ESC", "RET", "NUMPAD_ENTER", "RIGHTMOUSE"})
View = tuple[bpy.types.Area, bpy.types.Region]
Place = tuple[float, float]


class GPT_IMAGE_OT_place_points(bpy.types.Operator):
    """Mark places in this view or image with numbers, and say for each what should happen there"""

    bl_idname = "gpt_image.place_points"
    bl_label = "Add Points"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if _find_area(context) is None:
            cls.poll_message_set("There is no 3D view in this window, and no image in this editor.")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        shown = state.part(overlay.Overlay)
        if shown.is_placing:  # the button ends what it began
            shown.is_placing = False
            return FINISHED
        return self._begin(context)

    @reporting
    def _begin(self, context: bpy.types.Context) -> Returned | None:
        area = _find_area(context)
        assert area is not None
        _put_first(context, area)
        self._area, self._dragged = area.as_pointer(), -1
        shown = state.part(overlay.Overlay)
        shown.is_placing = True
        if area.type == "VIEW_3D":
            shown.area = self._area
        overlay.sync()
        context.workspace.status_text_set(translate(HINT))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        view = self._find_view(context)
        if view is None or not state.part(overlay.Overlay).is_placing:
            return self._end(context)
        at = event.mouse_x, event.mouse_y
        if self._dragged >= 0:
            return self._drag(context, event, view, at)
        if event.type == "ESC" and event.value == "PRESS":
            return self._end(context)
        if not _is_over(view, at):
            return {"PASS_THROUGH"}
        context.workspace.status_text_set(translate(HINT))  # a job that ends takes it away
        if event.type in ENDS and event.value == "PRESS":
            return self._end(context)
        if event.type == "LEFTMOUSE":
            return self._press(context, event, view, at) if event.value == "PRESS" else {"RUNNING_MODAL"}
        if event.type in {"X", "DEL"}:
            return (
                self._remove(context, _hit(context, view, at))
                if event.value == "PRESS"
                else {"RUNNING_MODAL"}
            )
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing on the screen; Blender calls it, too, when it ends the operator."""
        state.part(overlay.Overlay).is_placing = False
        context.workspace.status_text_set(None)
        overlay.sync()
        sidebar.redraw()

    def _end(self, context: bpy.types.Context) -> Returned:
        self.cancel(context)
        return FINISHED

    def _find_view(self, context: bpy.types.Context) -> View | None:
        """The editor that the points are placed in; None once it is gone, or shows something else."""
        for area in context.window.screen.areas:
            if area.as_pointer() == self._area and overlay.shows_points(area, context.scene.gpt_image):
                return area, next(region for region in area.regions if region.type == "WINDOW")
        return None

    def _press(self, context: bpy.types.Context, event: bpy.types.Event, view: View, at: Place) -> Returned:
        values, hit = context.scene.gpt_image, _hit(context, view, at)
        if event.ctrl:
            return self._remove(context, hit)
        if hit < 0:
            try:
                points.add(values, *overlay.share(*view, at))
            except InvalidRequestError as error:
                self.report({"WARNING"}, translate(error.text))
                return {"RUNNING_MODAL"}
            hit = len(values.points) - 1
        self._dragged = hit
        _redraw()
        return {"RUNNING_MODAL"}

    def _drag(self, context: bpy.types.Context, event: bpy.types.Event, view: View, at: Place) -> Returned:
        found = context.scene.gpt_image.points
        if event.type == "MOUSEMOVE" and self._dragged < len(found):
            found[self._dragged].x, found[self._dragged].y = overlay.share(*view, at)
            overlay.redraw()
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._dragged = -1
            _redraw()
        return {"RUNNING_MODAL"}

    def _remove(self, context: bpy.types.Context, number: int) -> Returned:
        if number >= 0:
            context.scene.gpt_image.points.remove(number)
            _redraw()
        return {"RUNNING_MODAL"}


def _find_area(context: bpy.types.Context) -> bpy.types.Area | None:
    """The Image Editor that is looked at, where it shows an image, else a 3D view of the window."""
    area, screen = context.area, context.window.screen if context.window else None
    if area is not None and area.type == "IMAGE_EDITOR":
        return area if area.spaces.active.image is not None else None
    if area is not None and area.type == "VIEW_3D":
        return area
    return next((found for found in (screen.areas if screen else ()) if found.type == "VIEW_3D"), None)


def _put_first(context: bpy.types.Context, area: bpy.types.Area) -> None:
    """Let the first reference be what an editor shows.

    :raises InvalidRequestError: a mask or points are on another one.
    """
    values = context.scene.gpt_image
    kind = "image" if area.type == "IMAGE_EDITOR" else "viewport"
    if overlay.shows_points(area, values) or (kind == "viewport" and _is_viewport(values)):
        return
    number = find_view(values, kind, context)
    if len(values.references) and (values.mask != "none" or len(values.points)):
        raise InvalidRequestError(
            message("The mask and the points belong to the first reference, which is not shown here."),
            next_step="Clear them first, or make what is shown here the first reference.",
        )
    if number is None:
        with context.temp_override(area=area, space_data=area.spaces.active):
            bpy.ops.gpt_image.add_reference(kind=kind)
        number = len(values.references) - 1
    values.references.move(number, 0)
    values.reference_index = 0


def _is_viewport(values: Any) -> bool:
    return bool(len(values.references) and values.references[0].kind == "viewport")


def _is_over(view: View, at: Place) -> bool:
    """Whether a point of the window is over the view itself, and not over a sidebar or a header on it."""
    area, region = view
    covered = [other for other in area.regions if other != region and other.width > 1 and other.height > 1]
    return _holds(region, at) and not any(_holds(other, at) for other in covered)


def _holds(region: bpy.types.Region, at: Place) -> bool:
    return 0 <= at[0] - region.x < region.width and 0 <= at[1] - region.y < region.height


def _hit(context: bpy.types.Context, view: View, at: Place) -> int:
    """The point under the mouse, the topmost of several; -1 where there is none."""
    area, region = view
    near = NEAR * overlay.radius()
    for number, point in reversed(list(enumerate(context.scene.gpt_image.points))):
        x, y = overlay.pixel(area, region, (point.x, point.y))
        if (x + region.x - at[0]) ** 2 + (y + region.y - at[1]) ** 2 <= near**2:
            return number
    return -1


def _redraw() -> None:
    overlay.sync()
    sidebar.redraw()


CLASSES = (GPT_IMAGE_OT_place_points,)
