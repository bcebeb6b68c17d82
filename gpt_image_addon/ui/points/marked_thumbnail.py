"""The thumbnail of the first reference with the points on it; made by a thread after a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ... import api
from ...app import references
from ...app.diagnostics import requirements
from ..common import sidebar, state, thumbnails

DIGITS = 3  # of a place, which is all that shows


@dataclass
class Marked:
    """The thumbnail that was made last."""

    key: Any = None
    """Of what it shows."""
    asked: Any = None
    """Of what a thread makes."""
    icon: int = 0


def icon(values: Any) -> int:
    """Icon of the first reference as it is sent; without points that of its image. For drawing."""
    first = values.references[0]
    plain = thumbnails.of_reference(first)
    if not len(values.points) or not plain or requirements.missing_modules():
        return plain
    marked, places = state.part(Marked), [(point.x, point.y) for point in values.points]
    key = (_source_of(first), tuple((round(x, DIGITS), round(y, DIGITS)) for x, y in places))
    if key not in (marked.key, marked.asked):
        marked.asked = key
        work = references.marked_thumbnail(first.image if first.kind == "image" else key[0], places)
        api.errand(work, lambda made, error: _keep(key, made))
    return marked.icon or plain


def _source_of(reference: Any) -> str:
    if reference.kind == "image":
        return str(reference.image.name_full)
    return str(bpy.path.abspath(reference.file) if reference.kind == "file" else reference.captured)


def _keep(key: Any, made: Any) -> None:
    marked = state.part(Marked)
    if made is None or key != marked.asked:
        return
    marked.key, marked.icon = key, thumbnails.replace("points", made[::-1])
    sidebar.redraw()
