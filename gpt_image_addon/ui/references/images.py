"""The images of the panel's request: captured, exported and drawn when Generate is clicked."""

from __future__ import annotations

from typing import Any

from ...app import inpainting, references
from ...app.blend_paths import resolve
from ...core.errors import InvalidRequestError
from ..common import thumbnails

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
    item.width, item.height = references.size_of(path)
    item.captured = path
    return path


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
        "reference_labels": tuple(item.label.strip() for item in values.references),
    }
    first = values.references[0]
    edited = _result_of(first)
    if edited:
        found["edit_of"] = edited
    size = (first.width, first.height) if first.width else references.size_of(found["references"][0])
    mask = _mask(values, size)
    if mask:
        found |= {"mask": mask, "composite": values.composite}
    if values.use_markup:
        found["markup"] = references.markup(size)
    if not any(found["reference_labels"]):
        del found["reference_labels"]
    thumbnails.forget(found["references"][0])
    return found


def _result_of(item: Any) -> str:
    """The result that a reference shows, as `Application.edit_of`; empty where it shows none."""
    if item.kind == "image":
        return inpainting.result_of(item.image)
    return str(item.edit_of) if item.kind == "file" else ""


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
