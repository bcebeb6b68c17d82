"""The images that make up what an object shows. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from ...core.errors import InvalidRequestError
from ...core.painting.baked_files import ShownImage
from ...core.request.map_kinds import BY_NAME
from ...core.text.message import message
from ..image_bytes import image_file
from ..images import KIND, is_viewed
from ..shading import nodes
from .canvases import find_base_image, find_used_slots, needs_uvs
from .flattening import can_bake, flatten_color

BASE = "base_color"


def list_shown(
    obj: bpy.types.Object, scene: bpy.types.Scene, size: int | None, *, is_wide: bool
) -> Iterator[ShownImage]:
    """The base color of an object, and its maps that were made here.

    One image that is the base color comes as it is; all else is baked along the UV map that is rendered.

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
        yield ShownImage(BASE, image.name, is_data=False, source=image_file(image))
    else:
        if not can_bake():
            raise InvalidRequestError(
                message(
                    "The color of '{obj}' is no single image, and only Cycles can bake it.", obj=obj.name
                ),
                code="no_cycles",
                next_step="Enable the add-on Cycles Render Engine.",
            )
        side = size or max((max(one.size) for one in images if one is not None), default=0) or 2048
        baked = flatten_color(obj, slots, (side, side), scene, is_wide=is_wide)
        yield ShownImage(BASE, obj.name, is_data=False, pixels=baked.pixels)
    if len(set(materials)) == 1 and materials[0] is not None and materials[0].node_tree is not None:
        for node in nodes.image_nodes(materials[0].node_tree):
            kind = BY_NAME.get(str(node.get(KIND)))
            if kind is not None and kind.name != BASE and _is_readable(node.image):
                yield ShownImage(kind.name, node.image.name, is_data=True, source=image_file(node.image))


def _is_readable(image: Any) -> bool:
    is_single = image is not None and not is_viewed(image) and image.source in ("FILE", "GENERATED")
    return bool(is_single and all(image.size) and not image.is_float)
