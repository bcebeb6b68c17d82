"""A model's height picture: shifted, warped, blurred or of something else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.textures.height_fusion import fuse, register_height


def relief(seed: int, side: int = 320) -> np.ndarray:
    """Rounded stones of several sizes, in 0..1."""
    dice = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    out = np.zeros((side, side), np.float32)
    for cx, cy, r in zip(*dice.uniform(0, side, (2, 90)), dice.uniform(8, 26, 90), strict=True):
        stone = 1 - ((x - cx) ** 2 + (y - cy) ** 2) / r**2
        out = np.maximum(out, np.sqrt(np.maximum(stone, 0)) * r / 26)
    return out


def picture(height: np.ndarray) -> np.ndarray:
    dice = np.random.default_rng(9)
    plane = 60 + 120 * height + dice.normal(0, 5, height.shape)
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, -1)


def answer(height: np.ndarray, shift: tuple[int, int] = (0, 0), blur: int = 3) -> np.ndarray:
    small = Image.fromarray(np.roll(height, shift, (0, 1))).reduce(blur)
    return (np.asarray(small.resize(height.shape[::-1], Image.Resampling.BICUBIC)).clip(0, 1) * 255).astype(
        np.uint8
    )


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    inner = (slice(24, -24), slice(24, -24))
    return float(np.corrcoef(a[inner].ravel(), b[inner].ravel())[0, 1])


@pytest.mark.parametrize("shift", [(0, 0), (1, 1), (7, -5), (18, -17)])
def test_a_shifted_answer_is_moved_back(shift: tuple[int, int]) -> None:
    true = relief(1)
    found = register_height(picture(true), answer(true, shift))
    assert found.accepted
    assert np.abs(np.array(found.shift) + shift).max() < 0.8
    assert agreement(found.height, true) > 0.95


def test_a_warped_answer_is_straightened() -> None:
    true = relief(2)
    side = len(true)
    y, x = np.mgrid[:side, :side]
    bent = true[
        np.clip(y + np.rint(4 * np.sin(2 * np.pi * x / side)).astype(int), 0, side - 1),
        np.clip(x + np.rint(4 * np.cos(2 * np.pi * y / side)).astype(int), 0, side - 1),
    ]
    found = register_height(picture(true), answer(bent))
    assert found.accepted
    assert agreement(found.height, true) > 0.97 > agreement(answer(bent), true) + 0.02


def test_a_wrong_answer_is_refused() -> None:
    for other in (
        relief(5),
        np.full((320, 320), 0.5, np.float32),
        np.random.default_rng(0).random((320, 320)),
    ):
        found = register_height(picture(relief(1)), answer(other.astype(np.float32)))
        assert not found.accepted


def test_what_was_moved_far_has_to_fit_better() -> None:
    true = relief(6)
    dice = np.random.default_rng(3)
    noisy = picture(true).astype(float) + dice.normal(0, 120, (*true.shape, 1))
    color = noisy.clip(0, 255).astype(np.uint8)
    near, far = (register_height(color, answer(true, shift)) for shift in ((0, 0), (17, 16)))
    assert far.score == pytest.approx(near.score, abs=0.02)
    assert 0.06 < near.score < 0.12
    assert near.accepted and not far.accepted


def test_an_answer_of_another_size_and_kind_is_read() -> None:
    true = relief(3)
    grown = Image.fromarray(answer(true)).resize((480, 480))
    rgb = np.repeat(np.asarray(grown)[..., None], 3, -1)
    wide = rgb[..., 0].astype(np.uint16) * 257
    for given in (rgb, wide):
        found = register_height(picture(true), given)
        assert found.accepted and found.height.shape == true.shape and found.height.max() <= 1.001


def test_fine_detail_comes_from_the_picture() -> None:
    true = relief(4)
    grain = np.random.default_rng(8).random(true.shape, dtype=np.float32) * 0.15
    smooth = answer(true, blur=8).astype(np.float32) / 255
    fused = fuse(smooth, picture(np.clip(true + grain, 0, 1)))
    assert fused.min() >= 0 and fused.max() <= 1
    assert agreement(fused, true) > 0.9
    fine = [plane - np.roll(plane, 1, 1) for plane in (fused, smooth, grain)]
    assert agreement(fine[0], fine[2]) > agreement(fine[1], fine[2]) + 0.2
