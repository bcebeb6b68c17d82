"""Points as they lie over a 3D view or an Image Editor that shows the first reference."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import bpy

from ..common import state
from ..references import rectangle_outline

RADIUS = 11.0  # pixels on a usual screen
HALOS = ((1.36, (0.06, 0.06, 0.06, 1.0)), (1.2, (1.0, 1.0, 1.0, 1.0)), (1.0, (0.88, 0.06, 0.3, 1.0)))
"""As `core.raster.markers.HALOS`, which takes Pillow."""
CORNERS = 32  # of a circle
TEXT_SIZE = {1: 1.35, 2: 1.1}
"""Of a number in radii, by how many digits it has."""
SPACES = ("SpaceView3D", "SpaceImageEditor")
Place = tuple[float, float]


@dataclass
class Overlay:
    """What is drawn."""

    handlers: dict[str, Any] = field(default_factory=dict)
    """By the name of the editor's space."""
    area: int = 0
    """Pointer of the 3D view that the points were placed in; 0 for the first one."""
    is_placing: bool = False
    """Whether clicks add points now."""


def sync() -> None:
    """Draw where the file needs it now, and nowhere else."""
    overlay = state.part(Overlay)
    if overlay.is_placing or any(len(scene.gpt_image.points) for scene in bpy.data.scenes):
        for name in SPACES:
            if name not in overlay.handlers:
                add = getattr(bpy.types, name).draw_handler_add
                overlay.handlers[name] = add(_draw, (overlay,), "WINDOW", "POST_PIXEL")
    else:
        remove()
    redraw()


def remove() -> None:
    """Draw them no more."""
    overlay = state.part(Overlay)
    for name, handler in overlay.handlers.items():
        getattr(bpy.types, name).draw_handler_remove(handler, "WINDOW")
    overlay.handlers.clear()


def redraw() -> None:
    """Draw the editors that may show points again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR"):
                area.tag_redraw()


def shows_points(area: bpy.types.Area, values: Any) -> bool:
    """Whether an editor shows the first reference, on which the points are."""
    first = values.references[0] if len(values.references) else None
    if first is None:
        return False
    if area.type == "VIEW_3D":
        return first.kind == "viewport" and _is_chosen(area)
    return _is_of(getattr(area.spaces.active, "image", None), first)


def share(area: bpy.types.Area, region: bpy.types.Region, at: Place) -> Place:
    """Where a point of the window is in the first reference, kept inside of it."""
    if area.type == "VIEW_3D":
        return rectangle_outline.share(region, at)
    x, y = region.view2d.region_to_view(at[0] - region.x, at[1] - region.y)
    return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))


def pixel(area: bpy.types.Area, region: bpy.types.Region, place: Place) -> Place:
    """The reverse of `share`, from the region's lower left corner."""
    if area.type == "VIEW_3D":
        return rectangle_outline.pixel(region, *place)
    x, y = region.view2d.view_to_region(*place, clip=False)
    return float(x), float(y)


def radius() -> float:
    """Of a circle on the screen, in pixels."""
    return RADIUS * bpy.context.preferences.system.ui_scale


def _is_chosen(area: bpy.types.Area) -> bool:
    views = [found.as_pointer() for found in bpy.context.screen.areas if found.type == "VIEW_3D"]
    chosen = state.part(Overlay).area
    return area.as_pointer() == (chosen if chosen in views else views[0])


def _is_of(image: bpy.types.Image | None, reference: Any) -> bool:
    if image is None or reference.kind == "image":
        return image is not None and reference.image == image
    return reference.kind == "file" and bool(
        image.filepath and bpy.path.abspath(image.filepath) == bpy.path.abspath(reference.file)
    )


def _draw(overlay: Overlay) -> None:
    context = bpy.context
    values = context.scene.gpt_image
    if not len(values.points) or not shows_points(context.area, values):
        return
    draw_numbers([pixel(context.area, context.region, (point.x, point.y)) for point in values.points])


def draw_numbers(places: Iterable[Place | None]) -> None:
    """Circles with 1, 2, 3 … in the region that is drawn; for None a number is left out.

    :param places: pixels from its lower left corner.
    """
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    size = radius()
    for number, middle in enumerate(places, 1):
        if middle is None:
            continue
        for part, color in HALOS:
            shader.uniform_float("color", color)
            batch_for_shader(shader, "TRI_FAN", {"pos": _circle(middle, size * part)}).draw(shader)
        _write(str(number), middle, size)


def _circle(middle: Place, size: float) -> list[Place]:
    around = (2 * math.pi * step / CORNERS for step in range(CORNERS))
    return [(middle[0] + size * math.cos(turn), middle[1] + size * math.sin(turn)) for turn in around]


def _write(text: str, middle: Place, size: float) -> None:
    import blf

    blf.size(0, TEXT_SIZE.get(len(text), min(TEXT_SIZE.values())) * size)
    blf.color(0, 1.0, 1.0, 1.0, 1.0)
    width, height = blf.dimensions(0, text)
    blf.position(0, middle[0] - width / 2, middle[1] - height / 2, 0)
    blf.draw(0, text)
