"""The sides that a model is painted from, as frames in the 3D views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import bpy
from mathutils import Matrix, Vector

from ...core.painting.projection import ProjectedView, Projection
from ...core.references.views import is_all_around
from ..common import state

COLOR = (1.0, 0.6, 0.1, 1.0)  # sRGB
TEXT_SIZE = 12  # pixels on a usual screen
NEAR = -1.0  # of clip space
MOVED = 1e-6

Corner = tuple[float, float, float]


@dataclass(frozen=True)
class Frame:
    """The near end of what a view shows."""

    name: str
    corners: tuple[Corner, ...]
    """Four, in turn, in the world."""


@dataclass
class Sides:
    """What is drawn."""

    handlers: tuple[Any, ...] = ()
    projection: Projection | None = None
    frames: tuple[Frame, ...] = ()


def show(projection: Projection) -> None:
    """Draw the frames of views until `hide`, or until an object has moved."""
    hide()
    sides = state.part(Sides)
    sides.projection, sides.frames = projection, tuple(map(make_frame, projection.views))
    add = bpy.types.SpaceView3D.draw_handler_add
    sides.handlers = (
        add(_draw_frames, (sides,), "WINDOW", "POST_VIEW"),
        add(_draw_names, (sides,), "WINDOW", "POST_PIXEL"),
    )
    redraw()


def hide() -> None:
    """Draw them no more."""
    sides = state.part(Sides)
    for handler in sides.handlers:
        bpy.types.SpaceView3D.draw_handler_remove(handler, "WINDOW")
    sides.handlers, sides.projection, sides.frames = (), None, ()
    redraw()


def find_shown() -> Projection | None:
    """What is shown; None where nothing is, its objects have moved since, or something else is asked for."""
    projection = state.part(Sides).projection
    if projection is None or not is_all_around(bpy.context.scene.gpt_image.views):
        return None
    for receiver in projection.objects:
        obj = bpy.context.scene.objects.get(receiver.name)
        if obj is None or _has_moved(obj.matrix_world, receiver.matrix_world):
            return None
    return projection


def redraw() -> None:
    """Draw the 3D views again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def make_frame(view: ProjectedView) -> Frame:
    """The frame of a view."""
    world, clip = (_make_matrix(rows) for rows in (view.matrix_world, view.projection))
    back = (clip @ world.inverted()).inverted()
    corners = []
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        place = back @ Vector((x, y, NEAR, 1))
        corners.append(tuple(place.xyz / place.w))
    return Frame(view.name, tuple(corners))


def _make_matrix(rows: Sequence[float]) -> Matrix:
    return Matrix([rows[start : start + 4] for start in range(0, 16, 4)])


def _has_moved(matrix: Matrix, rows: Sequence[float]) -> bool:
    places = product(range(4), repeat=2)
    return any(abs(matrix[row][column] - rows[4 * row + column]) > MOVED for row, column in places)


def _draw_frames(sides: Sides) -> None:
    if find_shown() is None:
        return
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", COLOR)
    for frame in sides.frames:
        around = [*frame.corners, frame.corners[0]]
        batch_for_shader(shader, "LINE_STRIP", {"pos": around}).draw(shader)


def _draw_names(sides: Sides) -> None:
    region, view = bpy.context.region, bpy.context.region_data
    if find_shown() is None or view is None:
        return
    import blf
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    blf.size(0, TEXT_SIZE * bpy.context.preferences.system.ui_scale)
    blf.color(0, *COLOR)
    for frame in sides.frames:
        place = location_3d_to_region_2d(region, view, Vector(frame.corners[3]))
        if place is not None:
            blf.position(0, place.x, place.y + TEXT_SIZE / 2, 0)
            blf.draw(0, frame.name)
