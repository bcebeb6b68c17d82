"""How an image lies on an object: by the UV map that is rendered, else by one made here, else projected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import bpy

from ...core.text.message import message
from ..evaluated import bounds_of, mesh_of, readable_mesh, world_matrix
from ..transaction import Transaction
from .unwrapping import add_uvs, array_of, box_unwrap, cofactors, corner_vertices, face_corners, frame_of

SAMPLES = 4096  # faces by which a UV map is judged
FLAT_SHARE = 0.05  # of these faces may lack area in it before that is told
NO_AREA = 1e-14  # of a face in a UV map: as good as none
MOST_LAYERS = 8  # UV maps that a mesh takes
UV_ATTRIBUTE = re.compile(r"uv.*|st\d*|.*texcoord.*", re.IGNORECASE)
"""Names under which other programs and geometry nodes keep UVs as plain vectors."""


@dataclass(frozen=True)
class Coordinates:
    """How an image lies on an object: settings of Texture Coordinate, Mapping and Image Texture nodes."""

    output: str = "UV"
    projection: str = "FLAT"
    location: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    uv_map: str = ""
    """UV map to use; empty for the one that is rendered anyway."""
    axes: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """What a unit of the object's own axes spans in the world, negative where mirrored; 1 for UVs."""
    by_object_scale: bool = False
    """The scale of each object stands for `axes`, for materials that objects of several scales share."""

    @property
    def is_box(self) -> bool:
        """Projected from six sides instead of following UVs."""
        return self.projection == "BOX"


UV = Coordinates()


def rendered_layer(mesh: bpy.types.Mesh) -> bpy.types.MeshUVLoopLayer | None:
    """The UV map that materials use which name none."""
    layers = mesh.uv_layers
    return next((layer for layer in layers if layer.active_render), layers.active or next(iter(layers), None))


def coordinates_for(obj: bpy.types.Object, changes: Transaction) -> tuple[Coordinates, str | None]:
    """How to lay an image on the object, and what to tell about it.

    A mesh without UVs gets some; an object that can't have UVs of its own gets a projection from six sides.
    """
    if obj.type == "MESH":
        with readable_mesh(obj) as mesh:
            layer = rendered_layer(mesh)
            found = _choose_layer(obj, mesh, layer) if layer is not None and mesh.polygons else None
            flat = layer.name if layer is not None else ""
        if found:
            return found
        if obj.mode == "EDIT":
            told = message(
                "'{obj}' gets no UV map in Edit Mode: the image is projected from six sides.", obj=obj.name
            )
            return box_coordinates(obj), told
        if obj.data.polygons:
            found = _make_layer(obj, flat, changes)
            told = message(
                "'{obj}' keeps no further UV map: the image is projected from six sides.", obj=obj.name
            )
            return found or (box_coordinates(obj), told)
    told = message("'{obj}' has no faces for UVs: the image is projected from six sides.", obj=obj.name)
    return box_coordinates(obj), told


def _choose_layer(
    obj: bpy.types.Object, mesh: bpy.types.Mesh, rendered: bpy.types.MeshUVLoopLayer
) -> tuple[Coordinates, str | None] | None:
    """The UV map that is rendered, or another one where that one has no area; None where none has."""
    shown = shown_faces(obj, mesh)
    flat = _flat_share(mesh, rendered, shown)
    if flat < 1:
        told = message(
            "In the UV map '{uv_map}', faces of '{obj}' have no area: they show one colour.",
            uv_map=rendered.name,
            obj=obj.name,
        )
        return UV, told if flat > FLAT_SHARE else None
    for layer in mesh.uv_layers:
        if layer != rendered and _flat_share(mesh, layer, shown) < 1:
            told = message(
                "The UV map '{uv_map}' of '{obj}' has no area: the new nodes use '{other}'.",
                uv_map=rendered.name,
                obj=obj.name,
                other=layer.name,
            )
            return Coordinates(uv_map=layer.name), told
    return None


def _make_layer(
    obj: bpy.types.Object, flat: str, changes: Transaction
) -> tuple[Coordinates, str | None] | None:
    """A UV map from an attribute that holds one, or by box projection; None where none stays.

    :param flat: name of the one that has no area, if any.
    """
    mesh = obj.data
    modifiers_drop_them = bool(mesh.uv_layers) and not flat
    if modifiers_drop_them or len(mesh.uv_layers) == MOST_LAYERS:
        return None
    attribute = _uv_attribute(mesh)
    if attribute is not None:
        source = attribute.name
        name = add_uvs(mesh, _read_values(mesh, attribute), changes)
        told = message(
            "The UVs of '{obj}' in its attribute '{attribute}' were copied to the UV map '{uv_map}'.",
            obj=obj.name,
            attribute=source,
            uv_map=name,
        )
    else:
        name = box_unwrap(obj, changes)
        told = message("'{obj}' had no UVs: unwrapped by box projection.", obj=obj.name)
        if flat:
            told = message(
                "The UV map '{uv_map}' of '{obj}' has no area: '{other}' was made by box projection.",
                uv_map=flat,
                obj=obj.name,
                other=name,
            )
    if name not in mesh_of(obj).uv_layers:
        mesh.uv_layers.remove(mesh.uv_layers[name])
        return None
    return (UV if mesh.uv_layers[name].active_render else Coordinates(uv_map=name)), told


