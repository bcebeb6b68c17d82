"""Decals as paint in the textures below them, and back. What scripts call is offered by `api`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy

from ...core.common.arguments import check_types
from ...core.errors import InvalidRequestError
from ...core.jobs.job import Deliver, Task
from ...core.text.message import Message, message
from .. import session, settings
from ..apply_queue import push_undo
from .moving import find_decal

SHARED = Message("Other faces of '{obj}' have the same texels, and show the decal, too.")


@dataclass(frozen=True)
class BakedDecal:
    """A decal that became paint."""

    images: tuple[str, ...]
    """Names of the images that show it now."""
    warnings: tuple[str, ...] = ()


def is_baked(obj: bpy.types.Object | None) -> bool:
    """Whether an object is a decal that is paint. Quick enough for drawing."""
    from ...scene.decals import baking

    return obj is not None and bool(baking.list_baked(obj))


def bake_decal(name: str) -> BakedDecal:
    """Paint a decal into the base color of what it lies on, and wait; nothing is sent.

    The images keep their names, sizes and every texel outside the decal; those before stay with them, for
    `take_out_decal`. The decal is hidden.

    :param name: of its object.
    :raises InvalidRequestError: there is no such decal, or nothing that it could be painted into.
    :raises SceneError: it can't be done; the file is as it was.
    """
    task = submit_bake_decal(name)
    task.wait()
    if not isinstance(task.applied, BakedDecal):
        raise task.error or InvalidRequestError(
            message("The job is not finished: {state}.", state=Message.of(task.message))
        )
    return task.applied


def submit_bake_decal(name: str) -> Task:
    """`bake_decal` in the background; the task's ``applied`` is then a `BakedDecal`."""
    return session.open_session(settings.load()).scheduler.start_local(
        message("Bake {decal}", decal=name), _plan(name)
    )


@check_types
def _plan(name: str) -> Callable[[], Deliver]:
    """All that is read from Blender is read now; what the work returns changes the scene."""
    from ...scene.decals import baking
    from ...scene.transaction import Transaction

    decal = find_decal(name)
    onto = decal.parent.name
    read = baking.read_decal(decal, bpy.context.scene)

    def work() -> Deliver:
        from ...core.painting.decals import paint_decal

        painted = paint_decal(
            read.source, read.label, read.view, read.triangles, read.files, is_clear=read.is_clear
        )

        def put_in() -> BakedDecal:
            with Transaction() as changes:
                images = baking.put_in(read, painted.images, changes)
            push_undo(name)
            shared = (message(SHARED, obj=onto),) if painted.is_shared else ()
            return BakedDecal(tuple(images), (*read.notes, *shared))

        return put_in

    return work


@check_types
def take_out_decal(name: str) -> BakedDecal:
    """Bring the images back that were there before a decal was painted into them, and show it again.

    :param name: of its object.
    :returns: the names of those images.
    :raises InvalidRequestError: there is no such decal, or it is no paint.
    :raises SceneError: an image was changed again since.
    """
    from ...scene.decals import baking
    from ...scene.transaction import Transaction

    decal = find_decal(name)
    if not baking.list_baked(decal):
        raise InvalidRequestError(
            message("'{obj}' is in no texture of this file.", obj=name), code="not_baked", param="name"
        )
    with Transaction() as changes:
        return BakedDecal(tuple(baking.take_out(decal, changes)))
