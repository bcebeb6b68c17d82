"""Material maps, against surfaces whose true maps are known."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from gpt_image_addon.core.raster import arrays
from gpt_image_addon.core.request.map_kinds import BY_NAME
from gpt_image_addon.core.textures.lighting import flatten_lighting, light_ramp, log_luminance
from gpt_image_addon.core.textures.material_guess import guess_material
from gpt_image_addon.core.textures.material_maps import ALL, Strengths, make_maps
from gpt_image_addon.core.textures.relief import (
    ambient_occlusion,
    estimate_height,
    normal_map,
    remove_steps,
)


def waves(height: int, width: int) -> np.ndarray:
    """A smooth relief that tiles, in 0..1."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    plane = np.sin(2 * np.pi * 3 * x / width) + np.cos(2 * np.pi * 2 * y / height + 1)
    return ((plane + 2) / 4).astype(np.float32)


def noise(height: int, width: int, channels: int = 3, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 230, (height, width, channels), dtype=np.uint8)


def sample_image(relief: np.ndarray) -> np.ndarray:
    """A grey-brown image in which what is deep is dark."""
    return (relief[..., None] * np.array([180, 150, 120], np.float32) + 40).astype(np.uint8)


def unpacked(normal: np.ndarray) -> np.ndarray:
    top = 65535 if normal.dtype == np.uint16 else 255
    return normal.astype(np.float64) / top * 2 - 1


@pytest.mark.parametrize("wide", [False, True])
def test_normals_are_those_of_the_surface(wide: bool) -> None:
    height, width, depth = 96, 128, 20.0
    y, x = np.mgrid[:height, :width].astype(np.float64)
    p = depth * 0.25 * 2 * np.pi * 3 / width * np.cos(2 * np.pi * 3 * x / width)
    q = -depth * 0.25 * 2 * np.pi * 2 / height * np.sin(2 * np.pi * 2 * y / height + 1)
    want = np.stack((-p, q, np.ones_like(p)), -1)
    want /= np.linalg.norm(want, axis=-1, keepdims=True)
    got = unpacked(normal_map(waves(height, width), depth, True, wide=wide))
    assert np.abs(got - want).max() < 0.02  # also at the borders: they wrap


def test_a_bump_is_green_on_its_upper_side_and_directx_flips_green_only() -> None:
    y, x = np.mgrid[:64, :64].astype(np.float32)
    bump = np.exp(-((x - 32) ** 2 + (y - 32) ** 2) / 100).astype(np.float32)
    gl = normal_map(bump, 10, True)
    assert gl[24, 32, 1] > 150 and gl[40, 32, 1] < 105
    assert gl[32, 24, 0] < 105 and gl[32, 40, 0] > 150
    dx = normal_map(bump, 10, True, convention="DIRECTX")
    assert np.array_equal(dx[..., [0, 2]], gl[..., [0, 2]])
    assert np.abs(dx[..., 1].astype(int) - (255 - gl[..., 1])).max() <= 1


def test_occlusion_darkens_a_groove_and_leaves_planes_and_even_slopes_open() -> None:
    flat = np.full((64, 64), 0.5, np.float32)
    assert ambient_occlusion(flat, 20, True).min() > 0.99
    groove = flat.copy()
    groove[:, 30:34] = 0.1
    shade = ambient_occlusion(groove, 20, True)
    assert shade[:, 30:34].max() < 0.7 < 0.9 < shade[:, 2:10].min()
    slope = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None], 64, 0)
    assert ambient_occlusion(slope, 30, False)[:, 24:40].min() > 0.95


def test_the_steps_of_an_eight_bit_height_cast_little_shade() -> None:
    smooth = waves(128, 128) * np.float32(0.2)
    stepped = (np.rint(smooth * 255) / 255).astype(np.float32)
    want, without, raw = (
        ambient_occlusion(plane, 200, True) for plane in (smooth, remove_steps(stepped, True), stepped)
    )
    assert np.abs(without - want).mean() < 0.5 * np.abs(raw - want).mean()
    assert np.abs(remove_steps(stepped, True) - stepped).max() <= 0.5 / 255 + 1e-6


def test_maps_of_a_tile_wrap_and_move_with_it() -> None:
    color = sample_image(waves(128, 192))
    one = make_maps(color, wraps=True, description="stone").maps
    other = make_maps(np.roll(color, (32, 64), (0, 1)), wraps=True, description="stone").maps
    for kind in ("normal", "height", "ao", "roughness"):
        moved = np.roll(one[kind], (32, 64), (0, 1)).astype(int)
        assert np.abs(moved - other[kind].astype(int)).mean() < 1.5, kind
        edge = np.abs(one[kind][0].astype(int) - one[kind][-1].astype(int)).mean()
        assert edge <= 1.5 * np.abs(np.diff(one[kind].astype(int), axis=0)).mean() + 1, kind


