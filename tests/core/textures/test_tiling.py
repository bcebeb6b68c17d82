"""Tiles from images whose seams, light and likeness are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.request.sizes import source_size
from gpt_image_addon.core.textures.seam_cut import least_cut
from gpt_image_addon.core.textures.tiling import is_seamless, make_tile, score


@pytest.mark.parametrize("side", [256, 512, 1024])
@pytest.mark.parametrize(
    "prompt", ["roof shingles", "red brick wall", "carbon fiber", "checkerboard", "white marble", "fur"]
)
def test_patterns_that_begin_at_the_edge_are_seamless(prompt: str, side: int) -> None:
    pixels = paint(prompt, side, side).color[..., :3]
    assert is_seamless(pixels)
    # A part of a checkerboard may tile, too; a small part of others, or of fine hair, can pass for a tile.
    if side > 256 and prompt not in ("checkerboard", "carbon fiber", "fur"):
        part = pixels[side // 25 : side // 5 * 4, side // 15 : side // 6 * 5]
        assert not is_seamless(part)


def test_a_single_line_does_not_excuse_an_edge() -> None:
    pixels = np.repeat(np.linspace(0, 120, 128, dtype=np.uint8)[:, None], 128, 1)
    pixels[60] = 255
    assert not is_seamless(pixels)


def pebbles(height: int, width: int, seed: int = 3) -> np.ndarray:
    """An image with detail at three sizes that does not tile."""
    dice = np.random.default_rng(seed)
    plane = np.zeros((height, width), np.float32)
    for size, amount in ((40, 0.5), (12, 0.3), (3, 0.2)):
        small = dice.random((height // size + 2, width // size + 2), dtype=np.float32)
        grown = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        plane += amount * np.asarray(grown)
    return (plane[..., None] * np.array([220, 190, 160], np.float32)).clip(0, 255).astype(np.uint8)


def seamless(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    plane = np.sin(2 * np.pi * 5 * x / width) * np.cos(2 * np.pi * 4 * y / height)
    return np.repeat((plane * 90 + 128).astype(np.uint8)[..., None], 3, -1)


def test_a_tile_tiles() -> None:
    source = pebbles(300, 360)
    assert not is_seamless(source)
    assert score(source).seam_ratio > 3
    tile = make_tile(source)
    assert not tile.unchanged and is_seamless(tile.pixels)
    assert tile.scores.seam_ratio < 1.5 and tile.scores.good and not tile.notes
    assert 0.9 < tile.scores.band_sharpness < 1.1
    height, width = tile.pixels.shape[:2]
    assert 0.69 * 300 <= height <= 0.9 * 300 and 0.69 * 360 <= width <= 0.9 * 360


def test_rolled_tiles_show_no_step_at_the_old_edge() -> None:
    tile = make_tile(pebbles(260, 260)).pixels.astype(int)
    for axis in (0, 1):
        across = np.abs(tile.take(0, axis) - tile.take(-1, axis)).max(-1)
        inside = np.abs(np.diff(tile, axis=axis)).max(-1)
        assert across.max() <= inside.max()


def test_a_tile_is_left_bit_identical() -> None:
    source = seamless(128, 192)
    tile = make_tile(source)
    assert tile.unchanged and np.array_equal(tile.pixels, source)
    assert "unchanged" in tile.notes[0]


@pytest.mark.parametrize("wanted", [(256, 192), (100, 37), (299, 299), (8, 8)])
def test_a_tile_of_the_size_asked_for(wanted: tuple[int, int]) -> None:
    tile = make_tile(pebbles(300, 300), size=wanted)
    assert tile.pixels.shape[:2] == (wanted[1], wanted[0])


def test_enough_pixels_are_asked_for() -> None:
    assert source_size(1024, 1024) == (1344, 1344)
    width, height = source_size(1000, 517)
    assert width % 16 == height % 16 == 0
    assert width * 0.70 < 1000 < width * 0.9 and height * 0.70 < 517 < height * 0.9


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((64, 80), np.uint8),
        ((64, 80, 1), np.uint8),
        ((65, 81, 2), np.uint8),
        ((64, 80, 4), np.uint8),
        ((64, 81), np.uint16),
        ((16, 16, 3), np.uint16),
        ((8, 9, 3), np.uint8),
        ((16, 400, 3), np.uint8),
    ],
)
def test_shapes_and_depths(shape: tuple[int, ...], dtype: type) -> None:
    ramp = np.linspace(0, 1, shape[1]) ** 2 * np.linspace(0.2, 1, shape[0])[:, None]
    pixels = (np.broadcast_to(ramp.reshape(*shape[:2], *(1,) * (len(shape) - 2)), shape)).copy()
    pixels = (pixels * np.iinfo(dtype).max).astype(dtype)
    tile = make_tile(pixels)
    assert tile.pixels.dtype == dtype and tile.pixels.shape[2:] == shape[2:]
    assert tile.pixels.shape[0] < shape[0] and tile.pixels.shape[1] < shape[1]


def test_alpha_is_cut_along_with_the_colour() -> None:
    source = pebbles(200, 200)
    rgba = np.concatenate((source, source[..., :1]), -1)
    tile = make_tile(rgba).pixels
    assert tile.shape[2] == 4
    assert np.corrcoef(tile[..., 0].ravel(), tile[..., 3].ravel())[0, 1] > 0.97


def test_uneven_light_is_evened_before_the_cut() -> None:
    light = np.linspace(0.7, 1.3, 320)[None, :, None]
    source = (pebbles(320, 320) * light).clip(0, 255).astype(np.uint8)
    before, after = (quarter_contrast(pixels) for pixels in (source, make_tile(source).pixels))
    assert before > 1.4 and after < 1.25


def quarter_contrast(pixels: np.ndarray) -> float:
    """Mean of the lightest upright quarter over that of the darkest."""
    means = [part.mean() for part in np.array_split(pixels.astype(float), 4, axis=1)]
    return max(means) / min(means)


def test_what_no_cut_can_save_is_said() -> None:
    y, x = np.mgrid[:256, :256]
    halves = np.where(x < 128, np.sin(x / 3.1), np.sin(y / 3.1)) * 110 + 127
    tile = make_tile(np.repeat(halves.astype(np.uint8)[..., None], 3, -1))
    assert not tile.unchanged and not tile.scores.good and tile.notes
    assert tile.scores.coherence < 0.6


def test_a_seam_of_foreign_stuff_is_not_good_however_smooth() -> None:
    tile = make_tile(pebbles(300, 300)).pixels
    assert score(tile).good
    y, x = np.mgrid[: tile.shape[0], : tile.shape[1]]
    away = np.minimum(np.minimum(y, tile.shape[0] - 1 - y), np.minimum(x, tile.shape[1] - 1 - x))
    foreign = np.where((away < 14)[..., None], (127 + 60 * np.cos(away / 5))[..., None], tile)
    scores = score(foreign.astype(np.uint8))
    assert scores.seam_ratio < 1.5 and scores.coherence < 0.6 and not scores.good


def test_the_cut_is_the_cheapest_and_closes() -> None:
    error = np.ones((9, 40), np.float32)
    way = np.clip(np.abs(np.arange(40) - 20) // 4, 0, 8)
    error[way, np.arange(40)] = 0
    assert np.array_equal(least_cut(error, closed=False), way)
    dice = np.random.default_rng(5)
    for _ in range(20):
        cut = least_cut(dice.random((12, 30), dtype=np.float32), closed=True)
        assert cut[0] == cut[-1] and np.abs(np.diff(cut)).max() <= 1


def test_the_same_every_time() -> None:
    assert np.array_equal(make_tile(pebbles(150, 170)).pixels, make_tile(pebbles(150, 170)).pixels)


def test_bad_input_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="8- or 16-bit"):
        make_tile(np.zeros((32, 32, 3), np.float32))
    with pytest.raises(ValueError, match="channels"):
        make_tile(np.zeros((32, 32, 5), np.uint8))
    with pytest.raises(ValueError, match="at least"):
        make_tile(np.zeros((4, 32, 3), np.uint8))
    with pytest.raises(ValueError, match="cannot be cut"):
        make_tile(pebbles(64, 64), size=(128, 128))
