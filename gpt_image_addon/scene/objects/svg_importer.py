"""Paths of an SVG file as bezier splines, read by Blender's own importer. Main thread only."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import addon_utils
import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.errors import SceneError
from ...core.text.message import message

IMPORTER = "io_curve_svg"
HANDLES = ("handle_left", "handle_right")


@dataclass(frozen=True)
class Spline:
    """A bezier spline as the importer made it."""

    points: NDArray[np.float32]
    """(3, count, 3): places, left handles, right handles."""
    types: tuple[tuple[str, str], ...]
    """Of the left and the right handle of each point."""
    is_cyclic: bool


def import_paths(data: bytes) -> list[list[Spline]]:
    """The splines of each path of a file, in its order; nothing of the import stays in the file that is open.

    :raises SceneError: Blender's importer is missing, or can't read it.
    """
    before = {
        kind: set(getattr(bpy.data, kind)) for kind in ("collections", "materials", "curves", "objects")
    }
    try:
        with _enabled(), tempfile.TemporaryDirectory(prefix="gpt-image-svg-") as folder:
            file = Path(folder, "drawing.svg")
            file.write_bytes(data)
            with bpy.context.temp_override(active_object=None, object=None):  # it would leave its mode
                ended = bpy.ops.import_curve.svg(filepath=str(file))
        made = [found for found in bpy.data.collections if found not in before["collections"]]
        if "FINISHED" not in ended or len(made) != 1:
            raise SceneError("Blender's SVG importer could not read the drawing.")
        return [[_read(spline) for spline in obj.data.splines] for obj in made[0].objects]
    finally:
        for kind in ("objects", "curves", "materials", "collections"):
            found = getattr(bpy.data, kind)
            bpy.data.batch_remove([block for block in found if block not in before[kind]])


@contextmanager
def _enabled() -> Iterator[None]:
    """The importer, which is an add-on of Blender's own and may be off; then it is off afterwards, too.

    :raises SceneError: this Blender has none.
    """
    if addon_utils.check(IMPORTER)[1]:
        yield
        return
    problems: list[object] = []
    if addon_utils.enable(IMPORTER, handle_error=problems.append) is None:
        raise SceneError(
            message("Blender's SVG importer ({name}) can't be enabled.", name=IMPORTER),
            next_step="Install a Blender that has it.",
        )
    try:
        yield
    finally:
        # A refresh removes the wheels of extensions that are on for this session alone.
        addon_utils.disable(IMPORTER, refresh_handled=True)


def _read(spline: bpy.types.Spline) -> Spline:
    count = len(spline.bezier_points)
    points = np.empty((3, count, 3), np.float32)
    for number, name in enumerate(("co", *HANDLES)):
        flat = np.empty(count * 3, np.float32)
        spline.bezier_points.foreach_get(name, flat)
        points[number] = flat.reshape(count, 3)
    types = tuple((point.handle_left_type, point.handle_right_type) for point in spline.bezier_points)
    _straighten(points, types)
    return Spline(points, types, spline.use_cyclic_u)


def _straighten(points: NDArray[np.float32], types: tuple[tuple[str, str], ...]) -> None:
    """Give straight handles a place, which Blender computes only when it shows them."""
    places = points[0]
    for number, step in ((1, 1), (2, -1)):
        is_straight = np.array([pair[number - 1] == "VECTOR" for pair in types])
        if not is_straight.any():
            continue
        towards = np.roll(places, step, axis=0)
        points[number][is_straight] = (places + (towards - places) / 3)[is_straight]


def bounds_of(splines: list[Spline]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and the highest corner of what the curves run through.

    :returns: two times (3,).
    """
    steps = np.linspace(0, 1, 13)[None, :, None]
    found = []
    for spline in splines:
        place, left, right = spline.points.astype(np.float64)
        found.append(place)
        first, last = (place, np.roll(place, -1, axis=0)) if spline.is_cyclic else (place[:-1], place[1:])
        count = len(first)
        one, two = right[:count], np.roll(left, -1, axis=0)[:count]
        rest = 1 - steps
        curve = (
            rest**3 * first[:, None]
            + 3 * rest**2 * steps * one[:, None]
            + 3 * rest * steps**2 * two[:, None]
            + steps**3 * last[:, None]
        )
        found.append(curve.reshape(-1, 3))
    points = np.concatenate(found)
    return points.min(0), points.max(0)


def add_spline(curve: bpy.types.Curve, spline: Spline, scale: float, center: NDArray[np.float64]) -> None:
    """Put a spline into a curve, moved and scaled about a place.

    In a curve of three dimensions what its points are extruded by lies in the plane of the drawing.
    """
    added = curve.splines.new("BEZIER")
    count = spline.points.shape[1]
    added.bezier_points.add(count - 1)
    for point, (left, right) in zip(added.bezier_points, spline.types, strict=True):
        point.handle_left_type, point.handle_right_type = left, right
    for name, values in zip(("co", *HANDLES), spline.points, strict=True):
        added.bezier_points.foreach_set(name, ((values - center) * scale).astype(np.float32).ravel())
    if curve.dimensions == "3D":
        added.bezier_points.foreach_set("tilt", np.full(count, np.pi / 2, np.float32))
    added.use_cyclic_u = spline.is_cyclic
