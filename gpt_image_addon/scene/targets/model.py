"""The `model` target: an image projected onto objects, into their own images. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bpy

from ...core.common.files import read_file
from ...core.errors import InvalidRequestError, SceneError
from ...core.painting.answers import name_map, paint_answer
from ...core.painting.canvas_files import CanvasFile
from ...core.painting.masks import Place, lay_masks, list_tiles
from ...core.painting.projection import SELECTED, Projection
from ...core.painting.view_answers import list_jobs
from ...core.projection.surface import restrict
from ...core.request.map_kinds import BY_NAME
from ...core.request.request import Application
from ...core.results.store import Facts, ImageFile, PreparedResult
from ...core.text.message import message
from .. import image_bytes, udim
from ..context import find_scene, view_layer_of
from ..images import PROPERTY_PREFIX, add_image
from ..map_images import MapFile, TiledMap
from ..projection.canvases import (
    PLAIN_COLOR,
    Canvas,
    Canvases,
    find_base_image,
    find_objects,
    needs_uvs,
    plan_canvases,
)
from ..projection.meshes import collect_faces
from ..projection.unwrap import smart_unwrap
from ..shading import nodes
from ..shading.slots import names_for_people
from ..shading.uv import UV
from ..transaction import Transaction
from . import replacement, texture
from .base import Applied, Target
from .material import add_maps

FLAT = PROPERTY_PREFIX + "is_flat"
"""Custom property of an image: it holds the colors that nodes made before an object was painted."""
FILL = PROPERTY_PREFIX + "fill"
"""Custom property of a new image: the color that it had before it was painted."""
NO_VIEW = "This result was not made of a view of a model."


def _gather(prepared: PreparedResult, application: Application) -> Callable[[], PreparedResult]:
    """Reads faces and images of the scene; what it returns paints them."""
    projection = _read_projection(application)
    scene = find_scene(application)
    if scene is None:
        raise SceneError("The scene that this was made for is not open.")
    try:
        objects = find_objects(scene, _choose_names(application, projection))
        canvases = _plan_canvases(objects, scene, prepared, projection)
    except InvalidRequestError as error:  # the scene has changed since it was asked for
        raise SceneError(error.message, next_step=error.next_step, billed="yes") from error
    _check_masks(objects, projection)
    own = _list_own_jobs(prepared.job, projection)
    with Transaction() as changes:  # UV maps come with the images alone
        for obj in filter(needs_uvs, objects):
            smart_unwrap(obj, changes)
        faces = collect_faces(
            view_layer_of(scene),
            canvases.painted,
            all_shown=projection.as_shown,
            is_alone=projection.is_alone,
        )
        files = [_make_canvas_file(canvas, own, projection) for canvas in canvases.images]
        if not projection.hides_all:
            files = [_flatten(file, scene) for file in files]
        changes.take_back()
    if projection.masks:
        faces = restrict(faces, lay_masks(projection.masks, map(_find_place, files)))
    return lambda: paint_answer(prepared, projection, faces, files, accept=application.accept)


def _find_place(file: CanvasFile) -> Place:
    """Where an image lies, for the masks of objects."""
    return file.facts["objects"], file.facts["tile"], file.size


def _check_masks(objects: Sequence[bpy.types.Object], projection: Projection) -> None:
    """:raises SceneError: what was painted on an object belongs to another one."""
    owners = list_tiles(projection.masks)
    for obj in objects:
        if owners and obj.name not in owners:
            raise SceneError(
                message(
                    "The mask of this result was painted on {names}.", names=names_for_people(list(owners))
                ),
                next_step="Paint that object again.",
                billed="yes",
            )


def _list_own_jobs(job: str, projection: Projection) -> frozenset[str]:
    """A job, and those whose answers it paints as well: what they painted is painted again."""
    return frozenset((job, *list_jobs(projection)))


def _make_canvas_file(canvas: Canvas, own: Collection[str], projection: Projection) -> CanvasFile:
    """An image as it was before any of these jobs painted it."""
    image = bpy.data.images.get(canvas.image)
    fill, size = canvas.fill, canvas.size
    if image is not None and image.get(replacement.JOB) in own:
        before, stored = image.get(replacement.BEFORE), image.get(FILL)
        is_new = before is None and isinstance(stored, str)
        if is_new:
            fill, size = _read_color(stored), (projection.texture_size, projection.texture_size)
        image = None if is_new else before or image
    is_flat = image is not None and bool(image.get(FLAT))
    if is_flat:
        size = (projection.texture_size, projection.texture_size)
    source: Path | bytes | None = None
    if image is not None:
        source = udim.read_tile(image, canvas.tile) if canvas.tile else image_bytes.image_file(image)
    return CanvasFile(canvas.label, size, source, fill, asdict(canvas), is_scaled=is_flat)


def _flatten(file: CanvasFile, scene: bpy.types.Scene) -> CanvasFile:
    """A new image that begins with the colors that nodes made; with one color where they can't be baked."""
    from ..projection.flattening import can_bake, flatten_color

    facts = file.facts
    obj = scene.objects.get(facts["objects"][0]) if facts["by_nodes"] else None
    if obj is None or not can_bake():
        return file
    try:
        flat = flatten_color(obj, facts["slots"], file.size, scene)
    except SceneError as error:
        return dataclasses.replace(file, facts={**facts, "problem": str(error.message)})
    return dataclasses.replace(file, flat=flat.pixels, facts={**facts, "seconds": round(flat.seconds, 1)})


