"""Numbered circles are where they should be, on images of any shape, on light and on dark."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_image_addon.core.raster.markers import FILL, draw_markers, marker_radius, over

SIZES = ((1536, 864), (640, 1536), (3840, 1280), (512, 512), (64, 64))
PLACES = ((0.25, 0.75), (0.5, 0.3), (0.8, 0.55))


def middle_of(layer: np.ndarray, near: tuple[float, float], radius: float) -> tuple[float, float]:
    """The middle of what is opaque around a pixel."""
    rows, columns = np.nonzero(layer[..., 3] > 127)
    near_it = np.hypot(columns + 0.5 - near[0], rows + 0.5 - near[1]) < 1.6 * radius
    return float((columns[near_it] + 0.5).mean()), float((rows[near_it] + 0.5).mean())


@pytest.mark.parametrize("size", SIZES)
def test_circles_are_at_their_places(size: tuple[int, int]) -> None:
    width, height = size
    layer, radius = draw_markers(PLACES, width, height), marker_radius(width, height)
    assert layer.shape == (height, width, 4)
    for x, y in PLACES:
        wanted = x * width, (1 - y) * height
        assert middle_of(layer, wanted, radius) == pytest.approx(wanted, abs=0.6)
    covered = (layer[..., 3] > 127).sum() / (np.pi * (1.36 * radius) ** 2)
    assert covered == pytest.approx(len(PLACES), rel=0.06)


@pytest.mark.parametrize("ground", [0, 255, *FILL])
def test_circles_stand_out_on_any_ground(ground: int) -> None:
    """Some ring of each circle differs from what is around it by half of the range."""
    image = over(np.full((600, 800, 3), ground, np.uint8), draw_markers([(0.5, 0.5)], 800, 600))
    ring = image[300, 400 : 400 + int(1.5 * marker_radius(800, 600))].astype(int)
    assert np.abs(ring - ground).max(axis=1).max() > 120
    assert image.shape == (600, 800, 3) and (image[0] == ground).all()


def test_numbers_differ_and_are_white_on_the_circle() -> None:
    def patch(number: int) -> np.ndarray:
        layer = draw_markers([(0.5, 0.5)] * number, 400, 400)
        radius = int(marker_radius(400, 400))
        return layer[200 - radius : 200 + radius, 200 - radius : 200 + radius, :3].astype(int)

    found = [patch(number) for number in (1, 2, 8, 10, 20)]
    for number, one in enumerate(found):
        assert (one.min(axis=2) > 200).mean() > 0.02
        assert all(np.abs(one - other).max() > 100 for other in found[:number])


def test_a_circle_at_the_border_is_whole() -> None:
    for x, y in ((0, 0), (1, 1), (0, 1), (1, 0)):
        layer = draw_markers([(x, y)], 300, 500)
        assert (layer[..., 3] > 127).sum() == pytest.approx(
            np.pi * (1.36 * marker_radius(300, 500)) ** 2, rel=0.06
        )
        assert layer[0 if y else -1, :, 3].max() > 100 and layer[:, -1 if x else 0, 3].max() > 100


def test_over_keeps_what_is_transparent() -> None:
    below = np.zeros((200, 200, 4), np.uint8)
    marked = over(below, draw_markers([(0.5, 0.5)], 200, 200))
    assert marked.shape == (200, 200, 4) and marked[0, 0, 3] == 0 and marked[100, 100, 3] == 255
