"""The images that make up what an object shows. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bpy

from ...core.errors import InvalidRequestError
from ...core.painting.baked_files import ShownImage
from ...core.request.map_kinds import BY_NAME
from ...core.text.message import message
from .. import udim
from ..image_bytes import image_file
from ..images import KIND, is_viewed, tiles_of
from ..shading import nodes
from .canvases import find_base_image, find_tiles, find_used_slots, needs_uvs
from .flattening import can_bake, flatten_color

BASE = "base_color"
SIDE = 2048  # pixels of what is baked where nothing says another size


def list_shown(
    obj: bpy.types.Object, scene: bpy.types.Scene, size: int | None, *, is_wide: bool
) -> Iterator[ShownImage]:
    """The base color of an object, and its maps that were made here.

    One image that is the base color comes as it is; all else is baked along the UV map that is rendered.
    UDIM images come tile by tile.

    :param size: pixels a side of what is baked.
    :param is_wide: bake more than 8 bits.
    :raises InvalidRequestError: it has no UV map, or nothing can bake it.
    :raises SceneError: an image has no pixels, or Blender can't bake.
    """
    if needs_uvs(obj):
        raise InvalidRequestError(
            message("'{obj}' has no UV map to bake along.", obj=obj.name),
            code="not_paintable",
            param="objects",
            next_step="Paint it first, or unwrap it.",
        )
    slots = sorted(find_used_slots(obj))
    materials = [obj.material_slots[at].material if at < len(obj.material_slots) else None for at in slots]
    shown = [find_base_image(material, scene.render.engine) for material in materials]
    images = {node.image if node is not None else None for node in shown}
    image = next(iter(images))
    if len(images) == 1 and image is not None and _is_readable(image):
        yield from _read_files(image, BASE, _find_all_tiles(obj, slots))
    else:
        if not can_bake():
            raise InvalidRequestError(
                message(
                    "The color of '{obj}' is no single image, and only Cycles can bake it.", obj=obj.name
                ),
                code="no_cycles",
                next_step="Enable the add-on Cycles Render Engine.",
            )
        tiled = {one for one in _list_images(materials) if tiles_of(one)}
        for tile in _find_all_tiles(obj, slots) if tiled else (0,):
            sizes = [udim.tile_size(one, tile) for one in tiled]
            sizes = sizes or [one.size for one in images if one is not None]
            side = size or max((max(one) for one in sizes), default=0) or SIDE
            baked = flatten_color(obj, slots, (side, side), scene, is_wide=is_wide, tile=tile)
            yield ShownImage(BASE, obj.name, is_data=False, tile=tile, pixels=baked.pixels)
    if len(set(materials)) == 1 and materials[0] is not None and materials[0].node_tree is not None:
        for node in nodes.image_nodes(materials[0].node_tree):
            kind = BY_NAME.get(str(node.get(KIND)))
            if kind is not None and kind.name != BASE and _is_readable(node.image):
                yield from _read_files(node.image, kind.name, _find_all_tiles(obj, slots))


def _find_all_tiles(obj: bpy.types.Object, slots: Sequence[int]) -> tuple[int, ...]:
    """The UDIM tiles on which faces of material slots lie."""
    return tuple(sorted({tile for slot in slots for tile in find_tiles(obj, slot, "", selected=False)}))


def _list_images(materials: Sequence[bpy.types.Material | None]) -> Iterator[bpy.types.Image]:
    """Those that the nodes of materials have."""
    trees = [material.node_tree for material in materials if material is not None and material.node_tree]
    return (node.image for tree in trees for node in nodes.image_nodes(tree) if node.image is not None)


def _read_files(image: bpy.types.Image, kind: str, needed: Sequence[int]) -> Iterator[ShownImage]:
    """An image as it is; of a UDIM image all tiles that have pixels.

    :param needed: tiles that it can't do without, where it has them.
    :raises SceneError: one of these has no pixels.
    """
    is_data = kind != BASE
    numbers = tiles_of(image)
    if not numbers:
        yield ShownImage(kind, image.name, is_data, source=image_file(image))
        return
    files = udim.read_tiles(image, numbers)
    for tile in numbers:
        if tile in files or tile in needed:
            source = files.get(tile) or udim.read_tile(image, tile)
            yield ShownImage(kind, f"{image.name}.{tile}", is_data, tile, source)


def _is_readable(image: Any) -> bool:
    if image is None or is_viewed(image) or image.source not in ("FILE", "GENERATED", "TILED"):
        return False
    return bool(image.source == "TILED" or all(image.size)) and not image.is_float
