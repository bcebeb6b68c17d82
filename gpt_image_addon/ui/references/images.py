"""The images of the panel's request: captured, exported and drawn when Generate is clicked."""

from __future__ import annotations

import contextlib
from typing import Any

from ...app import inpainting, references
from ...app.blend_paths import resolve
from ...core.errors import GptImageError, InvalidRequestError
from ...core.references.kinds import NONE, PREVIOUS
from ..common import thumbnails
from . import kinds

Size = tuple[int, int]


def capture(item: Any) -> str:
    """Take the image of a reference, and remember it for the thumbnail.

    :raises GptImageError: it can't be taken.
    """
    if item.kind == "file":
        path = str(resolve(item.file, "references"))
    elif item.kind == "image":
        if item.image is None:
            raise InvalidRequestError("A reference has no image yet.", param="references")
        path = references.image(item.image)
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


def _path_of(item: Any) -> str:
    is_kept = item.kind in references.CAPTURES and not item.live and item.captured
    return item.captured if is_kept else capture(item)


def parameters(values: Any) -> dict[str, Any]:
    """References, mask and markup as parameters of `api.submit`.

    :raises GptImageError: one of them can't be made.
    """
    if not len(values.references):
        return {}
    found: dict[str, Any] = {
        "references": [_path_of(item) for item in values.references],
        **kinds.parameters(values),
    }
    first = values.references[0]
    edited = _result_of(values)
    if edited:
        found["edit_of"] = edited
    size = (first.width, first.height) if first.width else references.size_of(found["references"][0])
    mask = _mask(values, size)
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


def _mask(values: Any, size: Size) -> str:
    if values.mask == "image":
        if values.mask_image is None:
            raise InvalidRequestError("The mask has no image yet.", param="mask")
        return references.image(values.mask_image)
    if values.mask == "faces":
        return references.faces_mask(size)
    if values.mask == "rectangle":
        return references.rectangle_mask(tuple(values.mask_rectangle), size)
    return str(resolve(values.mask_file, "mask")) if values.mask == "file" and values.mask_file else ""
