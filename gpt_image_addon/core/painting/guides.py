"""The guides of a projection: what a model is shown of the objects that it is to paint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..projection import guides
from ..projection.depth import DepthMap
from ..projection.surface import Triangles
from ..projection.view import View
from ..projection.views import count_seen, find_shapes
from ..projection.visibility import SeenView, see
from .projection import ProjectedView, Projection

Drawing = Callable[[View, DepthMap, NDArray[Any], NDArray[np.bool_]], NDArray[np.uint8]]
CLAY = "clay"
DARK = frozenset(
    (
        *("black", "dark", "charcoal", "obsidian", "ebony", "onyx", "coal", "soot", "jet", "anthracite"),
        *("graphite", "basalt", "night", "midnight", "tar"),
        *("schwarz", "schwarze", "schwarzer", "schwarzes", "schwarzem", "schwarzen"),
        *("dunkel", "dunkle", "dunkler", "dunkles", "dunklem", "dunklen"),
        *("kohle", "ebenholz", "anthrazit", "graphit", "teer", "nacht"),
    )
)
"""Words for what is nearly as dark as the background, in English and German."""
DRAWINGS: Mapping[str, Drawing] = {
    CLAY: guides.draw_clay,
    "normal": guides.draw_normals,
    "depth": guides.draw_nearness,
    "lines": guides.draw_lines,
}


@dataclass(frozen=True)
class Guides:
    """What is sent of the objects."""

    images: tuple[NDArray[np.uint8], ...]
    """The clay render, then the others as they were asked for; (height, width, 3)."""
    painted_pixels: tuple[int, ...]
    """Of each view, how many of its pixels show what is painted."""


def make_view(found: ProjectedView) -> View:
    """A stored view with its matrices."""
    world, clip = (
        np.array(rows, np.float64).reshape(4, 4) for rows in (found.matrix_world, found.projection)
    )
    return View(found.name, world, clip, found.size)


def draw_guides(
    triangles: Triangles, projection: Projection, kinds: Sequence[str], *, prompt: str = ""
) -> Guides:
    """Draw what the views of a projection see.

    :param kinds: of `DRAWINGS`, beside the clay render.
    :param prompt: what they are to look like, from which the background has to differ.
    """
    seen = [see(make_view(view), triangles) for view in projection.views]
    normals = triangles.normals
    shown = [find_shapes(one, triangles) for one in seen]
    background = choose_background(prompt)
    images = [
        _draw_sheet(projection, seen, shown, normals, DRAWINGS[kind], background) for kind in (CLAY, *kinds)
    ]
    return Guides(tuple(images), tuple(count_seen(one, triangles) for one in seen))


def count_painted(triangles: Triangles, projection: Projection) -> tuple[int, ...]:
    """Of each view, how many of its pixels show what is painted."""
    return tuple(count_seen(see(make_view(view), triangles), triangles) for view in projection.views)


def choose_background(prompt: str) -> tuple[int, int, int]:
    """What is behind the objects: it has to differ from what they are to look like."""
    return guides.FOR_DARK if becomes_dark(prompt) else guides.BACKGROUND


def becomes_dark(prompt: str) -> bool:
    """Whether a prompt names something about as dark as the usual background."""
    return not DARK.isdisjoint(re.findall(r"[^\W\d_]+", prompt.casefold()))


def describe_tiles(projection: Projection) -> str:
    """What a sheet shows, in the words of a prompt; empty where there is but one tile."""
    views = projection.views
    columns, rows = (len({view.rectangle[axis] for view in views}) for axis in (0, 1))
    if columns * rows < 2:
        return ""
    tiles = ", ".join(view.name for view in views)
    return (
        f"a sheet of clay renders of one model in {columns} columns and {rows} rows, in front of a plain "
        f"background; its tiles show it, row by row, from these sides: {tiles}"
    )


def _draw_sheet(
    projection: Projection,
    seen: Sequence[SeenView],
    shown: Sequence[NDArray[np.bool_]],
    normals: NDArray[Any],
    draw: Drawing,
    background: tuple[int, int, int],
) -> NDArray[np.uint8]:
    width, height = projection.sent_size
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = background
    for view, one, shape in zip(projection.views, seen, shown, strict=True):
        left, top, wide, high = view.rectangle
        drawn = draw(one.view, one.depth, normals, shape)
        drawn[~shape] = background
        sheet[top : top + high, left : left + wide] = drawn
    return sheet
