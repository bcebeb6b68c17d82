"""Small images in panels: of files, which Blender reads in the background, and of previews in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

from . import state


@dataclass
class Icons:
    """Those that Blender holds for us."""

    files: Any = None
    """Its collection, once there is one."""


def of_file(path: str) -> int:
    """Icon of an image file; 0 where there is no path. Blender loads it when it is first shown."""
    if not path or bpy.app.background:
        return 0
    collection = _collection()
    found = collection.get(path)
    if found is None and not Path(path).is_file():
        return 0  # of a pipe Blender would wait for an image
    return int((found or collection.load(path, _smallest(path), "IMAGE")).icon_id)


def _smallest(path: str) -> str:
    from ...core.results.store import thumbnail_of

    small = thumbnail_of(Path(path))
    return str(small) if small.is_file() else path


def of_image(image: bpy.types.Image | None) -> int:
    """Icon of an image data-block; 0 where there is none."""
    if image is None or bpy.app.background:
        return 0
    return int(image.preview_ensure().icon_id)


def of_reference(item: Any) -> int:
    """Icon of the image that a reference would send."""
    if item.kind == "image":
        return of_image(item.image)
    return of_file(bpy.path.abspath(item.file) if item.kind == "file" else item.captured)


def of_preview(job: Any) -> int:
    """Icon of the newest preview of a running job; 0 where there is none yet."""
    thumbnail = job.preview
    if thumbnail is None or bpy.app.background:
        return 0
    collection = _collection()
    name = f"preview {job.id} {thumbnail.number}"
    found = collection.get(name)
    if found is None:
        collection.pop(f"preview {job.id} {thumbnail.number - 1}", None)
        found = collection.new(name)
        found.image_size = (thumbnail.width, thumbnail.height)
        found.image_pixels_float.foreach_set(thumbnail.pixels)
    return int(found.icon_id)


def replace(name: str, pixels: Any) -> int:
    """Icon of a small image in place of the one that had the name.

    :param pixels: (height, width, 4) float32 from 0 to 1, bottom row first.
    """
    collection = _collection()
    collection.pop(name, None)
    made = collection.new(name)
    made.image_size = (pixels.shape[1], pixels.shape[0])
    made.image_pixels_float.foreach_set(pixels.ravel())
    return int(made.icon_id)


def forget(path: str) -> None:
    """Read a file again when it is shown next."""
    files = state.part(Icons).files
    if files is not None:
        files.pop(path, None)


def close() -> None:
    """Free all icons."""
    icons = state.part(Icons)
    if icons.files is not None:
        bpy.utils.previews.remove(icons.files)
        icons.files = None


def _collection() -> Any:
    icons = state.part(Icons)
    if icons.files is None:
        icons.files = bpy.utils.previews.new()
    return icons.files
