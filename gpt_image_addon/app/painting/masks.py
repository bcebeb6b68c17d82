"""Masks that are painted on objects: what may be painted of them."""

from __future__ import annotations

import bpy

from ...core.errors import InvalidRequestError
from ...core.painting.projection import TEXTURE_SIZE
from ...core.text.message import message
from ...scene.projection import painted_masks
from ..apply_queue import push_undo


def paint_mask(obj: str | bpy.types.Object, *, size: int = TEXTURE_SIZE) -> bpy.types.Image:
    """The mask of an object for ``faces="painted"``: what is white may be painted; black where it is new.

    Paint on it in Texture Paint, or set its pixels. It lies in the object's UV map, and has tiles where the
    image of the base color has some.

    :param obj: a mesh, or its name; one without a UV map gets one.
    :param size: pixels a side where no image says how many.
    :raises InvalidRequestError: there is no such object, or it can't be painted.
    """
    found = bpy.data.objects.get(obj) if isinstance(obj, str) else obj
    if found is None:
        raise InvalidRequestError(
            message("There is no object '{name}' in the scene.", name=obj),
            code="no_such_object",
            param="objects",
        )
    mask = painted_masks.find_mask(found)
    if mask is None:
        mask = painted_masks.add_mask(found, bpy.context.scene.render.engine, size)
        push_undo(mask.name)  # strokes are undone on an image that a step holds
    return mask


def find_mask(obj: bpy.types.Object | None) -> bpy.types.Image | None:
    """The mask of an object; None where it has none. Quick enough for drawing."""
    return painted_masks.find_mask(obj)


def find_uv_map(mask: bpy.types.Image) -> str:
    """The name of the UV map in which a mask lies."""
    return str(mask.get(painted_masks.UV_MAP, ""))


def remove_mask(obj: bpy.types.Object) -> None:
    """Let an object have no mask."""
    painted_masks.remove_mask(obj)
