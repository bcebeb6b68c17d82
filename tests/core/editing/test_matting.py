"""Cut-outs: alpha along hair and soft edges, colors of the rim, and what stays bit for bit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from gpt_image_addon.core.editing.matting import cut_out, dilated, eroded
from gpt_image_addon.core.raster.alpha import NEARLY_OPAQUE

from . import subjects


@pytest.mark.parametrize("backdrop", [(140, 240), (60, 200)])
def test_alpha_and_colors_of_the_rim(backdrop: tuple[float, float]) -> None:
    found = subjects.subject(512, 1, backdrop=backdrop)
    answer = subjects.cut(found)
    made = cut_out(found.image, answer)
    assert made.registration.accepted and not made.registration.plain
    alpha = made.pixels[..., 3] / 255
    rim = (found.alpha > 0.02) & (found.alpha < 0.98)
    came = np.abs(answer[..., 3] / NEARLY_OPAQUE - found.alpha)[rim].mean() * 255
    left = np.abs(alpha - found.alpha)[rim].mean() * 255
    assert came > 70 and left <= 24
    half = (found.alpha > 0.1) & (found.alpha < 0.9)
    fringe = np.abs(found.image - found.colors)[half].mean()
    assert np.abs(made.pixels[..., :3] - found.colors)[half].mean() <= min(13, 0.4 * fringe)
    solid = alpha == 1
    assert solid.mean() > 0.19 and np.array_equal(made.pixels[solid][:, :3], found.image[solid])
    assert (alpha[found.alpha == 0] < 0.1).mean() > 0.99


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_depth_and_channels_stay(channels: int) -> None:
    found = subjects.subject(256, 2)
    wide = np.dstack([found.image, np.full(found.alpha.shape, 255, np.uint8)]).astype(np.uint16) * 257 + 0
    wide[..., :3] -= 3
    image = wide[..., :channels] if channels > 2 else wide[..., [0, 3][:channels]]
    made = cut_out(image, subjects.cut(found, shift=(2, -1)))
    colors = 3 if channels > 2 else 1
    assert made.pixels.dtype == np.uint16 and made.pixels.shape == (256, 256, colors + 1)
    solid = made.pixels[..., -1] == 65535
    assert solid.mean() > 0.15
    assert np.array_equal(made.pixels[solid][:, :colors], image[solid][:, :colors])


def test_the_image_may_be_larger_than_the_answer() -> None:
    found = subjects.subject(512, 1)
    small = subjects.cut(subjects.subject(512, 1), shift=(2.0, 1.0))[::2, ::2]
    made = cut_out(found.image, np.ascontiguousarray(small))
    rim = (found.alpha > 0.02) & (found.alpha < 0.98)
    assert made.pixels.shape == (512, 512, 4)
    assert np.abs(made.pixels[..., 3] / 255 - found.alpha)[rim].mean() * 255 < 30


def test_another_subject_is_not_accepted() -> None:
    found, other = subjects.subject(512, 1), subjects.subject(512, 9)
    assert not cut_out(found.image, subjects.cut(other)).registration.accepted


def test_a_small_image_of_hard_contrasts_does_not_break() -> None:
    dice = np.random.default_rng(0)
    image = dice.choice(np.array([0, 255], np.uint8), (128, 128, 3))
    answer = np.full((816, 816, 4), 255, np.uint8)
    answer[..., :3] = dice.integers(0, 256, (816, 816, 3))
    answer[:, 400:, 3] = 0
    assert not cut_out(image, answer).registration.accepted


@pytest.mark.parametrize("by", [0, 1, 3, 40])
def test_masks_grow_by_squares_and_the_border_is_no_edge(by: int) -> None:
    mask = np.random.default_rng(by).random((23, 37)) > 0.97
    wide = np.pad(mask, by)
    around = [
        wide[row : row + 23, column : column + 37] for row, column in product(range(2 * by + 1), repeat=2)
    ]
    assert np.array_equal(dilated(mask, by), np.any(around, axis=0))
    assert np.array_equal(eroded(~mask, by), ~np.any(around, axis=0))
