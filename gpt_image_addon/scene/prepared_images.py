"""Images that are made before the step that uses them, one small step each. Main thread only.

Between two steps a file may be loaded or a step undone, and every reference to a data-block be gone with it:
so they are found again by `session_uid`, and what is not found is simply made when it is used.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..core.results.store import ImageFile

_made: dict[int, tuple[ImageFile, int]] = {}
"""The file, so that nothing else gets its identity, and `session_uid` of its data-block, by that identity."""


def add_prepared(image_file: ImageFile, image: bpy.types.Image) -> None:
    """Have the data-block of an image file ready for who takes it."""
    _made[id(image_file)] = (image_file, image.session_uid)


def is_prepared(image_file: ImageFile) -> bool:
    """Whether the data-block of an image file is ready."""
    return id(image_file) in _made and _find(image_file) is not None


def pop_prepared(image_file: ImageFile) -> bpy.types.Image | None:
    """The data-block that was made ahead for an image file; None where there is none, or it is gone."""
    image = _find(image_file)
    _made.pop(id(image_file), None)
    if image is not None:
        image.use_fake_user = False  # it may have been in the file for a while
    return image


def _find(image_file: ImageFile) -> bpy.types.Image | None:
    _, uid = _made.get(id(image_file), (None, None))
    return next((image for image in bpy.data.images if image.session_uid == uid), None)


def drop(image_files: Iterable[ImageFile]) -> None:
    """Remove what nobody took, but for what has a user."""
    unused = []
    for image_file in image_files:
        image = _find(image_file)
        _made.pop(id(image_file), None)
        if image is not None and not image.users:
            unused.append(image)
    if unused:
        bpy.data.batch_remove(unused)
