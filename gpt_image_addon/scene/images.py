"""Pictures as image data-blocks, and image data-blocks as files. Main thread only."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.errors import SceneError
from ..core.names import safe_name
from ..core.results import Facts, Picture
from . import ahead, compat

PROPERTY_PREFIX = "gpt_image_"
KIND = PROPERTY_PREFIX + "kind"
"""Custom property of an Image Texture node of a material made here: which map it shows."""
EXTENSIONS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
"""Formats that Blender can hold packed, and how their files end."""
INT_LIMIT = 2**31 - 1  # of an integer custom property


def add_image(picture: Picture, facts: Facts, *, is_data: bool = False) -> bpy.types.Image:
    """A data-block that holds exactly the picture's bytes; they are decoded when first shown.

    :param is_data: numbers (Non-Color) rather than colours.
    :raises SceneError: a format that Blender can't hold.
    """
    return ahead.take(picture) or make_image(picture, facts, is_data=is_data)


def make_image(picture: Picture, facts: Facts, *, is_data: bool = False) -> bpy.types.Image:
    """As `add_image`, even where the picture was made an image ahead."""
    extension = EXTENSIONS.get(picture.format)
    if extension is None:
        raise SceneError(
            f"Blender can't show a picture in the format {picture.format}.",
            next_step=f"The file is {picture.file}.",
        )
    image = bpy.data.images.new(safe_name(picture.name), 8, 8, alpha=True)
    if is_data:
        image.colorspace_settings.is_data = True
    image.pack(data=picture.data, data_len=len(picture.data))
    image.source = "FILE"
    image.filepath_raw = f"//textures/{safe_name(image.name)}{extension}"
    for name, value in {**facts, **picture.facts}.items():
        too_big = isinstance(value, int) and abs(value) > INT_LIMIT
        image[PROPERTY_PREFIX + name] = str(value) if too_big else value
    return image


def export_image(image: bpy.types.Image, path: Path) -> Path:
    """Write any data-block as an 8-bit PNG, as it looks; its own settings stay.

    Pictures with 8 bits are written with the values they have, HDR pictures and render results through the
    current scene's view transform.

    :raises SceneError: there are no pixels, or the file can't be written.
    """
    by_view = image.type in ("RENDER_RESULT", "COMPOSITING") or image.is_float
    if image.type != "RENDER_RESULT" and not (image.size[0] and image.size[1]):
        raise SceneError(f"The image '{image.name}' has no pixels; its file may be missing.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _save_as_seen(image, path) if by_view else _save_values(image, path)
    except (RuntimeError, OSError) as error:
        raise SceneError(f"The image '{image.name}' could not be written to {path}: {error}") from error
    return path


def _save_as_seen(image: bpy.types.Image, path: Path) -> None:
    scene = bpy.context.scene  # a copy has no render result
    with compat.png_for_now(scene.render.image_settings):
        image.save_render(str(path), scene=scene)


def _save_values(image: bpy.types.Image, path: Path) -> None:
    import numpy as np

    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    save_pixels(pixels, width, height, path)


def save_pixels(pixels: object, width: int, height: int, path: Path) -> None:
    """Write pixels as an 8-bit PNG.

    :param pixels: flat float32 array of RGBA values from 0 to 1, bottom row first.
    """
    copy = bpy.data.images.new(path.stem, width, height, alpha=True)
    try:
        copy.pixels.foreach_set(pixels)
        copy.file_format = "PNG"
        copy.filepath_raw = str(path)
        copy.save()
    finally:
        bpy.data.images.remove(copy)
