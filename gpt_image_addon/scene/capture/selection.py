"""What the user marked in the scene: faces as areas of the UV map, strokes as lines over the view.

Plain values for `core.raster.drawing`. Main thread only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import bpy

from ...core.errors import SceneError
from ...core.raster.drawing import Point, Stroke
from ...core.text.message import message
from ..images import tiles_of
from ..shading.uv import rendered_layer
from ..targets.texture import shown_uv_map
from ..udim import FIRST, ROW, tile_at

LEGACY_WIDTH = 1 / 1000  # of the view's height, for one unit of thickness
DEFAULT_WIDTH = 0.006  # of the view's height, where a stroke's own can't be told


def selected_faces(obj: bpy.types.Object | None) -> list[list[Point]]:
    """The selected faces of a mesh as polygons in the UV map that its material shows.

    :raises SceneError: no mesh, no UV map, or nothing selected.
    """
    if obj is None or obj.type != "MESH":
        raise SceneError("Selected faces need a mesh as the active object.")
    obj.update_from_editmode()
    mesh = obj.data
    layer = mesh.uv_layers.get(shown_uv_map(obj)) or rendered_layer(mesh)
    if layer is None:
        raise SceneError(message("'{obj}' has no UV map.", obj=obj.name), next_step="Unwrap it first.")
    faces = [
        [tuple(layer.uv[corner].vector) for corner in polygon.loop_indices]
        for polygon in mesh.polygons
        if polygon.select
    ]
    if not faces:
        raise SceneError(
            message("No face of '{obj}' is selected.", obj=obj.name), next_step="Select some in Edit Mode."
        )
    return faces


def tile_of(obj: bpy.types.Object, faces: list[list[Point]]) -> int:
    """The number of the UDIM tile on which all faces lie, each by its middle.

    :raises SceneError: they lie on several, or on none.
    """
    tiles = {tile_at(*middle) for middle in _middles(faces)}
    if len(tiles) != 1 or 0 in tiles:
        raise SceneError(
            message("Selected faces of '{obj}' lie on no UDIM tile, or on several.", obj=obj.name),
            next_step="Select faces on one tile: each is an edit of its own.",
        )
    return tiles.pop()


def on_tile(faces: list[list[Point]], tile: int) -> Iterator[list[Point]]:
    """Faces as they lie on a UDIM tile, which does not repeat; those with NaN are left out."""
    column, row = (tile - FIRST) % ROW, (tile - FIRST) // ROW
    for face in faces:
        if all(math.isfinite(value) for point in face for value in point):
            yield [(u - column, v - row) for u, v in face]


def check_tiles(obj: bpy.types.Object, faces: list[list[Point]]) -> None:
    """Where an object shows a UDIM image, a mask for another image can only be made of its first tile.

    :raises SceneError: a face lies on another tile.
    """
    nodes = [
        node
        for slot in obj.material_slots
        if slot.material and slot.material.node_tree
        for node in slot.material.node_tree.nodes
    ]
    images = [node.image for node in nodes if node.bl_idname == "ShaderNodeTexImage" and node.image]
    if not any(len(tiles_of(image)) > 1 for image in images):
        return
    for u, v in _middles(faces):
        if (math.floor(u), math.floor(v)) != (0, 0):
            tile = FIRST + math.floor(u) + ROW * math.floor(v)
            raise SceneError(
                message("Selected faces of '{obj}' lie on UDIM tile {tile}.", obj=obj.name, tile=tile),
                next_step="Use the image with the tiles as the first reference, to edit that tile.",
            )


def _middles(faces: list[list[Point]]) -> Iterator[Point]:
    """The middle of each face; none of those whose places are no numbers."""
    for face in faces:
        u, v = (sum(point[axis] for point in face) / len(face) for axis in (0, 1))
        if math.isfinite(u + v):
            yield u, v


def view_strokes(context: bpy.types.Context, area: bpy.types.Area, aspect: float) -> list[Stroke]:
    """Annotations and visible Grease Pencil strokes, as they lie over the 3D view.

    :param aspect: width / height of the image; the view keeps its height, as in `capture_viewport`.
    :raises SceneError: there are none in the view.
    """
    from mathutils import Matrix

    view = area.spaces.active.region_3d
    region = next(region for region in area.regions if region.type == "WINDOW")
    squeeze = (region.width / region.height) / aspect
    found = []
    for color, width, matrix, points in (*_annotations(context), *_grease_pencils(context)):
        full = view.perspective_matrix @ (matrix or Matrix.Identity(4))
        seen = [_project(full, point, squeeze) for point in points]
        line = [point for point in seen if point is not None]
        if line:
            found.append(Stroke(line, color, width))
    if not found:
        raise SceneError("There are no annotations or Grease Pencil strokes.", next_step="Draw some first.")
    return found


def _project(matrix: Any, point: Any, squeeze: float) -> Point | None:
    from mathutils import Vector

    x, y, _, w = matrix @ Vector((*point, 1.0))
    if w <= 0:
        return None  # behind the viewer
    return 0.5 + 0.5 * x / w * squeeze, 0.5 + 0.5 * y / w


_Line = tuple[tuple[float, float, float], float, Any, list[Any]]


def _annotations(context: bpy.types.Context) -> Iterator[_Line]:
    data = context.annotation_data
    for layer in data.layers if data else ():
        frame = layer.active_frame
        if layer.annotation_hide or frame is None:
            continue
        for stroke in frame.strokes:
            if stroke.display_mode == "3DSPACE":
                points = [point.co for point in stroke.points]
                yield tuple(layer.color[:3]), layer.thickness * LEGACY_WIDTH, None, points


def _grease_pencils(context: bpy.types.Context) -> Iterator[_Line]:
    for obj in context.visible_objects:
        if obj.type in ("GREASEPENCIL", "GPENCIL"):
            for layer in obj.data.layers:
                if not layer.hide:
                    yield from _layer_lines(obj, layer)


def _layer_lines(obj: bpy.types.Object, layer: Any) -> Iterator[_Line]:
    # Blender 4.2 keeps strokes in the active frame, later ones in the drawing of the current frame.
    frame = layer.active_frame if hasattr(layer, "active_frame") else layer.current_frame()
    drawing = getattr(frame, "drawing", frame)
    for stroke in drawing.strokes if drawing else ():
        points = [getattr(point, "position", None) or point.co for point in stroke.points]
        yield _color_of(obj, stroke), DEFAULT_WIDTH, obj.matrix_world, points


def _color_of(obj: bpy.types.Object, stroke: Any) -> tuple[float, float, float]:
    from mathutils import Color

    slots = obj.material_slots
    material = slots[stroke.material_index].material if stroke.material_index < len(slots) else None
    style = material.grease_pencil if material else None
    return tuple(Color(style.color[:3]).from_scene_linear_to_srgb()) if style else (1.0, 0.0, 0.0)
