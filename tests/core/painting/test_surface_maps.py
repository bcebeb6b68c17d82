"""Maps of painted surfaces."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpt_image_addon.core.painting.surface_maps import make_surface_maps, measure_occlusion
from gpt_image_addon.core.projection.surface import Triangles


def quad(corners: Any, low: tuple[float, float], high: tuple[float, float]) -> tuple[Any, Any]:
    """Two triangles with their corners (2, 3, 3) and UVs (2, 3, 2).

    :param corners: four, around.
    :param low: the UV of the first, `high` that of the third.
    """
    uvs = np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float32)
    order = [[0, 1, 2], [0, 2, 3]]
    return np.array(corners, np.float32)[order], uvs[order]


def surface(*quads: tuple[Any, Any]) -> Triangles:
    corners, uvs = (np.concatenate(parts) for parts in zip(*quads, strict=True))
    count = len(corners)
    return Triangles(corners, uvs, np.zeros(count, np.int32), np.ones(count, bool), np.ones(count, bool))


FLOOR = quad([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], (0, 0), (0.5, 1))
WALL = quad([(-1, 0, 0), (1, 0, 0), (1, 0, 4), (-1, 0, 4)], (0.5, 0), (1, 1))  # it looks to -y


def test_what_lies_open_gets_all_light() -> None:
    (found,) = measure_occlusion(surface(FLOOR), [(64, 64)])
    assert found.shape == (64, 64) and found.min() > 0.97


def test_a_corner_gets_about_half_the_light() -> None:
    (found,) = measure_occlusion(surface(FLOOR, WALL), [(128, 128)])
    floor = found[:, 8:56]  # row 64 lies below the wall, the front is at the bottom
    beside, front = floor[66:70].mean(), floor[-6:].mean()
    assert 0.4 < beside < 0.65 and front > beside + 0.15, (beside, front)
    far = found[4:8, 72:120].mean()  # high on the wall
    assert far > 0.9


def test_maps_of_an_image() -> None:
    dice = np.random.default_rng(4)
    colors = np.repeat(np.repeat(dice.integers(60, 200, (16, 16, 3), np.uint8), 16, axis=0), 16, axis=1)
    (found,) = make_surface_maps(surface(FLOOR), [colors], "polished steel")
    assert set(found.maps) == {"normal", "roughness", "ao"}
    assert found.maps["normal"].shape == (256, 256, 3) and found.maps["ao"].shape == (256, 256)
    assert found.maps["normal"][:, :128, 0].std() > 2  # relief where the floor is
    (rough,) = make_surface_maps(surface(FLOOR), [colors], "old red bricks")
    assert rough.roughness > found.roughness + 0.2
