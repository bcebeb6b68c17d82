"""How an image is projected onto a model, as plain values that are kept with the result."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..common.arguments import kinds_of, typed
from ..common.paths import is_job_id
from ..errors import InvalidRequestError
from ..references.views import MOST_VIEWS
from ..request.validation import check_range
from ..text.json_reader import load_json
from ..text.message import message

ALL, SELECTED = "all", "selected"
"""Which faces are painted; beside `parameters.PAINTED`."""
TEXTURE_SIZE = 2048  # pixels a side of a new image
FEATHER = 8.0  # pixels of the answer over which an edge fades
LIMITS: Mapping[str, tuple[int, int]] = {
    "texture_size": (64, 8192),
    "feather": (0, 256),
    "erosion": (0, 64),
    "exponent": (0, 32),
    "steepest": (1, 89),
}
"""The least and the most that settings of a `Projection` may be."""
MOST_EDGE = 100_000  # pixels of what was sent
TEXT_LIMIT = 1_000_000  # characters of a stored record

NESTED = ("views", "objects", "masks")
"""Of a `Projection`, what holds values of its own."""

Matrix = tuple[float, ...]
"""Rows of a 4x4 matrix, one after another."""


@dataclass(frozen=True)
class ProjectedView:
    """A view that an answer shows, and where it is in that answer."""

    name: str
    matrix_world: Matrix
    """From the view's space to that of the world."""
    projection: Matrix
    """From the view's space to OpenGL's clip space."""
    size: tuple[int, int]
    """Width and height of its guide in pixels."""
    rectangle: tuple[int, int, int, int]
    """Left, top, width and height in the pixels of what was sent."""
    job: str = ""
    """Id of the job whose answer shows it; empty for that of the job itself."""
    placed: tuple[float, ...] = ()
    """How its answer lies on its guide: right and down in pixels, scale and score of an `outlines.Placement`;
    empty where that is to be found."""

    def describe(self) -> dict[str, Any]:
        """What users are told of it."""
        names = ("name", "matrix_world", "projection", "size", "rectangle")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Receiver:
    """An object that is painted."""

    name: str
    matrix_world: Matrix
    """Where it was when its guide was drawn."""


@dataclass(frozen=True)
class PaintedMask:
    """What may change of an object, as it was painted on it when its guide was drawn."""

    object_name: str
    tile: int
    """Number of the UDIM tile; 0 where its image has none."""
    png: str
    """A gray image in base64, in the UV map: white where all may change."""


@dataclass(frozen=True)
class Projection:
    """All that is needed to project an answer onto the objects of a scene once more."""

    views: tuple[ProjectedView, ...]
    sent_size: tuple[int, int]
    """Width and height in pixels of the guide that was sent."""
    objects: tuple[Receiver, ...]
    as_shown: bool = False
    """What the viewport shows and no render does hides what is behind it, too."""
    faces: str = ALL
    """``selected`` paints the selected faces alone, ``painted`` what `masks` show."""
    masks: tuple[PaintedMask, ...] = ()
    new_image: bool = False
    """Each object gets a new image, also where its material shows one."""
    texture_size: int = TEXTURE_SIZE
    """Pixels a side of a new image."""
    aligned: bool = True
    """Its answer is aligned with the outlines of the guide; a draft follows none."""
    replace_all: bool = False
    """What was on the objects before does not show through."""
    match_colors: bool = False
    """The colors of the views are made to agree where several show the same surface."""
    fill_gaps: bool = False
    """What no view shows gets colors from what lies near it."""
    surface_maps: bool = False
    """Normals, roughness and occlusion are made of what was painted, as images of the material."""
    is_alone: bool = False
    """Nothing but the objects hides what is behind it."""
    shown_share: float | None = None
    """Share of the surface that the views show; None where it was not measured."""
    feather: float = FEATHER
    """Pixels of the answer over which an edge fades."""
    erosion: float = 2.0
    """Pixels of the answer beside a jump of depth that are not used."""
    exponent: float = 4.0
    """Of the cosine between a surface's normal and the ray, in the weight of a view."""
    steepest: float = 75.0
    """Degrees between both from which on nothing is used."""
    used_views: tuple[str, ...] = ()
    """Names of the views to use; all where there are none."""

    @property
    def hides_all(self) -> bool:
        """Whether nothing stays of what was on the objects before."""
        return self.replace_all and self.fill_gaps and self.faces == ALL

    def to_text(self) -> str:
        """As it is stored."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Projection:
        """The inverse of `to_text`.

        :raises InvalidRequestError: it is no such text, or holds values that can't be.
        """
        try:
            if len(text) > TEXT_LIMIT:
                raise ValueError("it is too long")
            found = _read(load_json(text))
        except (ValueError, TypeError, KeyError, InvalidRequestError) as error:
            raise InvalidRequestError(
                message("The stored views can't be read: {problem}", problem=str(error)[:200]),
                code="bad_projection",
                param="projection",
            ) from error
        check_projection(found)
        return found


def _read(values: Any) -> Projection:
    if not isinstance(values, dict):
        raise ValueError("they are no object")
    views = tuple(ProjectedView(**typed(kinds_of(ProjectedView), one)) for one in _dicts(values["views"]))
    objects = tuple(Receiver(**typed(kinds_of(Receiver), one)) for one in _dicts(values["objects"]))
    masks = tuple(PaintedMask(**typed(kinds_of(PaintedMask), one)) for one in _dicts(values.get("masks", [])))
    rest = {name: value for name, value in values.items() if name not in NESTED}
    kinds = {name: kind for name, kind in kinds_of(Projection).items() if name not in NESTED}
    return Projection(views=views, objects=objects, masks=masks, **typed(kinds, rest))


def _dicts(values: Any) -> list[Mapping[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ValueError("a list of objects is missing")
    return values


def check_projection(found: Projection) -> None:
    """:raises InvalidRequestError: a value that can't be."""
    for name, (least, most) in LIMITS.items():
        check_range(name, getattr(found, name), least, most)
    problem = ""
    if not 1 <= len(found.views) <= MOST_VIEWS:
        problem = message(
            "There are {count} views, not 1 to {most}.", count=len(found.views), most=MOST_VIEWS
        )
    elif len(found.sent_size) != 2 or not all(0 < edge < MOST_EDGE for edge in found.sent_size):
        problem = "What was sent has a size that can't be."
    elif not found.objects:
        problem = "There is no object to paint."
    elif not all(view.job == "" or is_job_id(view.job) for view in found.views):
        problem = "A view names a job that can't be."
    elif not all(map(_is_possible, found.views)) or not all(
        len(obj.matrix_world) == 16 for obj in found.objects
    ):
        problem = "A view has a size, a rectangle or a matrix that can't be."
    if problem:
        raise InvalidRequestError(problem, code="bad_projection", param="projection")
    unknown = set(found.used_views) - {view.name for view in found.views}
    if unknown:
        raise InvalidRequestError(
            message("There is no view '{name}'.", name=min(unknown)),
            code="invalid_value",
            param="used_views",
            next_step=message("The views are {names}.", names=", ".join(view.name for view in found.views)),
        )


def _is_possible(view: ProjectedView) -> bool:
    numbers = (*view.matrix_world, *view.projection, *view.placed)
    has_matrices = len(view.matrix_world) == len(view.projection) == 16 and len(view.placed) in (0, 4)
    left, top, *extent = view.rectangle
    return (
        has_matrices
        and all(map(math.isfinite, numbers))
        and min(left, top) >= 0
        and all(0 < edge < MOST_EDGE for edge in (*view.size, *extent))
    )
