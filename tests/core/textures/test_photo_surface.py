"""What a marked surface becomes: its tile or all of it, in which size, and what that spans."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon.core.editing.homography import Surface, find_surface, whole_photo
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.textures.photo_surface import cut_surface, metres_wide


def photo(width: int, height: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(5)
    noise = rng.uniform(40, 220, (height // 8, width // 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def whole(width: int, height: int) -> Surface:
    return find_surface(whole_photo((width, height)), (width, height), width / height)


def test_a_tile_is_a_square_unless_a_size_is_named() -> None:
    cut = cut_surface(photo(640, 400), whole(640, 400), None, seamless=True)
    assert cut.pixels.shape[:2] == (305, 305) and cut.tile is not None
    assert cut.share == pytest.approx(305 / 640, rel=0.01)


@pytest.mark.parametrize("size", [(128, 128), (256, 128), (300, 300)])
def test_a_tile_has_the_named_size_and_shows_in_proportion(size: tuple[int, int]) -> None:
    """Smaller ones are of a smaller rectified photo, so that they show as much as they can."""
    surface = whole(640, 400)
    cut = cut_surface(photo(640, 400), surface, size, seamless=True)
    assert cut.pixels.shape[1::-1] == size and cut.tile is not None
    down = cut.tile.shares[1] * 400
    assert cut.share * 640 / down == pytest.approx(size[0] / size[1], rel=0.03), "it is not stretched"
    assert max(cut.share, cut.tile.shares[1]) == pytest.approx(1 - 0.2375, abs=0.03)


def test_a_size_larger_than_the_photo_is_enlarged_and_that_is_told() -> None:
    cut = cut_surface(photo(320, 320), whole(320, 320), (512, 512), seamless=True)
    assert cut.pixels.shape[:2] == (512, 512)
    assert any("enlarged" in note for note in cut.notes)


def test_without_a_tile_the_whole_is_shown() -> None:
    cut = cut_surface(photo(640, 400), whole(640, 400), None, seamless=False)
    assert cut.pixels.shape[1::-1] == (640, 400) and cut.tile is None and cut.share == 1.0
    assert cut_surface(photo(640, 400), whole(640, 400), (320, 200), seamless=False).pixels.shape[1] == 320
    with pytest.raises(InvalidRequestError, match="320x320 would stretch the marked area"):
        cut_surface(photo(640, 400), whole(640, 400), (320, 320), seamless=False)


@pytest.mark.parametrize("seamless", [True, False])
def test_no_size_is_larger_than_is_worked_on(seamless: bool) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        cut_surface(photo(320, 320), whole(320, 320), (90000, 90000), seamless=seamless)
    assert caught.value.param == "size"


def test_a_steep_view_is_told() -> None:
    corners = ((280.0, 40.0), (360.0, 40.0), (630.0, 390.0), (10.0, 390.0))
    surface = find_surface(corners, (640, 400), 1.0)
    for seamless in (True, False):
        cut = cut_surface(photo(640, 400), surface, None, seamless=seamless)
        assert any("seen steeply" in note for note in cut.notes)


def test_a_known_length_gives_the_width() -> None:
    surface = whole(640, 400)
    assert metres_wide(surface, 2.4, None) == 2.4
    assert metres_wide(surface, 0.5, ((0.0, 0.0), (320.0, 0.0))) == pytest.approx(1.0)
    assert metres_wide(surface, 0.5, ((10.0, 0.0), (10.0, 400.0))) == pytest.approx(0.8)
    with pytest.raises(InvalidRequestError, match="too close") as caught:
        metres_wide(surface, 0.5, ((10.0, 10.0), (10.0, 10.0)))
    assert caught.value.param == "between"
