"""Simulated answers, moved and changed as models do it, laid over their originals again."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon.core.editing.alignment import register
from gpt_image_addon.core.editing.blending import FittedEdit, fit_edit
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.core.raster.arrays import blurred

sys.path.insert(0, str(Path(__file__).parent))
import simulated

SIDE = 384
PAINTED = ("weathered oak planks", "red brick wall", "mossy stone", "rusty metal", "cracked leather", "grass")

Pixels = NDArray[np.uint8]


FARTHEST = {"weathered oak planks": 1.25}
"""Pixels at the rim at most, of what has little to hold on to along its joints: .62 at 1024 pixels a side."""


@cache
def material(name: str) -> Pixels:
    """A material with room for other contrast and light, so that nothing clips."""
    if name == "noise":
        dice = np.random.default_rng(6)
        plane = np.zeros((SIDE, SIDE), np.float32)
        for cells in (4, 13, 41, 130):
            coarse = Image.fromarray(dice.normal(0, 1, (cells, cells)).astype(np.float32))
            plane += np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) * 9
        pixels = np.stack([120 + plane, 110 + 0.8 * plane, 100 - 0.5 * plane], -1)
    else:
        pixels = paint(name, 512, 512).color[40 : 40 + SIDE, 60 : 60 + SIDE, :3].astype(np.float32)
    return np.rint(40 + np.clip(pixels, 0, 255) * (170 / 255)).astype(np.uint8)


@cache
def fitted(name: str, hard: bool) -> tuple[FittedEdit, simulated.Answer]:
    mask = simulated.block(SIDE)
    answer = simulated.answer(material(name), mask, simulated.wrong(len(name), hard=hard))
    return fit_edit(material(name), answer.pixels, mask), answer


def distances(fit: FittedEdit, answer: simulated.Answer, where: NDArray[np.bool_]) -> Any:
    """Pixels that the registration is off by."""
    y, x = (at[::23] + 0.5 for at in np.nonzero(where))
    found, true = fit.registration.located(x, y), answer.located(x, y)
    return np.hypot(found[0] - true[0], found[1] - true[1])


def color_errors(fit: FittedEdit, answer: simulated.Answer) -> Any:
    """Levels that the colors are off by over some pixels' width, deep in the mask."""
    left, top, right, bottom = fit.box
    inner = (slice(12, -12), slice(12, -12))
    rest = (fit.pixels - answer.truth[top:bottom, left:right])[inner]
    return np.abs([blurred(np.ascontiguousarray(rest[..., i]), 8, wraps=False)[8:-8, 8:-8] for i in range(3)])


def rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return mask & simulated.grown(~mask, 2)


@pytest.mark.parametrize("name", [*PAINTED, "noise"])
def test_what_is_moved_and_recolored_is_put_right(name: str) -> None:
    fit, answer = fitted(name, hard=False)
    assert fit.registration.accepted and not fit.registration.plain
    assert distances(fit, answer, simulated.block(SIDE)).mean() < 0.5
    errors = color_errors(fit, answer)
    assert errors.mean() < 1 and errors.max() < 2


@pytest.mark.parametrize("name", [*PAINTED, "noise"])
def test_what_is_painted_too_far_shaded_and_bent_is_put_right(name: str) -> None:
    fit, answer = fitted(name, hard=True)
    assert fit.registration.accepted and not fit.registration.plain
    away = distances(fit, answer, rim(simulated.block(SIDE)))
    assert away.mean() < 0.5 and np.percentile(away, 90) < 1 and away.max() < FARTHEST.get(name, 1)
    errors = color_errors(fit, answer)
    assert errors.mean() < 2 and errors.max() < 3.5


@pytest.mark.parametrize("name", PAINTED)
def test_another_image_is_refused(name: str) -> None:
    original = material(name)
    surround = ~simulated.grown(simulated.block(SIDE), 12)
    other = material(PAINTED[PAINTED.index(name) - 1])
    changed = {
        "other material": other,
        "elsewhere": simulated.elsewhere(original),
        "other detail": simulated.other_detail(original),
        "reframed": simulated.reframed(original),
    }
    taken = [what for what, pixels in changed.items() if register(pixels, original, surround).accepted]
    assert taken == []
    assert register(other, original, surround).reason


@pytest.mark.parametrize("grain", [0.0, 2.0])
def test_a_plain_surround_is_not_refused_and_its_colors_are_matched(grain: float) -> None:
    mask = simulated.block(SIDE)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    sky = np.stack([90 + 40 * y, 120 + 30 * y, 190 - 20 * x], -1)
    dice = np.random.default_rng(2)
    original = np.rint(sky + dice.normal(0, grain, sky.shape)).astype(np.uint8)
    answer = simulated.answer(original, mask, simulated.wrong(4, hard=False))
    fit = fit_edit(original, answer.pixels, mask)
    assert fit.registration.accepted and fit.registration.plain and fit.registration.reason
    placed = fit.colors.applied(answer.pixels.astype(np.float32), (0, 0, 1, 1))
    outside = ~simulated.grown(mask, 16)
    assert np.abs((placed - original)[outside].mean(0)).max() < 0.5


def test_a_mask_of_nearly_everything_is_not_refused() -> None:
    mask = np.ones((SIDE, SIDE), bool)
    mask[:8] = False
    found = fit_edit(material("noise"), simulated.elsewhere(material("noise")), mask)
    assert found.registration.accepted and found.registration.plain
    assert np.isfinite(found.pixels).all()


def test_an_answer_of_another_size_is_located_in_its_own_pixels() -> None:
    original = material("noise")
    large = np.asarray(Image.fromarray(original).resize((576, 576), Image.Resampling.BICUBIC))
    found = register(large, original, ~simulated.block(SIDE))
    x, y = found.located(np.array([100.0]), np.array([250.0]))
    assert found.accepted
    assert (x[0], y[0]) == (pytest.approx(150, abs=0.3), pytest.approx(375, abs=0.3))
