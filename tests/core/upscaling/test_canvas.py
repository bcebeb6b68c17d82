"""Simulated answers to tiles: sharp ones help, soft and wrong ones do no harm, and no border shows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon.core.pasting.boxes import Box
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.raster.arrays import blurred
from gpt_image_addon.core.request.sizes import SizeRule
from gpt_image_addon.core.upscaling.canvas import NOT_MATCHING, NOT_SHARPER, OTHER_SHAPE, Canvas, enlarge
from gpt_image_addon.core.upscaling.plan import Tile, plan_tiles

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
import simulated

SIDE = 640
RULE = SizeRule(multiple=16, max_edge=448)
"""Four tiles of the image."""
MATERIALS = ("red brick wall", "mossy stone", "grass")

Pixels = NDArray[Any]
Answer = Callable[[Pixels, int], Pixels]


@cache
def truth(name: str) -> Pixels:
    """A surface with room for other contrast."""
    pixels = paint(name, 1024, 1024).color[100 : 100 + SIDE, 60 : 60 + SIDE, :3].astype(np.float32)
    return np.rint(40 + pixels * (170 / 255)).astype(np.uint8)


def halved(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).reduce(2))


def part(pixels: Pixels, box: Box) -> Pixels:
    rows, columns = (np.arange(a, b) for a, b in ((box.top, box.bottom), (box.left, box.right)))
    return pixels[rows[:, None] % len(pixels), columns % pixels.shape[1]]


def wrong(**more: Any) -> Answer:
    """Answers that show the truth, moved, scaled and in other colors."""

    def answer(true: Pixels, number: int) -> Pixels:
        dice = np.random.default_rng(number + 5)
        angle, length = dice.uniform(0, 2 * np.pi), dice.uniform(2, 6)
        mistakes = simulated.Wrong(
            shift=(length * np.cos(angle), length * np.sin(angle)),
            scale=dice.uniform(0.98, 1.02),
            gain=tuple(dice.uniform(0.9, 1.1, 3)),
            offset=tuple(dice.uniform(-5, 5, 3)),
            seed=number,
            **more,
        )
        return simulated.answer(true, np.zeros(true.shape[:2], bool), mistakes).pixels

    return answer


def upscaled(small: Pixels, true: Pixels, answer: Answer, *, wraps: bool = False) -> tuple[Pixels, Any, Any]:
    """The image, why each tile stays the resample, and the steps at tiles' borders over those beside."""
    canvas = Canvas(small, wraps=wraps)
    reasons, steps = [], []
    for number, tile in enumerate(plan_tiles(true.shape[1::-1], RULE, wraps=wraps)):
        before = canvas.pixels.copy()
        reasons.append(canvas.place(tile, answer(part(true, tile.box), number)))
        if not reasons[-1]:
            steps += list(border_steps(before, canvas.pixels, tile))
    return canvas.pixels, reasons, steps


def border_steps(before: Pixels, after: Pixels, tile: Tile) -> Any:
    for axis, shared, other in (
        (1, tile.shared.left, tile.shared.top),
        (0, tile.shared.top, tile.shared.left),
    ):
        if not shared:
            continue
        old, new = (np.moveaxis(part(pixels, tile.box), axis, 1).astype(float) for pixels in (before, after))
        changed = (old != new).any(-1)[:, :shared]
        rows = np.flatnonzero(changed.any(1))
        rows = rows[rows >= other]
        cut = changed[rows].argmax(1) + 3

        def step(by: int, new: Any = new, rows: Any = rows, cut: Any = cut) -> float:
            at = np.clip(cut + by, 4, new.shape[1] - 5)
            return float(np.abs(new[rows, at + 3] - new[rows, at - 3]).mean())

        yield step(0) / np.mean([step(by) for by in (-60, -45, -30, -18, 18, 30, 45, 60)])


def slopes(pixels: Pixels) -> Any:
    plane = pixels[..., :3].astype(float).mean(-1)
    return np.hypot(np.diff(plane, axis=0)[:, 1:], np.diff(plane, axis=1)[1:])


def similarity(pixels: Pixels, true: Pixels) -> float:
    """Of gradients (Xue et al., Gradient Magnitude Similarity, 2014)."""
    one, other = slopes(pixels), slopes(true)
    return float(((2 * one * other + 20) / (one**2 + other**2 + 20)).mean())


def drift(pixels: Pixels, small: Pixels) -> Any:
    """Levels by which the image differs from the one before in what is larger than 4 of its pixels."""
    planes = [Image.fromarray(pixels[..., i].astype(np.float32)).reduce(2) for i in range(3)]
    rest = np.stack([np.asarray(plane) for plane in planes], -1) - small
    return np.abs([blurred(np.ascontiguousarray(rest[..., i]), 4, wraps=False) for i in range(3)])


