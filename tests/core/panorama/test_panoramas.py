"""Panoramas: closed, levelled, calm at their poles, and a sun that is found or not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt_image_addon.core.imaging.color_spaces import srgb_from_linear
from gpt_image_addon.core.panorama.equirect import (
    irradiance,
    list_elevations,
    luminance,
    pixel_directions,
    sample_directions,
    solid_angles,
    to_angles,
    to_directions,
)
from gpt_image_addon.core.panorama.horizon import Tilt, find_tilt, level
from gpt_image_addon.core.panorama.light import RATIOS, add_disc, clear_sky, expand
from gpt_image_addon.core.panorama.pole_repair import repaint_poles, see_pole
from gpt_image_addon.core.panorama.poles import pole_spread, smooth_poles
from gpt_image_addon.core.panorama.sun import GIVEN, NONE, SURE, UNSURE, Sun, find_sun
from gpt_image_addon.core.panorama.views import POLES
from gpt_image_addon.core.panorama.world import Options, make_world
from gpt_image_addon.core.panorama.wrap import close, edge_step
from gpt_image_addon.core.providers.offline.painter.skies import paint_sky

HEIGHT, WIDTH = 128, 256
FOUND = Options("lamp", "auto")


@pytest.fixture(scope="module")
def sky() -> NDArray[np.float32]:
    return paint_sky("dunes", WIDTH, HEIGHT, "clear").astype(np.float32)


def noise(seed: int = 3) -> NDArray[np.float32]:
    """Soft random colors that do not close."""
    rough = np.random.default_rng(seed).uniform(30, 220, (HEIGHT // 8, WIDTH // 8, 3))
    return np.kron(rough, np.ones((8, 8, 1))).astype(np.float32)


def test_directions_and_angles_are_each_others_inverse() -> None:
    angles = to_angles(to_directions(np.array([-170.0, 0, 90]), np.array([-60.0, 0, 45])))
    assert np.allclose(angles, [[-170, 0, 90], [-60, 0, 45]])
    assert np.allclose(to_directions(0, 0), [0, 1, 0]) and np.allclose(to_directions(90, 0), [1, 0, 0])
    assert np.isclose(solid_angles(HEIGHT, WIDTH).sum() * WIDTH, 4 * np.pi)


def test_a_white_sky_lights_with_pi() -> None:
    assert np.allclose(irradiance(np.ones((HEIGHT, WIDTH, 3), np.float32)), np.pi, rtol=1e-3)


def test_sampling_goes_on_over_the_edge(sky: NDArray[np.float32]) -> None:
    shown = sample_directions(sky, pixel_directions(HEIGHT, WIDTH))
    assert np.abs(shown - sky).max() < 0.01
    beyond = sample_directions(sky, to_directions(np.array([180.0]), np.array([30.0])))
    row = int((90 - 30) / 180 * HEIGHT)
    assert np.allclose(beyond, (sky[row - 1 : row + 1, [0, -1]]).mean((0, 1)), atol=1.0)


def test_an_open_panorama_is_closed() -> None:
    wide = np.concatenate([noise(), noise()], 1)[:, 20 : WIDTH + 40]  # both edges show the same
    open_ = wide * np.linspace(0.8, 1.2, wide.shape[1], dtype=np.float32)[:, None]
    before = edge_step(open_)
    closed = close(open_)
    assert before > 1.5 and closed.is_cut
    assert closed.step <= 3
    assert closed.pixels.shape[1] == open_.shape[1] - round(open_.shape[1] * 0.1)
    assert edge_step(np.roll(closed.pixels, WIDTH // 3, 1)) <= 3


def test_a_closed_panorama_stays(sky: NDArray[np.float32]) -> None:
    assert close(sky).pixels is sky


def test_poles_become_calm_and_the_horizon_stays() -> None:
    rough = noise()
    smooth = smooth_poles(rough)
    assert pole_spread(rough) > 0.5 and pole_spread(smooth) <= 0.05
    middle = slice(HEIGHT // 4 + 1, HEIGHT * 3 // 4 - 1)
    assert np.array_equal(smooth[middle], rough[middle])


def test_what_was_repainted_lies_where_it_was_seen() -> None:
    x, y, z = np.moveaxis(pixel_directions(HEIGHT, WIDTH), -1, 0)
    waves = 128 + 60 * np.stack([np.sin(9 * x + y), np.cos(7 * y - x), np.sin(8 * (x + y)) * z], 2)
    truth = waves.astype(np.float32)
    caps = np.abs(list_elevations(HEIGHT)) > 62
    image = truth.copy()
    image[caps] = np.roll(image[caps], WIDTH // 4, 1)
    answers = {pole: np.rint(see_pole(truth, pole, 160)).astype(np.uint8) for pole in POLES}
    repaired, poles, told = repaint_poles(image, answers)
    assert poles == POLES and len(told) == 2
    inner = np.abs(list_elevations(HEIGHT)) > 70
    assert np.abs(image - truth)[inner].mean() > 30 and np.abs(repaired - truth)[inner].mean() < 3
    assert np.array_equal(
        repaired[HEIGHT // 6 + 1 : -HEIGHT // 6 - 1], image[HEIGHT // 6 + 1 : -HEIGHT // 6 - 1]
    )
    assert pole_spread(repaired) <= 0.05 and edge_step(repaired) <= 3


@pytest.mark.parametrize(("a", "b"), [(6.0, 0.0), (-3.0, 4.0)])
def test_a_tilted_horizon_is_found_and_levelled(a: float, b: float) -> None:
    tilted = level(place_sun(40, 30), Tilt(-a, -b, 0.0, 1.0))
    found = find_tilt(tilted)
    assert found.is_sure and abs(found.a - a) < 0.4 and abs(found.b - b) < 0.4
    assert find_tilt(level(tilted, found)).degrees < 0.7


def test_what_has_no_horizon_is_not_levelled(sky: NDArray[np.float32]) -> None:
    assert not find_tilt(noise()).is_sure
    hills = level(sky, Tilt(5.0, 0.0, 0.0, 1.0))
    assert not find_tilt(hills).is_sure


def place_sun(azimuth: float, elevation: float, *, disc: bool = True) -> NDArray[np.float32]:
    """A plain sky with a glow and a sun."""
    angles = np.degrees(
        np.arccos(np.clip(pixel_directions(HEIGHT, WIDTH) @ to_directions(azimuth, elevation), -1, 1))
    )
    shown = 90 + 110 * np.exp(-angles / 15)
    shown[HEIGHT // 2 :] = 60
    if disc:
        shown[angles < 1.5] = 255
    return np.repeat(shown[..., None], 3, 2).astype(np.float32)


@pytest.mark.parametrize(("azimuth", "elevation"), [(-179.5, 20.0), (0.0, 45.0), (120.0, 70.0)])
def test_a_sun_is_found_where_it_is(azimuth: float, elevation: float) -> None:
    sun = find_sun(place_sun(azimuth, elevation))
    assert sun.confidence == SURE
    assert sun.azimuth is not None and sun.elevation is not None
    apart = to_directions(sun.azimuth, sun.elevation) @ to_directions(azimuth, elevation)
    assert np.degrees(np.arccos(min(apart, 1))) < 0.5


def test_without_a_disc_only_its_side_is_known() -> None:
    sun = find_sun(place_sun(75, 30, disc=False))
    assert sun.confidence == UNSURE and not sun.lights
    assert sun.azimuth == pytest.approx(75, abs=1.5)


def test_a_white_spot_elsewhere_is_no_sun() -> None:
    shown = place_sun(75, 30, disc=False)
    shown[30:33, 10:14] = 255
    assert find_sun(shown).confidence == UNSURE


def test_an_even_sky_has_none() -> None:
    even = np.full((HEIGHT, WIDTH, 3), 150, np.float32)
    assert find_sun(even) == Sun(NONE)
    assert find_sun(noise()).confidence != SURE


def test_the_sun_lights_as_on_a_clear_day() -> None:
    shown = place_sun(40, 30)
    sun = find_sun(shown)
    light = expand(shown, sun, 1.0)
    sky = float(luminance(irradiance(light.sky)))
    assert light.sun_share == pytest.approx(5.5 / 6.5, abs=0.01)
    assert light.total == pytest.approx(sky * 6.5, rel=0.01)
    of_lamp = light.energy * float(luminance(np.array(light.color))) * np.sin(np.radians(sun.elevation or 0))
    assert of_lamp == pytest.approx(light.total - sky, rel=1e-3)
    assert light.sky.max() < 0.9, "the disc is taken out"
    hazy = expand(shown, sun, 0.35, ratios=RATIOS)
    assert hazy.energy == pytest.approx(light.energy * 0.35)


@pytest.mark.parametrize("elevation", [8.0, 25.0, 60.0])
def test_what_is_too_bright_around_the_sun_gets_its_light_back(elevation: float) -> None:
    above = clear_sky(40, elevation, HEIGHT, WIDTH)
    above *= 0.2 / np.median(above)
    true = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    true[: HEIGHT // 2] = above[..., None]
    shown = srgb_from_linear(np.clip(true, 0, 1)) * 255
    light = expand(shown.astype(np.float32), Sun(GIVEN, 40.0, elevation), 1.0)
    sky, wanted = (float(luminance(irradiance(found))) for found in (light.sky, true))
    assert sky == pytest.approx(wanted, rel=0.03)
    assert (light.sky >= expand(shown, Sun(NONE), 1.0).sky).all(), "nothing gets darker"
    assert expand(shown, Sun(NONE), 1.0).total < wanted
    hazy = expand(shown.astype(np.float32), Sun(GIVEN, 40.0, elevation), 0.35)
    assert hazy.sky.max() <= 1.0, "of a hazy sky nothing like that is known"


@pytest.mark.parametrize("elevation", [4.0, 30.0, 80.0])
def test_the_disc_has_the_light_of_the_lamp(elevation: float) -> None:
    sun = Sun(GIVEN, 40.0, elevation)
    light = expand(place_sun(40, elevation, disc=False), sun, 1.0)
    radiance = add_disc(light, sun)
    assert float(luminance(irradiance(radiance))) == pytest.approx(light.total, rel=0.01)
    assert np.unravel_index(radiance[..., 0].argmax(), radiance.shape[:2])[1] == pytest.approx(
        (40 / 360 + 0.5) * WIDTH, abs=2
    )


def test_words_and_choices_say_what_sun_there_is() -> None:
    shown = place_sun(40, 30).astype(np.uint8)
    assert make_world(shown, "dunes", FOUND).report["sun_share"] > 0.8
    hazy = make_world(shown, "dunes in the mist", FOUND).report
    assert hazy["sky"] == "hazy" and hazy["sun_share"] < 0.7
    night = make_world(shown, "ein See bei Nacht", FOUND).report
    assert night["sky"] == "night" and night["sun"]["energy"] == 0
    assert make_world(shown, "rainbow over dunes", FOUND).report["sky"] == "clear"
    assert make_world(shown, "a room", dataclasses.replace(FOUND, sky="clear")).report["sun"]["energy"] > 0
    none = make_world(shown, "dunes", dataclasses.replace(FOUND, sun="none"))
    assert none.report["sun"]["energy"] == 0 and none.notes == ()


def test_nothing_is_made_of_a_sun_that_is_not_sure_until_it_is_said_where_it_is() -> None:
    shown = place_sun(75, 30, disc=False).astype(np.uint8)
    unsure = make_world(shown, "dunes", FOUND)
    assert unsure.report["sun"]["energy"] == 0 and "about" in unsure.notes[0]
    said = make_world(shown, "dunes", dataclasses.replace(FOUND, elevation=33.0))
    assert said.report["sun"]["confidence"] == GIVEN and said.notes == ()
    assert said.report["sun"]["azimuth"] == pytest.approx(75, abs=1.5)
    assert said.report["sun"]["energy"] > 0
    disc = make_world(shown, "dunes", dataclasses.replace(FOUND, elevation=33.0, sun="disc"))
    assert disc.radiance.max() > 500 > said.radiance.max()
    azimuth = make_world(shown, "dunes", dataclasses.replace(FOUND, azimuth=10.0))
    assert azimuth.report["sun"]["energy"] == 0, "how high it stands is still not known"


def test_another_shape_becomes_twice_as_wide_as_high(sky: NDArray[np.float32]) -> None:
    made = make_world(sky[:, : WIDTH * 3 // 4].astype(np.uint8), "dunes", FOUND)
    assert made.radiance.shape == (HEIGHT, WIDTH, 3) and made.report["wrap_step"] <= 3
