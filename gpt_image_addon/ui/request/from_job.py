"""From a request of the past back to the panel's values."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import bpy

from ...app import references
from ...core.errors import InvalidRequestError
from ...core.request.parameters import PARAMETERS, Parameter
from ...core.text.message import message
from ..common import enum_items
from . import model_notice, to_parameters

OWN = frozenset({"size", "surface_words", "textures_dir"})
"""Parameters that are not recalled as they stand: the folder belongs to the scene, not to a job."""
MASK_NAME = "GPT Image Mask"


def into(values: Any, entry: Any) -> None:
    """Fill the panel with what a job was asked for.

    :param entry: its row of the journal.
    """
    request = vars(entry.request)
    wanted = {**request, **vars(entry.application)}
    values.prompt_text = None
    for row in PARAMETERS.values():
        if row.panel is not None and row.name not in OWN:
            _set(values, row, wanted[row.name])
    if to_parameters.is_surface(values):  # of others it was not asked, so the panel's own choice stays
        values.surface_words = wanted["surface_words"]
    model_notice.migrate_model(values)
    _set_size(values, wanted["size"])
    _set_pictures(values, request)


def begin_edit(values: Any, path: str) -> None:
    """Prepare the panel for changing a part of a picture: it is the first reference, and a black mask waits.

    :param path: the picture's file.
    """
    width, height = references.size_of(path)
    values.references.clear()
    _add_file(values, path)
    mask = bpy.data.images.new(MASK_NAME, width, height, alpha=False)
    mask.use_fake_user = True
    values.mask, values.mask_image, values.prompt = "image", mask, ""


def _set(values: Any, row: Parameter, value: Any) -> None:
    """What the panel does not offer, or can't leave out, stays as it is."""
    if value is None:
        value = row.unset
    elif row.many:
        value = set(value) or None
    elif row.choices:
        value = str(value)
    if value is not None:
        with contextlib.suppress(TypeError):
            setattr(values, row.name, value)


def _set_size(values: Any, size: str) -> None:
    if size in {item[0] for item in enum_items.SIZES}:
        values.size = size
        return
    width, height = size.split("x")
    values.size, values.width, values.height = enum_items.CUSTOM_SIZE, int(width), int(height)


def _set_pictures(values: Any, request: dict[str, Any]) -> None:
    values.references.clear()
    labels = (*request["reference_labels"], *[""] * len(request["references"]))
    for path, label in zip(request["references"], labels, strict=False):
        _add_file(values, path).label = label
    values.mask, values.mask_file = ("file", request["mask"]) if request["mask"] else ("none", "")
    values.use_markup = False
    missing = [path for path in request["references"] if not Path(path).exists()]
    if missing:
        raise InvalidRequestError(
            message("The reference {name} is gone.", name=missing[0]), param="references"
        )


def _add_file(values: Any, path: str) -> Any:
    item = values.references.add()
    item.kind, item.file = "file", path
    if Path(path).exists():
        item.width, item.height = references.size_of(path)
    return item
