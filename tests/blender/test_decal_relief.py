"""The relief of a decal: only where it is asked for, in millimetres, from its image or by the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.core.imaging.formats import decode
from gpt_image_addon.scene.images import KIND
from gpt_image_addon.scene.shading import relief
from tests.api_server import ApiServer
from tests.blender.scene_fixtures import cube, principled, source_of

Run = Callable[..., tuple[int, dict[str, Any]]]
SMALL = {"target": "decal", "provider": "offline", "size": "128x128", "decal_size": 0.4}
PAID = ("--target", "decal", "--quality", "low", "--object", "Cube", "--at=0,-1,0", "--decal-relief")


@pytest.fixture(autouse=True)
def clean(factory_file: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GPT_IMAGE_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    api.close()
    cube()


def lean(file: str) -> np.ndarray:
    """How far the normals of a map stand off the surface's, 0..1."""
    vectors = decode(Path(file).read_bytes(), as_data=True)[..., :2].astype(np.float64) / 127.5 - 1
    return np.hypot(vectors[..., 0], vectors[..., 1])


def alpha_of(result: Any, number: int = 0) -> np.ndarray:
    return decode(Path(result.images[number].processed).read_bytes())[..., 3]


def test_it_is_flat_unless_a_relief_is_asked_for() -> None:
    result = api.generate("a star sticker", at=[(0, -1, 0)], relief=2.0, **SMALL)
    assert not result.maps and not principled(bpy.data.materials[result.material]).inputs["Normal"].links


def test_a_relief_from_its_own_image_is_as_deep_as_asked_for() -> None:
    result = api.generate("a star sticker", at=[(0, -1, 0)], decal_relief=True, relief=3.0, **SMALL)
    material = bpy.data.materials[result.material]
    assert set(result.maps) == {"normal", "height"} and result.cost_usd == 0
    assert source_of(principled(material).inputs["Normal"]).bl_idname == "ShaderNodeNormalMap"
    assert relief.read_relief(material) == pytest.approx(3.0, rel=0.01)
    assert relief.read_size(material) == pytest.approx(0.4)
    leans, alpha = lean(result.maps["normal"]), alpha_of(result)
    assert leans[alpha == 0].max() < 0.02 and leans[alpha == 255].max() > 0.1
    base = source_of(principled(material).inputs["Base Color"])
    assert base.extension == "EXTEND" and source_of(principled(material).inputs["Alpha"]) == base


def test_each_place_has_the_relief_of_its_own_image() -> None:
    places = [(0, -1, 0), (1, 0, 0)]
    result = api.generate("a star sticker", at=places, n=2, decal_relief=True, displacement="bump", **SMALL)
    first, second = (bpy.data.objects[name].active_material for name in result.objects)
    heights = []
    for material in (first, second):
        bump = source_of(principled(material).inputs["Normal"])
        assert bump.bl_idname == "ShaderNodeBump"
        heights.append(source_of(bump.inputs["Height"]).image)
    assert heights[0] != heights[1]
    api.remake_material(second.name, relief=5.0)
    assert relief.read_relief(second) == pytest.approx(5.0, rel=0.01)
    assert source_of(principled(second).inputs["Base Color"]).image.name == result.images[1].name


def test_reliefs_go_with_their_images_when_these_change_places() -> None:
    places = [(0, -1, 0), (1, 0, 0)]
    job = api.submit("a star sticker", at=places, n=2, decal_relief=True, **SMALL)
    job.finish_waiting()
    materials = [bpy.data.objects[name].active_material for name in job.applied.objects]

    def shown() -> list[tuple[str, bytes]]:
        nodes = [
            {node.get(KIND): node.image for node in one.node_tree.nodes if KIND in node} for one in materials
        ]
        return [(found["base_color"].name, bytes(found["normal"].packed_file.data)) for found in nodes]

    before = shown()
    assert before[0] != before[1]
    assert bpy.ops.gpt_image.use_variation(job=job.id, number=1) == {"FINISHED"}
    assert shown() == before[::-1]


def test_a_relief_survives_the_bake_of_its_decal() -> None:
    api.generate("planks", target="texture", provider="offline", size="64x64", object_name="Cube")
    made = api.generate("a star sticker", at=[(0, -1, 0)], decal_relief=True, **SMALL)
    assert api.bake_decal(made.object).images


def test_the_model_is_asked_for_the_height_and_its_price_is_said(run: Run, online: ApiServer) -> None:
    _, flat = run("estimate", "a star", *PAID[:-1], "--height-by-model")
    _, priced = run("estimate", "a star", *PAID, "--height-by-model")
    assert priced["estimated_usd"] > 1.5 * flat["estimated_usd"]
    code, output = run("generate", "a star", *PAID, "--height-by-model")
    assert code == 0, output
    assert len(online.requests) == 2 and set(output["maps"]) == {"normal", "height"}
    assert output["cost_usd"] == pytest.approx(online.bill_usd)


def test_without_a_relief_no_height_is_paid_for(run: Run, online: ApiServer) -> None:
    code, output = run("generate", "a star", *PAID[:-1], "--height-by-model")
    assert code == 0 and len(online.requests) == 1, output
    assert any("decal_relief" in warning for warning in output["warnings"])


def test_the_panel_asks_only_where_its_switch_is_on() -> None:
    from gpt_image_addon.ui.request import to_parameters

    values = bpy.context.scene.gpt_image
    values.target, values.prompt, values.relief, values.height_by_model = "decal", "a star", 3.0, True
    plain = to_parameters.plain(values)
    assert not plain["decal_relief"] and "relief" not in plain and "height_by_model" not in plain
    values.decal_relief = True
    plain = to_parameters.plain(values)
    assert plain["decal_relief"] and plain["relief"] == 3.0 and plain["height_by_model"]
    values.target = "plane"
    assert "decal_relief" not in to_parameters.plain(values)
