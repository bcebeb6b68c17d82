"""Repainted seams: what is sent, and what is taken of an answer."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.textures.seam_repair import REACH, repaint_seams, repair_input
from gpt_image_addon.core.textures.tiling import Tile, make_tile
from gpt_image_addon.core.textures.writer import tile_of
from tests.api_server.repaint import repainted


@cache
def planks() -> Any:
    """Boards whose ends do not meet, and which no cut makes meet."""
    return paint("weathered oak planks", 1024, 1024).color[150:662, 205:717, :3]


@cache
def cut() -> Tile:
    return make_tile(planks())


def sent(tile: Tile, size: tuple[int, int] | None = None) -> tuple[Image.Image, Image.Image]:
    """Picture and mask as the model gets them."""
    found = repair_input(tile, size or tile.pixels.shape[1::-1])
    return Image.open(io.BytesIO(found.picture)).convert("RGB"), Image.open(io.BytesIO(found.mask))


def answer(tile: Tile, how: str, size: tuple[int, int] | None = None) -> Any:
    picture, mask = sent(tile, size)
    return np.asarray(repainted(picture, Image.fromarray(255 - np.asarray(mask)), how))


def rolled(pixels: Any) -> Any:
    return np.roll(pixels, (pixels.shape[0] // 2, pixels.shape[1] // 2), (0, 1))


def test_the_cut_of_the_boards_is_poor() -> None:
    assert not cut().scores.good


def test_what_is_sent_is_the_rolled_tile_and_a_band_along_its_seams() -> None:
    tile = cut()
    picture, mask = sent(tile)
    assert np.array_equal(np.asarray(picture), rolled(tile.pixels))
    white = np.asarray(mask) > 127
    height, width = white.shape
    reach = round(REACH * min(white.shape))
    assert tile.seams is not None
    down, across = tile.seams
    rows = (down + height // 2) % height
    inner = np.arange(reach, width - reach)
    assert white[np.roll(rows, width // 2)[inner], inner].all()
    inner = np.arange(reach, height - reach)
    columns = np.roll((across + width // 2) % width, height // 2)
    assert white[inner, columns[inner]].all()
    edges = (white[0], white[-1], white[:, 0], white[:, -1])
    assert not any(edge.any() for edge in edges)  # what is painted there would have to meet itself
    assert 0.1 < white.mean() < 0.45


@pytest.mark.parametrize("how", ["repaired", "shifted"])
def test_a_repair_is_taken_inside_the_band_alone(how: str) -> None:
    tile = cut()
    better, note = repaint_seams(tile, answer(tile, how))
    assert "repainted the seams" in note
    assert better.scores.coherence > tile.scores.coherence + 0.05
    changed = (rolled(better.pixels) != rolled(tile.pixels)).any(-1)
    outside = np.asarray(sent(tile)[1]) <= 127
    assert changed.any() and not changed[outside].any()
    assert (better.unchanged, better.seams) == (False, tile.seams)


def test_a_shifted_repair_is_moved_back() -> None:
    tile = cut()
    straight, aside = (repaint_seams(tile, answer(tile, how))[0].pixels for how in ("repaired", "shifted"))
    assert np.abs(straight.astype(int) - aside).mean() < 1.5


@pytest.mark.parametrize(
    ("how", "reason"), [("wrong", "do not fit"), ("unchanged", "changed nothing along the seams")]
)
def test_another_answer_is_not_taken_and_it_is_said(how: str, reason: str) -> None:
    tile = cut()
    same, note = repaint_seams(tile, answer(tile, how))
    assert same is tile
    assert reason in note


def test_a_repair_that_is_no_better_is_not_taken() -> None:
    tile = cut()
    picture, mask = sent(tile)
    worse = np.asarray(picture).copy()
    dice = np.random.default_rng(1)
    band = np.asarray(mask) > 127
    worse[band] = dice.integers(0, 255, (int(band.sum()), 3), np.uint8)
    same, note = repaint_seams(tile, worse)
    assert same is tile
    assert "no better" in note


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_and_alpha_stay(channels: int, dtype: Any) -> None:
    pixels = planks()[..., :1] if channels < 3 else planks()
    if channels in (2, 4):
        alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
        alpha[200:300, 200:300] = 90
        pixels = np.dstack([pixels, alpha])
    pixels = pixels.astype(dtype) * (257 if dtype is np.uint16 else 1)
    tile = make_tile(pixels)
    better, note = repaint_seams(tile, answer(tile, "repaired"))
    assert "repainted the seams" in note
    assert (better.pixels.dtype, better.pixels.shape) == (dtype, tile.pixels.shape)
    if channels in (2, 4):
        assert np.array_equal(better.pixels[..., -1], tile.pixels[..., -1])
    outside = np.asarray(sent(tile)[1]) <= 127
    assert np.array_equal(rolled(better.pixels)[outside], rolled(tile.pixels)[outside])


def test_a_small_tile_is_sent_larger_and_keeps_its_size() -> None:
    tile = tile_of(planks(), (320, 300))
    assert tile.seams is not None
    assert [len(seam) for seam in tile.seams] == [320, 300]
    assert tile.seams[0].max() < 300 and tile.seams[1].max() < 320
    better, _ = repaint_seams(tile, answer(tile, "repaired", (864, 816)))
    assert better.pixels.shape == tile.pixels.shape
