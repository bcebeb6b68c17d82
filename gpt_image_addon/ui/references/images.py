"""The images of the panel's request: captured, exported and drawn when Generate is clicked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import bpy

from ...app import inpainting, references
from ...app.blend_paths import resolve
from ...core.errors import GptImageError, InvalidRequestError
from ...core.references.kinds import NONE, PREVIOUS
from ..common import thumbnails
from . import kinds

Size = tuple[int, int]


def capture(item: Any, tile: int = 0) -> str:
    """Take the image of a reference, and remember it for the thumbnail.

    :param tile: number of a UDIM tile of its image, see `references.image`.
    :raises GptImageError: it can't be taken.
    """
    if item.kind == "file":
        path = str(resolve(item.file, "references"))
    elif item.kind == "image":
        if item.image is None:
            raise InvalidRequestError("A reference has no image yet.", param="references")
        path = references.image(item.image, tile)
    else:
        path = references.CAPTURES[item.kind]()
        references.write_thumbnail(path)
    item.width, item.height = references.size_of(path)
    item.captured = path
    return path


def measure(item: Any) -> None:
    """Note how large the file of a reference is, which its price and the shape of the answer hang on."""
    item.width = item.height = 0
    with contextlib.suppress(GptImageError):  # said when it is sent
        item.width, item.height = references.size_of(str(resolve(item.file, "references")))


def _path_of(item: Any, tile: int = 0) -> str:
    is_kept = item.kind in references.CAPTURES and not item.live and item.captured
    return item.captured if is_kept else capture(item, tile)


def tiled_image(values: Any) -> bpy.types.Image | None:
    """The UDIM image of which the panel's request edits a tile; None where it does not. For drawing, too."""
    item = values.references[0] if len(values.references) and values.mask != "none" else None
    image = item.image if item is not None and item.kind == "image" else None
    return image if image is not None and image.source == "TILED" else None


def edited_tile(values: Any) -> int:
    """Number of the UDIM tile that the panel's request edits: that of the selected faces where they are the
    mask, else the one that is chosen in the Image Editor; 0 where there are none.

    :raises SceneError: the faces lie on several tiles, or none is selected.
    """
    if tiled_image(values) is None:
        return 0
    return references.faces_tile() if values.mask == "faces" else references.active_tile(tiled_image(values))


def parameters(values: Any) -> dict[str, Any]:
    """References, mask and markup as parameters of `api.submit`.

    :raises GptImageError: one of them can't be made.
    """
    if not len(values.references):
        return {}
    tile, others = edited_tile(values), list(values.references)[1:]
    found: dict[str, Any] = {
        "references": [_path_of(values.references[0], tile), *map(_path_of, others)],
        **kinds.parameters(values),
    }
    first = values.references[0]
    edited = _result_of(values)
    if edited:
        found["edit_of"] = edited
    size = (first.width, first.height) if first.width else references.size_of(found["references"][0])
    mask = _mask(values, size, tile)
    if mask:
        found |= {"mask": mask, "composite": values.composite, "whole_image": values.whole_image}
    if values.use_markup:
        found["markup"] = references.markup(size)
    found |= frame(values)
    thumbnails.forget(found["references"][0])
    return found


def _result_of(values: Any) -> str:
    """The result that is edited, as `Application.edit_of`; empty where the first reference is none."""
    item = values.references[0]
    if kinds.kind_of(values, 0) not in (PREVIOUS, NONE):
        return ""
    if item.kind == "image":
        return inpainting.result_of(item.image)
    return str(item.edit_of) if item.kind == "file" else ""


def frame(values: Any) -> dict[str, Any]:
    """The camera's frame as a parameter, where the reference that decides the shape shows it."""
    number = kinds.deciding(values)
    if number is None or values.references[number].kind not in references.FRAMED:
        return {}
    return {"camera_frame": references.camera_frame()}


def masked(values: Any, size: Size) -> Callable[[], Any] | None:
    """Tells in any thread where the first reference may change, see `estimates.validate_and_price`.

    :param size: of that reference.
    :returns: None where only a look at the scene, or at what is painted, would tell.
    """
    if values.mask == "rectangle":
        return partial(references.in_rectangle, tuple(values.mask_rectangle), size)
    if values.mask == "file" and values.mask_file:
        return partial(references.in_mask_file, str(resolve(values.mask_file, "mask")), size)
    return None


def mask_key(values: Any) -> tuple[Any, ...]:
    """What `masked` hangs on. Quick enough for drawing."""
    if values.mask == "rectangle":
        return tuple(values.mask_rectangle)
    if values.mask != "file" or not values.mask_file:
        return ()
    with contextlib.suppress(OSError, ValueError, GptImageError):
        path = resolve(values.mask_file, "mask")
        return str(path), path.stat().st_mtime_ns
    return (values.mask_file,)


def _mask(values: Any, size: Size, tile: int) -> str:
    if values.mask == "image":
        if values.mask_image is None:
            raise InvalidRequestError("The mask has no image yet.", param="mask")
        return references.image(values.mask_image)
    if values.mask == "faces":
        return references.faces_mask(size, tile)
    if values.mask == "rectangle":
        return references.rectangle_mask(tuple(values.mask_rectangle), size)
    return str(resolve(values.mask_file, "mask")) if values.mask == "file" and values.mask_file else ""
