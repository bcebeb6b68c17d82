"""Tiles of exact size, and maps as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.pasting.image_source import inspect_source
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.request.map_kinds import MAP_KINDS
from gpt_image_addon.core.request.parameters import PARAMETERS, STRENGTHS
from gpt_image_addon.core.request.validation import check_choices
from gpt_image_addon.core.textures.channel_packing import LAYOUTS
from gpt_image_addon.core.textures.tiling import is_seamless
from gpt_image_addon.core.textures.writer import (
    MapOptions,
    encode_tile,
    is_tile,
    map_options,
    maps_of_pixels,
    tile_of,
    write_maps,
)

DICE = np.random.default_rng(3)


def untileable(width: int = 300, height: int = 260, channels: int = 3) -> Any:
    """A part of a draft under a gradient of light, whose edges don't meet."""
    draft = paint("mossy cobblestone", 512, 512).color[30 : 30 + height, 45 : 45 + width, :3]
    light = np.linspace(0.7, 1.0, width)[:, None]
    pixels = (draft * light).astype(np.uint8)
    return pixels if channels == 3 else pixels[..., :1]


def test_a_large_image_whose_sides_do_not_meet_is_told_by_its_first_rows(tmp_path: Path) -> None:
    noise = Image.fromarray(DICE.integers(0, 256, (90, 90, 3), np.uint8))
    row = np.hstack([half := np.asarray(noise.resize((1024, 1024), Image.Resampling.BICUBIC)), half[:, ::-1]])
    tile, file = np.vstack([row, row[::-1]]), tmp_path / "a.png"
    Image.fromarray(tile).save(file)
    assert is_tile(inspect_source(file, "a.png"))
    light = np.linspace(0.6, 1.0, 2048)[:, None]
    Image.fromarray((tile * light).astype(np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])  # what is not read may be broken
    assert not is_tile(inspect_source(file, "a.png"))


def largest_step(pixels: Any) -> float:
    """Step across an edge, as a share of the largest step between neighbours inside; the worse axis."""
    found = []
    for axis in (0, 1):
        steps = np.abs(np.diff(pixels.astype(float), axis=axis, append=pixels.take([0], axis)))
        means = steps.mean(axis=(1 - axis, 2))
        found.append(means[-1] / means[:-1].max())
    return max(found)


@pytest.mark.parametrize("size", [(200, 180), (256, 200), (640, 600), (64, 64), (301, 77)])
def test_a_tile_has_exactly_the_size_asked_for(size: tuple[int, int]) -> None:
    pixels = untileable()
    assert largest_step(pixels) > 1.5
    tile = tile_of(pixels, size)
    assert tile.pixels.shape == (size[1], size[0], 3)
    assert largest_step(tile.pixels) <= 1.5
    assert any("enlarged" in note for note in tile.notes) == (size[0] > 270 or size[1] > 234)


def test_a_small_tile_shows_most_of_the_image() -> None:
    pixels = np.full((512, 512, 3), 90, np.uint8)
    pixels[200:312:8, 120:400] = 160
    pixels[:, :, 0] = DICE.integers(60, 90, (512, 512), np.uint8)
    tile = tile_of(pixels, (64, 64))
    marked = (tile.pixels[..., 1] > 92).any(axis=0)
    assert 30 < marked.sum() < 60  # of 64 columns: 280 of at most 460 pixels


def test_what_tiles_already_is_left_or_only_resized() -> None:
    draft = paint("mossy cobblestone", 256, 256).color
    same = tile_of(draft, (256, 256))
    assert same.unchanged and same.pixels is draft
    assert tile_of(draft, None).unchanged
    smaller = tile_of(draft, (128, 128))
    assert not smaller.unchanged
    assert is_seamless(smaller.pixels)
    assert any("only resized" in note for note in smaller.notes)


def test_16_bits_and_grey_stay_what_they_are() -> None:
    wide = untileable(channels=1).astype(np.uint16) * 257
    tile = tile_of(wide, (200, 200))
    assert tile.pixels.dtype == np.uint16
    assert tile.pixels.shape == (200, 200, 1)


@pytest.mark.parametrize("size", [(8, 100), (100, 9000)])
def test_an_impossible_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequestError, match="pixels an edge"):
        tile_of(untileable(), size)


