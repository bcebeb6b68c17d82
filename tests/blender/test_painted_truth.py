"""Meshes of Blender painted from answers whose right colors are known: how far off they are, in figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon.core.projection.surface import Triangles
from gpt_image_addon.core.projection.view import View
from gpt_image_addon.core.projection.viewpoints import choose_views
from gpt_image_addon.core.projection.visibility import find_visible, see
from gpt_image_addon.core.raster.sampling import scale_bilinear
from gpt_image_addon.scene.projection.canvases import plan_canvases
from gpt_image_addon.scene.projection.meshes import collect_faces
from tests.blender import painted_scenes as scenes
from tests.blender.test_model_texture import unwrapped
from tests.core.projection.test_all_around import shifted
from tests.core.projection.test_painting import (
    GREY,
    Array,
    answer_for,
    decibels,
    painted,
    texels,
    truth,
    view_from,
)

SIDE = 384  # pixels of views and images
BACKGROUND = 30  # of `answer_for`
ALL_AROUND = {"replace_all": True, "fill_gaps": True, "gains": True}
SCALES = (0.97, 1.03, 0.98, 1.02, 0.99, 1.01)


def suzanne() -> list[Any]:
    obj = scenes.suzanne()
    unwrapped(obj)
    return [obj]


def cube() -> list[Any]:
    bpy.ops.mesh.primitive_cube_add()
    return [bpy.context.object]


def torus() -> list[Any]:
    bpy.ops.mesh.primitive_torus_add()
    return [bpy.context.object]


def room() -> list[Any]:
    bpy.ops.mesh.primitive_cube_add(size=4)
    bpy.context.object.data.flip_normals()
    return [bpy.context.object]


MADE: Mapping[str, Callable[[], list[Any]]] = {
    "suzanne": suzanne,
    "table": scenes.table,
    "torus": torus,
    "cube": cube,
    "room": room,
}


@dataclass(frozen=True)
class Shape:
    """Objects, the views that are chosen of them, and what these show."""

    triangles: Triangles
    views: tuple[View, ...]
    answers: tuple[Array, ...]


@pytest.fixture(scope="module")
def shapes() -> Callable[[str], Shape]:
    known: dict[str, Shape] = {}

    def find(name: str) -> Shape:
        if name not in known:
            triangles = read(name)
            views, _ = choose_views(triangles, SIDE, inside=name == "room")
            known[name] = Shape(triangles, tuple(views), tuple(answer_for(view, triangles) for view in views))
        return known[name]

    return find


def read(name: str) -> Triangles:
    objects = MADE[name]()
    bpy.context.view_layer.update()
    canvases = plan_canvases(objects, name="x", new_image=False, texture_size=SIDE, engine="CYCLES")
    return collect_faces(bpy.context.view_layer, canvases.painted, is_alone=True)


def errors(triangles: Triangles, found: Any) -> Array:
    """How far the colors of all texels are from the truth; (N, 3)."""
    away = []
    for owner, image in enumerate(found.images):
        pixel, _, points = texels(triangles, owner, len(image))
        away.append(image.reshape(-1, 3)[pixel] - truth(points))
    return np.concatenate(away)


def disturb(answers: tuple[Array, ...]) -> list[Array]:
    """Each 1 to 3 pixels off, and brighter or darker by up to 15 % in each channel."""
    dice = np.random.default_rng(5)
    shifts = [dice.integers(1, 4, 2) * dice.choice((-1, 1), 2) for _ in answers]
    moved = (shifted(answer, *shift) for answer, shift in zip(answers, shifts, strict=True))
    return [np.clip(answer * dice.uniform(0.85, 1.15, 3), 0, 255) for answer in moved]


def resize(answer: Array, scale: float) -> Array:
    places = ((np.arange(n) + 0.5 - n / 2) / scale + n / 2 for n in answer.shape[1::-1])
    return np.asarray(scale_bilinear(answer.astype(np.float32), *places))


def shade(answers: tuple[Array, ...]) -> list[Array]:
    """Slow gradients of up to 15 % in one direction and 10 % in the other."""
    dice = np.random.default_rng(6)
    out = []
    for answer in answers:
        height, width = answer.shape[:2]
        across = np.linspace(dice.uniform(0.85, 1), dice.uniform(1, 1.15), width)
        down = np.linspace(dice.uniform(0.9, 1), dice.uniform(1, 1.1), height)
        shaded = np.clip(answer * across[None, :, None] * down[:, None, None], 0, 255)
        out.append(np.where((answer == BACKGROUND).all(axis=-1, keepdims=True), answer, shaded))
    return out


@pytest.mark.parametrize("name", ["suzanne", "table", "torus", "cube"])
def test_six_views_that_are_shifted_and_gained(shapes: Any, name: str) -> None:
    shape = shapes(name)
    away = errors(
        shape.triangles, painted(shape.triangles, shape.views, disturb(shape.answers), SIDE, **ALL_AROUND)
    )
    assert decibels(away) >= 29.5 and np.abs(away).max() < 40, decibels(away)


@pytest.mark.parametrize("name", ["suzanne", "table", "torus", "cube"])
def test_six_views_of_other_scales(shapes: Any, name: str) -> None:
    shape = shapes(name)
    answers = [resize(answer, scale) for answer, scale in zip(shape.answers, SCALES, strict=False)]
    found = painted(shape.triangles, shape.views, answers, SIDE, **ALL_AROUND)
    away = errors(shape.triangles, found)
    assert decibels(away) >= 37 and np.abs(away).max() < 40, decibels(away)
    for view, scale in zip(found.views, SCALES, strict=False):
        assert view.used and view.placement.scale == pytest.approx(scale, abs=0.0061)


@pytest.mark.parametrize("name", ["suzanne", "torus"])
def test_slow_gradients_of_six_views_that_show_much_of_each_other(shapes: Any, name: str) -> None:
    shape = shapes(name)
    answers = shade(shape.answers)
    raw = errors(
        shape.triangles,
        painted(shape.triangles, shape.views, answers, SIDE, **{**ALL_AROUND, "gains": False}),
    )
    away = errors(shape.triangles, painted(shape.triangles, shape.views, answers, SIDE, **ALL_AROUND))
    assert decibels(away) >= max(33, decibels(raw) + 2) and np.abs(away).max() < 40, decibels(away)


@pytest.mark.parametrize("name", ["table", "cube"])
def test_slow_gradients_of_six_views_that_meet_at_edges(shapes: Any, name: str) -> None:
    """They tell little of each other: a gradient in one may as well be one in its neighbor."""
    shape = shapes(name)
    away = errors(
        shape.triangles, painted(shape.triangles, shape.views, shade(shape.answers), SIDE, **ALL_AROUND)
    )
    assert decibels(away) >= 25, decibels(away)


@pytest.mark.parametrize("name", ["suzanne", "table"])
def test_one_view_that_shows_something_else(shapes: Any, name: str) -> None:
    shape = shapes(name)
    rows, columns = np.indices((SIDE, SIDE))
    answers = list(shape.answers)
    answers[2] = np.where(((rows + columns) % 120 < 60)[..., None], (200, 30, 30), 0)
    found = painted(shape.triangles, shape.views, answers, SIDE, **ALL_AROUND)
    assert [view.used for view in found.views] == [number != 2 for number in range(len(answers))]
    away = errors(shape.triangles, found)
    assert decibels(away) >= 35 and np.abs(away).max() < 40, decibels(away)


def test_a_room_by_views_from_inside(shapes: Any) -> None:
    shape = shapes("room")
    found = painted(shape.triangles, shape.views, shape.answers, SIDE, **ALL_AROUND)
    away = errors(shape.triangles, found)
    assert decibels(away) >= 50 and np.abs(away).max() < 40 and found.gap_share < 0.01, decibels(away)


EYES = {"suzanne": (0, -5, 0.5), "table": (1.5, -3, 2.5), "torus": (2, -3, 3), "cube": (3, -4, 2.5)}


@pytest.mark.parametrize("name", [*EYES, "room"])
def test_one_view_returns_as_it_was(name: str) -> None:
    """At 1024 pixels; up to 70 degrees where nothing was there, up to 65 over what was there."""
    triangles = read(name)
    view = view_from(
        EYES.get(name, (-0.7, 1.1, 0.2)), (0, -1, 0) if name == "room" else (0, 0, 0), (1024, 1024)
    )
    seen = see(view, triangles)
    answer = answer_for(view, triangles)
    for over, flattest in ((False, 70.0), (True, 65.0)):
        found = painted(triangles, [view], [answer], 1024, register=False, replace_all=not over)
        off, leaked = [], []
        for owner, image in enumerate(found.images):
            pixel, triangle, points = texels(triangles, owner, 1024)
            shown = find_visible(view, seen.depth, seen.facing, np.insert(points, 3, 1, axis=1), triangle, 89)
            well = (shown.cosine > np.cos(np.radians(flattest))) & (seen.edges.take(shown.pixel) > 10)
            colors = image.reshape(-1, 3)[pixel].astype(float)
            off.append((colors - truth(points))[well])
            turned = (triangles.normals[triangle] * view.toward_eye(points)).sum(1) < -0.05
            leaked.append((np.abs(colors - GREY).max(axis=1) > 1)[turned])
        away = np.concatenate(off)
        assert decibels(away) >= 58 and np.abs(away).max() < 40, (over, decibels(away))
        assert not len(np.concatenate(leaked)) or np.concatenate(leaked).mean() <= 0.006
