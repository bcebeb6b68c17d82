"""Images that stand upright on what stands, whichever way the object's UVs lie. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from ...core.text.message import message
from ..evaluated import mesh_of, readable_mesh, world_matrix
from ..transaction import Transaction
from .unwrapping import array_of, box_unwrap, cofactors, corner_vertices, face_corners, frame_of
from .uv import (
    MOST_LAYERS,
    SAMPLES,
    Coordinates,
    box_coordinates,
    coordinates_for,
    rendered_layer,
    shown_faces,
)

STANDS = 0.7  # of the normal's height at most, for a face that counts as standing
UPRIGHT = 0.94  # cosine of 20 degrees, by which an image may lean
FLAT = 0.98  # of a normal's greatest component, for a side that looks along an axis
MOST_OF_AREA = 0.85


def upright_coordinates_for(obj: bpy.types.Object, changes: Transaction) -> tuple[Coordinates, str | None]:
    """As `coordinates_for`, but with the image upright on faces that stand, as the world's up has it.

    Where the UV map that is rendered turns them, another one is used that does not; else an object of flat
    sides gets one made by box projection, and any other is projected from six sides. The user's UVs stay.
    """
    coordinates, told = coordinates_for(obj, changes)
    if coordinates.is_box or obj.type != "MESH":
        return coordinates, told
    with readable_mesh(obj) as mesh:
        first = mesh.uv_layers.get(coordinates.uv_map) or rendered_layer(mesh)
        if first is None or is_upright(obj, mesh, first):
            return coordinates, told
        flat = first.name
        for layer in mesh.uv_layers:
            if layer != first and is_upright(obj, mesh, layer):
                return Coordinates(uv_map=layer.name), message(
                    "The new nodes use the upright UV map '{uv_map}'.", uv_map=layer.name
                )
        frame = _frame_of_sides(obj, mesh)
    if frame is not None and obj.mode != "EDIT" and len(obj.data.uv_layers) < MOST_LAYERS:
        name = box_unwrap(obj, changes, frame)
        if name in mesh_of(obj).uv_layers:
            told = message(
                "The UV map '{uv_map}' turns the image: '{other}' was made by box projection.",
                uv_map=flat,
                other=name,
            )
            return Coordinates(uv_map=name), told
        obj.data.uv_layers.remove(obj.data.uv_layers[name])
    return box_coordinates(obj), message(
        "The UV map '{uv_map}' turns the image: it is projected from six sides.", uv_map=flat
    )


def is_upright(obj: bpy.types.Object, mesh: bpy.types.Mesh, layer: bpy.types.MeshUVLoopLayer) -> bool:
    """Whether an image stands upright, and is not mirrored, on most of the area of the faces that stand.

    :param mesh: as `readable_mesh` gives it.
    """
    import numpy as np

    points, uvs, normals, areas = _first_corners(obj, mesh, layer)
    stands = np.abs(normals[:, 2]) < STANDS
    (along, across), (first, second) = points, uvs
    size = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        # Where the image's upper edge lies on the face: the change of place with the second coordinate.
        up = (across * first[:, :1] - along * second[:, :1]) / size[:, None]
        cosine = up[:, 2] / np.linalg.norm(up, axis=1) / np.sqrt(1 - normals[:, 2] ** 2)
        counts = stands & np.isfinite(cosine) & np.isfinite(areas)
    total = areas[counts].sum()
    if not total:
        return True
    is_right = (cosine > UPRIGHT) & (size > 0)
    return bool(areas[counts & is_right].sum() > MOST_OF_AREA * total)


def _frame_of_sides(obj: bpy.types.Object, mesh: bpy.types.Mesh) -> Any:
    """The space along whose axes most of the faces look that show a result: that of the world, else the
    object's own; None where neither does."""
    import numpy as np

    normals = array_of(mesh.polygons, "normal", 3, np.float32).astype(np.float64)
    areas = array_of(mesh.polygons, "area", 1, np.float32) * shown_faces(obj, mesh)
    for frame in (np.array(world_matrix(obj).to_3x3(), np.float64), frame_of(obj)):
        with np.errstate(invalid="ignore", divide="ignore"):
            turned = normals @ cofactors(frame).T
            flat = np.abs(turned).max(axis=1) > FLAT * np.linalg.norm(turned, axis=1)
        weights = np.nan_to_num(areas)
        if weights[flat].sum() > MOST_OF_AREA * weights.sum():
            return frame
    return None


def _first_corners(obj: bpy.types.Object, mesh: bpy.types.Mesh, layer: bpy.types.MeshUVLoopLayer) -> Any:
    """Of a sample of the faces that show a result: two edges, the same in the UV map, normals and areas.

    Edges and normals are those in the world.
    """
    import numpy as np

    faces = np.flatnonzero(shown_faces(obj, mesh))
    faces = faces[:: max(1, len(faces) // SAMPLES)]
    starts, totals = face_corners(mesh)
    starts, totals = starts[faces], totals[faces]
    matrix = np.array(world_matrix(obj).to_3x3(), np.float64)
    vertices = corner_vertices(mesh)
    places = array_of(mesh.vertices, "co", 3, np.float32).astype(np.float64) @ matrix.T
    uvs = array_of(layer.uv, "vector", 2, np.float32).astype(np.float64)
    around = (starts, starts + 1, starts + totals - 1)
    origin, along, across = (places[vertices[corners]] for corners in around)
    uv_origin, first, second = (uvs[corners] for corners in around)
    vectors = np.cross(along - origin, across - origin)
    lengths = np.linalg.norm(vectors, axis=1)
    areas = array_of(mesh.polygons, "area", 1, np.float32).astype(np.float64)[faces]
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = vectors / lengths[:, None]
    return (
        (along - origin, across - origin),
        (first - uv_origin, second - uv_origin),
        np.nan_to_num(normals),
        areas,
    )
