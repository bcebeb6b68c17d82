"""The views of cameras and of the 3D viewport, as plain values. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.errors import InvalidRequestError
from ...core.painting.projection import ProjectedView
from ...core.text.message import message
from ...core.text.names import suggestion
from ..context import camera_of

CAMERA, VIEW = "camera", "view"
"""The names of the view of the scene's camera, and of the 3D view."""


def find_camera(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    """A camera by its name, or the one that renders as `CAMERA`.

    :raises InvalidRequestError: there is none.
    """
    return _find_scene_camera(scene) if name == CAMERA else _find_named_camera(scene, name)


def _find_scene_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    camera = camera_of(scene)
    if camera is None:
        raise InvalidRequestError(
            message("The scene '{scene}' has no camera.", scene=scene.name),
            code="no_camera",
            param="views",
            next_step="Add one, and aim it at the object.",
        )
    return camera


def _find_named_camera(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    found = scene.objects.get(name)
    if found is None or found.type != "CAMERA":
        raise InvalidRequestError(
            message("There is no camera '{name}' in the scene.", name=name),
            code="no_camera",
            param="views",
            next_step=suggestion(name, (obj.name for obj in scene.objects if obj.type == "CAMERA")),
        )
    return found


def read_camera(
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    name: str,
    size: tuple[int, int],
    corner: tuple[int, int] = (0, 0),
) -> ProjectedView:
    """What a camera sees, in square pixels of an image of this size.

    :param corner: where that image lies in what is sent, from the left and the top.

    :raises InvalidRequestError: it is a panoramic camera.
    """
    if camera.data.type == "PANO":
        raise InvalidRequestError(
            message("'{camera}' is a panoramic camera, whose view can't be projected.", camera=camera.name),
            code="bad_camera",
            param="views",
            next_step="Choose a perspective or an orthographic one.",
        )
    depsgraph = (
        bpy.context.view_layer.depsgraph if scene == bpy.context.scene else scene.view_layers[0].depsgraph
    )
    seen = camera.evaluated_get(depsgraph)
    width, height = size
    projection = seen.calc_matrix_camera(depsgraph, x=width, y=height, scale_x=1.0, scale_y=1.0)
    return _view(name, seen.matrix_world.normalized(), projection, size, corner)


def read_viewport(context: bpy.types.Context, size: tuple[int, int]) -> ProjectedView:
    """What the 3D view shows; it keeps its height, and gains or loses at the sides.

    :raises InvalidRequestError: there is no window or no 3D view in it.
    """
    region, view = _region(context)
    projection = view.window_matrix.copy()
    projection[0] *= (region.width / region.height) / (size[0] / size[1])
    return _view(VIEW, view.view_matrix.inverted(), projection, size)


def measure_viewport(context: bpy.types.Context) -> float:
    """Width over height of the 3D view.

    :raises InvalidRequestError: as `viewport_view`.
    """
    region, _ = _region(context)
    return float(region.width / max(1, region.height))


def _region(context: bpy.types.Context) -> tuple[Any, Any]:
    screen = context.window.screen if context.window and not bpy.app.background else None
    for area in (context.area if screen else None, *(screen.areas if screen else ())):
        if area and area.type == "VIEW_3D":
            region = next(region for region in area.regions if region.type == "WINDOW")
            return region, area.spaces.active.region_3d
    raise InvalidRequestError(
        "There is no 3D view whose view could be projected.",
        code="no_view",
        param="views",
        next_step="Project the view of the camera instead.",
    )


def _view(
    name: str, matrix_world: Any, projection: Any, size: tuple[int, int], corner: tuple[int, int] = (0, 0)
) -> ProjectedView:
    rows = (tuple(float(value) for row in matrix for value in row) for matrix in (matrix_world, projection))
    world, clip = rows
    return ProjectedView(name, world, clip, size, (*corner, *size))
