"""What a view shows that draws no textures: new materials and previews have the mean color of their image."""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.core.imaging.thumbnails import make_preview
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.core.results.store import PreparedResult
from gpt_image_addon.scene.targets import previews
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import RED, cube, image_file, map_set, prepared

LINEAR_RED = [0.578, 0.013, 0.013]  # (200, 30, 30) of sRGB


def with_mean(color: tuple[float, float, float]) -> PreparedResult:
    return prepared(maps=map_set()).mapped(lambda image: dataclasses.replace(image, mean_color=color))


@pytest.mark.parametrize("target", ["texture", "material", "plane"])
def test_a_new_material_has_the_mean_color(target: str) -> None:
    cube()
    applied = apply(with_mean((0.5, 0.25, 0.125)), Application(target=target))
    assert list(bpy.data.materials[applied.material or ""].diffuse_color) == [0.5, 0.25, 0.125, 1]


def test_a_material_of_the_users_keeps_its_color() -> None:
    obj = cube(material="Wood")
    obj.active_material.diffuse_color = (0.1, 0.2, 0.3, 1)
    apply(with_mean((0.5, 0.25, 0.125)), Application(target="texture"))
    assert list(obj.active_material.diffuse_color) == pytest.approx([0.1, 0.2, 0.3, 1])


def test_a_job_takes_it_from_its_image() -> None:
    obj = cube()
    api.generate("red brick wall", provider="offline", size="64x64", target="texture")
    image = bpy.data.images[0]
    pixels = np.array(image.pixels[:]).reshape(-1, 4)[:, :3]
    encoded = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    assert list(obj.active_material.diffuse_color[:3]) == pytest.approx(
        encoded.mean(axis=0).tolist(), abs=0.02
    )


def test_a_preview_has_its_own() -> None:
    obj = cube(material="Wood")
    shown = make_preview(1, image_file(color=RED).data)
    assert shown is not None
    previews.show("job", shown, Application(target="texture"), "oak")
    assert list(obj.active_material.diffuse_color[:3]) == pytest.approx(LINEAR_RED, abs=0.002)
    shown = make_preview(2, image_file(color=(0, 0, 0)).data)
    assert shown is not None
    previews.show("job", shown, Application(target="texture"), "oak")
    assert list(obj.active_material.diffuse_color[:3]) == [0, 0, 0]