def _read_color(stored: str) -> tuple[float, float, float]:
    """A color as it was kept; a .blend of others may hold anything there."""
    try:
        red, green, blue = map(float, stored.split())
    except ValueError:
        return PLAIN_COLOR
    return red, green, blue


def _read_projection(application: Application) -> Projection:
    """:raises SceneError: there is none, or it can't be read."""
    if application.projection is None:
        raise SceneError(NO_VIEW, next_step="Use it as a texture instead.")
    try:
        return Projection.from_text(application.projection)
    except InvalidRequestError as error:
        raise SceneError(error.message) from error


def _choose_names(application: Application, projection: Projection) -> tuple[str, ...]:
    """What is painted: the object that is named now, else those that the views were made for."""
    return (
        (application.object_name,)
        if application.object_name
        else tuple(obj.name for obj in projection.objects)
    )


def _plan_canvases(
    objects: Sequence[bpy.types.Object],
    scene: bpy.types.Scene,
    prepared: PreparedResult,
    projection: Projection,
) -> Canvases:
    return plan_canvases(
        objects,
        name=prepared.images[0].name,
        new_image=projection.new_image,
        texture_size=projection.texture_size,
        engine=scene.render.engine,
        selected=projection.faces == SELECTED,
        tiles=list_tiles(projection.masks) if projection.masks else None,
        matrices={obj.name: _make_square(obj.matrix_world) for obj in projection.objects},
        own=_list_own_jobs(prepared.job, projection),
    )


def _make_square(rows: Sequence[float]) -> list[list[float]]:
    return [list(rows[start : start + 4]) for start in range(0, 16, 4)]


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    if not prepared.report:  # nobody was there to do it elsewhere
        prepared = _gather(prepared, application)()
    scene = find_scene(application)
    if scene is None:
        raise SceneError("The scene that this was made for is not open.")
    names: dict[int, str] = {}
    told: list[str] = []
    map_images: list[str] = []
    own = _list_own_jobs(prepared.job, _read_projection(application))
    for places in _group_images(prepared.report["images"]):
        made = [prepared.report["images"][at] for at in places]
        one = dataclasses.replace(prepared, images=tuple(prepared.images[at] for at in places), maps={})
        tiles = [canvas["tile"] for canvas in made if canvas.get("tile")]
        if made[0]["image"]:
            name = _replace(made[0]["image"], one, own, tiles, changes)
        else:
            image = changes.made(add_image(one.images[0], prepared.facts))
            _keep_flat(image, made[0], changes)
            name = image.name
            told += _wear(scene, made[0], image, one.images[0], changes)
        names.update(dict.fromkeys(places, name))
        worn = tuple(dict.fromkeys(obj for canvas in made for obj in canvas["objects"]))
        maps = _find_maps(prepared, places, name, tiles)
        map_images += _show_maps(scene, worn, name, maps, prepared.facts, changes)
    objects = tuple(dict.fromkeys(name for made in prepared.report["images"] for name in made["objects"]))
    first = scene.objects.get(objects[0])
    material = first.active_material if first is not None else None
    return Applied(
        tuple(names[at] for at in range(len(prepared.images))),
        material.name if material else None,
        objects[0],
        tuple(dict.fromkeys(told)),
        objects=objects,
        map_images=tuple(map_images),
    )


def _find_maps(
    prepared: PreparedResult, places: Sequence[int], name: str, tiles: Sequence[int]
) -> dict[str, MapFile]:
    """The maps of an image, by kind.

    :param places: of the image among those of the result, or of its tiles.
    """
    found: dict[str, MapFile] = {}
    for kind in BY_NAME:
        files = [prepared.maps[key] for at in places if (key := name_map(kind, at)) in prepared.maps]
        if files and not tiles:
            found[kind] = files[0]
        elif files and len(files) == len(tiles):
            made = dict(zip(tiles, files, strict=True))
            found[kind] = TiledMap(f"{name}_{kind}", made, bpy.data.images[name])
    return found