def test_wrapping_is_found_out() -> None:
    def edge_difference(color: np.ndarray) -> int:
        found, forced = (make_maps(color, wraps=wraps).maps["normal"].astype(int) for wraps in (None, True))
        return int(np.abs(found - forced)[:, [0, -1]].max())

    assert edge_difference(sample_image(waves(128, 128))) <= 2
    bent = np.linspace(0, 1, 128, dtype=np.float32) ** 4
    assert edge_difference(sample_image(np.repeat(bent[None], 128, 0))) > 10


def test_a_known_height_gives_exact_maps() -> None:
    relief = waves(128, 128)
    result = make_maps(noise(128, 128), height=relief, description="sand")
    assert not result.approximate
    assert np.array_equal(result.maps["height"], (relief * 255 + 0.5).astype(np.uint8))
    slopes = unpacked(result.maps["normal"])
    down, across = np.gradient(relief)
    assert np.corrcoef((-slopes[..., 0] / slopes[..., 2]).ravel(), across.ravel())[0, 1] > 0.99
    assert np.corrcoef((slopes[..., 1] / slopes[..., 2]).ravel(), down.ravel())[0, 1] > 0.99
    by_hand = normal_map(relief, result.depth, True)
    assert np.abs(by_hand[1:-1, 1:-1].astype(int) - result.maps["normal"][1:-1, 1:-1]).max() <= 1
    assert make_maps(noise(64, 64)).approximate
    assert make_maps(noise(64, 64), height=waves(64, 64), exact=False).approximate


def test_a_known_depth_gives_the_very_normals_of_the_surface() -> None:
    height, width, depth = 96, 128, 20.0
    y, x = np.mgrid[:height, :width].astype(np.float64)
    p = depth * 0.25 * 2 * np.pi * 3 / width * np.cos(2 * np.pi * 3 * x / width)
    q = -depth * 0.25 * 2 * np.pi * 2 / height * np.sin(2 * np.pi * 2 * y / height + 1)
    want = np.stack((-p, q, np.ones_like(p)), -1)
    want /= np.linalg.norm(want, axis=-1, keepdims=True)
    for words in ("marble", "cobblestone"):  # however steep such materials usually are
        made = make_maps(
            noise(height, width), height=waves(height, width), depth=depth, description=words, wraps=True
        )
        assert made.depth == depth
        assert np.abs(unpacked(made.maps["normal"]) - want).max() < 0.02


def test_estimated_relief_follows_brightness() -> None:
    relief = waves(256, 256)
    got = estimate_height(log_luminance(sample_image(relief)), True)
    assert np.corrcoef(got.ravel(), relief.ravel())[0, 1] > 0.8
    assert got.min() >= 0 and got.max() <= 1


def slope_of(normal: np.ndarray) -> float:
    x, y, z = np.moveaxis(unpacked(normal), -1, 0)
    return float(np.sqrt(((x / z) ** 2 + (y / z) ** 2).mean()))


def test_estimated_relief_is_as_deep_as_the_material_usually_is() -> None:
    color = noise(128, 128)
    for words in ("brick wall", "oak planks", "polished marble", "tree bark"):
        usual = guess_material(words).slope
        assert 0.5 * usual < slope_of(make_maps(color, description=words).maps["normal"]) < usual, words


def test_an_image_without_contrast_has_no_relief_whatever_the_material() -> None:
    even = np.random.default_rng(2).integers(118, 122, (128, 128, 3), dtype=np.uint8)
    assert slope_of(make_maps(even, description="brick wall").maps["normal"]) < 0.03


def test_uneven_light_is_taken_out_and_nothing_else() -> None:
    tile = sample_image(waves(160, 160))
    light = np.linspace(0.8, 1.2, 160, dtype=np.float32)
    lit = (tile * light[None, :, None]).clip(0, 255).astype(np.uint8)
    even = flatten_lighting(lit, light_ramp(log_luminance(lit)))
    before = lit.astype(float) - tile
    after = even.astype(float) * tile.mean() / even.mean() - tile
    assert np.sqrt((after**2).mean()) < 0.35 * np.sqrt((before**2).mean())
    stains = np.full((160, 160, 3), 60, np.uint8)
    stains[20:90, 30:120] = 200
    kept = flatten_lighting(stains, light_ramp(log_luminance(stains)))
    assert np.abs(kept.astype(int) - stains).mean() < 12


def test_material_decides_levels_and_contrast_the_detail() -> None:
    color = noise(64, 64)
    steel = make_maps(color, description="brushed steel").maps
    wood = make_maps(color, description="Eichendielen").maps
    assert steel["metallic"].min() == 255 and wood["metallic"].max() == 0
    assert abs(steel["roughness"].mean() / 255 - 0.38) < 0.03
    assert 0.4 < wood["roughness"].mean() / 255 < 0.6
    dots = np.full((64, 64, 3), 120, np.uint8)
    dots[::16, ::16] = 0
    rough = make_maps(dots, description="steel").maps["roughness"]
    assert 0 < np.ptp(rough) <= 0.2 * 255 + 1
    plain = make_maps(color, description="steel", strengths=Strengths(roughness_contrast=0)).maps["roughness"]
    assert plain.std() == 0 < steel["roughness"].std() <= 0.1 * 255


