"""Image files as data-blocks, and image data-blocks as files. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ..core.common.files import replace_file
from ..core.errors import SceneError
from ..core.results.store import Facts, ImageFile
from ..core.text.message import message
from ..core.text.names import safe_name
from . import compat, prepared_images

PROPERTY_PREFIX = "gpt_image_"
KIND = PROPERTY_PREFIX + "kind"
"""Custom property of an Image Texture node of a material made here: which map it shows."""
MASK_OF = PROPERTY_PREFIX + "mask_of"
"""Custom property of a mask that is being painted: the image that it lies over."""
EXTENSIONS = {
    "png": ".png",
    "jpeg": ".jpg",
    "webp": ".webp",
    "tiff": ".tif",
    "bmp": ".bmp",
    "tga": ".tga",
    "exr": ".exr",
}
"""Formats that Blender can hold packed, and how their files end."""
LINEAR = frozenset({"exr"})
"""Those of them whose values are light."""
LINEAR_SPACES = ("Linear Rec.709", "Linear")
INT_LIMIT = 2**31 - 1  # of an integer custom property


def add_image(image_file: ImageFile, facts: Facts, *, is_data: bool = False) -> bpy.types.Image:
    """A data-block that holds exactly the image's bytes; they are decoded when first shown.

    :param is_data: numbers (Non-Color) rather than colours.
    :raises SceneError: a format that Blender can't hold.
    """
    return prepared_images.pop_prepared(image_file) or make_image(image_file, facts, is_data=is_data)


def make_image(image_file: ImageFile, facts: Facts, *, is_data: bool = False) -> bpy.types.Image:
    """As `add_image`, even where a data-block was made ahead."""
    extension = EXTENSIONS.get(image_file.format)
    if extension is None:
        raise SceneError(
            message("Blender can't show an image in the format {format}.", format=image_file.format),
            next_step=message("The file is {file}.", file=image_file.file),
        )
    image = bpy.data.images.new(safe_name(image_file.name), 8, 8, alpha=True)
    if is_data:
        image.colorspace_settings.is_data = True
    elif image_file.format in LINEAR:  # else the data-block keeps what it had before it was one of floats
        compat.choose(image.colorspace_settings, "name", *LINEAR_SPACES)
    image.pack(data=image_file.data, data_len=len(image_file.data))
    image.source = "FILE"
    image.filepath_raw = f"//textures/{safe_name(image.name)}{extension}"
    set_facts(image, image_file, facts)
    return image


def set_facts(image: bpy.types.Image, image_file: ImageFile, facts: Facts) -> None:
    """Let a data-block know what made it, as custom properties."""
    number = {"number": image_file.number} if image_file.number else {}
    for name, value in {**facts, **number, **image_file.facts}.items():
        too_big = isinstance(value, int) and abs(value) > INT_LIMIT
        image[PROPERTY_PREFIX + name] = str(value) if too_big else value


def export_image(image: bpy.types.Image, path: Path) -> Path:
    """Write any data-block as an 8-bit PNG; its own settings stay.

    Images are written with the values of their own colour space, linear ones as sRGB. Only what a render or
    the compositor shows, which has no colours but those of the view, goes through the scene's view transform.

    :raises SceneError: there are no pixels, or the file can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_viewed(image):
            _save_as_seen(image, path)
        else:
            from ..core.imaging.formats import encode_png

            replace_file(path, encode_png(read_image(image)))
    except (RuntimeError, OSError) as error:
        raise SceneError(
            message(
                "The image '{image}' could not be written to {path}: {reason}",
                image=image.name,
                path=path,
                reason=error,
            )
        ) from error
    return path


def encode_image(image: bpy.types.Image) -> bytes:
    """Any data-block that is not `is_viewed` as PNG, with 16 bits where it has more than 8.

    :raises SceneError: there are no pixels.
    """
    from ..core.imaging.png_writer import encode_png

    return encode_png(read_image(image, wide=True), compression=1)


def read_image(image: bpy.types.Image, *, wide: bool = False) -> Any:
    """The pixels of a data-block as sRGB, or as numbers where it holds numbers.

    :param wide: as uint16 where the image has more than 8 bits; without it always as uint8.
    :returns: (height, width, 1, 3 or 4), top row first.
    :raises SceneError: there are no pixels.
    """
    import numpy as np

    with _still(image) as still:
        width, height = still.size
        if not (width and height):
            raise SceneError(
                message("The image '{image}' has no pixels; its file may be missing.", image=image.name)
            )
        flat = np.empty(width * height * still.channels, np.float32)
        try:
            still.pixels.foreach_get(flat)
        except (RuntimeError, TypeError) as error:
            raise SceneError(
                message("The image '{image}' has no pixels: {reason}", image=image.name, reason=error)
            ) from error
        pixels = flat.reshape(height, width, still.channels)[::-1]
        if pixels.shape[2] == 2:
            pixels = pixels[..., :1]  # a second channel is no alpha in Blender
        if is_linear(still):
            pixels = _encode(still, pixels)
        top, kind = (65535, np.uint16) if wide and still.is_float else (255, np.uint8)
    return np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * top).astype(kind)


