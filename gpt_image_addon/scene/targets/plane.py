"""The `plane` target: images as mesh planes that face the view. Main thread only."""

from __future__ import annotations

from collections.abc import Container, Sequence
from math import radians

import bpy
from mathutils import Matrix, Vector

from ...core.request.request import Application
from ...core.results.store import PreparedResult
from ...core.text.message import message
from ...core.text.names import safe_name
from ..context import MATERIAL_TYPES, camera_of, find_scene, view_layer_of
from ..evaluated import bounds_of, world_matrix
from ..images import PROPERTY_PREFIX, add_image
from ..shading.nodes import image_nodes
from ..transaction import Transaction
from . import texture
from .base import Applied, Target

HEIGHT = 1.0  # metres
GAP = 0.1  # metres between planes
FAR = 10.0  # metres to the side, where the user does not look any more
FLAT = 1e-3  # metres to both sides of a plane that are its own
PROMPT = PROPERTY_PREFIX + "prompt"
CORNERS = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
UPRIGHT = Matrix.Rotation(radians(90), 4, "X")  # faces -Y


def add_plane(
    name: str, aspect: float, collection: bpy.types.Collection, changes: Transaction
) -> bpy.types.Object:
    """A plane in its local XY, 1 m high, the image's whole square as UVs.

    :param aspect: width by height.
    """
    mesh = changes.made(bpy.data.meshes.new(name))
    width = HEIGHT * aspect
    mesh.from_pydata([(x * width, y * HEIGHT, 0.0) for x, y in CORNERS], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    layer.uv.foreach_set("vector", [value + 0.5 for corner in CORNERS for value in corner])
    obj = changes.made(bpy.data.objects.new(name, mesh))
    collection.objects.link(obj)
    return obj


def place_in_row(
    planes: list[bpy.types.Object],
    scene: bpy.types.Scene,
    application: Application,
    widths: Sequence[float] = (),
) -> None:
    """Side by side around the 3D cursor, facing the view that asked, else the camera, else -Y.

    Where they are to keep clear, they stand to the right of what they would be in.

    :param widths: metres of each, where their own bounds don't tell.
    """
    facing = _facing(scene, application)
    widths = widths or [plane.dimensions.x for plane in planes]
    row = sum(widths) + GAP * (len(planes) - 1)
    left = -row / 2
    if application.keeps_clear:
        left += _offset(scene, application, facing, row, set(planes))
    for plane, width in zip(planes, widths, strict=True):
        offset = facing @ Vector((left + width / 2, 0.0, 0.0))
        plane.matrix_world = Matrix.Translation(scene.cursor.location + offset) @ facing
        left += width + GAP


def _facing(scene: bpy.types.Scene, application: Application) -> Matrix:
    """The rotation alone: a plane with the viewer's own rotation looks at the viewer."""
    if application.view_matrix:
        matrix = Matrix(_rows(application.view_matrix))
    else:
        camera = camera_of(scene)
        matrix = world_matrix(camera) if camera is not None else UPRIGHT
    return _rotation_of(matrix) or UPRIGHT


def _offset(
    scene: bpy.types.Scene,
    application: Application,
    facing: Matrix,
    row: float,
    planes: Container[bpy.types.Object],
) -> float:
    """How many metres to the right a row of planes stands in nothing; 0 where that would be far away.

    Only the active object and earlier planes count: the user may want it within a room or a landscape.

    :param row: its width.
    """
    layer = view_layer_of(scene)
    around = [layer.objects.active] if layer.objects.active else []
    around += [obj for obj in layer.objects if _shows_result(obj)]
    to_row = facing.inverted() @ Matrix.Translation(-scene.cursor.location)
    viewer = Matrix(_rows(application.view_matrix)).translation if application.view_matrix else None
    boxes = []
    for obj in around:
        if obj in planes or obj.type not in MATERIAL_TYPES or not obj.visible_get(view_layer=layer):
            continue
        to_world, bounds = world_matrix(obj), bounds_of(obj)
        if viewer is None or not _holds(bounds, to_world.inverted_safe() @ viewer):
            boxes.append([to_row @ to_world @ corner for corner in bounds])
    offset = 0.0
    while True:
        low = (offset - row / 2, -HEIGHT / 2, -FLAT)
        high = (offset + row / 2, HEIGHT / 2, FLAT)
        rights = [max(corner.x for corner in box) for box in boxes if _meet(box, low, high)]
        if not rights:
            return offset
        offset = max(rights) + GAP + row / 2
        if offset - row / 2 > FAR:
            return 0.0


def _shows_result(obj: bpy.types.Object) -> bool:
    """Whether an object is a plane that was made here."""
    material = obj.active_material if obj.type == "MESH" and len(obj.data.polygons) == 1 else None
    found = image_nodes(material.node_tree) if material and material.node_tree else ()
    return any(node.image and PROMPT in node.image for node in found)


def _meet(box: Sequence[Vector], low: Sequence[float], high: Sequence[float]) -> bool:
    """Whether the points reach into what lies between two corners."""
    return all(
        min(point[axis] for point in box) < high[axis] and max(point[axis] for point in box) > low[axis]
        for axis in range(3)
    )


def _holds(box: Sequence[Vector], place: Vector) -> bool:
    return _meet(box, tuple(place), tuple(place))


def _rows(values: Sequence[float]) -> list[Sequence[float]]:
    return [values[row : row + 4] for row in range(0, 16, 4)]


def _rotation_of(matrix: Matrix) -> Matrix | None:
    """The rotation that looks and stands as a matrix does, however it is scaled or mirrored."""
    up, towards = matrix.col[1].to_3d(), matrix.col[2].to_3d().normalized()
    right = up.cross(towards).normalized()
    if not 0.5 < right.length < 2:  # it has no extent, or is no number
        return None
    return Matrix((right, towards.cross(right), towards)).transposed().to_4x4()


def why_unseen(plane: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> str | None:
    """One sentence why a new plane doesn't show where the user looks or renders, or None."""
    (collection,) = plane.users_collection
    path = _path_to(collection, view_layer.layer_collection)
    if any(layer.exclude or layer.hide_viewport or layer.collection.hide_viewport for layer in path):
        return message(
            "The collection '{collection}' is hidden or excluded: '{plane}' doesn't show.",
            collection=collection.name,
            plane=plane.name,
        )
    if any(layer.collection.hide_render for layer in path):
        return message(
            "The collection '{collection}' is hidden in renders: '{plane}' is not rendered.",
            collection=collection.name,
            plane=plane.name,
        )
    return None


def _path_to(
    collection: bpy.types.Collection, layer: bpy.types.LayerCollection
) -> list[bpy.types.LayerCollection]:
    """From a collection of a view layer down to another one; empty where it isn't in there."""
    if layer.collection == collection:
        return [layer]
    below = next(filter(None, (_path_to(collection, child) for child in layer.children)), None)
    return [layer, *below] if below else []


def collection_for(scene: bpy.types.Scene) -> bpy.types.Collection:
    """Where new objects go: the user's active collection, else the scene's own."""
    active = bpy.context.collection if scene == bpy.context.scene else None
    return active if active and not active.library and not active.override_library else scene.collection


def activate(objects: list[bpy.types.Object], view_layer: bpy.types.ViewLayer) -> None:
    """Select these alone and make the first active, as Blender does with what it adds."""
    view_layer.update()  # before that it does not know what has just been linked
    if not all(obj.name in view_layer.objects for obj in objects):
        return  # their collection is excluded from the view layer
    for obj in view_layer.objects:
        obj.select_set(obj in objects, view_layer=view_layer)
    view_layer.objects.active = objects[0]


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    scene = find_scene(application)
    assert scene is not None  # or it would have been deferred
    made, images = [], []
    for image_file in prepared.images:
        name = safe_name(application.name or image_file.name)
        image = changes.made(add_image(image_file, prepared.facts))
        material = texture.new_material(name, image_file, changes)
        node, _ = texture.wire(material, image, changes)
        if image_file.has_alpha:
            texture.wire_alpha(material, node, changes)
        plane = add_plane(name, image_file.width / image_file.height, collection_for(scene), changes)
        plane.data.materials.append(material)
        made.append(plane)
        images.append(image.name)
    place_in_row(made, scene, application)
    if not bpy.app.background:
        activate(made, view_layer_of(scene))
    told = why_unseen(made[0], view_layer_of(scene))
    first, *others = [plane.active_material.name for plane in made]
    names = tuple(plane.name for plane in made)
    return Applied(tuple(images), first, names[0], (told,) if told else (), tuple(others), objects=names)


TARGET = Target(_apply)