@pytest.mark.parametrize("name", MATERIALS)
def test_sharp_answers_bring_detail_and_nothing_else(name: str) -> None:
    true, small = truth(name), halved(truth(name))
    resample = enlarge(small, (SIDE, SIDE), wraps=False)
    found, reasons, steps = upscaled(small, true, wrong())
    assert reasons == [""] * 4
    assert similarity(found, true) > similarity(resample, true)
    assert max(steps) <= 1.35
    error = drift(found, small)
    assert error.mean() < 1 and np.percentile(error, 99.9) < 3


@pytest.mark.parametrize("name", MATERIALS)
@pytest.mark.parametrize("mistakes", [{"soft": 1.4}, {"soft": 1.4, "noise": 3.0, "warp": 1.0}])
def test_soft_answers_leave_the_resample(name: str, mistakes: dict[str, float]) -> None:
    true, small = truth(name), halved(truth(name))
    found, reasons, _ = upscaled(small, true, wrong(**mistakes))
    assert similarity(found, true) >= similarity(enlarge(small, (SIDE, SIDE), wraps=False), true)
    assert all(reason == NOT_SHARPER for reason in reasons)


def test_other_content_and_other_shapes_leave_the_resample() -> None:
    true, small = truth("mossy stone"), halved(truth("mossy stone"))
    resample = enlarge(small, (SIDE, SIDE), wraps=False)
    found, reasons, _ = upscaled(small, true, lambda part, _: simulated.elsewhere(part))
    assert set(reasons) == {NOT_MATCHING} and np.array_equal(found, resample)
    found, reasons, _ = upscaled(small, true, lambda part, _: part[: len(part) // 2])
    assert set(reasons) == {OTHER_SHAPE} and np.array_equal(found, resample)


@pytest.mark.parametrize("side", [512, 640])
def test_what_tiles_still_tiles(side: int) -> None:
    """Once around in one tile, and in four."""
    pixels = paint("red brick wall", side, side).color[..., :3].astype(np.float32)
    true = np.rint(40 + pixels * (170 / 255)).astype(np.uint8)
    small = halved(true)
    rule = SizeRule(multiple=16, max_edge=704)
    canvas = Canvas(small, wraps=True)
    tiles = plan_tiles((side, side), rule, wraps=True)
    assert len(tiles) == (1 if side == 512 else 4)
    for number, tile in enumerate(tiles):
        assert canvas.place(tile, wrong()(part(true, tile.box), number)) == ""
    found = canvas.pixels.astype(float)
    for axis in (0, 1):
        across = np.abs(np.diff(np.moveaxis(np.roll(found, 6, axis), axis, 0)[:13], axis=0)).mean((1, 2))
        everywhere = np.abs(np.diff(found, axis=axis)).mean()
        natural = np.abs(np.diff(np.moveaxis(np.roll(true.astype(float), 6, axis), axis, 0)[:13], axis=0))
        assert across.max() < 1.35 * max(everywhere, natural.mean((1, 2)).max())


def test_alpha_is_resampled_and_colors_are_painted() -> None:
    true, small = truth("rusty metal"), halved(truth("rusty metal"))
    rows, columns = np.mgrid[: SIDE // 2, : SIDE // 2]
    alpha = np.clip(260 - np.hypot(rows - 150, columns - 150) * 1.2, 0, 255).astype(np.uint8)
    canvas = Canvas(np.dstack([small, alpha]), wraps=False)
    expected = enlarge(np.dstack([small, alpha]), (SIDE, SIDE), wraps=False)
    for number, tile in enumerate(plan_tiles((SIDE, SIDE), RULE, wraps=False)):
        assert canvas.sent(tile).shape == (tile.sent[1], tile.sent[0], 3)
        assert canvas.place(tile, wrong()(part(true, tile.box), number)) == ""
    assert np.array_equal(canvas.pixels[..., 3], expected[..., 3])
    seen = expected[..., 3] > 200
    error = [
        np.abs(pixels[..., :3].astype(float) - true)[seen].mean() for pixels in (canvas.pixels, expected)
    ]
    assert error[0] < error[1]


def test_sixteen_bits_and_grey_stay() -> None:
    true = truth("mossy stone")
    grey = np.rint(true.mean(-1, keepdims=True) * 257).astype(np.uint16)
    small = np.asarray(grey.reshape(SIDE // 2, 2, SIDE // 2, 2, 1).mean((1, 3))).astype(np.uint16)
    found, reasons, _ = upscaled(
        small, true.mean(-1, keepdims=True).round().astype(np.uint8).repeat(3, 2), wrong()
    )
    assert reasons == [""] * 4
    assert found.dtype == np.uint16 and found.shape == (SIDE, SIDE, 1)
    assert len(np.unique(found % 257)) > 200
