"""The outline of a mask's rectangle over a 3D view: while it is dragged, and as long as the panel has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..common import state

COLOR = (1.0, 0.6, 0.1, 1.0)
Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]
"""Left, bottom, right and top in the captured view, 0 to 1 from its lower left corner."""


@dataclass
class Outline:
    """What is drawn."""

    handler: Any = None
    area: int = 0
    """Pointer of the editor that the rectangle was drawn over; 0 for the first 3D view."""
    dragged: Rectangle | None = None


def sync() -> None:
    """Draw where the file needs it now, and nowhere else."""
    outline = state.part(Outline)
    is_wanted = outline.dragged is not None or any(
        scene.gpt_image.mask == "rectangle" for scene in bpy.data.scenes
    )
    if is_wanted and outline.handler is None:
        add = bpy.types.SpaceView3D.draw_handler_add
        outline.handler = add(_draw, (outline,), "WINDOW", "POST_PIXEL")
    elif not is_wanted:
        remove()
    redraw()


def drag(area: bpy.types.Area, rectangle: Rectangle | None) -> None:
    """Draw a rectangle that is not the panel's yet; None ends that."""
    outline = state.part(Outline)
    outline.area, outline.dragged = area.as_pointer(), rectangle
    sync()


def remove() -> None:
    """Draw it no more."""
    outline = state.part(Outline)
    if outline.handler is not None:
        bpy.types.SpaceView3D.draw_handler_remove(outline.handler, "WINDOW")
        outline.handler = None


def redraw() -> None:
    """Draw the 3D views again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def share(region: bpy.types.Region, point: Point) -> Point:
    """Where a point of the window is in the captured view of a region, kept inside of it."""
    width = _width(region)
    x = (point[0] - region.x - region.width / 2) / width + 0.5
    y = (point[1] - region.y) / region.height
    return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))


def pixel(region: bpy.types.Region, x: float, y: float) -> Point:
    """The reverse of `share`, from the region's lower left corner."""
    return (x - 0.5) * _width(region) + region.width / 2, y * region.height


def _width(region: bpy.types.Region) -> float:
    """Of the captured view, which keeps the region's height and has the aspect of the scene's render."""
    render = bpy.context.scene.render
    return float(region.height * render.resolution_x / render.resolution_y)


def _is_over(area: bpy.types.Area, outline: Outline) -> bool:
    views = [found.as_pointer() for found in bpy.context.screen.areas if found.type == "VIEW_3D"]
    return area.as_pointer() == (outline.area if outline.area in views else views[0])


def _draw(outline: Outline) -> None:
    context = bpy.context
    values = context.scene.gpt_image
    rectangle = outline.dragged or (tuple(values.mask_rectangle) if values.mask == "rectangle" else None)
    if rectangle is None or not _is_over(context.area, outline):
        return
    import gpu
    from gpu_extras.batch import batch_for_shader

    region, (left, bottom, right, top) = context.region, rectangle
    around = ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    shader.uniform_float("viewportSize", (region.width, region.height))
    shader.uniform_float("lineWidth", 2.0 * context.preferences.system.ui_scale)
    shader.uniform_float("color", COLOR)
    batch_for_shader(shader, "LINE_STRIP", {"pos": [pixel(region, *corner) for corner in around]}).draw(
        shader
    )
