"""Masks that the user paints on objects: images that objects know, in their own UV maps. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np

from ...core.errors import InvalidRequestError
from ...core.imaging.png_writer import encode_png
from ...core.painting.masks import keep_masks, read_mask
from ...core.painting.projection import PaintedMask
from ...core.results.store import ImageFile
from ...core.text.message import message
from .. import image_bytes, udim
from ..images import PROPERTY_PREFIX, tiles_of
from ..shading.uv import rendered_layer
from ..transaction import Transaction
from .canvases import find_base_image, name_uv_map, needs_uvs, why_not_paintable
from .unwrap import smart_unwrap

MASK = PROPERTY_PREFIX + "painted_mask"
"""Custom property of an object: the mask that is painted on it."""
UV_MAP = PROPERTY_PREFIX + "uv_map"
"""Custom property of such a mask: the name of the UV map in which it lies."""
SIDES = (256, 2048)
"""Pixels that a mask has at least and at most on its longer side."""


def find_mask(obj: bpy.types.Object | None) -> bpy.types.Image | None:
    """The mask of an object; None where it has none. A .blend of others may hold anything there."""
    found = obj.get(MASK) if obj is not None else None
    return found if isinstance(found, bpy.types.Image) else None


def add_mask(obj: bpy.types.Object, engine: str, side: int) -> bpy.types.Image:
    """A black mask of an object, in the UV map of its base color; the one that it has, where it has one.

    :param side: pixels where no image says how many.
    :raises InvalidRequestError: it can't be painted, or its materials use several UV maps.
    """
    found = find_mask(obj)
    if found is not None:
        return found
    problem, step = why_not_paintable(obj)
    if problem:
        raise InvalidRequestError(problem, code="not_paintable", param="objects", next_step=step)
    with Transaction() as changes:
        if needs_uvs(obj):
            smart_unwrap(obj, changes)
        mask = changes.made(_make_mask(obj, engine, side))
        mask.colorspace_settings.is_data = True
        mask[UV_MAP] = _find_uv_map(obj, engine)
        obj[MASK] = mask
    return mask


def _make_mask(obj: bpy.types.Object, engine: str, side: int) -> bpy.types.Image:
    name = f"{obj.name} mask"
    nodes = (find_base_image(slot.material, engine) for slot in obj.material_slots)
    image = next((node.image for node in nodes if node is not None), None)
    if image is not None and tiles_of(image):
        sizes = {tile: _limit(udim.tile_size(image, tile)) for tile in tiles_of(image)}
        made = {tile: _make_black(name, size) for tile, size in sizes.items()}
        return udim.make_with_tiles(image, made, {}, others={})
    width, height = _limit(image.size if image is not None and all(image.size) else (side, side))
    return bpy.data.images.new(name, width, height, alpha=False)


def _limit(size: Sequence[int]) -> tuple[int, int]:
    longer = max(1, *size)
    share = min(max(longer, SIDES[0]), SIDES[1]) / longer
    width, height = (max(1, round(edge * share)) for edge in size)
    return width, height


def _make_black(name: str, size: tuple[int, int]) -> ImageFile:
    data = encode_png(np.zeros((size[1], size[0], 3), np.uint8))
    return ImageFile(name, data, "", "png", *size)


def remove_mask(obj: bpy.types.Object) -> None:
    """Let an object have no mask. The image stays until the file is saved: strokes on it may be undone."""
    if MASK in obj:
        del obj[MASK]


def _find_uv_map(obj: bpy.types.Object, engine: str) -> str:
    """The UV map of its images.

    :raises InvalidRequestError: there are several.
    """
    layer = rendered_layer(obj.data)
    usual = layer.name if layer is not None else ""
    nodes = [find_base_image(slot.material, engine) for slot in obj.material_slots]
    names = {(name_uv_map(node) if node is not None else "") or usual for node in nodes} or {usual}
    if len(names) > 1:
        raise InvalidRequestError(
            message("The materials of '{obj}' use several UV maps.", obj=obj.name),
            code="not_paintable",
            param="faces",
            next_step="Select the faces that are to be painted instead.",
        )
    return names.pop()


def read_masks(objects: Sequence[bpy.types.Object], engine: str) -> tuple[PaintedMask, ...]:
    """What is painted on the masks of objects; nothing of those without.

    :raises InvalidRequestError: nothing is painted on any, or a mask does not fit its object by now.
    """
    found: dict[tuple[str, int], Any] = {}
    for obj in objects:
        mask = find_mask(obj)
        if mask is None:
            continue
        for tile, data in _list_files(mask).items():
            found[obj.name, tile] = read_mask(data, mask.name)
        if any(pixels.any() for (name, _), pixels in found.items() if name == obj.name):
            _check_uv_map(obj, mask, engine)
    kept = keep_masks(found)
    if not kept:
        raise InvalidRequestError(
            "Nothing is painted on the mask.",
            code="empty_mask",
            param="faces",
            next_step="Use Paint Mask, and paint over what is to change.",
        )
    return kept


def _list_files(mask: bpy.types.Image) -> Mapping[int, bytes]:
    tiles = tiles_of(mask)
    if tiles:
        return udim.read_tiles(mask, tiles)
    data = image_bytes.image_file(mask)
    return {0: data if isinstance(data, bytes) else data.read_bytes()}


def _check_uv_map(obj: bpy.types.Object, mask: bpy.types.Image, engine: str) -> None:
    """:raises InvalidRequestError: the object's images lie in another UV map."""
    drawn = mask.get(UV_MAP)
    if isinstance(drawn, str) and drawn != _find_uv_map(obj, engine):
        raise InvalidRequestError(
            message(
                "The mask of '{obj}' was painted in the UV map '{uv_map}', which its image does not use.",
                obj=obj.name,
                uv_map=drawn,
            ),
            code="wrong_uv_map",
            param="faces",
            next_step="Remove the mask, and paint a new one.",
        )
