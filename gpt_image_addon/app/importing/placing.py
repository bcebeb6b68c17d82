"""What all imports share: a result without a job goes into the scene, in one undo step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import SceneError
from ...core.text.message import Message, message
from ..apply_queue import push_undo

if TYPE_CHECKING:
    from ...core.request.request import Application
    from ...core.results.store import PreparedResult
    from ...scene.targets.base import Applied

T = TypeVar("T")


def deliver(
    prepared: PreparedResult, application: Application, collect: Callable[[Applied], T]
) -> Callable[[], T]:
    """What puts a result into the scene; it is called on the main thread.

    :param collect: makes of what was put there what the caller gets.
    """

    def put_into_scene() -> T:
        from ...scene.targets.base import Deferred
        from ...scene.targets.registry import apply

        try:
            applied = apply(prepared, application)
        except Deferred as deferred:
            raise SceneError(
                message("{reason} Nothing was imported.", reason=Message.of(deferred.reason)),
                next_step="Try again then.",
            ) from deferred
        push_undo(prepared.images[0].name)
        return collect(applied)

    return put_into_scene