def test_an_unknown_material_is_said() -> None:
    assert any("No material" in note for note in make_maps(noise(32, 32), description="xyzzy").notes)
    assert not any("No material" in note for note in make_maps(noise(32, 32), description="wood").notes)


def test_strengths_scale_and_zero_is_flat() -> None:
    color = sample_image(waves(96, 96))
    flat = make_maps(color, strengths=Strengths(normal=0, height=0, ao=0)).maps
    assert np.ptp(flat["normal"][..., 0]) == 0 and np.ptp(flat["height"]) == 0 and flat["ao"].min() == 255
    usual, strong = (
        make_maps(color, strengths=Strengths(normal=n)).maps["normal"][..., 0].std() for n in (1, 2)
    )
    assert 1.5 * usual < strong < 2.1 * usual


@pytest.mark.parametrize("depth", [None, 4.0])
def test_a_share_of_the_width_says_how_deep_relief_is(depth: float | None) -> None:
    """It overrules what is usual of the material, and what the provider knows."""
    relief = waves(96, 128)
    made = make_maps(
        sample_image(relief), kinds=("normal",), height=relief, depth=depth, share=0.1, wraps=True
    )
    assert made.depth == pytest.approx(12.8)
    normal = unpacked(made.maps["normal"])
    steepest = np.abs(normal[..., 0] / normal[..., 2]).max()
    assert steepest == pytest.approx(12.8 * 0.25 * 2 * np.pi * 3 / 128, rel=0.05)


def test_opacity_only_with_alpha() -> None:
    color = noise(32, 48, 4)
    assert "opacity" not in make_maps(color[..., :3]).maps
    result = make_maps(color)
    assert np.array_equal(result.maps["opacity"], color[..., 3])
    assert result.maps["base_color"].shape == (32, 48, 3)


@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (333, 99), (16, 300)])
def test_any_size_in_all_kinds(shape: tuple[int, int]) -> None:
    for wraps in (True, False, None):
        maps = make_maps(noise(*shape, 4), wraps=wraps).maps
        assert set(maps) == set(ALL)
        for kind, pixels in maps.items():
            assert pixels.shape == (shape if BY_NAME[kind].channels == 1 else (*shape, 3))
            assert pixels.dtype == np.uint8


def test_flat_images_make_flat_maps() -> None:
    maps = make_maps(np.full((64, 64, 3), 90, np.uint8)).maps
    assert np.abs(maps["base_color"].astype(int) - 90).max() <= 1
    assert np.abs(maps["normal"].astype(int) - [128, 128, 255]).max() <= 1
    assert maps["ao"].min() > 250


def test_the_base_color_has_less_of_the_shade_in_hollows_where_the_material_has_some() -> None:
    color = np.full((128, 128, 3), 150, np.uint8)
    color[::16] = color[:, ::16] = 70

    def joints(words: str, height: np.ndarray | None = None) -> float:
        made = make_maps(color, description=words, wraps=True, height=height).maps["base_color"].astype(float)
        return float(made[::16].mean() / made[8::16].mean())

    before = joints("brick wall", height=waves(128, 128))  # what is known is not guessed at
    assert joints("brick wall") > 1.05 * before
    assert before <= joints("polished marble") < 1.01 * before


def test_sixteen_bits_where_asked_for() -> None:
    maps = make_maps(sample_image(waves(64, 64)), bits16={"normal", "height"}).maps
    assert maps["normal"].dtype == maps["height"].dtype == np.uint16
    assert maps["ao"].dtype == np.uint8
    narrow = make_maps(sample_image(waves(64, 64))).maps
    assert np.abs(maps["height"] / 257.0 - narrow["height"]).max() <= 1
    assert len(np.unique(maps["height"])) > 256
    color = noise(16, 16, 4)
    every = make_maps(color, bits16=ALL, wraps=True, height=waves(16, 16)).maps
    assert np.array_equal(every["base_color"], color[..., :3].astype(np.uint16) * 257)
    assert np.array_equal(every["opacity"], color[..., 3].astype(np.uint16) * 257)


def test_the_same_every_time_and_no_thread_left() -> None:
    color, before = noise(300, 200), set(threading.enumerate())
    first, second = make_maps(color).maps, make_maps(color).maps
    assert all(np.array_equal(first[kind], second[kind]) for kind in first)
    assert set(threading.enumerate()) == before


def test_a_failing_block_fails_the_whole() -> None:
    def work(first: int, end: int) -> None:
        if first:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        arrays.parallel_rows((100_000, 64), work)


def test_bad_input_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="no map 'bump'"):
        make_maps(noise(32, 32), kinds=("bump",))
    with pytest.raises(ValueError, match="RGB"):
        make_maps(noise(32, 32)[..., 0])
    with pytest.raises(ValueError, match="at least"):
        make_maps(noise(1, 40))
    with pytest.raises(ValueError, match="height is"):
        make_maps(noise(32, 32), height=waves(16, 16))