def _show_maps(
    scene: bpy.types.Scene,
    objects: Sequence[str],
    name: str,
    image_files: Mapping[str, MapFile],
    facts: Facts,
    changes: Transaction,
) -> list[str]:
    """Show maps in the materials of objects whose base color is an image; returns the names of theirs."""
    made: list[str] = []
    if not image_files:
        return made
    worn = [slot.material for obj in map(scene.objects.get, objects) if obj for slot in obj.material_slots]
    for material in dict.fromkeys(filter(None, worn)):
        node = find_base_image(material, scene.render.engine)
        if node is not None and node.image.name == name and not material.library:
            made += add_maps(material, node, image_files, facts, changes)
    return made


def _group_images(made: Sequence[Mapping[str, Any]]) -> Iterable[list[int]]:
    """Places of the images that were painted, the tiles of a UDIM image together."""
    groups: dict[object, list[int]] = {}
    for place, canvas in enumerate(made):
        groups.setdefault(canvas["image"] or place, []).append(place)
    return groups.values()


def _replace(
    name: str,
    prepared: PreparedResult,
    own: Collection[str],
    tiles: Sequence[int],
    changes: Transaction,
) -> str:
    """Put a painted image, or the tiles of one, in the place of the one that was painted on."""
    before = bpy.data.images.get(name)
    if before is None:
        raise SceneError(message("The image '{image}' is gone.", image=name), billed="yes")
    is_again = before.get(replacement.JOB) in own
    first = before.get(replacement.BEFORE)
    for reverted in replacement.list_reverted(before, own):  # the one that is painted now takes its part
        changes.set(reverted, "use_fake_user", False)
        for key in (replacement.BEFORE, replacement.IS_REVERTED):
            changes.drop(reverted, key)
    image = replacement.replace_alike(before, prepared, changes, tiles)
    if is_again:  # its first state stays the version before
        changes.drop(before, replacement.BEFORE)
        if first is None:
            del image[replacement.BEFORE]
        else:
            image[replacement.BEFORE] = first
    return str(image.name)


def _wear(
    scene: bpy.types.Scene,
    made: Mapping[str, Any],
    image: bpy.types.Image,
    image_file: ImageFile,
    changes: Transaction,
) -> list[str]:
    """Show a new image as the base color in material slots of an object; and what to tell."""
    told: list[str] = []
    for obj in filter(None, map(scene.objects.get, made["objects"])):
        if needs_uvs(obj):
            smart_unwrap(obj, changes)
            told.append(message("'{obj}' had no UV map: it was unwrapped.", obj=obj.name))
        index = obj.active_material_index
        kept: dict[str, None] = {}
        for slot in made["slots"]:
            changes.set(obj, "active_material_index", slot)
            before = obj.active_material if made["by_nodes"] else None
            if before is not None:
                kept[before.name] = None
            material, of_material = texture.texture_material(
                [obj], image.name, image_file, changes, is_kept=before is not None
            )
            node, of_wiring = texture.wire(
                material, image, changes, coordinates=UV, engine=scene.render.engine
            )
            if before is not None:
                nodes.lay_along_uvs(node)
            told += of_material + of_wiring
        obj.active_material_index = index
        told += _tell_of_flat(obj, image, made, list(kept))
    return told


def _keep_flat(image: bpy.types.Image, made: Mapping[str, Any], changes: Transaction) -> None:
    """What nodes showed is the version before of a new image."""
    if "before" not in made:
        return
    file = Path(made["before"])
    flat = ImageFile(f"{image.name} before", read_file(file), str(file), "png", *made["size"])
    before = changes.made(add_image(flat, {}))
    before[FLAT] = True
    image[replacement.BEFORE] = before


def _tell_of_flat(
    obj: bpy.types.Object, image: bpy.types.Image, made: Mapping[str, Any], materials: list[str]
) -> list[str]:
    """What became of the colors that nodes made, and where the materials are that have them."""
    told: list[str] = []
    if "before" in made:
        told.append(
            message(
                "The color that nodes made on '{obj}' was baked into '{image}' in {seconds} s.",
                obj=obj.name,
                image=image.name,
                seconds=made["seconds"],
            )
        )
    elif "problem" in made:
        told.append(
            message("{problem} '{image}' began with one color.", problem=made["problem"], image=image.name)
        )
    if materials:
        told.append(
            message(
                "'{obj}' shows copies of its materials; those before stay in the file: {names}.",
                obj=obj.name,
                names=names_for_people(materials),
            )
        )
    return told


TARGET = Target(_apply, gather=_gather)
