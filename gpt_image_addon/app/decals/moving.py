"""Decals in other places: cut again out of what is there. What scripts call is offered by `api`."""

from __future__ import annotations

import bpy

from ...core.common import arguments
from ...core.common.coordinates import Coordinates
from ...core.errors import InvalidRequestError
from ...core.text.message import message
from ...core.text.names import suggestion


def is_decal(obj: bpy.types.Object | None) -> bool:
    """Whether an object is a decal that was made here. Quick enough for drawing."""
    from ...scene.decals import decal

    return decal.is_decal(obj)


@arguments.check_types
def move_decal(
    name: str, at: Coordinates, *, normal: Coordinates | None = None, object_name: str | None = None
) -> None:
    """Let a decal lie in another place: it is cut again out of the faces that are there. Nothing is sent.

    :param name: of its object.
    :param at: where in the world; the nearest point of the surface is taken.
    :param normal: where it looks to; without, where the face does.
    :param object_name: the object that it comes onto; without, the one that it is on.
    :raises InvalidRequestError: there is no such object, it is no decal, or it is paint in a texture.
    :raises SceneError: it can't lie there; it stays where it is.
    """
    from ...scene.decals import baking, decal
    from ...scene.transaction import Transaction

    found = find_decal(name)
    baking.check_unbaked(found)
    if normal is not None and not any(normal):
        raise InvalidRequestError("A normal of 0,0,0 points nowhere.", code="invalid_value", param="normal")
    onto = _find(object_name, "object_name") if object_name else found.parent
    before = found.data
    with Transaction() as changes:
        decal.move(found, onto, at, normal, changes)
    if not before.users:
        bpy.data.meshes.remove(before)


def find_decal(name: str) -> bpy.types.Object:
    """:raises InvalidRequestError: there is no such object, or it is no decal."""
    found = _find(name, "name")
    if not is_decal(found):
        raise InvalidRequestError(
            message("'{obj}' is no decal that was made here.", obj=name), code="no_decal", param="name"
        )
    return found


def _find(name: str, param: str) -> bpy.types.Object:
    obj = bpy.context.scene.objects.get(name)
    if obj is None:
        raise InvalidRequestError(
            message("There is no object '{name}' in the scene.", name=name),
            code="no_such_object",
            param=param,
            next_step=suggestion(name, (other.name for other in bpy.context.scene.objects)),
        )
    return obj
