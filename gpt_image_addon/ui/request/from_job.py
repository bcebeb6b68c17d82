"""From a request of the past back to the panel's values."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import bpy

from ...app import references
from ...core.errors import InvalidRequestError
from ...core.request.parameters import STRENGTHS
from ...core.text.message import message
from ..common import enum_items
from . import model_notice

OF_REQUEST = (
    "prompt",
    "quality",
    "background",
    "n",
    "seamless",
    "output_format",
    "moderation",
    "partial_images",
    "stream",
)
OF_APPLICATION = (
    "target",
    "composite",
    "repair_seams",
    "previews_in_target",
    "displacement",
    "height_by_model",
    "convention",
    *STRENGTHS,
)
CHOICES = ("complexity", "input_fidelity", "svg_reasoning_effort")
"""Parameters that are left out where the panel says `enum_items.UNSET`."""
NUMBERS = ("output_compression", "frame_count", "frame_duration_ms")
"""Parameters that are left out where the format does not have them."""
TEXTS = ("safety_identifier", "svg_model")
MASK_NAME = "GPT Image Mask"


def into(values: Any, entry: Any) -> None:
    """Fill the panel with what a job was asked for.

    :param entry: its row of the journal.
    """
    request, application = dataclasses.asdict(entry.request), dataclasses.asdict(entry.application)
    values.prompt_text = None
    for name in OF_REQUEST:
        _set(values, name, request[name])
    for name in CHOICES:
        _set(values, name, request[name] or enum_items.UNSET)
    for name in TEXTS:
        _set(values, name, request[name] or "")
    for name in NUMBERS:
        if request[name] is not None:
            _set(values, name, request[name])
    _set(values, "style", request["style"] or enum_items.NO_STYLE)
    _set(values, "provider", request["provider"])
    _set_application(values, application)
    values.model = request["model"]
    model_notice.migrate_model(values)
    _set_size(values, request["size"])
    _set_pictures(values, request)


def _set_application(values: Any, application: dict[str, Any]) -> None:
    for name in OF_APPLICATION:
        _set(values, name, application[name])
    _set(values, "pack", application["pack"] or enum_items.UNSET)
    _set(values, "bits", str(application["bits"]))
    values.texture_size, values.name = application["texture_size"] or 0.0, application["name"] or ""
    if application["maps"]:
        _set(values, "maps", set(application["maps"]))


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


def _set(values: Any, name: str, value: Any) -> None:
    """A value that the panel does not offer leaves the property as it is."""
    try:
        setattr(values, name, value)
    except TypeError:
        return


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
