"""Patches in pixels, and in files of their own."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.pasting.boxes import Box
from gpt_image_addon.core.pasting.edited_files import paste_bytes
from gpt_image_addon.core.pasting.image_source import inspect_source
from gpt_image_addon.core.pasting.patches import (
    Patch,
    blend,
    fit_patch,
    make_patch,
    read_patches,
    write_patches,
)
from tests.core.fuzzing import fuzz

SIZE = (100, 80)


def noise(width: int, height: int, channels: int, dtype: type = np.uint8, seed: int = 3) -> NDArray[Any]:
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top + 1, (height, width, channels)).astype(dtype)


def made(box: Box, channels: int, dtype: type) -> Patch:
    weight = np.linspace(0, 1, box.area).reshape(box.height, box.width)
    return make_patch(box, noise(box.width, box.height, channels, dtype), weight)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_from_parent_and_patch_come_the_same_bits(channels: int, dtype: type, tmp_path: Path) -> None:
    patches = [made(Box(10, 20, 30, 25), channels, dtype), made(Box(90, 70, 20, 20), channels, dtype)]
    write_patches(tmp_path / "edit", patches, SIZE)
    found, size = read_patches(tmp_path / "edit")
    assert size == SIZE and [patch.box for patch in found] == [patch.box for patch in patches]
    for patch, kept in zip(patches, found, strict=True):
        assert np.array_equal(patch.pixels, kept.pixels) and np.array_equal(patch.weight, kept.weight)
    parent = inspect_source(encode_png(noise(*SIZE, 4, np.uint16)), "parent")
    assert paste_bytes(parent, patches) == paste_bytes(parent, found)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_weights_are_shares(dtype: type) -> None:
    """Against the formula in floating-point numbers, at every weight."""
    top = int(np.iinfo(dtype).max)
    weight = np.linspace(0, top, 256 * 16).round().astype(dtype).reshape(16, 256)
    before, after = noise(256, 16, 3, dtype, 1), noise(256, 16, 3, dtype, 2)
    out = before.copy()
    blend(out, after, weight)
    share = (weight / top)[..., None]
    exact = before * (1 - share) + after * share
    assert np.abs(out - exact).max() <= 0.5 + 1e-6
    assert np.array_equal(out[weight == 0], before[weight == 0])
    assert np.array_equal(out[weight == top], after[weight == top])


def test_transparent_pixels_lend_no_color() -> None:
    before = np.zeros((1, 1, 4), np.uint8)
    after = np.full((1, 1, 4), 200, np.uint8)
    blend(before, after, np.full((1, 1), 128, np.uint8))
    assert before[0, 0].tolist() == [200, 200, 200, 100]


def test_colors_in_a_gray_image_and_grays_in_a_color_image() -> None:
    weight = np.full((1, 1), 255, np.uint8)
    gray, _ = fit_patch(np.array([[[255, 0, 0]]], np.uint8), weight, 1, np.uint8)
    assert gray.tolist() == [[[76]]]
    color, wide = fit_patch(np.array([[[9]]], np.uint8), weight, 4, np.uint16)
    assert color.tolist() == [[[9 * 257] * 3]] and wide.tolist() == [[65535]]


def test_a_patch_is_checked() -> None:
    pixels, weight = noise(4, 4, 3), np.zeros((4, 4), np.uint8)
    for wrong in (
        (pixels[:3], weight),
        (pixels, weight[:3]),
        (pixels, weight.astype(np.uint16)),
        (pixels / 2, weight),
    ):
        with pytest.raises(ValueError, match=r"4|uint8"):
            Patch(Box(0, 0, 4, 4), *wrong)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_patches(tmp_path, [made(Box(10, 20, 30, 25), 4, np.uint8)], SIZE)
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"size": [10, 10]},
        {"size": [2**40, 80]},
        {"size": "big"},
        {"size": [True, 80]},
        {"patches": {}},
        {"patches": [{"box": [10, 20, 30], "alpha": True}]},
        {"patches": [{"box": [10, 20, 31, 25], "alpha": True}]},
        {"patches": [{"box": [-1, 20, 30, 25], "alpha": True}]},
        {"patches": [{"box": [10, 20, 30, 10**6], "alpha": True}]},
        {"patches": [{"box": [10, 20, 30, 25], "alpha": True}] * 2},
        {"patches": [{"box": [10, 20, 30, 25.0], "alpha": True}]},
        {"patches": [7]},
    ],
)
def test_an_index_that_somebody_changed(change: dict[str, Any], folder: Path) -> None:
    index = json.loads((folder / "patches.json").read_bytes())
    (folder / "patches.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(InvalidRequestError, match="can't be used"):
        read_patches(folder)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("patches.json", b"{"),
        ("patches.json", b"[]"),
        ("patches.json", bytes(2**20 + 1)),
        ("patch_1.png", b"no"),
        ("patch_1.png", encode_png(noise(30, 25, 3))),
        ("patch_1.png", encode_png(noise(20, 25, 4))),
        ("patch_1_alpha.png", encode_png(noise(30, 25, 1, np.uint16))),
        ("patch_1_alpha.png", encode_png(noise(30, 25, 3))),
    ],
)
def test_files_that_somebody_changed(name: str, data: bytes, folder: Path) -> None:
    (folder / name).write_bytes(data)
    with pytest.raises(InvalidRequestError, match="can't be used"):
        read_patches(folder)


@pytest.mark.parametrize("name", ["patches.json", "patch_1.png", "patch_1_alpha.png"])
def test_files_that_are_gone(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(InvalidRequestError, match="can't be used"):
        read_patches(folder)


def test_any_bytes_are_an_error_of_ours_or_the_same_patch(folder: Path) -> None:
    files = {name: (folder / name).read_bytes() for name in ("patches.json", "patch_1.png")}

    def check(drawn: tuple[str, int, int]) -> None:
        name, place, bits = drawn
        changed = bytearray(files[name])
        changed[place % len(changed)] ^= bits
        (folder / name).write_bytes(changed)
        with contextlib.suppress(InvalidRequestError):
            read_patches(folder)
        (folder / name).write_bytes(files[name])

    fuzz(check, st.tuples(st.sampled_from(sorted(files)), st.integers(0, 10**5), st.integers(1, 255)))
