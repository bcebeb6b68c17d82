"""The operator that makes a material of a photo: four corners are dragged over it in the Image Editor."""

from __future__ import annotations

from typing import Any

import bpy

from ... import api
from ...app.editing import photo_material
from ...core.errors import GptImageError
from ...core.request.parameters import STRENGTHS
from ...core.text.message import message
from ..common.operator import CANCELLED, FINISHED, Returned, finish_in_background, reporting
from ..common.translate import translate
from . import corner_handles

Point = tuple[float, float]

WHOLE = (0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0)
INSET = (0.2, 0.2, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8)
RUNNING: Returned = {"RUNNING_MODAL"}
PASSED = ("MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE", "TRACKPADPAN", "TRACKPADZOOM", "HOME")
"""Events that move the view."""
NAMES = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
DIGITS = {
    **{name: str(number) for number, name in enumerate(NAMES)},
    **{f"NUMPAD_{number}": str(number) for number in range(10)},
    **dict.fromkeys(("PERIOD", "COMMA", "NUMPAD_PERIOD"), "."),
}
"""What keys type into the width."""


class GPT_IMAGE_OT_material_from_photo(bpy.types.Operator):
    """Mark a rectangle on a surface in the shown photo and make a material of it; nothing is sent"""

    bl_idname = "gpt_image.material_from_photo"
    bl_label = "Material from Photo"
    bl_options = {"REGISTER"}  # noqa: RUF012

    image: bpy.props.StringProperty(name="Image", description="Name of the photo", options={"SKIP_SAVE"})
    corners: bpy.props.FloatVectorProperty(
        name="Corners",
        description="Shares of the width and height from the upper left, clockwise",
        size=8,
        min=0.0,
        max=1.0,
        default=WHOLE,
        options={"SKIP_SAVE"},
    )
    length: bpy.props.FloatProperty(
        name="Width",
        description="What the marked rectangle is wide; 0 where it is not known",
        subtype="DISTANCE",
        min=0.0,
        options={"SKIP_SAVE"},
    )
    aspect: bpy.props.FloatProperty(
        name="Aspect",
        description="Width of the marked rectangle over its height; 0 finds it from the corners",
        min=0.0,
        max=20.0,
        options={"SKIP_SAVE"},
    )
    seamless: bpy.props.BoolProperty(
        name="Seamless", description="Make the image tile without seams", default=True
    )
    ask: bpy.props.BoolProperty(description="Ask for the aspect first", options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        if self.ask:
            found: Returned = context.window_manager.invoke_props_dialog(self)
            return found
        space = context.space_data
        shown = getattr(space, "image", None) if space and space.type == "IMAGE_EDITOR" else None
        if shown is None or not all(shown.size):
            self.report({"WARNING"}, translate("Show the photo in an Image Editor first."))
            return CANCELLED
        self.image = shown.name
        if not self.properties.is_property_set("corners"):
            self.corners = INSET
        self._area, self._typed, self._held = context.area.as_pointer(), "", -1
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        self._show(context.area, context)
        return RUNNING

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        area, region = self._view(context)
        if event.type in {"ESC", "RIGHTMOUSE"} or area is None:
            self.cancel(context)
            return CANCELLED
        if event.type in PASSED:
            return {"PASS_THROUGH"}
        mouse = event.mouse_x - region.x, event.mouse_y - region.y
        if event.type == "LEFTMOUSE":
            is_down = event.value == "PRESS"
            held = corner_handles.find_handle(region, self._points(), mouse) if is_down else None
            self._held = -1 if held is None else held
        elif event.type == "MOUSEMOVE" and self._held >= 0:
            corners = self._points()
            corners[self._held] = corner_handles.to_image(region, mouse)
            self.corners = [value for corner in corners for value in corner]
        elif event.value == "PRESS" and event.type in {"RET", "NUMPAD_ENTER"}:
            return self._finish(context)
        elif event.value == "PRESS" and (event.type in DIGITS or event.type == "BACK_SPACE"):
            self._type(event.type)
        self._show(area, context)
        return RUNNING

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing on the screen; Blender calls it, too, when it ends the operator."""
        corner_handles.remove()
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
        area, _ = self._view(context)
        if area is not None:
            area.tag_redraw()

    @reporting
    def execute(self, context: bpy.types.Context) -> Returned | None:
        self._start(context)
        return FINISHED

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.label(text="The aspect can't be told from these corners.", icon="INFO")
        for name in ("aspect", "length", "seamless"):
            layout.prop(self, name)

    def _finish(self, context: bpy.types.Context) -> Returned:
        """Make it; or ask for the aspect; or say what is wrong, while the corners stay."""
        try:
            self._start(context)
        except GptImageError as error:
            if error.code != "unknown_aspect":
                context.workspace.status_text_set(translate(error.text))
                return RUNNING
            self.cancel(context)
            bpy.ops.gpt_image.material_from_photo(
                "INVOKE_DEFAULT",
                image=self.image,
                corners=self.corners,
                length=self.length,
                seamless=self.seamless,
                aspect=1.0,
                ask=True,
            )
            return FINISHED
        self.cancel(context)
        return FINISHED

    def _start(self, context: bpy.types.Context) -> None:
        values = context.scene.gpt_image
        active = context.active_object
        image = bpy.data.images.get(self.image)
        job = api.submit_material_from_photo(
            image if image is not None else self.image,
            corners=self._points(),
            aspect=self.aspect or None,
            length=self.length or None,
            seamless=self.seamless,
            object_uid=active.session_uid if active is not None else None,
            mapping=values.mapping,
            displacement=values.displacement,
            relief=values.relief or None,
            **{name: getattr(values, name) for name in STRENGTHS},
        )
        finish_in_background(job)

    def _points(self) -> list[Point]:
        values = tuple(self.corners)
        return list(zip(values[::2], values[1::2], strict=True))

    def _type(self, key: str) -> None:
        self._typed = self._typed[:-1] if key == "BACK_SPACE" else self._typed + DIGITS[key]
        try:
            self.length = float(self._typed or 0)
        except ValueError:
            self._typed = self._typed[:-1]

    def _show(self, area: bpy.types.Area, context: bpy.types.Context) -> None:
        image = bpy.data.images.get(self.image)
        found, is_good = photo_material.describe_corners(
            self._points(), tuple(image.size) if image else (0, 0)
        )
        corner_handles.show(area, self._points(), is_good=is_good)
        context.workspace.status_text_set(self._hint(found) if is_good else translate(found))

    def _hint(self, found: str) -> str:
        width = f"{self._typed} m" if self._typed else translate("type it in metres")
        told = message(
            "Drag the corners onto a rectangle, 1 is the upper left. {aspect} Width: {width}. "
            "Enter makes the material, Esc cancels.",
            aspect=found,
            width=width,
        )
        return translate(told)

    def _view(self, context: bpy.types.Context) -> tuple[Any, Any]:
        """The editor that the corners are in, while it still shows the image, and its main region."""
        for area in context.window.screen.areas if context.window else ():
            if area.as_pointer() == self._area and area.type == "IMAGE_EDITOR":
                shown = area.spaces.active.image
                if shown is not None and shown.name == self.image:
                    return area, next(region for region in area.regions if region.type == "WINDOW")
        return None, None


CLASSES = (GPT_IMAGE_OT_material_from_photo,)
