"""Images that are made before the step that uses them, one small step each. Main thread only.

Between two steps a file may be loaded or a step undone, and every reference to a data-block be gone with it:
so they are found again by `session_uid`, and what is not found is simply made when it is used.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..core.results.store import ImageFile

_made: dict[int, int] = {}
"""`session_uid` of the image of a picture, by the picture's identity."""


def add_prepared(picture: ImageFile, image: bpy.types.Image) -> None:
    """Have the image of a picture ready for who takes it."""
    _made[id(picture)] = image.session_uid


def pop_prepared(picture: ImageFile) -> bpy.types.Image | None:
    """The image that was laid ready for a picture; None where there is none, or it is gone."""
    uid = _made.pop(id(picture), None)
    if uid is None:
        return None
    return next((image for image in bpy.data.images if image.session_uid == uid), None)


def drop(pictures: Iterable[ImageFile]) -> None:
    """Remove what nobody took."""
    left = [image for picture in pictures if (image := pop_prepared(picture)) is not None and not image.users]
    if left:
        bpy.data.batch_remove(left)
