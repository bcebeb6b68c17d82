"""From where objects are painted: as the scene shows them, or from sides that show all of them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ...core.errors import InvalidRequestError
from ...core.painting.projection import ProjectedView
from ...core.references.views import ALL_AROUND, MOST_VIEWS, Rectangle, count_views, find_sheet, fit_sheet
from ...core.request.sizes import LIKE, LIKE_DETAIL, SizeRule, is_like, is_open, like_detail, parse_size
from ...core.text.message import message
from ...scene.projection import cameras

if TYPE_CHECKING:
    from ...core.projection.surface import Triangles
    from ...core.projection.view import View

LEAST_SHARE = 0.5
"""Share of the surface below which it is looked for from inside, too: a room shows little to the outside."""

ENOUGH = 0.97
"""Share of what all sides show of a part, from which on no further one is taken."""


@dataclass(frozen=True)
class ChosenViews:
    """Views, and how they lie in what is sent."""

    views: tuple[ProjectedView, ...]
    sent_size: tuple[int, int]
    """Width and height in pixels."""
    share: float | None = None
    """Of the surface that they show, where that is known."""


def read_views(
    scene: bpy.types.Scene, asked: str, size: str, rule: SizeRule, *, in_sequence: bool = False
) -> ChosenViews:
    """The 3D view, or what cameras see; several are tiles of one sheet.

    :param asked: `cameras.VIEW`, `cameras.CAMERA`, or names of cameras with commas between them.
    :param size: as a request has it; a size in pixels stays, whatever its shape.
    :param in_sequence: each is an image of its own.
    :raises InvalidRequestError: there is no such camera or no such view.
    """
    if asked == cameras.VIEW:
        sent = _choose_size(size, cameras.measure_viewport(bpy.context), rule)
        return ChosenViews((cameras.read_viewport(bpy.context, sent),), sent)
    names = _list_names(scene, asked)
    if len(names) == 1 or in_sequence:
        sent = _choose_size(size, _measure_render(scene), rule)
        found = [(name, cameras.find_camera(scene, name)) for name in names]
        return ChosenViews(
            tuple(cameras.read_camera(scene, camera, name, sent) for name, camera in found), sent
        )
    sent = _choose_sheet_size(size, len(names), rule)
    sheet = fit_sheet(len(names), sent)
    views = tuple(
        cameras.read_camera(scene, cameras.find_camera(scene, name), name, rectangle[2:], rectangle[:2])
        for name, rectangle in zip(names, sheet.list_rectangles(len(names)), strict=True)
    )
    return ChosenViews(views, sent)


def _list_names(scene: bpy.types.Scene, asked: str) -> list[str]:
    if asked in scene.objects:
        return [asked]
    names = [name.strip() for name in asked.split(",")]
    if len(set(names)) < len(names) or len(names) > MOST_VIEWS:
        raise InvalidRequestError(
            message("views takes the names of 1 to {most} different cameras.", most=MOST_VIEWS),
            code="invalid_value",
            param="views",
        )
    return names


def choose_sides(
    triangles: Triangles,
    asked: str,
    size: str,
    rule: SizeRule,
    *,
    is_draft: bool,
    is_part: bool,
    in_sequence: bool = False,
) -> ChosenViews:
    """Views all around, as tiles of one sheet.

    :param triangles: of what is painted alone.
    :param asked: `ALL_AROUND`, or a number of views.
    :param is_draft: the answer follows no guide: it lies on all sides alike.
    :param is_part: only a part is painted: as few views as show it.
    :param in_sequence: each is an image of its own.
    :raises InvalidRequestError: nothing could be painted.
    """
    from ...core.projection.viewpoints import choose_views, list_sides

    count = count_views(asked)
    if is_draft:
        sent = _choose_size(size, 1.0, rule)
        middle = _find_middle(sent)
        sides = list_sides(triangles, middle[2])
        return ChosenViews(tuple(_store(view, middle) for view in sides), sent)
    sent = _choose_size(size, 1.0, rule) if in_sequence else _choose_sheet_size(size, count, rule)
    enough = ENOUGH if is_part and asked == ALL_AROUND else 1.0
    views, share = choose_views(triangles, 1, count, enough=enough)
    if share < LEAST_SHARE:
        within = choose_views(triangles, 1, count, inside=True, enough=enough)
        views, share = max((views, share), within, key=lambda found: found[1])
    if not views:
        raise InvalidRequestError(
            "No side shows anything of what is to be painted.",
            code="not_seen",
            param="views",
            next_step="Select faces, or objects that have some.",
        )
    rectangles = (
        (_find_middle(sent),) * len(views)
        if in_sequence
        else fit_sheet(len(views), sent).list_rectangles(len(views))
    )
    tiles = zip(_tell_apart(views), rectangles, strict=True)
    return ChosenViews(tuple(_store(view, rectangle) for view, rectangle in tiles), sent, share)


def _find_middle(size: tuple[int, int]) -> Rectangle:
    """The largest square in the middle of an image."""
    side = min(size)
    return ((size[0] - side) // 2, (size[1] - side) // 2, side, side)


def _tell_apart(views: Sequence[View]) -> list[View]:
    """The same with names of their own: in a room several look the same way from different places."""
    seen: Counter[str] = Counter()
    named = []
    for view in views:
        seen[view.name] += 1
        count = seen[view.name]
        named.append(dataclasses.replace(view, name=f"{view.name} {count}") if count > 1 else view)
    return named


def _store(view: View, rectangle: Rectangle) -> ProjectedView:
    world, clip = (
        tuple(float(value) for value in matrix.ravel()) for matrix in (view.matrix_world, view.projection)
    )
    return ProjectedView(view.name, world, clip, rectangle[2:], rectangle)


def _measure_render(scene: bpy.types.Scene) -> float:
    render = scene.render
    return (render.resolution_x * render.pixel_aspect_x) / (render.resolution_y * render.pixel_aspect_y)


def _choose_size(asked: str, aspect: float, rule: SizeRule) -> tuple[int, int]:
    """Width and height that are sent.

    :param asked: as a request has it; a size in pixels stays, whatever its shape.
    """
    if not is_open(asked):
        return parse_size(asked)
    pixels = like_detail(asked) if is_like(asked) else LIKE_DETAIL
    return rule.like(round(aspect * 10_000), 10_000, pixels)


def _choose_sheet_size(asked: str, count: int, rule: SizeRule) -> tuple[int, int]:
    """The same of a sheet, which is as large as the model draws it where nothing else is said."""
    if not is_open(asked):
        return parse_size(asked)
    width, height = find_sheet(count).size
    if is_like(asked) and asked != LIKE:
        return rule.like(width, height, like_detail(asked))
    return (width, height) if rule.problem(width, height) is None else rule.nearest(width, height)
