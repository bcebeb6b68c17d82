"""Keeping pictures beside the .blend instead of in it. Main thread only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import bpy

from ..core.files import replace_file


def save_beside(names: Iterable[str]) -> None:
    """Write packed images to their ``//textures`` paths and unpack them; an unsaved file keeps them packed.

    :param names: of image data-blocks.
    :raises StorageError: a picture can't be written; it stays packed.
    """
    if not bpy.data.filepath:
        return
    for name in names:
        image = bpy.data.images.get(name)
        if image is None or image.packed_file is None:
            continue
        path = Path(bpy.path.abspath(image.filepath_raw))
        replace_file(path, bytes(image.packed_file.data))
        image.unpack(method="REMOVE")
