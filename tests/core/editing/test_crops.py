"""What is sent of an image for a mask: legal sizes, all of the mask, exact places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from gpt_image_addon.core.editing.crops import LEAST_MARGIN, MOST_PIXELS, Crop, plan_crops
from gpt_image_addon.core.editing.mask_regions import find_regions
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.pasting.boxes import Box
from gpt_image_addon.core.request.sizes import SizeRule
from tests.core.fuzzing import fuzz

FREE = SizeRule(
    multiple=16,
    max_edge=3840,
    max_ratio=3,
    min_pixels=655_360,
    max_pixels=8_294_400,
    experimental_above=MOST_PIXELS,
)
FIXED = SizeRule(sizes=("1024x1024", "1536x1024", "1024x1536"))

Flags = NDArray[np.bool_]


def mask_of(width: int, height: int, *boxes: Box) -> Flags:
    mask = np.zeros((height, width), bool)
    for box in boxes:
        for piece, _, _ in box.pieces((width, height)):
            mask[piece.top : piece.bottom, piece.left : piece.right] = True
    return mask


def lies_in(crop: Crop, mask: Flags) -> Flags:
    """What a crop lets change, as a mask of the whole image."""
    out = np.zeros_like(mask)
    editable = crop.editable(mask)
    for piece, column, row in crop.box.pieces(crop.image):
        out[piece.top : piece.bottom, piece.left : piece.right] |= editable[
            row : row + piece.height, column : column + piece.width
        ]
    return out


def test_a_region_of_a_big_image_is_sent_pixel_for_pixel() -> None:
    (crop,) = plan_crops(mask_of(4096, 4096, Box(1000, 2000, 600, 400)), FREE)
    assert crop.detail == crop.stretch == 1 and crop.notes() == ()
    assert crop.sent == (crop.box.width, crop.box.height)
    assert crop.region == Box(1000, 2000, 600, 400)
    assert crop.region.left - crop.box.left >= 300 and crop.box.right - crop.region.right >= 300


def test_a_small_region_is_enlarged_at_most_twice() -> None:
    (crop,) = plan_crops(mask_of(4096, 4096, Box(1000, 2000, 40, 30)), FREE)
    assert crop.detail == pytest.approx(2, abs=0.02)
    assert FREE.problem(*crop.sent) is None
    assert crop.sent[0] * crop.sent[1] <= 700_000


def test_a_large_region_is_reduced_and_that_is_said() -> None:
    (crop,) = plan_crops(mask_of(8192, 8192, Box(1000, 1000, 2000, 2000)), FREE)
    assert crop.sent[0] * crop.sent[1] <= MOST_PIXELS
    assert crop.detail < 0.55
    assert [str(note) for note in crop.notes()] == [
        f"It is sent at 1/{1 / crop.detail:.1f} of the image's detail."
    ]


def test_at_the_border_the_crop_moves_inward() -> None:
    (crop,) = plan_crops(mask_of(4096, 4096, Box(0, 3900, 300, 196)), FREE)
    assert crop.box.left == 0 and crop.box.bottom == 4096
    assert crop.detail == pytest.approx(crop.scale[1])


def test_in_a_tiling_image_the_crop_goes_across_the_border() -> None:
    mask = mask_of(2048, 2048, Box(1900, 1950, 300, 200))
    assert len(find_regions(mask, wraps=False)) == 4
    (crop,) = plan_crops(mask, FREE, wraps=True)
    assert crop.region == Box(1900, 1950, 300, 200)
    assert crop.box.right > 2048 and crop.box.bottom > 2048
    assert np.array_equal(lies_in(crop, mask), mask)


def test_regions_far_apart_are_sent_apart_and_near_ones_together() -> None:
    apart = mask_of(8192, 8192, Box(500, 500, 300, 300), Box(7000, 7000, 300, 300))
    assert len(plan_crops(apart, FREE)) == 2
    near = mask_of(8192, 8192, Box(500, 500, 300, 300), Box(830, 500, 300, 300))
    (crop,) = plan_crops(near, FREE)
    assert crop.region == Box(500, 500, 630, 300)


def test_many_spots_are_few_crops() -> None:
    spots = [Box(x, y, 9, 9) for x in range(100, 900, 200) for y in range(100, 900, 200)]
    assert len(plan_crops(mask_of(1024, 1024, *spots), FREE)) == 1


def test_a_given_size_is_the_size_sent() -> None:
    mask = mask_of(4096, 4096, Box(1000, 2000, 600, 400))
    (crop,) = plan_crops(mask, FREE, size=(1024, 1536))
    assert crop.sent == (1024, 1536) and crop.stretch < 1.005
    assert crop.box.width >= 600 + 2 * 300


def test_models_with_fixed_sizes_get_the_one_with_most_detail() -> None:
    (wide,) = plan_crops(mask_of(4096, 4096, Box(1000, 2000, 700, 60)), FIXED)
    assert wide.sent == (1536, 1024) and wide.stretch < 1.005


@pytest.mark.parametrize("rule", [FREE, FIXED])
def test_a_strip_is_stretched_only_where_nothing_else_is_possible(rule: SizeRule) -> None:
    (part,) = plan_crops(mask_of(4096, 256, Box(1000, 50, 100, 100)), rule)
    assert part.stretch < 1.02
    (whole,) = plan_crops(mask_of(4096, 256, Box(0, 50, 4096, 100)), rule)
    assert whole.stretch > 2 and "stretched" in whole.notes()[-1]
    assert (whole.box.width, whole.box.height) == (4096, 256)


def test_an_empty_mask() -> None:
    with pytest.raises(InvalidRequestError, match="empty"):
        plan_crops(np.zeros((64, 64), bool), FREE)


BOXES = st.lists(st.tuples(*[st.integers(0, 2**16)] * 2, *[st.integers(1, 900)] * 2), min_size=1, max_size=5)


def test_whatever_the_mask_is_the_crops_hold_it_in_a_size_that_is_taken() -> None:
    def check(drawn: tuple[int, int, bool, bool, list[tuple[int, int, int, int]]]) -> None:
        width, height, wraps, fixed, boxes = drawn
        rule = FIXED if fixed else FREE
        inside = []
        for x, y, wide, high in boxes:
            wide, high = min(wide, width), min(high, height)
            left, top = (
                (x % width, y % height) if wraps else (x % (width - wide + 1), y % (height - high + 1))
            )
            inside.append(Box(left, top, wide, high))
        mask = mask_of(width, height, *inside)
        crops = plan_crops(mask, rule, wraps=wraps)
        held = np.zeros_like(mask)
        for crop in crops:
            assert rule.problem(*crop.sent) is None
            assert crop.box.width <= width and crop.box.height <= height
            assert wraps or crop.box.is_in((width, height))
            assert 0 <= crop.box.left < width and 0 <= crop.box.top < height
            part = lies_in(crop, mask)
            assert not (part & held).any()
            held |= part
            check_affine(crop)
        assert np.array_equal(held, mask)

    fuzz(
        check,
        st.tuples(st.integers(16, 2000), st.integers(16, 2000), st.booleans(), st.booleans(), BOXES),
        examples=80,
    )


def check_affine(crop: Crop) -> None:
    corners = np.array([[crop.box.left, crop.box.top, 1], [crop.box.right, crop.box.bottom, 1]], float)
    sent = corners @ crop.to_sent.T
    assert np.allclose(sent, [[0, 0], crop.sent], atol=1e-9)
    back = np.c_[sent, [1, 1]] @ crop.to_image.T
    assert np.allclose(back, corners[:, :2], atol=1e-9)


def test_the_margin_is_kept_where_the_image_has_room() -> None:
    (crop,) = plan_crops(mask_of(2048, 2048, Box(1000, 1000, 10, 10)), FREE)
    assert crop.region.left - crop.box.left >= LEAST_MARGIN
    assert crop.box.bottom - crop.region.bottom >= LEAST_MARGIN


def test_places_of_the_image_are_found_in_what_is_sent() -> None:
    inner = Crop(Box(100, 50, 200, 100), Box(150, 80, 50, 40), (400, 200), (1000, 500))
    assert inner.locate(0.2, 0.8) == pytest.approx((0.5, 0.5))
    assert inner.locate(0.1, 0.9) == pytest.approx((0, 1)) and inner.locate(0.9, 0.8) is None
    assert inner.locate(0.2, 0.1) is None
    corner = Crop(Box(0, 0, 300, 150), Box(0, 0, 10, 10), (400, 200), (1000, 500))
    assert corner.locate(1, 0.9) is None and corner.locate(0, 0) is None
    across = Crop(Box(-100, 400, 200, 200), Box(0, 0, 10, 10), (200, 200), (1000, 500))
    assert across.locate(0.95, 0.1) == pytest.approx((0.25, 0.75))
    assert across.locate(0.05, 0.9) == pytest.approx((0.75, 0.25))
    assert across.locate(0.5, 0.1) is None