def test_an_unchanged_tile_keeps_its_bytes(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(paint("mossy cobblestone", 128, 128).color).save(source, compress_level=3)
    tile = tile_of(np.asarray(Image.open(source)), None)
    (tmp_path / "b.png").write_bytes(encode_tile(tile, source.read_bytes(), tmp_path / "b.png"))
    assert (tmp_path / "b.png").read_bytes() == source.read_bytes()
    (tmp_path / "b.jpg").write_bytes(encode_tile(tile, source.read_bytes(), tmp_path / "b.jpg"))
    with Image.open(tmp_path / "b.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (128, 128))


def test_maps_are_files_named_by_their_kind(tmp_path: Path) -> None:
    color = untileable()
    alpha = np.full((*color.shape[:2], 1), 255, np.uint8)
    alpha[:9] = 0
    made = write_maps(np.dstack([color, alpha]), tmp_path, "wall", MapOptions(description="stone"))
    assert {p.name for p in tmp_path.iterdir()} == {f"wall_{kind.name}.png" for kind in MAP_KINDS}
    for kind in MAP_KINDS:
        with Image.open(made.maps[kind.name].file) as image:
            assert image.size == (300, 260)
            assert image.mode == ("RGB" if kind.channels == 3 else "L")
    assert made.guess.known


def test_the_same_image_gives_the_same_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        maps_of_pixels(untileable(), tmp_path / folder, "wall", MapOptions(), seamless=True)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_seamless_maps_wrap(tmp_path: Path) -> None:
    made, tile = maps_of_pixels(untileable(), tmp_path, "wall", MapOptions(), seamless=True)
    assert tile is not None
    for kind in ("base_color", "normal", "height", "roughness", "ao"):
        assert is_seamless(np.asarray(Image.open(made.maps[kind].file))), kind


def test_16_bits_are_for_height_and_normal(tmp_path: Path) -> None:
    made = write_maps(untileable(), tmp_path, "wall", MapOptions(bits=16))
    depth = {kind: image.data[24] for kind, image in made.maps.items()}  # of the PNG header
    assert {kind for kind, bits in depth.items() if bits == 16} == {"height", "normal"}


def test_packing_makes_what_it_needs_and_no_other_file(tmp_path: Path) -> None:
    made = write_maps(untileable(), tmp_path, "wall", MapOptions(kinds=("normal",), pack="unity_mask"))
    assert {p.name for p in tmp_path.iterdir()} == {"wall_normal.png", "wall_mask.png"}
    with Image.open(made.packed["unity_mask"].file) as image:
        assert image.mode == "RGBA"
        smoothness = np.asarray(image)[..., 3].mean() / 255
    rough = write_maps(untileable(), tmp_path, "wall", MapOptions(kinds=("roughness",))).maps["roughness"]
    assert smoothness == pytest.approx(1 - rough.facts["mean"], abs=0.01)


def test_a_height_knows_how_deep_it_is(tmp_path: Path) -> None:
    color = untileable()
    relief = {
        word: write_maps(color, tmp_path, word, MapOptions(description=word)).maps["height"].facts["relief"]
        for word in ("cobblestone", "marble")
    }
    assert 0 < relief["marble"] < relief["cobblestone"] < 0.5


def test_directx_turns_green_over(tmp_path: Path) -> None:
    found = {}
    for convention in ("OPENGL", "DIRECTX"):
        options = map_options(("normal",), "", {}, convention)
        found[convention] = np.asarray(
            Image.open(write_maps(untileable(), tmp_path, convention, options).maps["normal"].file)
        ).astype(int)
    assert np.abs(found["OPENGL"][..., 1] + found["DIRECTX"][..., 1] - 255).max() <= 1
    assert np.array_equal(found["OPENGL"][..., 0], found["DIRECTX"][..., 0])
    assert found["OPENGL"][..., 1].std() > 3


def test_strengths_reach_their_maps(tmp_path: Path) -> None:
    color = untileable()
    plain = write_maps(color, tmp_path, "plain", map_options((), "stone", {}))
    flat = write_maps(color, tmp_path, "flat", map_options((), "stone", dict.fromkeys(STRENGTHS, 0.0)))
    for kind in ("normal", "height", "ao", "roughness"):
        assert np.asarray(Image.open(plain.maps[kind].file)).std(axis=(0, 1)).max() > 1
        assert np.asarray(Image.open(flat.maps[kind].file)).std(axis=(0, 1)).max() < 0.6
    assert flat.maps["base_color"].data == plain.maps["base_color"].data


def test_the_names_of_layouts_are_those_of_the_packing_table() -> None:
    assert set(PARAMETERS["pack"].words) == set(LAYOUTS)


@pytest.mark.parametrize(
    "values",
    [
        {"normal_strength": -1.0},
        {"ao_strength": 11.0},
        {"height_strength": float("nan")},
        {"bits": 12},
        {"convention": "opengl"},
        {"pack": "orm"},
    ],
)
def test_other_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_choices(values)
    assert caught.value.param == next(iter(values))
