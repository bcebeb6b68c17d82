"""The relief of a picture with a clear background: that of what shows, and none beside it."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_image_addon.core.textures.material_maps import make_maps
from gpt_image_addon.core.textures.relief import cut_out_height, normal_map

SIZE = 64


def disc(*, beside: int) -> np.ndarray:
    """A disc of stripes on a clear ground that has another colour below."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + 0.5
    stripes = (128 + 60 * np.sin(x * 0.8)).astype(np.uint8)
    shows = np.hypot(x, y) < 20
    pixels = np.full((SIZE, SIZE, 4), beside, np.uint8)
    pixels[shows, :3] = stripes[shows, None]
    pixels[..., 3] = shows * 255
    return pixels


def lean(normals: np.ndarray) -> np.ndarray:
    """How far normals stand off the surface's, 0..1."""
    vectors = normals.astype(np.float64) / 255 * 2 - 1
    return np.hypot(vectors[..., 0], vectors[..., 1])


@pytest.mark.parametrize("beside", [0, 255])
def test_no_relief_where_the_image_is_clear(beside: int) -> None:
    pixels = disc(beside=beside)
    made = make_maps(pixels, kinds=("normal", "height"), is_cut_out=True, share=0.05).maps
    leans, shows = lean(made["normal"]), pixels[..., 3] > 0
    assert leans[~shows].max() < 0.01 and leans[shows].mean() > 0.1
    assert np.ptp(made["height"][shows].astype(int)) >= 250


def test_its_edge_is_no_cliff() -> None:
    pixels = disc(beside=0)
    height = np.full((SIZE, SIZE), 0.9, np.float32)
    height[pixels[..., 3] == 0] = 0.0  # a model paints what is beside it black
    height += (0.01 * np.sin(np.arange(SIZE) * 0.8)).astype(np.float32)
    spread = cut_out_height(height, pixels[..., 3])
    assert spread.min() >= 0.0 and spread.max() <= 1.0
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + 0.5
    rim = np.abs(np.hypot(x, y) - 20) < 2
    own = lean(normal_map(spread, 2.0, False))
    assert own[rim].max() <= 1.1 * own[np.hypot(x, y) < 16].max()
    assert lean(normal_map(height, 2.0, False))[rim].max() > 0.5


def test_nothing_visible_and_a_flat_picture_are_left_flat() -> None:
    height = np.random.default_rng(0).random((8, 8), np.float32)
    assert cut_out_height(height, np.zeros((8, 8), np.uint8)) is height
    flat = cut_out_height(np.full((8, 8), 0.3, np.float32), np.full((8, 8), 255, np.uint8))
    assert (flat == 0.5).all()
