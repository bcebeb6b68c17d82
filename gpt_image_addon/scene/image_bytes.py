"""The file of an image data-block, read without `Image.pixels`. Main thread only.

Reading a single one of those makes Blender keep all of them as floating-point numbers: 4 GB at 16384².
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from ..core.common.files import read_file, replace_file
from ..core.errors import SceneError
from ..core.text.message import message
from .images import export_image, is_linear, is_viewed

LOSSLESS = ("PNG", "TIFF", "TARGA", "BMP", "OPEN_EXR", "HDR")
"""File formats in which Blender writes what was painted as it is; of any other one it writes a PNG."""
SHOWN_ALPHA = ("STRAIGHT", "CHANNEL_PACKED")
"""Ways to read alpha that change no pixel."""


def image_file(image: bpy.types.Image) -> Path | bytes:
    """The file of a data-block as it is now, with what was painted on it.

    What was painted is written by Blender, in the format of the image or as PNG where that one loses; of 16
    bits a number may then be one off. Blender shows images as they are stored:
    see ``turns`` of `inspect_source`.

    :returns: the path where the file is as the image is; else its bytes.
    :raises SceneError: there is no file and nothing painted, or it is no single image.
    """
    if is_viewed(image) or image.source not in ("FILE", "GENERATED"):
        raise SceneError(
            message("'{image}' is no single image; save what you see as one first.", image=image.name)
        )
    if image.is_dirty or (image.source == "GENERATED" and not image.packed_file):
        return _written(image, image.file_format if image.file_format in LOSSLESS else "PNG")
    if image.packed_file:
        return bytes(image.packed_file.data)
    path = _path(image)
    if not path.is_file():
        raise SceneError(
            message("The image '{image}' has no pixels; its file may be missing.", image=image.name)
        )
    return path


def export_file(image: bpy.types.Image, path: Path) -> Path:
    """Write a data-block as an 8-bit PNG, as `export_image` does; without its pixels where it has 8 bits.

    :raises SceneError: there are no pixels, or the file can't be written.
    """
    if not _is_stored_as_shown(image):
        return export_image(image, path)
    data = image_file(image)
    if isinstance(data, Path):
        data = read_file(data)
    replace_file(path, data if _is_plain(data) else _written(image, "PNG"))
    return path


def _is_stored_as_shown(image: bpy.types.Image) -> bool:
    """Whether the numbers in a data-block's file, of 8 bits, are those that it shows."""
    if is_viewed(image) or image.source not in ("FILE", "GENERATED"):
        return False
    if image.source == "FILE" and not image.packed_file and not _path(image).is_file():
        return False  # before Blender opens it: a pipe would let it wait for ever
    return all(image.size) and not image.is_float and not is_linear(image) and image.alpha_mode in SHOWN_ALPHA


def _path(image: bpy.types.Image) -> Path:
    return Path(bpy.path.abspath(image.filepath, library=image.library))


def _is_plain(data: bytes) -> bool:
    """Whether a file is a PNG that everybody shows as Blender does."""
    from ..core.imaging.decoding import UnusableImageError, read_header

    try:
        header = read_header(data)
    except UnusableImageError:
        return False
    return header.format == "png" and header.is_plain and header.mode != "I;16"


def _written(image: bpy.types.Image, file_format: str) -> bytes:
    """What Blender writes of an image, which is changed as little by that as its file."""
    before = image.file_format
    with tempfile.TemporaryDirectory(prefix="gpt_image_") as folder:
        file = Path(folder) / "image"
        try:
            if before != file_format:
                image.file_format = file_format
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
