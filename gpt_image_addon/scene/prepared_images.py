"""Images that are made before the step that uses them, one small step each. Main thread only.

Between two steps a file may be loaded or a step undone, and every reference to a data-block be gone with it:
so they are found again by `session_uid`, and what is not found is simply made when it is used.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..core.results.store import ImageFile

_made: dict[int, tuple[ImageFile, int]] = {}
"""The picture, so that nothing else gets its identity, and `session_uid` of its image, by that identity."""


def add_prepared(picture: ImageFile, image: bpy.types.Image) -> None:
    """Have the image of a picture ready for who takes it."""
    _made[id(picture)] = (picture, image.session_uid)


def is_prepared(picture: ImageFile) -> bool:
    """Whether the image of a picture is ready."""
    return id(picture) in _made and _find(picture) is not None


def pop_prepared(picture: ImageFile) -> bpy.types.Image | None:
    """The image that was laid ready for a picture; None where there is none, or it is gone."""
    image = _find(picture)
    _made.pop(id(picture), None)
    if image is not None:
        image.use_fake_user = False  # it may have been in the file for a while
    return image


def _find(picture: ImageFile) -> bpy.types.Image | None:
    _, uid = _made.get(id(picture), (None, None))
    return next((image for image in bpy.data.images if image.session_uid == uid), None)


def drop(pictures: Iterable[ImageFile]) -> None:
    """Remove what nobody took, but for what has a user."""
    unused = []
    for picture in pictures:
        image = _find(picture)
        _made.pop(id(picture), None)
        if image is not None and not image.users:
            unused.append(image)
    if unused:
        bpy.data.batch_remove(unused)
