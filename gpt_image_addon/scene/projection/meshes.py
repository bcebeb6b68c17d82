"""The faces that a scene renders, as triangles in the world. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import bpy
import numpy as np

from ...core.projection.surface import NO_OWNER, Triangles
from .. import udim
from ..context import MATERIAL_TYPES
from ..shading.unwrapping import array_of
from ..shading.uv import material_indices, rendered_layer
from .canvases import Owners, Painted

SURFACES = frozenset(MATERIAL_TYPES) - {"CURVES", "POINTCLOUD"}
"""Types of objects whose surface becomes a mesh."""
NOT_DRAWN = ("WIRE", "BOUNDS")


def collect_faces(
    layer: bpy.types.ViewLayer,
    painted: Mapping[str, Painted],
    *,
    all_shown: bool = False,
    is_alone: bool = False,
) -> Triangles:
    """All that is rendered, as the view layer evaluates it: what is not painted hides what is behind it.

    :param painted: by the names of objects.
    :param all_shown: with what the viewport shows and no render does.
    :param is_alone: nothing but what is painted hides anything.
    """
    layer.update()
    parts: list[Triangles] = []
    done: set[str] = set()
    for instance in layer.depsgraph.object_instances:
        obj = instance.object
        original = obj.original
        if not _is_seen(instance, original, painted, all_shown=all_shown):
            continue
        how = painted.get(original.name)
        if is_alone and how is None:
            continue
        comes_itself = how is not None and _comes_itself(original, layer)
        if how is not None and instance.is_instance and (original.name in done or comes_itself):
            if is_alone:
                continue
            how = None  # its texels are painted once, where the object itself is
        matrix = np.array(instance.matrix_world, np.float64)
        if how is not None:
            if instance.is_instance or comes_itself:
                done.add(original.name)
            if how.matrix_world is not None and not instance.is_instance:
                matrix = np.asarray(how.matrix_world, np.float64)
        if is_alone and how is not None and how.is_kept:
            matrix = np.zeros((4, 4))  # its texels stay its own, and it hides nothing
        parts.extend(_read_faces(obj, matrix, how))
    return _join(parts)


def _comes_itself(original: bpy.types.Object, layer: bpy.types.ViewLayer) -> bool:
    """Whether a mesh is in the view layer also as itself, and not only as instances that nodes make."""
    if original.name not in layer.objects or not original.visible_get(view_layer=layer):
        return False
    return bool(original.evaluated_get(layer.depsgraph).data.polygons)


def _is_seen(
    instance: Any, original: bpy.types.Object, painted: Mapping[str, Painted], *, all_shown: bool
) -> bool:
    if original.type not in SURFACES or not instance.show_self:
        return False
    if original.name in painted or all_shown:
        return True
    return not original.hide_render and original.visible_camera and original.display_type not in NOT_DRAWN


def _read_faces(obj: bpy.types.Object, matrix: Any, how: Painted | None) -> Iterator[Triangles]:
    mesh = obj.to_mesh()
    try:
        if mesh is None or not mesh.polygons:
            return
        mesh.calc_loop_triangles()
        triangles = mesh.loop_triangles
        loops = array_of(triangles, "loops", 3, np.int32)
        vertices = array_of(triangles, "vertices", 3, np.int32)
        faces = array_of(triangles, "polygon_index", 1, np.int32)
        points = array_of(mesh.vertices, "co", 3, np.float32).astype(np.float64)
        points = (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
        uvs, owner, allowed = _read_painting(mesh, loops, faces, how)
        shown = np.full(len(loops), how is not None and not how.is_kept)
        if np.linalg.det(matrix[:3, :3]) < 0:  # a mirrored face turns round
            vertices, uvs = vertices[:, ::-1], uvs[:, ::-1]
        finite = np.isfinite(points).all(axis=1)[vertices].all(axis=1)
        yield Triangles(
            corners=np.ascontiguousarray(points[vertices][finite]),
            uvs=np.ascontiguousarray(uvs[finite]),
            owner=owner[finite],
            allowed=allowed[finite],
            shown=shown[finite],
        )
    finally:
        obj.to_mesh_clear()


def _read_painting(mesh: bpy.types.Mesh, loops: Any, faces: Any, how: Painted | None) -> tuple[Any, Any, Any]:
    """UVs, owner, and whether it may be painted, of each triangle."""
    count = len(loops)
    uvs = np.zeros((count, 3, 2), np.float32)
    owner = np.full(count, NO_OWNER, np.int32)
    allowed = np.zeros(count, bool)
    if how is None:
        return uvs, owner, allowed
    slots = np.clip(material_indices(mesh), 0, len(how.owners) - 1)[faces]
    for slot, name in enumerate(how.uv_maps):
        layer = mesh.uv_layers.get(name) if name else rendered_layer(mesh)
        here = slots == slot
        if not here.any():
            continue
        values = uvs[here]  # a mesh without gets its UV map when it is painted
        if layer is not None:
            values = array_of(layer.uv, "vector", 2, np.float32)[loops[here]]
        uvs[here], owner[here] = _place_uvs(values, how.owners[slot])
        allowed[here] = (owner[here] != NO_OWNER) & (not how.is_kept)
    if how.selected:
        allowed &= array_of(mesh.polygons, "select", 1, bool)[faces]
    if how.triangles is not None:
        allowed &= how.triangles
    return uvs, owner, allowed


def _place_uvs(uvs: Any, owners: Owners) -> tuple[Any, Any]:
    """UVs inside of the image, which repeats beyond its borders, or of the UDIM tile; and the owner of each
    triangle."""
    with np.errstate(invalid="ignore"):
        means = uvs.mean(axis=1)
        finite = np.isfinite(uvs).all(axis=(1, 2))
        if isinstance(owners, int):
            owner = np.where(finite, owners, NO_OWNER)
        else:
            tiles = udim.tiles_at(np.where(finite[:, None], means, -1))
            owner = np.full(len(uvs), NO_OWNER)
            for tile, number in owners.items():
                owner[tiles == tile] = number
        return np.nan_to_num(uvs - np.floor(means)[:, None]), owner


def _join(parts: list[Triangles]) -> Triangles:
    if not parts:
        return Triangles(
            np.zeros((0, 3, 3), np.float32),
            np.zeros((0, 3, 2), np.float32),
            np.zeros(0, np.int32),
            np.zeros(0, bool),
            np.zeros(0, bool),
        )
    names = ("corners", "uvs", "owner", "allowed", "shown")
    return Triangles(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
