"""The views that a model is painted from, or was painted from, as frames in the 3D views."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import bpy
from mathutils import Matrix, Vector

from ...core.painting.projection import ProjectedView, Projection
from ..common import state

if TYPE_CHECKING:
    from ...app.painting.coverage import CoverageMarks

COLOR = (1.0, 0.6, 0.1, 1.0)  # sRGB
LEFT_OUT = (1.0, 0.15, 0.1, 1.0)  # of views that were not used
TEXT_SIZE = 12  # pixels on a usual screen
NEAR = -0.9  # of clip space: at the near end itself, the view that is framed would cut the frame off
MOVED = 1e-6
ABOVE = 1e-5  # of clip space, by which what is drawn on a surface lies in front of it
PAINTED, FILLED, BARE = (0.1, 0.9, 0.3, 0.55), (0.2, 0.45, 1.0, 0.55), (1.0, 0.15, 0.1, 0.55)
"""Colors of the surface: what views show, what was filled from what lies near, and what is neither."""

Corner = tuple[float, float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Frame:
    """The near end of what a view shows."""

    name: str
    corners: tuple[Corner, ...]
    """Four, in turn, in the world."""
    label: str = ""
    """What stands beside it; its name without."""
    color: tuple[float, float, float, float] = COLOR


@dataclass
class Sides:
    """What is drawn."""

    handlers: tuple[Any, ...] = ()
    projection: Projection | None = None
    frames: tuple[Frame, ...] = ()
    asked: tuple[object, ...] = ()
    """The views and the size that they were planned for."""
    job: str = ""
    """Whose views were painted; empty where they are planned."""
    marks: CoverageMarks | None = None
    """Where they were."""
    batches: tuple[Any, ...] | None = None
    """The marks as they are drawn, made when they are drawn first."""


def show(
    projection: Projection,
    job: str = "",
    labels: Mapping[str, str] | None = None,
    left_out: Collection[str] = (),
    marks: CoverageMarks | None = None,
) -> None:
    """Draw the frames of views until `hide`, or until an object has moved.

    :param job: whose views were painted; none of views that are planned.
    :param labels: what stands beside frames, by the names of their views.
    :param left_out: names of views that were not used.
    :param marks: where the surface was painted; it is tinted by them.
    """
    hide()
    sides = state.part(Sides)
    sides.projection, sides.job, sides.marks = projection, job, marks
    sides.asked = _read_asked()
    sides.frames = tuple(
        dataclasses.replace(
            make_frame(view),
            label=(labels or {}).get(view.name, ""),
            color=LEFT_OUT if view.name in left_out else COLOR,
        )
        for view in projection.views
    )
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
    sides.handlers, sides.projection, sides.frames, sides.job = (), None, (), ""
    sides.marks = sides.batches = None
    redraw()


def find_shown() -> Projection | None:
    """The planned views that are shown; None where none are, their objects have moved since, or something
    else is asked for."""
    sides = state.part(Sides)
    if sides.job or sides.asked != _read_asked():
        return None
    return _find_unmoved(sides)


def _read_asked() -> tuple[object, ...]:
    values = bpy.context.scene.gpt_image
    return values.views, values.size, values.width, values.height


def shows_job(job: str) -> bool:
    """Whether the painted views of a job are shown, and its objects are where they were."""
    sides = state.part(Sides)
    return sides.job == job and _find_unmoved(sides) is not None


def find_marks() -> CoverageMarks | None:
    """Where the surface is shown as painted; None where it is not."""
    return state.part(Sides).marks


def _find_unmoved(sides: Sides) -> Projection | None:
    projection = sides.projection
    if projection is None:
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


def _is_drawn(sides: Sides) -> bool:
    return shows_job(sides.job) if sides.job else find_shown() is not None


def _draw_frames(sides: Sides) -> None:
    if not _is_drawn(sides):
        return
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    if sides.marks is not None:
        _draw_marks(sides, sides.marks, shader)
    if _follows_view(sides):
        return
    for frame in sides.frames:
        shader.uniform_float("color", frame.color)
        around = [*frame.corners, frame.corners[0]]
        batch_for_shader(shader, "LINE_STRIP", {"pos": around}).draw(shader)


def _draw_marks(sides: Sides, marks: CoverageMarks, shader: Any) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    if sides.batches is None:
        sides.batches = tuple(
            batch_for_shader(shader, "TRIS", {"pos": corners.reshape(-1, 3)}) if len(corners) else None
            for corners in (marks.painted, marks.others)
        )
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("LESS_EQUAL")
    with gpu.matrix.push_pop_projection():
        projection = gpu.matrix.get_projection_matrix()
        projection[2] -= ABOVE * projection[3]
        gpu.matrix.load_projection_matrix(projection)
        for batch, color in zip(sides.batches, (PAINTED, FILLED if marks.is_filled else BARE), strict=True):
            if batch is not None:
                shader.uniform_float("color", color)
                batch.draw(shader)
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("NONE")


def _follows_view(sides: Sides) -> bool:
    """Whether what is planned is the 3D view, however it is turned."""
    return not sides.job and sides.projection is not None and sides.projection.as_shown


def find_sent_part(region: tuple[int, int], sent: tuple[int, int]) -> Box:
    """What is sent of a 3D view: it keeps its height, and gains or loses at the sides.

    :param region: width and height in pixels.
    :param sent: the same of the image.
    :returns: left, bottom, right and top in the region.
    """
    width, height = region
    margin = (width - height * sent[0] / sent[1]) / 2
    return margin, 0, width - margin, height


def _draw_sent_part(region: bpy.types.Region, sent: tuple[int, int]) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    left, bottom, right, top = find_sent_part((region.width, region.height), sent)
    corners = [(left, bottom + 1), (right, bottom + 1), (right, top - 1), (left, top - 1)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", COLOR)
    batch_for_shader(shader, "LINE_STRIP", {"pos": [*corners, corners[0]]}).draw(shader)


def _draw_names(sides: Sides) -> None:
    region, view = bpy.context.region, bpy.context.region_data
    if not _is_drawn(sides) or view is None:
        return
    if sides.projection is not None and _follows_view(sides):
        _draw_sent_part(region, sides.projection.sent_size)
        return
    import blf
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    blf.size(0, TEXT_SIZE * bpy.context.preferences.system.ui_scale)
    for frame in sides.frames:
        blf.color(0, *frame.color)
        place = location_3d_to_region_2d(region, view, Vector(frame.corners[3]))
        if place is not None:
            blf.position(0, place.x, place.y + TEXT_SIZE / 2, 0)
            blf.draw(0, frame.label or frame.name)
