"""Line art: where lines are, where there are none, and that no unit matters."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_image_addon.core.raster.outlines import Edges, Plane, draw_outlines, find_edges

SIZE = 48
MIDDLE = SIZE // 2


def surfaces(depth: float = 4.0) -> tuple[Plane, Plane, Plane]:
    """A wall that faces the camera."""
    normals = np.zeros((SIZE, SIZE, 3), np.float32)
    normals[..., 2] = 1
    return np.full((SIZE, SIZE), depth, np.float32), normals, np.zeros((SIZE, SIZE), np.float32)


def columns(edges: Edges) -> list[int]:
    return sorted(set(np.nonzero(edges)[1].tolist()))


@pytest.mark.parametrize("is_perspective", [True, False])
def test_a_step_is_drawn_on_its_nearer_side(is_perspective: bool) -> None:
    depth, normals, objects = surfaces()
    depth[:, MIDDLE:] = 5
    assert columns(find_edges(depth, normals, objects, is_perspective=is_perspective)) == [MIDDLE - 1]


@pytest.mark.parametrize("is_perspective", [True, False])
def test_the_outline_before_nothing_is_drawn_on_what_is_there(is_perspective: bool) -> None:
    depth, normals, objects = surfaces()
    depth[:, MIDDLE:] = 0
    assert columns(find_edges(depth, normals, objects, is_perspective=is_perspective)) == [MIDDLE - 1]


def test_a_floor_that_runs_away_has_no_lines() -> None:
    _, normals, objects = surfaces()
    nearness = np.linspace(1, 0.02, SIZE, dtype=np.float32)[:, None].repeat(SIZE, axis=1)
    assert not find_edges(1 / nearness, normals, objects).any()
    assert not find_edges(1 + 40 * (1 - nearness), normals, objects, is_perspective=False).any()


def test_a_crease_is_drawn_where_depths_agree() -> None:
    depth, normals, objects = surfaces()
    normals[:, MIDDLE:] = 1, 0, 0
    assert columns(find_edges(depth, normals, objects)) == [MIDDLE - 1]
    normals[:, MIDDLE:] = 0.5, 0, 0.866  # 30 degrees
    assert not find_edges(depth, normals, objects).any()


def test_two_objects_in_one_plane_are_told_apart() -> None:
    depth, normals, objects = surfaces()
    objects[:, :MIDDLE] = 0.25
    assert columns(find_edges(depth, normals, objects)) == [MIDDLE - 1]
    depth[:, :MIDDLE] *= 1.001
    assert columns(find_edges(depth, normals, objects)) == [MIDDLE]


def test_a_scene_of_another_scale_has_the_same_lines() -> None:
    random = np.random.default_rng(3)
    depth, normals, objects = surfaces()
    depth += random.integers(0, 3, (6, 6)).repeat(8, axis=0).repeat(8, axis=1).astype(np.float32)
    found = find_edges(depth, normals, objects)
    assert found.any()
    for scale in (0.0078125, 128):  # powers of two are exact
        assert np.array_equal(find_edges(depth * np.float32(scale), normals, objects), found)


def test_lines_are_black_on_white_and_soft() -> None:
    depth, normals, objects = surfaces()
    depth[:, MIDDLE:] = 5
    lines = draw_outlines(depth, normals, objects)
    assert lines.dtype == np.float32 and lines.shape == (SIZE, SIZE)
    assert lines[10, MIDDLE - 4 : MIDDLE + 3].tolist() == [1, 1, 0.5, 0, 0.5, 1, 1]
