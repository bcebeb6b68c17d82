"""Sizes: the legal one that has an image's shape."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.normalize import apply_like_size, snap_to_model
from gpt_image_addon.core.request.request import GenerationRequest
from gpt_image_addon.core.request.sizes import DETAIL_KEPT, LIKE_DETAIL, is_like, like_detail

FREE = load_registry().size_rules["free"]
SECOND = "gpt-image-2.5-flare"


def like(
    size: tuple[int, int], asked: str = "like", model: str = SECOND, frame: tuple[int, int] | None = None
) -> str:
    request = GenerationRequest("oak", "openai", model, size=asked, references=("a.png", "b.png"))
    return apply_like_size(request, load_registry(), [size, (64, 64)], frame).size


@pytest.mark.parametrize(
    ("size", "asked", "expected"),
    [
        ((1024, 1024), "like", "1024x1024"),
        ((1920, 1080), "like", "1360x768"),
        ((1080, 1920), "like", "768x1360"),
        ((1600, 1200), "like", "1152x864"),
        ((3000, 2000), "like", "1248x832"),
        ((4096, 4096), "like:2048x2048", "2048x2048"),
        ((4096, 2048), "like:2048x2048", "2880x1440"),
        ((1920, 1080), "like:3840x2160", "1904x1072"),  # no more pixels than the image has
        ((64, 64), "like:2048x2048", "1024x1024"),  # but a megapixel
        ((9000, 1000), "like", "1728x576"),  # 3:1 is the longest
        ((16384, 16384), "like:3840x2160", "2880x2880"),
    ],
)
def test_the_shape_of_an_image_at_the_detail_asked_for(
    size: tuple[int, int], asked: str, expected: str
) -> None:
    assert like(size, asked) == expected


def test_models_with_a_list_of_sizes_take_the_nearest_in_aspect() -> None:
    assert like((1920, 1080), model="gpt-image-1.5") == "1536x1024"
    assert like((900, 1000), model="gpt-image-1.5") == "1024x1024"


def test_an_unknown_model_gets_what_the_newest_takes() -> None:
    assert like((1920, 1080), model="gpt-image-9") == "1360x768"


def test_a_camera_has_the_pixels_of_its_frame() -> None:
    assert like((1536, 864), "like:2048x2048") == "1536x864"
    assert like((1536, 864), "like:2048x2048", frame=(3840, 2160)) == "2704x1520"


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(FREE.min_pixels, FREE.max_pixels))
def test_it_is_legal_near_and_never_dearer(width: int, height: int, pixels: int) -> None:
    found = FREE.like(width, height, pixels)
    assert FREE.problem(*found) is None
    aspect = min(max(width / height, 1 / 3), 3)
    reach = FREE.max_edge**2 * min(aspect, 1 / aspect)
    if pixels * DETAIL_KEPT < FREE.min_pixels:
        return  # few sizes are left there
    assert found[0] * found[1] <= pixels
    assert found[0] * found[1] >= math.floor(DETAIL_KEPT * min(pixels, reach) - 1)
    assert abs(math.log(found[0] / found[1] / aspect)) < 0.02


def test_what_the_size_says() -> None:
    assert is_like("like") and is_like("like:64x64")
    assert not is_like("auto") and not is_like("1024x1024") and not is_like("likely")
    assert (like_detail("like"), like_detail("like:2000x1000")) == (LIKE_DETAIL, 2_000_000)
    with pytest.raises(InvalidRequestError, match="'like'"):
        like_detail("like:much")


def test_without_a_reference_there_is_no_shape() -> None:
    request = GenerationRequest("oak", "openai", SECOND, size="like")
    with pytest.raises(InvalidRequestError, match="there is none") as caught:
        apply_like_size(request, load_registry(), [])
    assert caught.value.param == "size" and caught.value.next_step


def test_other_sizes_stay() -> None:
    request = GenerationRequest("oak", "openai", SECOND, size="auto", references=("a",))
    assert apply_like_size(request, load_registry(), []) is request
    unsettled = GenerationRequest("oak", "openai", SECOND, size="like", references=("a",))
    assert snap_to_model(unsettled, load_registry()).size == "like"
