"""Keeping pictures beside the .blend instead of in it. Main thread only, but for `write`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ..core.files import replace_file


@dataclass(frozen=True)
class Packed:
    """A picture that lies in the .blend and may lie beside it."""

    uid: int
    """`session_uid` of its data-block."""
    path: Path
    data: bytes = field(repr=False)


def packed_pictures(names: Iterable[str]) -> list[Packed]:
    """What there is to save beside the .blend; nothing for an unsaved file.

    :param names: of image data-blocks.
    """
    if not bpy.data.filepath:
        return []
    images = [image for name in names if (image := bpy.data.images.get(name)) and image.packed_file]
    return [
        Packed(image.session_uid, Path(bpy.path.abspath(image.filepath_raw)), bytes(image.packed_file.data))
        for image in images
    ]


def write(pictures: Sequence[Packed]) -> None:
    """Write the files; in any thread.

    :raises StorageError: a picture can't be written.
    """
    for picture in pictures:
        replace_file(picture.path, picture.data)


def unpack(pictures: Iterable[Packed]) -> None:
    """Let data-blocks use the files that were written; one whose path has changed since stays packed."""
    paths = {picture.uid: picture.path for picture in pictures}
    for image in bpy.data.images:
        path = paths.get(image.session_uid)
        if path and image.packed_file and Path(bpy.path.abspath(image.filepath_raw)) == path:
            image.unpack(method="REMOVE")


def save_beside(names: Iterable[str]) -> None:
    """Write packed images to their ``//textures`` paths and unpack them; an unsaved file keeps them packed.

    :param names: of image data-blocks.
    :raises StorageError: a picture can't be written; it stays packed.
    """
    found = packed_pictures(names)
    write(found)
    unpack(found)
