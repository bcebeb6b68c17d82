"""Keeping images beside the .blend instead of in it. Main thread only, but for `write`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy

from ..core.results.output_files import Outputs


@dataclass(frozen=True)
class Packed:
    """An image that lies in the .blend and may lie beside it."""

    uid: int
    """`session_uid` of its data-block."""
    named: Path
    """Where the data-block would look for it."""
    data: bytes = field(repr=False)
    path: Path | None = None
    """Where it was written."""


def packed_images(names: Iterable[str]) -> list[Packed]:
    """What there is to save beside the .blend; nothing for an unsaved file.

    :param names: of image data-blocks.
    """
    if not bpy.data.filepath:
        return []
    found = [image for name in names if (image := bpy.data.images.get(name)) and image.packed_file]
    images = [image for image in found if image.source == "FILE"]  # a UDIM image has a file for each tile
    return [Packed(image.session_uid, _named(image), bytes(image.packed_file.data)) for image in images]


def _named(image: bpy.types.Image) -> Path:
    return Path(bpy.path.abspath(image.filepath_raw))


def write(images: Sequence[Packed], outputs: Outputs, owner: str) -> list[Packed]:
    """Write the files, each under a free name; in any thread.

    :param owner: the job that made them, and the .blend.
    :returns: the same with their paths.
    :raises StorageError: an image can't be written.
    """
    return [dataclasses.replace(image, path=outputs.copy(image.named, image.data, owner)) for image in images]


def unpack(images: Iterable[Packed]) -> None:
    """Let data-blocks use the files that were written; one whose path has changed since stays packed."""
    written = {saved.uid: saved for saved in images if saved.path is not None}
    for image in bpy.data.images:
        saved = written.get(image.session_uid)
        if saved is not None and image.packed_file and _named(image) == saved.named:
            if saved.path != saved.named:
                image.filepath_raw = bpy.path.relpath(str(saved.path))
            image.unpack(method="REMOVE")
