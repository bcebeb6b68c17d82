"""The `decal` target: an image on a part of a surface, cut out of its own faces. Main thread only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import bpy

from ...core.errors import SceneError
from ...core.request.map_kinds import BY_NAME
from ...core.request.request import Application
from ...core.request.targets import TARGETS
from ...core.results.store import ImageFile, PreparedResult, measure_decal
from ...core.text.message import message
from ..context import find_scene
from ..images import add_image
from ..shading import nodes, relief
from ..targets import texture
from ..targets.base import Applied, Target, finish_material, keep_images, name_of, receivers_of
from ..targets.material import Look, build_material, tag
from ..targets.plane import collection_for
from ..transaction import Transaction
from .cutting import CutOut, cut_out, read_surface

SIZE = "decal_size"
"""Custom property of a decal: width and height in metres. No prefix: it stays when facts are taken out."""
RELIEF = TARGETS["decal"].relief_maps
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
    made = [_make_material(name, prepared, number, application, changes) for number in range(len(shown))]
    materials, images, map_images = [list(found) for found in zip(*made, strict=True)]
    worn = []
    for number, (place, normal) in enumerate(zip(places, normals, strict=True) if objects else ()):
        index = number % len(shown)
        obj, surface = min(surfaces, key=lambda pair: pair[1].find_nearest(place)[2])
        size = measure_decal(shown[index], application.decal_size)
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
        applied = finish_material(worn, materials[0], images[0], prepared, messages, changes)
        return dataclasses.replace(applied, map_images=map_images[0])
    kept = keep_images(prepared.images[len(shown) :], prepared.facts, changes)
    names = tuple(decal.name for decal, _ in worn)
    return Applied(
        (*(image.name for image in images), *kept),
        materials[0].name,
        names[0],
        tuple(messages),
        tuple(material.name for material in materials[1:]),
        objects=names,
        map_images=tuple(name for found in map_images for name in found),
    )


def _make_material(
    name: str, prepared: PreparedResult, number: int, application: Application, changes: Transaction
) -> tuple[bpy.types.Material, bpy.types.Image, tuple[str, ...]]:
    """The material of an image of a result, that image, and the names of those of its maps."""
    image_file = prepared.images[number]
    maps = _maps_of(prepared, number) if application.has_relief else {}
    if not maps:
        image = changes.made(add_image(image_file, prepared.facts))
        material = texture.new_material(name, image_file, changes)
        texture.wire(material, image, changes)
        images = {"base_color": image}
    else:
        look = _look_of(image_file, application)
        maps = {"base_color": image_file, **maps}
        material, images = build_material(name, maps, prepared.facts, changes, look=look)
        tag(material, application, application.picture + number)
    for shown in nodes.image_nodes(material.node_tree):
        shown.extension = "EXTEND"
        if image_file.has_alpha and shown.image == images["base_color"]:
            texture.wire_alpha(material, shown, changes)
    image = images.pop("base_color")
    return material, image, tuple(other.name for other in images.values())


def _maps_of(prepared: PreparedResult, number: int) -> dict[str, ImageFile]:
    """The maps of an image that are its relief, by kind."""
    maps = (prepared.maps, *prepared.further_maps)[number] if number <= len(prepared.further_maps) else {}
    return {kind: maps[kind] for kind in RELIEF if kind in maps}


def _look_of(image_file: ImageFile, application: Application) -> Look:
    """How a relief shows: a height can't move a cut-out that lies on a surface, so it is a bump at most."""
    width, _ = measure_decal(image_file, application.decal_size)
    metres = application.relief / relief.MILLIMETRES if application.relief is not None else None
    displacement = "none" if application.displacement == "none" else "bump"
    return Look(metres=width, displacement=displacement, relief=metres, is_laid=True)


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


def _images(prepared: PreparedResult) -> Iterator[tuple[ImageFile, bool]]:
    for number, image_file in enumerate(prepared.images):
        yield image_file, False
        yield from ((file, BY_NAME[kind].is_data) for kind, file in _maps_of(prepared, number).items())


TARGET = Target(_apply, _images)
