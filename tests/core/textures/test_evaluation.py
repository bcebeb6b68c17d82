"""The tools that measure maps and make materials of known truth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.textures.material_guess import guess_material
from tools.evaluate_maps import make, means
from tools.map_metrics import score, score_normals, slopes_of
from tools.material_sets import MaterialSet, material_sets, unit_normals
from tools.procedural.recipes import RECIPES
from tools.procedural_materials import make_material


def encoded(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Normals in 0..1 of slopes along columns and rows, OpenGL."""
    normals = np.stack((-p, q, np.ones_like(p)), -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return (normals / 2 + 0.5).astype(np.float32)


def written(folder: Path, **maps: np.ndarray) -> MaterialSet:
    """A set of maps in 0..1."""
    folder.mkdir()
    for kind, plane in maps.items():
        Image.fromarray(np.rint(plane * 255).astype(np.uint8)).save(folder / f"wall_{kind}.png")
    return material_sets(folder.parent)[0]


@pytest.fixture
def slopes() -> tuple[np.ndarray, np.ndarray]:
    p, q = np.random.default_rng(3).normal(0, 0.3, (2, 64, 64)).astype(np.float32)
    return p, q


def test_the_truth_scores_best_and_half_its_slopes_half_the_relief(slopes: tuple) -> None:
    p, q = slopes
    want = unit_normals(encoded(p, q))
    best = score_normals(encoded(p, q), want)
    assert best["normal_r"] == pytest.approx(1, abs=1e-4) and best["relief"] == pytest.approx(1, abs=1e-3)
    assert best["relit_r"] == pytest.approx(1, abs=1e-4) and best["relit_err"] < 0.01 > best["normal_rel"]
    half = score_normals(encoded(p / 2, q / 2), want)
    assert half["relief"] == pytest.approx(0.5, abs=1e-3) and half["normal_r"] == pytest.approx(1, abs=1e-3)
    inside_out = score_normals(encoded(-p, -q), want)
    assert inside_out["normal_r"] == pytest.approx(-1, abs=1e-3) and inside_out["relit_err"] > 1.5


def test_a_flat_map_has_no_relief_and_the_errors_that_others_are_a_share_of(slopes: tuple) -> None:
    p, q = slopes
    flat = score_normals(encoded(np.zeros_like(p), np.zeros_like(q)), unit_normals(encoded(p, q)))
    assert flat["relief"] == pytest.approx(0, abs=1e-4)
    assert flat["normal_rel"] == pytest.approx(1) and flat["relit_err"] == pytest.approx(1)
    angles = np.degrees(np.arctan(np.hypot(p, q)))
    assert flat["normal_err"] == pytest.approx(float(angles.mean()), rel=1e-3)


def test_slopes_are_those_of_the_surface_and_cut_off() -> None:
    p, q = np.full((4, 4), 0.5, np.float32), np.full((4, 4), -9, np.float32)
    got = slopes_of(unit_normals(encoded(p, q)))
    assert got[0] == pytest.approx(np.full((4, 4), 0.5), abs=1e-3)
    assert got[1] == pytest.approx(np.full((4, 4), -3))


def test_a_set_is_found_by_its_maps_and_lit_from_where_its_name_says(tmp_path: Path, slopes: tuple) -> None:
    color = np.full((64, 64, 3), 0.5, np.float32)
    truth = written(tmp_path / "StoneWall07", base_color=color, normal=encoded(*slopes), ao=color[..., 0])
    assert truth.words == "stone wall"
    photograph, lamp = truth.photograph(), truth.lamp
    assert photograph.shape == color.shape and photograph.std() > 0.02
    toward = -slopes[0] * math.cos(lamp.azimuth) + slopes[1] * math.sin(lamp.azimuth)
    assert np.corrcoef(toward.ravel(), photograph.mean(-1).ravel())[0, 1] > 0.7
    exact = score({"base_color": truth.color, "ao": truth.grey("ao")}, truth)
    assert exact["albedo_rel"] < 0.01 and exact["albedo_rmse"] < 0.01
    assert score({"base_color": photograph}, truth)["albedo_rel"] == pytest.approx(1)


def test_the_add_on_is_measured(tmp_path: Path) -> None:
    made = make_material(0, seed=2, side=128)
    truth = written(tmp_path / "red_brick_00", base_color=made.color, normal=made.normal, height=made.height)
    guessed, exact = (score(make(truth, of_height), truth) for of_height in (False, True))
    assert exact["normal_r"] > guessed["normal_r"] + 0.05
    assert exact["height_r"] > 0.99
    assert means([guessed, {"normal_r": 0.0}])["normal_r"] == pytest.approx(guessed["normal_r"] / 2)
    assert "ao_r" not in guessed


def test_there_are_many_recipes_for_materials_that_the_add_on_knows() -> None:
    assert len(RECIPES) >= 60 and len({recipe.words for recipe in RECIPES}) == len(RECIPES)
    assert not [recipe.words for recipe in RECIPES if not guess_material(recipe.words).known]


def test_a_material_is_the_same_from_the_same_seed_and_tiles() -> None:
    for index in (0, 12, 36, 49, 62, 81):
        one, same, other = (make_material(index, seed, 64) for seed in (5, 5, 6))
        assert np.array_equal(one.color, same.color) and np.array_equal(one.height, same.height)
        assert not np.array_equal(one.color, other.color)
        assert one.height.min() == 0 and one.height.max() == 1
        across = np.abs(one.height[0] - one.height[-1]).mean()
        assert across <= 3 * np.abs(np.diff(one.height, axis=0)).mean() + 0.01, one.words


def test_every_recipe_makes_finite_maps() -> None:
    for index in range(len(RECIPES)):
        made = make_material(index, 3, 48)
        for plane in (made.color, made.height, made.roughness):
            assert np.isfinite(plane).all() and plane.min() >= 0 and plane.max() <= 1, made.words
        slopes = slopes_of(unit_normals(made.normal))
        assert 0 < float(np.sqrt((slopes**2).sum(0).mean())) < 2, made.words
