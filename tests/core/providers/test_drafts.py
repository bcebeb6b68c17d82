"""Offline drafts: what the words mean, and that what is painted is true, seamless and repeatable."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt_image_addon.core.providers.offline.painter import FAMILIES, Draft, Family, condition, decals, paint
from gpt_image_addon.core.providers.offline.painter.families import ENAMEL, NOISE
from gpt_image_addon.core.providers.offline.painter.primitives.canvas import Bend, Canvas
from gpt_image_addon.core.providers.offline.painter.primitives.palette import Palette
from gpt_image_addon.core.providers.offline.painter.primitives.surface import Surface
from gpt_image_addon.core.providers.offline.painter.words import best_match, phrases, read

ROOT = Path(__file__).resolve().parents[3]
PAINTERS = {**{family.name: family for family in FAMILIES}, "noise": NOISE, "enamel": ENAMEL}
every_family = pytest.mark.parametrize("family", PAINTERS.values(), ids=PAINTERS)


def digest(draft: Draft) -> str:
    return hashlib.sha256(draft.color.tobytes() + draft.height.tobytes()).hexdigest()


def test_another_process_paints_the_same_bytes() -> None:
    code = (
        "import hashlib; from gpt_image_addon.core.providers.offline.painter import paint;"
        "d = paint('mossy brick', 80, 48, index=3);"
        "print(hashlib.sha256(d.color.tobytes() + d.height.tobytes()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }
    assert runs == {digest(paint("mossy brick", 80, 48, index=3))}


@every_family
def test_each_index_is_another_variation(family: Family) -> None:
    first, second = (family.paint(Canvas(64, 64, seed), family.palette) for seed in (1, 2))
    assert np.abs(first.color - second.color).mean() > 0.003
    draft, other = paint(family.label, 64, 64), paint(family.label, 64, 64, index=1)
    assert digest(draft) != digest(other)
    assert digest(draft) == digest(paint(family.label, 64, 64, index=0))


@every_family
def test_fields_are_float32_and_fill_the_range_sensibly(family: Family) -> None:
    surface = family.paint(Canvas(72, 48, 7), family.palette)
    assert surface.height.dtype == surface.color.dtype == np.float32
    assert surface.height.shape == (48, 72) and surface.color.shape == (3, 48, 72)
    assert float(((surface.height > 1) | (surface.height < 0)).mean()) < 0.02
    assert np.ptp(surface.height) > 0.005
    assert float(((surface.color > 1) | (surface.color < 0)).mean()) < 0.3


def seam_ratio(field: NDArray[np.float64]) -> float:
    """Mean step across the seam over the largest such step inside, the worse axis."""
    ratios = []
    for axis in (0, 1):
        lines = np.moveaxis(field, axis, 0)
        inside = np.abs(np.diff(lines, axis=0)).reshape(len(lines) - 1, -1).mean(axis=1)
        seam = np.abs(lines[0] - lines[-1]).mean()
        ratios.append(seam / max(float(inside.max()), 1e-6))
    return max(ratios)


def test_bending_by_whole_and_half_pixels_rolls() -> None:
    canvas = Canvas(40, 30, 2)
    field = canvas.grain("g")
    right, down = (np.full(canvas.shape, pixels / canvas.side, np.float32) for pixels in (3.0, -2.5))
    rolled = np.roll(field, -3, axis=1)
    expected = (np.roll(rolled, 2, axis=0) + np.roll(rolled, 3, axis=0)) / 2
    assert np.allclose(Bend(canvas, right, down)(field), expected, atol=1e-3)


def test_cells_measure_the_two_nearest_points() -> None:
    """Against every point and its copies across the border."""
    canvas = Canvas(48, 32, 8)
    cells = canvas.cells("c", 4, jitter=1.0)
    rng = canvas.rng("c")
    x, y = (rng.random((4, 6), dtype=np.float32) for _ in range(2))
    points = np.stack((x + np.arange(6), y + np.arange(4)[:, None]), axis=-1).reshape(-1, 2)
    copies = np.concatenate([points + np.array((dx, dy)) for dy in (-4, 0, 4) for dx in (-6, 0, 6)])
    at = np.stack(np.meshgrid((np.arange(48) + 0.5) / 8, (np.arange(32) + 0.5) / 8), axis=-1)
    far = np.sort(np.linalg.norm(at[:, :, None] - copies, axis=-1), axis=-1)
    sure = far[..., 1] < 1  # a point farther away may lie outside the nine cells that are looked at
    assert sure.mean() > 0.5
    assert np.allclose(cells.near[sure], far[sure, 0], atol=1e-4)
    assert np.allclose(cells.gap[sure], far[sure, 1] - far[sure, 0], atol=1e-4)
    assert len(np.unique(cells.id)) == cells.count == 24


GROUNDS = {
    "noise": lambda canvas: canvas.noise("n", 3, octaves=3),
    "streaks": lambda canvas: canvas.noise("s", (9, 2), octaves=3),
    "cells": lambda canvas: canvas.cells("c", 5).near,
    "gaps": lambda canvas: canvas.cells("c", 5).gap,
    "soft grain": lambda canvas: canvas.soften(canvas.grain("g"), 0.1),
    "bent cells": lambda canvas: canvas.bend("b", 4, 0.06)(canvas.cells("c", 5).near),
}


@pytest.mark.parametrize("size", [(128, 128), (192, 128), (97, 131), (64, 301)], ids=str)
@pytest.mark.parametrize("ground", GROUNDS)
def test_what_families_are_made_of_has_no_seam(ground: str, size: tuple[int, int]) -> None:
    """These have no lines of their own, so no step across the seam stands out."""
    field = GROUNDS[ground](Canvas(*size, 5)).astype(np.float64)
    for axis in (0, 1):
        steps = np.abs(field - np.roll(field, 1, axis)).mean(axis=1 - axis)
        assert steps[0] < 1.2 * steps[1:].max()


@every_family
@pytest.mark.parametrize("size", [(128, 128), (192, 128), (97, 131)], ids=str)
def test_wraps_around(family: Family, size: tuple[int, int]) -> None:
    surface = family.paint(Canvas(*size, 11), family.palette)
    assert seam_ratio(surface.height.astype(np.float64)) < 1.2
    assert seam_ratio(surface.color.transpose(1, 2, 0).astype(np.float64)) < 1.2


@every_family
@pytest.mark.parametrize("size", [(16, 16), (17, 33), (40, 16)], ids=str)
def test_small_and_odd_sizes(family: Family, size: tuple[int, int]) -> None:
    draft = paint(family.label, *size)
    assert draft.color.shape == (size[1], size[0], 3) and draft.color.dtype == np.uint8
    assert draft.height.shape == (size[1], size[0]) and draft.height.dtype == np.float32
    assert 0 <= draft.height.min() <= draft.height.max() <= 1
    assert np.isfinite(draft.height).all()


def test_large_size() -> None:
    draft = paint("oak planks", 1536, 1024)
    assert draft.color.shape == (1024, 1536, 3) and draft.height.shape == (1024, 1536)


@pytest.mark.parametrize("size", [(15, 64), (64, 0), (-1, 16)])
def test_refuses_sizes_below_16(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 16"):
        paint("brick", *size)


@pytest.mark.parametrize(("width", "height"), [(384, 128), (128, 384)])
def test_features_keep_their_aspect(width: int, height: int) -> None:
    canvas = Canvas(width, height, 1)
    assert canvas.cols(4) / canvas.rows(12, 2) == pytest.approx(width / height / 3, rel=0.1)
    stones = canvas.cells("stones", 6)
    assert stones.count == pytest.approx(6 * 6 * 3, rel=0.1)


@pytest.mark.parametrize(
    ("family", "apart"),
    [("brick", 0.2), ("tiles", 0.15), ("cobblestone", 0.2), ("hexagons", 0.15), ("wood_planks", 0.2)],
)
def test_joints_lie_lower_and_are_painted_as_joints(family: str, apart: float) -> None:
    """In the accent's pure green what is green must be low, in the main's pure red high."""
    row = next(row for row in FAMILIES if row.name == family)
    palette = Palette(((0.9, 0.0, 0.0),) * 3, ((0.0, 0.9, 0.0),) * 3)
    surface = row.paint(Canvas(256, 256, 3), palette)
    joint, piece = surface.color[1] > 0.6, surface.color[0] > 0.6
    assert 0.01 < joint.mean() < 0.5 and piece.mean() > 0.3
    assert surface.height[piece].mean() - surface.height[joint].mean() > apart


def greenness(surface: Surface) -> float:
    return float((surface.color[1] - (surface.color[0] + surface.color[2]) / 2).mean())


EFFECTS = {
    "mossy": lambda before, after: greenness(after) > greenness(before) + 0.02,
    "dirty": lambda before, after: after.color.mean() < before.color.mean() - 0.01,
    "cracked": lambda before, after: np.quantile(before.height - after.height, 0.99) > 0.2,
    "old": lambda before, after: np.abs(after.color - before.color).mean() > 0.01,
    "wet": lambda before, after: after.color.mean() < 0.8 * before.color.mean(),
    "snowy": lambda before, after: after.color.mean() > before.color.mean() + 0.05,
    "polished": lambda before, after: after.height.std() < 0.9 * before.height.std(),
}


@pytest.mark.parametrize("modifier", EFFECTS)
def test_modifiers_do_what_they_say(modifier: str) -> None:
    """On one and the same canvas, since the prompt is also the seed."""
    parts = phrases(f"{modifier} stone wall")
    family = best_match(parts, FAMILIES)
    assert family is not None and family.name == "stone_wall"
    canvas = Canvas(96, 96, 5)
    before, after = family.paint(canvas, family.palette), family.paint(canvas, family.palette)
    condition.weather(canvas, after, read(parts).modifiers)
    assert EFFECTS[modifier](before, after)


# --- Decals ---


@pytest.mark.parametrize("shape", decals.SHAPES, ids=lambda shape: shape.name)
def test_every_shape_is_found_and_leaves_the_border_free(shape: decals.Shape) -> None:
    first_word = shape.words.split(",")[0]
    assert best_match(phrases(f"a {first_word} sticker"), decals.SHAPES) in (shape, decals.SHAPES[-1])
    alpha = decals.mask(Canvas(160, 128, 9), shape)
    border = np.concatenate((alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
    assert border.max() == 0
    assert 0.04 < float((alpha > 0.5).mean()) < 0.75
    soft = (alpha > 0.02) & (alpha < 0.98)
    assert float(soft.mean()) < 0.12
    assert soft.any() or shape.name == "square"  # its edges lie exactly between pixels here


def test_transparent_gives_a_decal() -> None:
    draft = paint("red star", 128, 128, transparent=True)
    assert draft.color.shape == (128, 128, 4)
    alpha = draft.color[..., 3]
    assert alpha[0].max() == 0 and alpha[64, 64] == 255
    inside = draft.color[alpha == 255][:, :3].mean(axis=0)
    assert inside[0] > inside[1] + 60
    assert draft.height[alpha == 0].max() == 0 < draft.height[64, 64]


def test_no_foreign_colour_lies_under_alpha_0() -> None:
    draft = paint("rusty gear", 128, 128, transparent=True)
    alpha, rgb = draft.color[..., 3], draft.color[..., :3].astype(int)
    rows, cols = np.nonzero((alpha > 0) & (alpha < 128))
    beside = np.stack([rgb[rows, (cols + step) % 128] for step in (-2, 2)])
    assert np.abs(beside - rgb[rows, cols]).max(axis=-1).mean() < 40
    assert rgb[alpha == 0].max() > 20


def test_shape_and_family_are_independent() -> None:
    heart, star = (
        paint("brick heart", 96, 96, transparent=True),
        paint("brick star", 96, 96, transparent=True),
    )
    assert heart.family == star.family == "brick"
    assert (heart.color[..., 3] != star.color[..., 3]).mean() > 0.05


# --- References ---


def sample_image(width: int = 120, height: int = 80) -> NDArray[np.uint8]:
    """A bright disc on a dark slope."""
    y, x = np.mgrid[0:height, 0:width]
    light = 40 + 60 * x / width
    light[np.hypot(x - width / 2, y - height / 2) < height / 4] = 220
    return np.repeat(light.astype(np.uint8)[..., None], 3, axis=2)


def correlation(draft: Draft, reference: NDArray[np.uint8]) -> float:
    light = draft.color[..., :3].mean(axis=2)
    return float(np.corrcoef(light.ravel(), reference[..., :3].mean(axis=2).ravel())[0, 1])


def test_a_reference_keeps_its_structure_in_the_prompts_colours() -> None:
    reference = sample_image()
    draft = paint("dark green", 120, 80, references=[reference])
    assert correlation(draft, reference) > 0.9
    mean = draft.color.reshape(-1, 3).mean(axis=0)
    assert mean[1] > mean[0] + 15 and mean[1] > mean[2] + 15
    assert np.corrcoef(draft.height.ravel(), reference[..., 0].ravel())[0, 1] > 0.95
    assert digest(draft) != digest(paint("dark green", 120, 80))


def test_a_second_reference_lends_its_colours() -> None:
    first, second = sample_image(), np.zeros((50, 70, 3), np.uint8)
    second[..., 2] = np.linspace(60, 255, 70).astype(np.uint8)
    draft = paint("", 120, 80, references=[first, second])
    mean = draft.color.reshape(-1, 3).mean(axis=0)
    assert mean[2] > mean[0] + 40
    assert correlation(draft, first) > 0.7


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 3), (30, 40, 4), (1, 1, 3)])
def test_references_of_any_layout_and_size(shape: tuple[int, ...]) -> None:
    draft = paint("brick", 64, 48, references=[np.full(shape, 130, np.uint8)])
    assert draft.color.shape == (48, 64, 3)
    assert np.isfinite(draft.height).all()


def test_a_transparent_reference_keeps_its_alpha() -> None:
    reference = np.full((64, 64, 4), 200, np.uint8)
    reference[:, :32, 3] = 0
    draft = paint("gold", 64, 64, transparent=True, references=[reference])
    assert draft.color[:, 2:28, 3].max() == 0 and draft.color[:, 36:62, 3].min() == 200
