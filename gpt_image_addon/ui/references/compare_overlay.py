"""Two versions of an image in an Image Editor, on both sides of a line that is dragged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
from bpy.props import StringProperty

from ...app import inpainting
from ...app.editing import versions
from ...core.errors import SceneError
from ..common import state
from ..common.operator import CANCELLED, FINISHED, Returned, reporting
from ..common.translate import translate
from . import image_shader, paint_editor

HINT = "Left of the line is the version before. Drag the line; Esc ends."
LINE = (1.0, 0.6, 0.1)  # sRGB
SAMPLERS = ("before", "after")
CONSTANTS = {"split": "FLOAT", "line": "VEC3", "is_color": "BOOL"}
MAIN = """
  bool is_before = place.x < split;
  vec4 color = is_before ? texture(before, place) : texture(after, place);
  bool is_line = abs(place.x - split) < 1.5 * fwidth(place.x);
  fragColor = on_screen(is_line ? line : seen(color, is_color));
"""


@dataclass
class Comparison:
    """What is drawn."""

    handler: Any = None
    drawn: image_shader.Shader | None = None
    area: int = 0
    """Pointer of the editor."""
    images: tuple[int, int] = (0, 0)
    """`session_uid` of the version before, and of the one after."""
    split: float = 0.5
    """Where the line stands, 0 to 1 from the left."""


def remove() -> None:
    """Draw it no more."""
    found = state.part(Comparison)
    if found.handler is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(found.handler, "WINDOW")
        found.handler = None


def begin(context: bpy.types.Context, before: bpy.types.Image, after: bpy.types.Image) -> bpy.types.Area:
    """Show two versions in an Image Editor of the window, which is opened where there is none.

    :raises SceneError: there is no room for one.
    """
    area = paint_editor.open_editor(context)
    if area is None:
        raise SceneError("There is no Image Editor to compare in: open one.")
    area.spaces.active.image = after
    found = state.part(Comparison)
    remove()
    found.area, found.images, found.split = area.as_pointer(), (before.session_uid, after.session_uid), 0.5
    add = bpy.types.SpaceImageEditor.draw_handler_add
    found.handler = add(_draw, (found,), "WINDOW", "POST_VIEW")
    area.tag_redraw()
    return area


def _find_shown(found: Comparison) -> list[bpy.types.Image]:
    by_uid = {image.session_uid: image for image in bpy.data.images}
    return [by_uid[uid] for uid in found.images if uid in by_uid and all(by_uid[uid].size)]


def _draw(found: Comparison) -> None:
    area, images = bpy.context.area, _find_shown(found)
    if area is None or area.as_pointer() != found.area or len(images) < 2:
        return
    if bpy.context.space_data.image != images[1]:
        return
    import gpu

    if found.drawn is None:
        found.drawn = image_shader.compile_shader("gpt_image_compare", SAMPLERS, CONSTANTS, MAIN)
    shader, batch = found.drawn
    gpu.state.blend_set("NONE")
    shader.bind()
    for name, image in zip(SAMPLERS, images, strict=True):
        shader.uniform_sampler(name, gpu.texture.from_image(image))
    shader.uniform_float("split", found.split)
    shader.uniform_float("line", LINE)
    shader.uniform_bool("is_color", not images[1].colorspace_settings.is_data)
    batch.draw(shader)


class GPT_IMAGE_OT_compare_versions(bpy.types.Operator):
    """Compare this version with the one that it was made from, on both sides of a line"""

    bl_idname = "gpt_image.compare_versions"
    bl_label = "Compare with the Version Before"
    bl_options = {"REGISTER"}  # noqa: RUF012

    job: StringProperty(name="Job", description="Id of the job", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        return self._begin(context)

    def execute(self, context: bpy.types.Context) -> Returned:
        """Without a window there is nothing to see."""
        return CANCELLED

    @reporting
    def _begin(self, context: bpy.types.Context) -> Returned | None:
        parent = next((one.parent for one in versions.versions(self.job) if one.job == self.job), "")
        if not parent:
            self.report({"ERROR"}, translate("This is the first version."))
            return CANCELLED
        before, after = inpainting.image_of(parent), inpainting.image_of(self.job)
        self._area = begin(context, before, after).as_pointer()
        self._is_dragged = False
        context.workspace.status_text_set(translate(HINT))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Returned:
        found = state.part(Comparison)
        area = next((one for one in context.screen.areas if one.as_pointer() == self._area), None)
        images = _find_shown(found)
        if (
            event.type == "ESC"
            or area is None
            or area.type != "IMAGE_EDITOR"
            or len(images) < 2
            or area.spaces.active.image != images[1]
        ):
            self.cancel(context)
            return FINISHED
        region = next(region for region in area.regions if region.type == "WINDOW")
        x, y = event.mouse_x - region.x, event.mouse_y - region.y
        if event.type == "LEFTMOUSE":
            is_inside = 0 <= x < region.width and 0 <= y < region.height and not _is_over_others(area, event)
            if event.value == "PRESS" and is_inside:
                self._is_dragged = True
            elif event.value == "RELEASE" and self._is_dragged:
                self._is_dragged = False
                return {"RUNNING_MODAL"}
        if not self._is_dragged:
            return {"PASS_THROUGH"}
        found.split = min(1.0, max(0.0, region.view2d.region_to_view(x, y)[0]))
        area.tag_redraw()
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave nothing on the screen; Blender calls it, too, when it ends the operator."""
        remove()
        context.workspace.status_text_set(None)
        for area in context.screen.areas if context.screen else ():
            area.tag_redraw()


def _is_over_others(area: bpy.types.Area, event: bpy.types.Event) -> bool:
    """Whether the mouse is over a region that overlaps the image, such as the sidebar."""
    return any(
        region.type != "WINDOW"
        and region.width > 1
        and 0 <= event.mouse_x - region.x < region.width
        and 0 <= event.mouse_y - region.y < region.height
        for region in area.regions
    )
