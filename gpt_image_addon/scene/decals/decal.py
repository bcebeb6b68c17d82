"""The `decal` target: an image on a part of a surface, cut out of its own faces. Main thread only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy

from ...core.errors import SceneError
from ...core.request.request import Application
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.message import message
from ..context import find_scene
from ..images import add_image
from ..targets import texture
from ..targets.base import Applied, Target, finish_material, keep_images, name_of, receivers_of
from ..targets.plane import collection_for
from ..transaction import Transaction
from .cutting import CutOut, cut_out, read_surface

SIZE = "decal_size"
"""Custom property of a decal: width and height in metres. No prefix: it stays when facts are taken out."""
FAR = 1.0  # sizes of a decal from where it was asked for, beyond which it is said


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    objects, messages = receivers_of(application)
    scene = find_scene(application)
    assert scene is not None  # or it would have been deferred
    name = name_of(prepared, application)
    places = list(application.at) or [tuple(scene.cursor.location)]
    normals = [*application.normal, *[None] * (len(places) - len(application.normal))]
    shown = prepared.images[: len(places)] if objects else prepared.images[:1]
    surfaces = [(obj, read_surface(obj)) for obj in objects]
    images = [changes.made(add_image(image_file, prepared.facts)) for image_file in shown]
    materials = [_make_material(name, *pair, changes) for pair in zip(shown, images, strict=True)]
    worn = []
    for number, (place, normal) in enumerate(zip(places, normals, strict=True) if objects else ()):
        index = number % len(shown)
        obj, surface = min(surfaces, key=lambda pair: pair[1].find_nearest(place)[2])
        size = _size_of(shown[index], application.decal_size)
        found = cut_out(surface, place, normal, size, name)
        changes.made(found.mesh).materials.append(materials[index])
        decal = changes.made(bpy.data.objects.new(name, found.mesh))
        decal[SIZE] = size
        decal.parent, decal.location = obj, found.place
        _collection_of(obj, scene).objects.link(decal)
        worn.append((decal, materials[index]))
        if found.distance > FAR * application.decal_size:
            messages.append(
                message(
                    "The decal lies on the nearest face of '{obj}', {metres} m from where it was to be.",
                    obj=obj.name,
                    metres=f"{found.distance:.3g}",
                )
            )
    if len(shown) == 1:
        return finish_material(worn, materials[0], images[0], prepared, messages, changes)
    kept = keep_images(prepared.images[len(shown) :], prepared.facts, changes)
    names = tuple(decal.name for decal, _ in worn)
    return Applied(
        (*(image.name for image in images), *kept),
        materials[0].name,
        names[0],
        tuple(messages),
        tuple(material.name for material in materials[1:]),
        objects=names,
    )


def _make_material(
    name: str, image_file: ImageFile, image: bpy.types.Image, changes: Transaction
) -> bpy.types.Material:
    material = texture.new_material(name, image_file, changes)
    node, _ = texture.wire(material, image, changes)
    node.extension = "EXTEND"
    if image_file.has_alpha:
        texture.wire_alpha(material, node, changes)
    return material


def _size_of(image_file: ImageFile, longer: float) -> tuple[float, float]:
    """Width and height in metres."""
    scale = longer / max(image_file.width, image_file.height)
    return image_file.width * scale, image_file.height * scale


def _collection_of(obj: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Collection:
    """One that the object is in, so that both are shown together."""
    own = [found for found in obj.users_collection if not found.library and not found.override_library]
    return own[0] if own else collection_for(scene)


def is_decal(obj: bpy.types.Object | None) -> bool:
    """Whether an object was made here and lies on another. Quick enough for drawing."""
    return obj is not None and obj.type == "MESH" and obj.parent is not None and SIZE in obj


def move(
    decal: bpy.types.Object,
    onto: bpy.types.Object,
    place: Sequence[float],
    normal: Sequence[float] | None,
    changes: Transaction,
) -> CutOut:
    """Cut a decal again, in another place.

    :raises SceneError: it can't lie there; it stays as it is.
    """
    try:
        width, height = map(float, decal[SIZE])
    except (TypeError, ValueError):
        width = height = 0.0
    if not (0 < width < math.inf and 0 < height < math.inf):  # a file may say anything
        raise SceneError(message("'{obj}' does not say how large it is.", obj=decal.name))
    before = decal.data
    found = cut_out(read_surface(onto), place, normal, (width, height), before.name)
    changes.made(found.mesh)
    for material in before.materials:
        found.mesh.materials.append(material)
    changes.set(decal, "data", found.mesh)
    changes.set(decal, "parent", onto)
    changes.set(decal, "location", found.place)
    return found


TARGET = Target(_apply)
