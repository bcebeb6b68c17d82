"""Surfaces in photos, against photos of known surfaces as a pinhole camera takes them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon.core.editing import homography
from gpt_image_addon.core.editing.homography import (
    Corners,
    aspect_of,
    check_corners,
    find_surface,
    rectify,
    square_to,
    whole_photo,
)
from gpt_image_addon.core.errors import InvalidRequestError

PHOTO = (1600, 1200)
SAMPLES = 3  # along one edge of a pixel of the photo
SQUARE = ((200, 200), (800, 200), (800, 800), (200, 800))


def pose(tilt: float, turn: float, aspect: float = 1.0, focal: float = 1.1, away: float = 2.4) -> Corners:
    """The corners of a rectangle of height 1, tilted and turned by degrees, in a photo of `PHOTO`.

    :param focal: of the lens, in the photo's longer side.
    :param away: its distance, in heights.
    """
    a, b = math.radians(tilt), math.radians(turn)
    tilted = np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
    turned = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    flat = np.array([[-aspect, -1, 0], [aspect, -1, 0], [aspect, 1, 0], [-aspect, 1, 0]]) / 2
    places = flat @ (tilted @ turned).T + (0, 0, away)
    pixels = places[:, :2] / places[:, 2:] * focal * max(PHOTO) + np.array(PHOTO) / 2
    return tuple((float(x), float(y)) for x, y in pixels)  # type: ignore[return-value]


@functools.cache
def texture(edge: int, channels: int = 3) -> NDArray[np.uint8]:
    """Blobs of several sizes, with edges."""
    rng = np.random.default_rng(3)
    total = np.zeros((edge, edge, channels))
    for cells in (8, 32, 128):
        noise = rng.uniform(0, 255, (cells, cells, channels)).astype(np.uint8)
        wide = [
            np.asarray(Image.fromarray(noise[..., c]).resize((edge, edge), Image.Resampling.BICUBIC))
            for c in range(channels)
        ]
        total += np.stack(wide, 2)
    total /= 3
    return np.clip(total + 60 * (np.sin(total / 6) > 0) - 30, 0, 255).astype(np.uint8)


@functools.cache
def photo_of_texture(edge: int, corners: Corners) -> NDArray[np.uint8]:
    """What a camera sees of it, each pixel the mean of its area."""
    surface = texture(edge)
    height, width = surface.shape[:2]
    to_surface = np.diag((width, height, 1)) @ np.linalg.inv(square_to(corners))
    to_surface = to_surface @ np.diag((1 / SAMPLES, 1 / SAMPLES, 1))
    data = tuple((to_surface / to_surface[2, 2]).ravel()[:8])
    size = (PHOTO[0] * SAMPLES, PHOTO[1] * SAMPLES)
    wide = Image.fromarray(surface).transform(
        size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC
    )
    return np.asarray(wide.reduce(SAMPLES))


def likeness(found: NDArray[Any], truth: NDArray[Any], top: int = 255) -> float:
    """Peak signal-to-noise ratio in decibels, without the outermost pixels."""
    inner = slice(8, -8)
    error = found[inner, inner].astype(float) - truth[inner, inner]
    return float(10 * np.log10(top**2 / np.square(error).mean()))


@pytest.mark.parametrize(
    ("tilt", "turn", "edge", "least"), [(20, 25, 256, 38), (20, 25, 512, 34), (35, 15, 512, 33)]
)
def test_a_shrunk_surface_is_like_the_truth(tilt: float, turn: float, edge: int, least: float) -> None:
    surface = texture(1024)
    corners = pose(tilt, turn)
    found = rectify(photo_of_texture(1024, corners), corners, (edge, edge))
    truth = np.asarray(Image.fromarray(surface).reduce(1024 // edge))
    assert likeness(found, truth) > least


def test_shrinking_takes_more_than_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    corners = pose(20, 25)
    photo, truth = photo_of_texture(1024, corners), np.asarray(Image.fromarray(texture(1024)).reduce(4))
    found = rectify(photo, corners, (256, 256))
    monkeypatch.setattr(homography, "samples_for", lambda matrix, size: 1)
    assert likeness(found, truth) > likeness(rectify(photo, corners, (256, 256)), truth) + 2


def test_without_a_perspective_and_at_its_own_size_nothing_changes() -> None:
    pixels = texture(256, 4).copy()
    pixels[..., 3] = 255
    assert np.array_equal(rectify(pixels, whole_photo((256, 256)), (256, 256)), pixels)
    wide = pixels.astype(np.uint16) * 257 + 3
    found = rectify(wide, whole_photo((256, 256)), (256, 256))
    assert found.dtype == np.uint16
    assert np.abs(found[..., :3].astype(int) - wide[..., :3]).max() <= 8, "alpha is not quite one here"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_and_alpha_stay(channels: int) -> None:
    corners = pose(25, 20)
    narrow = np.repeat(photo_of_texture(1024, corners)[..., :1], channels, 2)
    if channels in (2, 4):
        narrow[..., -1] = 200
    found = rectify(narrow, corners, (300, 300))
    deep = rectify(narrow.astype(np.uint16) * 257, corners, (300, 300))
    assert found.shape == deep.shape == (300, 300, channels) and deep.dtype == np.uint16
    difference = np.abs(deep / 257 - found.astype(float))
    assert difference.mean() < 1 and np.quantile(difference, 0.999) < 4, "8 bits clip what overshoots"
    if channels in (2, 4):
        assert np.abs(found[8:-8, 8:-8, -1].astype(int) - 200).max() <= 1


def test_what_is_transparent_gives_no_colour() -> None:
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[:, :100] = (255, 255, 255, 255)
    for one in (pixels, pixels.astype(np.uint16) * 257):
        found = rectify(one, whole_photo((200, 200)), (70, 70))
        opaque = found[..., 3] > np.iinfo(one.dtype).max // 4
        assert found[opaque][:, :3].min() > np.iinfo(one.dtype).max * 0.98


def test_the_first_corner_becomes_the_upper_left() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[:50, 50:] = 255
    corners = whole_photo((100, 100))
    turned = (*corners[1:], corners[0])
    assert rectify(pixels, turned, (100, 100))[:45, :45].min() == 255  # type: ignore[arg-type]


@pytest.mark.parametrize("aspect", [0.6, 1.0, 1.7])
@pytest.mark.parametrize(("tilt", "turn"), [(25, 30), (-35, 20), (15, -40), (40, 40)])
def test_the_aspect_follows_from_the_corners(aspect: float, tilt: float, turn: float) -> None:
    found = aspect_of(pose(tilt, turn, aspect, away=2.4), PHOTO)
    assert found == pytest.approx(aspect, rel=1e-6)


def test_clicks_that_miss_by_two_pixels_cost_little_or_are_told() -> None:
    """4000 x 3000 pixels: what is taken for known is right to some per cent, and most is known."""
    rng = np.random.default_rng(1)
    size = (4000, 3000)
    errors, asked = [], 0
    for _ in range(300):
        tilt, turn = rng.uniform(-55, 55, 2)
        aspect, focal = math.exp(rng.uniform(-0.6, 0.6)), rng.uniform(0.7, 1.6)
        true = np.array(pose(tilt, turn, aspect, focal, away=2.2 * focal)) * size / PHOTO
        clicked = true + rng.normal(0, math.sqrt(2), (4, 2))
        found = aspect_of(tuple((float(x), float(y)) for x, y in clicked), size)  # type: ignore[arg-type]
        asked += found is None
        errors += [abs(math.log(found / aspect))] if found else []
    assert np.median(errors) < 0.008 and np.quantile(errors, 0.9) < 0.025 and max(errors) < 0.12
    assert asked < 0.25 * 300


def test_an_aspect_that_the_corners_leave_open_is_asked_for() -> None:
    """Seen from straight above its middle line: a long lens and a short one would make the same photo."""
    corners = pose(50, 0)
    assert aspect_of(corners, PHOTO) is None
    with pytest.raises(InvalidRequestError, match="can't be told") as caught:
        find_surface(corners, PHOTO)
    assert (caught.value.code, caught.value.param) == ("unknown_aspect", "aspect")
    assert find_surface(corners, PHOTO, 1.0).aspect == 1.0


BAD = {
    "outside": (((200, 200), (1700, 200), (800, 800), (200, 800)), "Point 2 at 1700,200 lies outside"),
    "no number": (((200, 200), (math.nan, 200), (800, 800), (200, 800)), "Point 2 at nan"),
    "crossed": (((200, 200), (800, 800), (800, 200), (200, 800)), "edges between the corners cross"),
    "mirrored": (tuple(reversed(SQUARE)), "anticlockwise"),
    "in a line": (((200, 200), (500, 201), (800, 200), (500, 800)), "Corners 1, 2 and 3 lie in a line"),
    "in a line at the end": (
        ((200, 200), (800, 200), (500, 800), (350, 501)),
        "Corners 1, 3 and 4 lie in a line",
    ),
    "dented": (((200, 200), (800, 200), (350, 350), (200, 800)), "inside the triangle"),
    "too close": (((200, 200), (208, 200), (800, 800), (200, 800)), "less than 16 pixels"),
    "three": (SQUARE[:3], "Four corners are needed, not 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_corners_that_mark_no_rectangle_are_refused(name: str) -> None:
    corners, told = BAD[name]
    with pytest.raises(InvalidRequestError, match=told) as caught:
        check_corners(corners, PHOTO)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.param) == ("bad_corners", "corners")


def test_shares_stand_for_pixels() -> None:
    by_shares = find_surface(((0.1, 0.2), (0.9, 0.2), (0.9, 0.8), (0.1, 0.8)), PHOTO)
    assert np.allclose(by_shares.corners, ((160, 240), (1440, 240), (1440, 960), (160, 960)))
    assert by_shares.aspect == pytest.approx(1280 / 720)
    assert by_shares.natural_size == (1280, 720)


@pytest.mark.parametrize("aspect", [0.0, -1.0, math.nan, math.inf, 0.01, 50.0])
def test_an_aspect_that_no_surface_has_is_refused(aspect: float) -> None:
    with pytest.raises(InvalidRequestError, match="it may be from"):
        find_surface(SQUARE, PHOTO, aspect)


def test_distances_on_the_surface_are_told_in_its_widths() -> None:
    surface = find_surface(pose(30, 25, 1.5), PHOTO)
    first, second, third, _ = surface.corners
    assert surface.distance(first, second) == pytest.approx(1.0)
    assert surface.distance(second, third) == pytest.approx(1 / 1.5, rel=1e-6)
    assert surface.distance(first, third) == pytest.approx(math.hypot(1, 1 / 1.5), rel=1e-6)


def test_a_steep_view_is_noticed() -> None:
    mild, steep = (find_surface(pose(tilt, 12, away=2.2), PHOTO, 1.0) for tilt in (10, 65))
    assert mild.enlargement(mild.natural_size) < 1.5 < homography.SOFT
    assert steep.enlargement(steep.natural_size) > homography.SOFT


def test_no_side_is_longer_than_is_worked_on() -> None:
    size = find_surface(whole_photo((8000, 400)), (8000, 400), 20.0).natural_size
    assert size == (8000, 400)
    tall = find_surface(whole_photo((8000, 4000)), (8000, 4000), 0.05).natural_size
    assert max(tall) <= 8192 and tall[0] / tall[1] == pytest.approx(0.05, rel=0.01)
