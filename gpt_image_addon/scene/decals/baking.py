"""A decal as paint in the images of the object that it lies on, and back. Main thread only."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Matrix

from ...core.errors import InvalidRequestError, SceneError
from ...core.painting.canvas_files import CanvasFile
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.message import message
from .. import image_bytes, udim
from ..context import view_layer_of
from ..evaluated import mesh_of, world_matrix
from ..images import PROPERTY_PREFIX
from ..projection import canvases as canvas_plans
from ..projection.canvases import Canvas, Canvases, find_base_image
from ..projection.meshes import collect_faces
from ..shading.unwrapping import array_of
from ..shading.uv import material_indices, rendered_layer
from ..targets import replacement
from ..transaction import Transaction
from .cutting import find_covered, read_surface

if TYPE_CHECKING:
    from pathlib import Path

    from ...core.projection.surface import Triangles
    from ...core.projection.view import View

BAKED = "decal_baked"
"""Custom property of a decal that is paint: what its images have as `DECAL`."""
DECAL = PROPERTY_PREFIX + "decal"
"""Custom property of an image: which decal was painted into it."""
FLAT = 1e-5  # of a decal's extent, below which it has no depth
STEP = "Give it a texture along a UV map first, such as by the target Texture."


@dataclass(frozen=True)
class ReadDecal:
    """A decal, and what it is painted into."""

    name: str
    uid: int
    source: Path | bytes
    """The file of its image."""
    label: str
    is_clear: bool
    """Its alpha counts."""
    view: View
    """Its frame is that of its image."""
    triangles: Triangles
    """Those that may be painted are those that it lies on."""
    files: tuple[CanvasFile, ...]
    images: tuple[tuple[str, int, int], ...]
    """Of each file the name of the data-block, its ``session_uid``, and the number of its UDIM tile or 0."""
    notes: tuple[str, ...]


def read_decal(decal: bpy.types.Object, scene: bpy.types.Scene) -> ReadDecal:
    """All that is needed to paint a decal into what it lies on; nothing is changed.

    :raises InvalidRequestError: it can't be painted there.
    :raises SceneError: it lies on no face any more, or an image can't be read.
    """
    check_unbaked(decal)
    node = find_base_image(decal.active_material, scene.render.engine)
    if node is None:
        _refuse(message("The material of '{obj}' shows no image.", obj=decal.name), "Put its image back.")
    obj = decal.parent
    (obj,) = canvas_plans.find_objects(scene, (obj.name,))
    if canvas_plans.needs_uvs(obj):
        _refuse(message("'{obj}' has no UV map.", obj=obj.name), "Unwrap it, and give it a texture.")
    to_frame, size, view = _read_frame(decal)
    covered = find_covered(read_surface(obj), to_frame, size)
    plan = _plan(obj, scene, covered)
    files = tuple(map(_read_canvas, plan.images))
    faces = collect_faces(view_layer_of(scene), plan.painted, is_alone=True)
    source = image_bytes.image_file(node.image)
    is_clear = bool(node.outputs["Alpha"].links)
    images = tuple(
        (canvas.image, bpy.data.images[canvas.image].session_uid, canvas.tile) for canvas in plan.images
    )
    return ReadDecal(
        decal.name,
        decal.session_uid,
        source,
        node.image.name,
        is_clear,
        view,
        faces,
        files,
        images,
        plan.notes,
    )


def _refuse(problem: str, step: str) -> None:
    """:raises InvalidRequestError: always."""
    raise InvalidRequestError(problem, code="not_paintable", param="name", next_step=step)


def _read_frame(decal: bpy.types.Object) -> tuple[Matrix, tuple[float, float], View]:
    """Where the image of a decal lies, by the UVs of its corners.

    :returns: from the world to right, up and out of it, its width and height in metres; and the same as a
        view.
    """
    from ...core.projection.view import View

    mesh, matrix = decal.data, np.array(world_matrix(decal))
    layer = rendered_layer(mesh)
    if layer is None or not mesh.polygons:
        raise SceneError(message("'{obj}' has no faces with UVs.", obj=decal.name))
    corners = array_of(mesh.loops, "vertex_index", 1, np.int32).ravel()
    points = array_of(mesh.vertices, "co", 3, np.float32).astype(np.float64)[corners]
    points = points @ matrix[:3, :3].T + matrix[:3, 3]
    uvs = array_of(layer.uv, "vector", 2, np.float32).astype(np.float64)
    middle, uv_middle = points.mean(axis=0), uvs.mean(axis=0)
    slopes = (np.linalg.pinv(points - middle, rcond=FLAT) @ (uvs - uv_middle)).T  # of u and v in the world
    out = np.cross(*slopes)
    lengths = np.linalg.norm(slopes, axis=1)
    if not np.isfinite(out).all() or np.linalg.norm(out) <= 1e-6 * lengths.prod() or not lengths.all():
        raise SceneError(message("'{obj}' has no faces with UVs.", obj=decal.name))
    out /= np.linalg.norm(out)
    out *= np.sign(out @ _sum_normals(decal, matrix)) or 1.0
    right = slopes[0] / lengths[0]
    up = np.cross(out, right)
    axes = np.stack((right, up, out))
    frame = slopes @ axes[:2].T  # of u and v along right and up
    half = np.linalg.inv(frame) / 2
    place = middle + axes[:2].T @ (2 * half @ (0.5 - uv_middle))
    place = place + out * (out @ (matrix[:3, 3] - place))
    width, height = 2 * np.abs(half).sum(axis=1)
    world, projection = np.eye(4), np.eye(4)
    world[:3, :3], world[:3, 3] = axes.T, place
    projection[:2, :2] = 2 * frame
    projection[2, 2] = 0.0  # nothing is hidden, and nothing lies before it
    view = View("decal", world, projection, (1, 1))
    return Matrix(np.linalg.inv(world).tolist()), (float(width), float(height)), view


def _sum_normals(decal: bpy.types.Object, matrix: Any) -> Any:
    """Where the faces of a decal look to in the world, together, of mirrored ones, too; (3,)."""
    normals = array_of(decal.data.polygons, "normal", 3, np.float32).astype(np.float64)
    areas = array_of(decal.data.polygons, "area", 1, np.float32).reshape(-1, 1)
    return (normals * areas).sum(axis=0) @ np.linalg.inv(matrix[:3, :3])


def _plan(obj: bpy.types.Object, scene: bpy.types.Scene, covered: Any) -> Canvases:
    """The images that the covered faces show, and all other faces that lie in them.

    :param covered: (N,) int64 of the evaluated mesh's triangles.
    :raises InvalidRequestError: a face shows none that can be painted.
    """
    mesh = mesh_of(obj)
    mesh.calc_loop_triangles()
    faces = array_of(mesh.loop_triangles, "polygon_index", 1, np.int32)
    last = max(0, len(obj.material_slots) - 1)
    below = np.unique(np.clip(material_indices(mesh), 0, last)[faces[covered]]).tolist()
    nodes = [find_base_image(slot.material, scene.render.engine) for slot in obj.material_slots]
    shown = [node.image if node is not None else None for node in nodes]
    images = [shown[slot] if shown else None for slot in below]
    if None in images:
        _refuse(message("The base color of '{obj}' is no image there.", obj=obj.name), STEP)
    try:
        plan = canvas_plans.plan_canvases(
            [obj],
            name=obj.name,
            new_image=False,
            texture_size=1,
            engine=scene.render.engine,
            slots=frozenset(slot for slot, image in enumerate(shown) if image in images),
        )
    except InvalidRequestError as error:
        error.next_step = STEP  # no new image is painted
        raise
    may = np.zeros(len(faces), bool)
    may[covered] = True
    how = dataclasses.replace(plan.painted[obj.name], triangles=may)
    return dataclasses.replace(plan, painted={**plan.painted, obj.name: how})


def _read_canvas(canvas: Canvas) -> CanvasFile:
    image = bpy.data.images[canvas.image]
    source = udim.read_tile(image, canvas.tile) if canvas.tile else image_bytes.image_file(image)
    return CanvasFile(canvas.label, canvas.size, source, canvas.fill, asdict(canvas))


def put_in(read: ReadDecal, painted: Sequence[bytes], changes: Transaction) -> list[str]:
    """Let painted images take the places of those that were read, and hide the decal.

    :param painted: PNGs, as `ReadDecal.files` has them.
    :returns: the names of the images.
    :raises SceneError: the decal or an image is gone, or was changed since.
    """
    decal = next((obj for obj in bpy.data.objects if obj.session_uid == read.uid), None)
    if decal is None:
        raise SceneError(message("The decal '{obj}' is gone.", obj=read.name))
    groups: dict[int, list[int]] = {}
    for place, (_, uid, _) in enumerate(read.images):
        groups.setdefault(uid, []).append(place)
    made = []
    for uid, places in groups.items():
        before = next((image for image in bpy.data.images if image.session_uid == uid), None)
        if before is None or replacement.find_image(uid) != before:
            name = read.images[places[0]][0]
            raise SceneError(message("The image '{image}' was changed meanwhile.", image=name))
        files = tuple(_make_file(read.files[place], painted[place]) for place in places)
        tiles = [read.images[place][2] for place in places if read.images[place][2]]
        made.append(replacement.replace_alike(before, PreparedResult("", files), changes, tiles))
    token = uuid.uuid4().hex
    for image in made:
        image[DECAL] = token
    changes.drop(decal, BAKED)
    decal[BAKED] = token
    changes.on_failure(lambda: decal.pop(BAKED, None))
    _hide(decal, True, changes)
    return [image.name for image in made]


def _make_file(canvas: CanvasFile, data: bytes) -> ImageFile:
    return ImageFile(canvas.facts["image"], data, "", "png", *canvas.size)


def _hide(decal: bpy.types.Object, is_hidden: bool, changes: Transaction) -> None:
    changes.set(decal, "hide_render", is_hidden)
    layer = bpy.context.view_layer
    if decal.name in layer.objects:
        before = decal.hide_get(view_layer=layer)
        decal.hide_set(is_hidden, view_layer=layer)
        changes.on_failure(lambda: decal.hide_set(before, view_layer=layer))


def list_baked(decal: bpy.types.Object) -> list[bpy.types.Image]:
    """The images in place that show a decal as paint."""
    token = decal.get(BAKED)
    if not isinstance(token, str):
        return []
    edits = [image for image, _ in replacement.find_edits() if image.get(DECAL) == token]
    return [image for image in edits if not image.get(replacement.IS_REVERTED)]


def check_unbaked(decal: bpy.types.Object) -> None:
    """:raises InvalidRequestError: a decal is paint."""
    if list_baked(decal):
        _refuse(message("'{obj}' is in the texture already.", obj=decal.name), "Take it out first.")


def take_out(decal: bpy.types.Object, changes: Transaction) -> list[str]:
    """Bring the images back that were there before a decal was painted into them, and show it.

    :returns: the names of the images.
    :raises SceneError: one was changed again since.
    """
    images = replacement.exchange_edits(list_baked(decal))
    changes.drop(decal, BAKED)
    _hide(decal, False, changes)
    return [image.name for image in images]
