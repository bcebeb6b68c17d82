"""Four corners over an image in its editor: where they are on the screen, and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy

from ..common import state

Point = tuple[float, float]
"""Shares of the image's width and height, from its upper left corner; or pixels of a region."""

GOOD = (1.0, 0.6, 0.1, 1.0)
BAD = (0.95, 0.2, 0.2, 1.0)
WHITE = (1.0, 1.0, 1.0, 1.0)
DARK = (0.0, 0.0, 0.0, 0.7)
RADIUS = 7.0  # pixels at scale 1, as the others
REACH = 18.0  # from a handle to the mouse that takes it
LINE, RIM = 2.0, 4.0
TEXT_SIZE = 13.0
SIDES = 16  # of the polygon of a handle


@dataclass
class Handles:
    """What is drawn."""

    handler: Any = None
    area: int = 0
    """Pointer of the Image Editor."""
    corners: list[Point] = field(default_factory=list)
    is_good: bool = True


def show(area: bpy.types.Area, corners: Sequence[Point], *, is_good: bool) -> None:
    """Draw corners over the image of an Image Editor, from now on."""
    handles = state.part(Handles)
    handles.area, handles.corners, handles.is_good = area.as_pointer(), list(corners), is_good
    if handles.handler is None:
        add = bpy.types.SpaceImageEditor.draw_handler_add
        handles.handler = add(_draw, (handles,), "WINDOW", "POST_PIXEL")
    area.tag_redraw()


def remove() -> None:
    """Draw them no more."""
    handles = state.part(Handles)
    if handles.handler is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(handles.handler, "WINDOW")
        handles.handler = None


def find_handle(region: bpy.types.Region, corners: Sequence[Point], mouse: Point) -> int | None:
    """The corner under the mouse, which is in pixels of the region; None where there is none."""
    places = [to_region(region, corner) for corner in corners]
    nearest = min(range(len(places)), key=lambda number: math.dist(places[number], mouse))
    reach = REACH * bpy.context.preferences.system.ui_scale
    return nearest if math.dist(places[nearest], mouse) <= reach else None


def to_region(region: bpy.types.Region, corner: Point) -> Point:
    """Where a corner is in a region, in pixels, perhaps outside of it."""
    x, y = region.view2d.view_to_region(corner[0], 1.0 - corner[1], clip=False)
    return float(x), float(y)


def to_image(region: bpy.types.Region, mouse: Point) -> Point:
    """The reverse of `to_region`, kept inside the image."""
    x, y = region.view2d.region_to_view(*mouse)
    return min(1.0, max(0.0, x)), min(1.0, max(0.0, 1.0 - y))


def _draw(handles: Handles) -> None:
    context = bpy.context
    if context.area is None or context.area.as_pointer() != handles.area:
        return
    import blf
    import gpu
    from gpu_extras.batch import batch_for_shader

    region, scale = context.region, context.preferences.system.ui_scale
    places = [to_region(region, corner) for corner in handles.corners]
    color = GOOD if handles.is_good else BAD
    gpu.state.blend_set("ALPHA")
    lines = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    lines.uniform_float("viewportSize", (region.width, region.height))
    around = batch_for_shader(lines, "LINE_STRIP", {"pos": [*places, places[0]]})
    for width, shade in ((RIM, DARK), (LINE, color)):
        lines.uniform_float("lineWidth", width * scale)
        lines.uniform_float("color", shade)
        around.draw(lines)
    fill = gpu.shader.from_builtin("UNIFORM_COLOR")
    for number, place in enumerate(places, 1):
        for radius, shade in ((RADIUS + LINE, DARK), (RADIUS, color)):
            fill.uniform_float("color", shade)
            batch_for_shader(fill, "TRI_FAN", {"pos": _disc(place, radius * scale)}).draw(fill)
        blf.size(0, TEXT_SIZE * scale)
        blf.color(0, *WHITE)
        blf.enable(0, blf.SHADOW)
        blf.shadow(0, 3, *DARK)
        blf.position(0, place[0] + (RADIUS + LINE) * scale, place[1] + (RADIUS + LINE) * scale, 0)
        blf.draw(0, str(number))
        blf.disable(0, blf.SHADOW)
    gpu.state.blend_set("NONE")


def _disc(center: Point, radius: float) -> list[Point]:
    angles = (2 * math.pi * number / SIDES for number in range(SIDES))
    return [(center[0] + radius * math.cos(angle), center[1] + radius * math.sin(angle)) for angle in angles]
