"""The file of an image data-block, and a new one in its place, without `Image.pixels`. Main thread only.

Reading a single one of those makes Blender keep all of them as floating-point numbers: 4 GB at 16384².
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from ..core.common.files import read_file
from ..core.errors import SceneError
from ..core.text.message import message
from .images import is_viewed

LOSSLESS = ("PNG", "TIFF", "TARGA", "BMP", "OPEN_EXR", "HDR")
"""File formats in which Blender writes what was painted as it is; of any other one it writes a PNG."""


def image_file(image: bpy.types.Image) -> Path | bytes:
    """The file of a data-block as it is now, with what was painted on it.

    What was painted is written by Blender, in the format of the image or as PNG where that one loses; of 16
    bits a number may then be one off. Blender shows images as they are stored: see ``turns`` of `inspect_source`.

    :returns: the path where the file is as the image is; else its bytes.
    :raises SceneError: there is no file and nothing painted, or it is no single image.
    """
    if is_viewed(image) or image.source not in ("FILE", "GENERATED"):
        raise SceneError(
            message("'{image}' is no single image; save what you see as one first.", image=image.name)
        )
    if image.is_dirty or (image.source == "GENERATED" and not image.packed_file):
        return _written(image)
    if image.packed_file:
        return bytes(image.packed_file.data)
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    if not path.is_file():
        raise SceneError(
            message("The image '{image}' has no pixels; its file may be missing.", image=image.name)
        )
    return path


def put_file(image: bpy.types.Image, data: bytes) -> None:
    """Let a data-block hold another file from now on, packed; its name, users and settings stay.

    The file on the disk stays as it is.

    :param data: in a format that Blender reads.
    """
    image.pack(data=data, data_len=len(data))
    if image.source == "GENERATED":
        image.source = "FILE"
    image.buffers_free()  # and not `reload`, which packs the file on the disk again


def _written(image: bpy.types.Image) -> bytes:
    """What Blender writes of an image, which is changed as little by that as its file."""
    before = image.file_format
    with tempfile.TemporaryDirectory(prefix="gpt_image_") as folder:
        file = Path(folder) / "image"
        try:
            if before not in LOSSLESS:
                image.file_format = "PNG"
            # `Image.save` can't write a copy in Blender 4.2: what was painted would count as saved.
            with bpy.context.temp_override(edit_image=image):
                bpy.ops.image.save_as(filepath=str(file), copy=True)
            return read_file(next(Path(folder).iterdir()))
        except (RuntimeError, OSError, StopIteration) as error:
            raise SceneError(
                message("The image '{image}' has no pixels: {reason}", image=image.name, reason=error)
            ) from error
        finally:
            if image.file_format != before:
                image.file_format = before
