"""Edits put into their image: what stays bit for bit, how they fade in, and whose colors they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt_image_addon.core.editing.blending import FEATHER, blended, box_of, feathered, fit_edit, is_hidden
from gpt_image_addon.core.request.sizes import same_aspect

Pixels = NDArray[np.uint8]


def picture(height: int = 96, width: int = 128, channels: int = 3, seed: int = 1) -> Pixels:
    rng = np.random.default_rng(seed)
    smooth = np.add.outer(np.linspace(40, 120, height), np.linspace(0, 80, width))[..., None]
    return np.clip(smooth + rng.integers(-9, 10, (height, width, channels)), 0, 255).astype(np.uint8)


def block(height: int = 96, width: int = 128) -> NDArray[np.bool_]:
    editable = np.zeros((height, width), bool)
    editable[30:70, 40:100] = True
    return editable


def put_in(original: Any, edited: Pixels, editable: NDArray[np.bool_], **options: Any) -> Any:
    return blended(original, fit_edit(original, edited, editable, **options))


def test_outside_the_mask_every_bit_stays() -> None:
    original, editable = picture(), block()
    edited = picture(seed=2) // 2 + 90
    result = put_in(original, edited, editable)
    assert (result[~editable] == original[~editable]).all()
    deep = np.zeros_like(editable)
    deep[30 + 2 * FEATHER : 70 - 2 * FEATHER, 40 + 2 * FEATHER : 100 - 2 * FEATHER] = True
    assert (result[deep] != original[deep]).any(axis=-1).mean() > 0.9


def test_the_edge_is_soft() -> None:
    original = np.zeros((96, 128, 3), np.uint8)
    edited = np.zeros((96, 128, 3), np.uint8)
    edited[30:70, 40:100] = 200
    row = put_in(original, edited, block())[50, 30:75, 0].astype(int)
    assert row[0] == 0 and row[-1] == 200
    assert np.abs(np.diff(row)).max() < 120
    hard = put_in(original, edited, block(), feather=0)[50, 30:75, 0].astype(int)
    assert np.abs(np.diff(hard)).max() == 200


def test_a_colour_shift_of_the_model_is_taken_back() -> None:
    original, editable = picture(), block()
    shift = np.stack([np.full(editable.shape, value) for value in (14, -9, 20)], axis=-1)
    edited = np.clip(original.astype(int) + shift, 0, 255).astype(np.uint8)
    error = np.abs(put_in(original, edited, editable).astype(int) - original)
    assert error.max() <= 2


def test_new_content_at_the_border_does_not_tint_the_rest() -> None:
    original = np.full((96, 128, 3), 100, np.uint8)
    edited = original.copy()
    edited[30:70, 40:100] = 180
    edited[20:32, 60:70] = 0  # the model painted across the border
    result = put_in(original, edited, block())
    assert abs(int(result[50, 70, 0]) - 180) <= 3


def test_an_answer_that_is_something_else_keeps_its_colours() -> None:
    original = np.full((96, 128, 3), (40, 60, 200), np.uint8)
    edited = np.full((96, 128, 3), (30, 200, 30), np.uint8)
    assert put_in(original, edited, block())[50, 70].tolist() == [30, 200, 30]


@pytest.mark.parametrize("size", [(64, 48), (256, 192), (129, 96)])
def test_an_answer_of_another_size_fits(size: tuple[int, int]) -> None:
    original = picture()
    edited = np.full((size[1], size[0], 3), 50, np.uint8)
    assert put_in(original, edited, block()).shape == original.shape
    assert same_aspect((128, 96), size)


def test_other_shapes_are_told_apart() -> None:
    assert not same_aspect((1024, 1024), (1536, 1024))


def test_alpha_of_the_original_stays() -> None:
    original = np.dstack([picture(), np.full((96, 128), 90, np.uint8)])
    result = put_in(original, picture(seed=3), block())
    assert result.shape == (96, 128, 4)
    assert (result[~block()] == original[~block()]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_depth_and_channel_stays_outside(dtype: Any, channels: int) -> None:
    dice = np.random.default_rng(4)
    original = dice.integers(0, np.iinfo(dtype).max + 1, (96, 128, channels)).astype(dtype)
    edited = picture(seed=5)
    result = put_in(original, edited, block())
    assert (result.dtype, result.shape) == (dtype, original.shape)
    assert (result[~block()] == original[~block()]).all()
    assert (result[block()] != original[block()]).any()
    if channels in (2, 4):
        assert (result[..., -1] == original[..., -1]).all()


def test_alpha_is_written_where_it_is_asked_for() -> None:
    original = np.dstack([picture(), np.zeros((96, 128), np.uint8)])
    edited = np.dstack([picture(seed=3), np.full((96, 128), 200, np.uint8)])
    assert is_hidden(original, block())
    result = put_in(original, edited, block(), alpha=True)
    assert result[50, 70, 3] == 200
    assert (result[~block()] == original[~block()]).all()


def test_an_image_larger_than_what_was_sent_gets_its_own_size() -> None:
    """The mask has the size of the image that the edit goes into."""
    large = np.repeat(np.repeat(block(), 2, 0), 2, 1)
    original = picture()
    edited = original.copy()
    edited[30:70, 40:100] = 200
    fitted = fit_edit(original, edited, large)
    assert fitted.box == (80, 60, 200, 140)
    assert fitted.pixels.shape == (80, 120, 3) and fitted.weight.shape == (80, 120)
    assert np.abs(fitted.pixels[20:-20, 20:-20] - 200).max() < 2
    assert fitted.weight[2 * FEATHER, 60] == 1 > fitted.weight[FEATHER, 60] > 0.4


def test_a_thin_stroke_shows() -> None:
    mask = np.zeros((64, 64), bool)
    mask[:, 30:34] = True
    weight = feathered(mask, box_of(mask), FEATHER)
    assert weight.max() == 1 and weight.shape == (64, 4)


def test_a_mask_at_the_border_of_the_image_does_not_fade_there() -> None:
    mask = np.zeros((64, 64), bool)
    mask[:, :32] = True
    weight = feathered(mask, box_of(mask), FEATHER)
    assert (weight[:, 0] == 1).all() and (weight[0, :16] == 1).all()
    assert weight[32, 31] == pytest.approx(1 / FEATHER)
