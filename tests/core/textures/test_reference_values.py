"""Light, relief, transparency and tile scores against slow implementations and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gpt_image_addon.core.raster.alpha import bleed, has_checkerboard, problem
from gpt_image_addon.core.raster.arrays import blurred
from gpt_image_addon.core.textures.lighting import flatten_lighting, light_ramp, log_luminance
from gpt_image_addon.core.textures.relief import (
    ambient_occlusion,
    estimate_height,
    normal_map,
    steepness,
    stretch,
)
from gpt_image_addon.core.textures.tiling import is_seamless, score

STEP = 1 / 255
AXES = ((0, 1), (1, 1), (1, 0), (1, -1))
REACHES = (1, 2, 4, 8, 16, 32)


def linear(level: float) -> float:
    """The linear value of an sRGB level in 0..255 (IEC 61966-2-1)."""
    value = level / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize(
    "color", [(0, 0, 0), (9, 10, 11), (255, 0, 0), (0, 255, 0), (0, 0, 255), (30, 200, 77)]
)
def test_luminance_is_that_of_srgb(color: tuple[int, int, int]) -> None:
    want = math.log(
        max(sum(w * linear(c) for w, c in zip((0.2126, 0.7152, 0.0722), color, strict=True)), STEP)
    )
    eight = np.full((4, 4, 3), color, np.uint8)
    with_alpha = np.dstack([eight, np.zeros((4, 4), np.uint8)])
    for pixels in (eight, with_alpha, eight.astype(np.uint16) * 257):
        assert log_luminance(pixels) == pytest.approx(np.full((4, 4), want), abs=1e-5)


def test_grey_with_alpha_has_one_color() -> None:
    pixels = np.dstack([np.full((4, 4), 128, np.uint8), np.full((4, 4), 7, np.uint8)])
    assert log_luminance(pixels) == pytest.approx(np.full((4, 4), math.log(linear(128))), abs=1e-5)


def sloped(
    height: int, width: int, down: float, across: float, grain: float = 0.3, seed: int = 2
) -> np.ndarray:
    """Logarithmic luminance of fine grain under light that changes from edge to edge."""
    plane = np.random.default_rng(seed).normal(-1, grain, (height, width))
    plane += np.linspace(-down / 2, down / 2, height)[:, None] + np.linspace(-across / 2, across / 2, width)
    return plane.astype(np.float32)


def test_the_ramp_of_light_is_measured_along_each_axis() -> None:
    assert light_ramp(sloped(512, 384, 0.5, -0.3)) == pytest.approx((0.5, -0.3), abs=0.02)
    assert light_ramp(sloped(512, 512, 0, 0)) == pytest.approx((0, 0), abs=0.02)


def test_a_wave_that_tiles_is_no_ramp() -> None:
    y = np.arange(512) / 512
    wave = np.repeat((0.5 * np.sin(2 * np.pi * y))[:, None], 512, 1).astype(np.float32)
    wave += sloped(512, 512, 0, 0, grain=0.02)
    assert light_ramp(wave) == pytest.approx((0, 0), abs=0.03)
    # A straight line through one period of a sine falls by 6 / π of its amplitude, which is not light.
    assert abs(float(np.polyfit(y, wave.mean(1), 1)[0])) > 0.9


def test_even_light_leaves_alpha_and_takes_the_ramp_out() -> None:
    pixels = np.full((256, 256, 4), 128, np.uint8)
    ramp = np.exp(np.linspace(-0.2, 0.2, 256) / 2.4)[:, None, None]
    lit = pixels.copy()
    lit[..., :3] = np.rint((128 + 0.055 * 255) * ramp - 0.055 * 255)
    lit[..., 3] = np.arange(256)
    result = flatten_lighting(lit, (0.4, 0.0))
    assert np.abs(result[..., :3].astype(int) - 128).max() <= 1
    assert np.array_equal(result[..., 3], lit[..., 3])
    assert flatten_lighting(pixels, (0.0, 0.0)).tolist() == pixels.tolist()


def open_sky(height: np.ndarray, depth: float) -> np.ndarray:
    """Horizon-based occlusion of a tile, point by point, without the part for cavities."""
    rows, columns = height.shape
    reach = min(rows // 2, columns // 2)
    result = np.zeros_like(height, np.float64)
    for y in range(rows):
        for x in range(columns):
            total = 0.0
            for down, across in AXES:
                length = math.hypot(down, across)

                def beside(r: int, y: int = y, x: int = x, down: int = down, across: int = across) -> float:
                    return float(height[(y + down * r) % rows, (x + across * r) % columns])

                slope = (beside(1) - beside(-1)) * depth / (2 * length)
                for sign in (1, -1):
                    steps = [r for r in REACHES if r <= reach]
                    rises = [(beside(sign * r) - height[y, x] - STEP) * depth / (r * length) for r in steps]
                    above = max(0.0, max(rises) - sign * slope)
                    total += above / math.sqrt((1 + max(rises) ** 2) * (1 + slope**2))
            result[y, x] = 1 - total / (2 * len(AXES))
    return result


def test_occlusion_is_that_of_the_horizons_and_of_the_cavities() -> None:
    height = (np.random.default_rng(4).random((24, 20)) * 0.2 + 0.4).astype(np.float32)
    cavity = np.maximum(blurred(height, 12, True) - height - STEP, 0)
    want = np.clip(open_sky(height, 16) - 0.5 * cavity * 16 / 12, 0, 1)
    assert want.min() < 0.6
    assert ambient_occlusion(height, 16, True) == pytest.approx(want, abs=1e-5)


def test_normals_are_rounded_to_the_nearest_level() -> None:
    height = (np.random.default_rng(5).random((16, 16)) * 0.3).astype(np.float32)
    around = np.pad(height, 1, mode="wrap").astype(np.float64)
    p = -8 * (around[1:-1, 2:] - around[1:-1, :-2]) / 2
    q = 8 * (around[2:, 1:-1] - around[:-2, 1:-1]) / 2
    want = np.stack((p, q, np.ones_like(p)), -1) / np.sqrt(1 + p * p + q * q)[..., None]
    for wide, top in ((False, 255), (True, 65535)):
        got = normal_map(height, 8, True, wide=wide, fine=True)
        exact = (want + 1) / 2 * top
        assert np.abs(got - exact).max() <= 0.5 + 0.01 * (top > 255)


def test_the_smallest_image_with_an_octave_has_relief() -> None:
    dice = np.random.default_rng(6)
    assert np.ptp(estimate_height(dice.random((8, 8)).astype(np.float32), True)) == 1
    assert np.ptp(estimate_height(dice.random((7, 9)).astype(np.float32), True)) == 0


def test_half_a_percent_is_cut_off_at_either_end() -> None:
    plane = np.repeat(np.linspace(0, 1, 1001, dtype=np.float32)[None], 64, 0)
    result = stretch(plane.copy())
    assert (result[0] == 0).sum() == pytest.approx(5, abs=1) and (result[0] == 1).sum() == pytest.approx(
        5, abs=1
    )
    assert result[0, 500] == pytest.approx(0.5, abs=1e-3)


def test_steepness_is_the_root_mean_square_slope() -> None:
    y, x = np.mgrid[:64, :64].astype(np.float32)
    assert steepness(0.03 * y + 0.04 * x) == pytest.approx(0.05, rel=1e-4)
    assert steepness(np.zeros((2, 9), np.float32)) == 0


def checks(field: int, light: int = 255, tint: int = 0, size: int = 256) -> np.ndarray:
    parity = np.add.outer(np.arange(size) // field, np.arange(size) // field) % 2
    pixels = np.repeat(np.where(parity, light, 204).astype(np.uint8)[..., None], 3, -1)
    pixels[..., 2] -= np.uint8(tint)
    return pixels


def test_checks_of_the_subject_alone_are_no_checkerboard() -> None:
    pixels = np.full((256, 256, 3), 230, np.uint8)
    pixels[32:224, 32:224] = checks(16)[32:224, 32:224]
    assert not has_checkerboard(pixels)
    framed = checks(16)
    framed[32:224, 32:224] = 230
    assert has_checkerboard(framed)


@pytest.mark.parametrize(("tint", "seen"), [(14, True), (15, False)])
def test_checks_are_grey(tint: int, seen: bool) -> None:
    assert has_checkerboard(checks(16, tint=tint)) is seen


@pytest.mark.parametrize(("field", "seen"), [(32, True), (64, False)])
def test_checks_repeat(field: int, seen: bool) -> None:
    assert has_checkerboard(checks(field)) is seen


def test_checks_are_found_at_any_size() -> None:
    assert has_checkerboard(checks(64, size=1024)) and has_checkerboard(checks(8, size=128))


@pytest.mark.parametrize(("alpha", "fine"), [(249, True), (250, False)])
def test_one_pixel_makes_an_image_transparent(alpha: int, fine: bool) -> None:
    pixels = np.full((32, 32, 4), 255, np.uint8)
    pixels[3, 4, 3] = alpha
    assert (problem(pixels) is None) is fine


def test_padding_under_alpha_keeps_black_and_white() -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[8:12, 8:12] = (255, 0, 255, 8)
    pixels[20, 20] = (9, 9, 9, 7)
    result = bleed(pixels)
    assert result[..., :3].reshape(-1, 3).tolist() == [[255, 0, 255]] * 1024
    assert np.array_equal(result[..., 3], pixels[..., 3])


def stairs(levels: list[int], size: int = 32) -> np.ndarray:
    """Rows of even grey, `size` of them."""
    return np.repeat(np.resize(np.array(levels, np.uint8), size)[:, None], size, 1)


def test_the_scores_of_a_seam_are_those_of_its_steps() -> None:
    # Steps of 2 inside (31 of them), 62 across the edge of the rows; nothing across that of the columns.
    found = score(np.repeat(np.arange(0, 64, 2, dtype=np.uint8)[:, None], 32, 1))
    assert found.seam_ratio == pytest.approx(31) and found.seam_percentile == 100
    assert not found.good
    # Steps of 10 and 20 in turn: that across the edge is 20, larger than the 16 of 31 that are 10.
    turns = np.cumsum([0] + [10, -20, 20, -10] * 8)[:32] + 100
    turns[-1] = turns[0] + 20
    found = score(np.repeat(turns.astype(np.uint8)[:, None], 32, 1))
    inside = np.abs(np.diff(turns))
    assert found.seam_ratio == pytest.approx(20 / inside.mean())
    assert found.seam_percentile == pytest.approx((inside < 20).mean() * 100)


def test_the_worst_axis_counts() -> None:
    pixels = np.repeat(np.arange(0, 64, 2, dtype=np.uint8)[:, None], 32, 1)
    assert score(pixels).seam_ratio == pytest.approx(score(pixels.T.copy()).seam_ratio)
    assert score(pixels).seam_percentile == score(pixels.T.copy()).seam_percentile == 100


def test_sharpness_near_the_edge_is_compared_with_that_inside() -> None:
    dice = np.random.default_rng(8)
    noise = dice.integers(100, 140, (96, 96)).astype(np.uint8)
    assert score(noise).band_sharpness == pytest.approx(1, abs=0.04)
    soft = noise.copy()
    band = 96 // 6
    for part in (np.s_[:band], np.s_[-band:], np.s_[:, :band], np.s_[:, -band:]):
        soft[part] = 120
    assert score(soft).band_sharpness < 0.05 and not score(soft).good
    sharp = noise.copy()
    sharp[band:-band, band:-band] = 120 + dice.integers(0, 2, (64, 64))
    assert score(sharp).band_sharpness > 10 and not score(sharp).good


@pytest.mark.parametrize(("across", "seamless"), [(13, True), (14, False)])
def test_an_edge_may_be_a_third_sharper_than_the_sharpest_steps(across: int, seamless: bool) -> None:
    lines = np.tile([100, 110], 32)
    lines[-1] = 100 + across
    assert is_seamless(np.repeat(lines.astype(np.uint8)[:, None], 64, 1)) is seamless