def _uv_attribute(mesh: bpy.types.Mesh) -> Any:
    """An attribute that holds UVs but is no UV map, as geometry nodes and importers leave them."""
    for attribute in mesh.attributes:
        kind = (attribute.domain, attribute.data_type)
        if kind in _VECTORS and UV_ATTRIBUTE.fullmatch(attribute.name):
            uvs = _read_values(mesh, attribute)
            if (uvs.max(axis=0) > uvs.min(axis=0)).all():  # never true with a NaN in it
                return attribute
    return None


_VECTORS = (("CORNER", "FLOAT_VECTOR"), ("POINT", "FLOAT_VECTOR"), ("POINT", "FLOAT2"))


def _read_values(mesh: bpy.types.Mesh, attribute: Any) -> Any:
    """Two values a corner."""
    import numpy as np

    width = 2 if attribute.data_type == "FLOAT2" else 3
    values = array_of(attribute.data, "vector", width, np.float32)[:, :2]
    if attribute.domain == "POINT":
        values = values[corner_vertices(mesh)]
    return np.ascontiguousarray(values)


def metres_per_unit(obj: bpy.types.Object, coordinates: Coordinates) -> float:
    """What one unit of the coordinates spans in the world, on average over the faces of the active slot."""
    import numpy as np

    if coordinates.output != "UV":
        return 1.0
    with readable_mesh(obj) as mesh:
        layer = mesh.uv_layers.get(coordinates.uv_map) or rendered_layer(mesh)
        if layer is None or not mesh.polygons:
            return 1.0
        covered = _measure_area(mesh, layer)
        areas = array_of(mesh.polygons, "area", 1, np.float32).astype(np.float64)
        matrix = np.array(world_matrix(obj).to_3x3(), np.float64)
        if not np.array_equal(matrix, np.eye(3)):
            vectors = array_of(mesh.polygons, "normal", 3, np.float32) * areas[:, None]
            areas = np.linalg.norm(vectors @ cofactors(matrix).T, axis=1)
        counts = shown_faces(obj, mesh)
    with np.errstate(invalid="ignore"):
        counts &= np.isfinite(covered) & np.isfinite(areas) & (covered > NO_AREA)
    covered, areas = covered[counts].sum(), areas[counts].sum()
    return float((areas / covered) ** 0.5) if covered > 0 and areas > 0 else 1.0


def _flat_share(mesh: bpy.types.Mesh, layer: bpy.types.MeshUVLoopLayer, shown: Any) -> float:
    """The share of the faces that have no area in the UV map, by a sample of them.

    :param shown: which faces count, see `shown_faces`.
    """
    import numpy as np

    faces = np.flatnonzero(shown)
    faces = faces[:: max(1, len(faces) // SAMPLES)]
    covered = _measure_area(mesh, layer, faces)
    with np.errstate(invalid="ignore"):
        return 1.0 - float((np.isfinite(covered) & (covered > NO_AREA)).mean())


def _measure_area(mesh: bpy.types.Mesh, layer: bpy.types.MeshUVLoopLayer, faces: Any = None) -> Any:
    """The area of faces in a UV map; not a number where it holds none.

    :param faces: their indices; all without it.
    """
    import numpy as np

    starts, totals = face_corners(mesh)
    uvs = array_of(layer.uv, "vector", 2, np.float32)
    if faces is not None:
        starts, totals = starts[faces], totals[faces]
        begins = np.concatenate(([0], np.cumsum(totals)[:-1]))
        uvs = uvs[np.repeat(starts - begins, totals) + np.arange(int(totals.sum()))]
        starts = begins
    following = np.arange(1, len(uvs) + 1)
    following[starts + totals - 1] = starts
    with np.errstate(invalid="ignore", over="ignore"):
        x, y = uvs.T.astype(np.float64)
        return np.abs(np.add.reduceat(x * y[following] - x[following] * y, starts)) / 2


def shown_faces(obj: bpy.types.Object, mesh: bpy.types.Mesh) -> Any:
    """Which faces show a result: in Edit Mode those selected, else those of the active slot; or all.

    :param mesh: as `readable_mesh` gives it.
    """
    import numpy as np

    chosen = material_indices(mesh) == obj.active_material_index
    selected = array_of(mesh.polygons, "select", 1, bool) if obj.mode == "EDIT" else chosen
    chosen = selected if selected.any() else chosen
    return chosen if chosen.any() else np.ones(len(chosen), bool)


def material_indices(mesh: bpy.types.Mesh) -> Any:
    """The slot of each face, as it is stored."""
    import numpy as np

    attribute = mesh.attributes.get("material_index")
    if attribute is None or attribute.domain != "FACE" or attribute.data_type != "INT":
        return np.zeros(len(mesh.polygons), np.int32)
    return array_of(attribute.data, "value", 1, np.int32)


def box_coordinates(obj: bpy.types.Object) -> Coordinates:
    """Object space in metres of the world, scaled so that the longest side spans the image once.

    A projection can't tell the sides of a mirrored object apart: its upper and lower one stay mirrored.
    """
    import numpy as np

    axes = _axes(obj)
    corners = np.array(bounds_of(obj), np.float64) * axes
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale = float(1.0 / ((high - low).max() or 1.0))
    x, y, z = (float(-value * scale) for value in low)
    return Coordinates("Object", "BOX", (x, y, z), (scale,) * 3, axes=axes)


def _axes(obj: bpy.types.Object) -> tuple[float, float, float]:
    """What the object's own axes span in the world; negative where the image would be mirrored else."""
    import numpy as np

    frame = frame_of(obj)
    x, y, z = (round(float(length), 6) for length in np.linalg.norm(frame, axis=0))
    around = -1 if (frame[0, 0] < 0) != (frame[1, 1] < 0) else 1
    return around * x, around * y, -z if frame[2, 2] < 0 else z
