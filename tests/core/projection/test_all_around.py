"""Painting all around: views chosen, sheets, gains, and gaps, against a known function of the place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpt_image_addon.core.projection.gaps import GapGrid
from gpt_image_addon.core.projection.harmony import measure_gains, remove_gain
from gpt_image_addon.core.projection.surface import Triangles
from gpt_image_addon.core.projection.viewpoints import choose_views, measure_coverage, sample_surface
from gpt_image_addon.core.projection.visibility import see

from .test_painting import (
    Array,
    answer_for,
    box,
    decibels,
    grid,
    joined,
    mesh,
    painted,
    sphere,
    texels,
    truth,
)


def table() -> Triangles:
    """A top on four legs, each part in a cell of one image."""
    parts = [((-1, -0.7, 0.5), (1, 0.7, 0.6))]
    parts += [((x, y, -0.6), (x + 0.15, y + 0.15, 0.5)) for x in (-0.9, 0.75) for y in (-0.6, 0.45)]
    meshes = []
    for at, (low, high) in enumerate(parts):
        corners, uvs = box(low, high)
        meshes.append(mesh(corners, uvs / np.array([3, 2]) + np.array([at % 3 / 3, at // 3 / 2])))
    return joined(*meshes)


def lump(u: Array, v: Array) -> Array:
    """A ball with ears and a brow."""
    around, up = 2 * np.pi * u, np.pi * (v - 0.5)
    radius = 1 + 0.25 * np.cos(2 * around) * np.cos(up) ** 2 + 0.12 * np.sin(3 * up)
    return sphere(u, v) * radius[..., None]


SHAPES = {
    "table": table,
    "box": lambda: mesh(*box((-1, -1, -1), (1, 1, 1))),
    "lump": lambda: mesh(*grid(64, 48, lump)),
}


def shifted(answer: Array, x: int, y: int) -> Array:
    out = np.full_like(answer, 30)
    height, width = answer.shape[:2]
    out[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)] = answer[
        max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)
    ]
    return out


@pytest.mark.parametrize(("shape", "least"), [("table", 0.85), ("box", 0.999), ("lump", 0.97)])
def test_six_views_show_nearly_all(shape: str, least: float) -> None:
    triangles = SHAPES[shape]()
    views, coverage = choose_views(triangles, 384)
    assert len(views) <= 6 and coverage > least
    assert measure_coverage(triangles, views) == pytest.approx(coverage, abs=0.03)
    assert all(view.size == (384, 384) and view.is_orthographic for view in views)
    assert len({view.name for view in views}) == len(views)
    few, less = choose_views(triangles, 384, 2)
    assert len(few) == 2 and less <= coverage  # two opposite corners show a whole box


def test_a_room_is_seen_from_inside() -> None:
    triangles = mesh(*box((-2, -2, -1), (2, 2, 1), inward=True))
    views, coverage = choose_views(triangles, 256, 8, inside=True)
    assert coverage > 0.95 and not any(view.is_orthographic for view in views)


def test_gains_are_found_and_removed() -> None:
    triangles = mesh(*grid(64, 48, lump))
    views, _ = choose_views(triangles, 256)
    answers = [answer_for(view, triangles) for view in views]
    given = np.random.default_rng(3).uniform(0.85, 1.15, (len(views), 3))
    given /= np.exp(np.log(given).mean(axis=0))
    dimmed = [answer * gain for answer, gain in zip(answers, given, strict=True)]
    seen = [see(view, triangles, answer) for view, answer in zip(views, dimmed, strict=True)]
    found = measure_gains(seen, sample_surface(triangles))
    assert np.abs(found[:, 1, 1] / given - 1).max() < 0.02
    for one, gain, answer in zip(seen, found, answers, strict=True):
        inner = one.edges > 4
        assert np.abs(remove_gain(one.answer, gain)[inner] - answer[inner]).mean() < 3


def test_gaps_are_filled_from_what_is_near_in_the_world() -> None:
    dice = np.random.default_rng(4)
    points = dice.uniform(-1, 1, (60_000, 3))
    known = np.abs(points[:, 0]) > 0.1
    grid_of = GapGrid(points)
    grid_of.spread()
    assert (grid_of.read(points[:5]) == 0).all()
    for part in np.array_split(points[known], 3):
        grid_of.add(part, truth(part))
    grid_of.spread()
    assert decibels(grid_of.read(points[~known]) - truth(points[~known])) > 28


@pytest.fixture(scope="session", params=["table", "lump", "box"])
def disturbed(request: pytest.FixtureRequest) -> Any:
    """A mesh, its six views, and answers that are shifted by 1 to 3 pixels and brighter or darker."""
    triangles = SHAPES[request.param]()
    views, _ = choose_views(triangles, 512)
    dice = np.random.default_rng(5)
    answers = []
    for view in views:
        shift = dice.integers(1, 4, 2) * dice.choice((-1, 1), 2)
        answer = shifted(answer_for(view, triangles), *shift)
        answers.append(np.clip(answer * dice.uniform(0.85, 1.15, 3), 0, 255))
    return triangles, list(views), answers


def measure(triangles: Triangles, found: Any) -> float:
    pixel, _, points = texels(triangles, 0, 512)
    return decibels(found.images[0].reshape(-1, 3)[pixel] - truth(points))


def test_disturbed_views_are_brought_together(disturbed: Any) -> None:
    options = {"replace_all": True, "fill_gaps": True, "accept": True}
    raw, registered, harmonised = (
        measure(disturbed[0], painted(*disturbed, register=register, gains=gains, **options))
        for register, gains in ((False, False), (True, False), (True, True))
    )
    assert harmonised > registered + 2 and harmonised > raw + 2
    assert registered > raw - 0.1 and harmonised >= 38


def test_only_chosen_views_are_used_and_gaps_are_told(disturbed: Any) -> None:
    triangles, views, answers = disturbed
    found = painted(triangles, views, answers, chosen=(views[0].name,), accept=True)
    assert [report.used for report in found.views] == [view.name == views[0].name for view in views]
    filled = painted(triangles, views, answers, chosen=(views[0].name,), accept=True, fill_gaps=True)
    assert filled.gap_share == found.gap_share > 0.3
