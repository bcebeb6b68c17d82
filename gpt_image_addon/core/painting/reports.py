"""What became of each view of an answer, kept beside the painted images."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.arguments import kinds_of, typed
from ..common.files import read_file, replace_file
from ..errors import InvalidRequestError
from ..references.views import MOST_VIEWS
from ..results.folders import PROCESSED_FOLDER
from ..text.json_reader import load_json
from .projection import Projection, check_projection

FILE = "model.json"
SIZE_LIMIT = 1_000_000  # bytes
SETTINGS = (
    *("feather", "erosion", "exponent", "steepest", "texture_size"),
    *("used_views", "replace_all", "match_colors", "fill_gaps", "surface_maps"),
)
"""Of a projection, what may change when a stored answer is applied again."""
UNREADABLE = (OSError, ValueError, TypeError, KeyError, InvalidRequestError)


@dataclass(frozen=True)
class ViewReport:
    """How a view lay on its guide, and what it painted."""

    name: str
    coverage: float
    """Share of the texels that it painted."""
    shift_px: tuple[float, ...]
    """By how many pixels right and down its answer was moved."""
    scale: float
    score: float
    """By how much the outlines agree, from 0 to 1."""
    used: bool


@dataclass(frozen=True)
class LastPainting:
    """How a result was painted last, beside the settings of its projection."""

    variation: int = 1
    """Which of its images, from 1."""
    objects: tuple[str, ...] = ()
    """Names of those that were painted."""
    accept: bool = False
    """Views whose outlines did not match were used, too."""


def write_report(folder: Path, report: Mapping[str, Any], projection: Projection, *, accept: bool) -> None:
    """Keep what was painted, and how, beside the images.

    :param folder: of the result.
    :param accept: views whose outlines did not match were used, too.
    :raises StorageError: it can't be written.
    """
    settings = {name: getattr(projection, name) for name in SETTINGS}
    data = json.dumps({**report, "settings": settings, "accept": accept}, indent=1).encode()
    replace_file(folder / PROCESSED_FOLDER / FILE, data)


def read_views(folder: Path) -> dict[str, ViewReport]:
    """What became of the views of a result, by name; nothing where that was not kept or can't be read."""
    try:
        kinds = kinds_of(ViewReport)
        views = [
            ViewReport(**typed(kinds, {name: one[name] for name in kinds})) for one in _read(folder)["views"]
        ]
    except UNREADABLE:
        return {}
    return {view.name: view for view in views[:MOST_VIEWS]}


def read_last(folder: Path) -> LastPainting:
    """How a result was painted last; as at first where that was not kept or can't be read."""
    try:
        found = _read(folder)
        objects = dict.fromkeys(name for image in found["images"] for name in image["objects"])
        values = {name: found[name] for name in ("variation", "accept") if name in found}
        return LastPainting(**typed(kinds_of(LastPainting), {**values, "objects": list(objects)}))
    except UNREADABLE:
        return LastPainting()


def settle(projection: Projection, folder: Path) -> Projection:
    """A projection with the settings with which a result was painted last; as it is where none were kept."""
    try:
        found = _read(folder)["settings"]
        kinds = {name: kind for name, kind in kinds_of(Projection).items() if name in SETTINGS}
        settled = dataclasses.replace(projection, **typed(kinds, found))
        check_projection(settled)
    except UNREADABLE:
        return projection
    return settled


def _read(folder: Path) -> Any:
    return load_json(read_file(folder / PROCESSED_FOLDER / FILE, SIZE_LIMIT).decode())