def is_viewed(image: bpy.types.Image) -> bool:
    """Whether a data-block shows a render or the compositor's viewer."""
    return image.type in ("RENDER_RESULT", "COMPOSITING")


def is_linear(image: bpy.types.Image) -> bool:
    """Whether the pixels of a data-block are linear colours, rather than those of its file or numbers."""
    space = image.colorspace_settings
    return not space.is_data and (image.is_float or space.name.startswith("Linear"))


@contextmanager
def _still(image: bpy.types.Image) -> Iterator[bpy.types.Image]:
    """The image itself, or the file that a sequence begins with."""
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    if (
        image.source in ("FILE", "SEQUENCE")
        and not image.packed_file
        and path.exists()
        and not path.is_file()
    ):
        raise SceneError(
            message(
                "The image '{image}' has no pixels; {path} is no regular file.", image=image.name, path=path
            )
        )
    if image.source == "MOVIE":
        raise SceneError(
            message("'{image}' is a movie.", image=image.name),
            next_step="Save the frame that you mean as an image and use that.",
        )
    if image.source != "SEQUENCE":
        yield image
        return
    try:
        first = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise SceneError(
            message("The image '{image}' has no pixels; its file may be missing.", image=image.name)
        ) from error
    try:
        first.colorspace_settings.name = image.colorspace_settings.name
        first.alpha_mode = image.alpha_mode
        yield first
    finally:
        bpy.data.images.remove(first)


def _encode(image: bpy.types.Image, pixels: Any) -> Any:
    """Linear colours as sRGB; where they are floating-point, Blender has multiplied them with alpha."""
    import numpy as np
    from mathutils import Color

    from ..core.imaging.color_spaces import srgb_from_linear

    colors, alpha = pixels[..., :3], pixels[..., 3:]
    if alpha.size and image.is_float and image.alpha_mode in ("STRAIGHT", "PREMUL"):
        colors = np.divide(colors, alpha, out=np.zeros_like(colors), where=alpha > 0)
    if colors.shape[2] == 3 and image.is_float:
        axes = [Color(axis).from_scene_linear_to_rec709_linear() for axis in np.eye(3)]
        matrix = np.array(axes, np.float32)
        if not np.allclose(matrix, np.eye(3), atol=1e-4):
            colors = colors @ matrix
    return np.concatenate([srgb_from_linear(colors), alpha], axis=2)


def tiles_of(image: bpy.types.Image) -> tuple[int, ...]:
    """The numbers of the tiles of a UDIM image; empty for every other image."""
    return tuple(tile.number for tile in image.tiles) if image.source == "TILED" else ()


def notice_of(image: bpy.types.Image, tile: int = 0) -> str | None:
    """A sentence where only a part of an image can be used.

    :param tile: number of the UDIM tile that is used; the first without it.
    """
    tiles = tiles_of(image)
    if len(tiles) > 1:
        return message(
            "'{image}' has {count} UDIM tiles; only tile {tile} is used.",
            image=image.name,
            count=len(tiles),
            tile=tile or tiles[0],
        )
    if image.source == "SEQUENCE":
        return message(
            "'{image}' is an image sequence; only {file} is used.",
            image=image.name,
            file=bpy.path.basename(image.filepath),
        )
    return None


def _save_as_seen(image: bpy.types.Image, path: Path) -> None:
    scene = bpy.context.scene  # a copy has no render result
    with compat.png_for_now(scene.render.image_settings):
        image.save_render(str(path), scene=scene)


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


def preview_pixels(image: bpy.types.Image) -> Any:
    """The small copy that Blender shows of an image, without the margins that make it a square.

    :returns: (height, width, 4) float32 sRGB from 0 to 1, top row first; None before Blender has made it.
    """
    import numpy as np

    preview = image.preview_ensure()
    width, height = preview.image_size
    if not width * height:
        return None
    pixels = np.empty(width * height * 4, np.float32)
    preview.image_pixels_float.foreach_get(pixels)
    scale = min(width / image.size[0], height / image.size[1]) if all(image.size) else 1.0
    margins = [
        (edge - round(own * scale)) // 2 for edge, own in zip((width, height), image.size, strict=True)
    ]
    left, top = (max(0, margin) for margin in margins)
    return pixels.reshape(height, width, 4)[::-1][top : height - top, left : width - left]
