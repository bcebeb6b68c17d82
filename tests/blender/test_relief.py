"""Relief in millimetres: in the maps, in the nodes, as it is tuned, and through every interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app.materials import relief as tuning
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.images import KIND
from gpt_image_addon.scene.shading import relief
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import cube, map_set, prepared

Run = Callable[..., tuple[int, dict[str, Any]]]
SMALL = {"provider": "offline", "size": "128x128"}


@pytest.fixture(autouse=True)
def clean(factory_file: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GPT_IMAGE_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    api.close()


def value(material: bpy.types.Material, name: str) -> float:
    return float(material.node_tree.nodes[name].outputs[0].default_value)


def shown(material: bpy.types.Material, kind: str) -> bytes:
    node = next(n for n in material.node_tree.nodes if n.get(KIND) == kind)
    return bytes(node.image.packed_file.data)


def steepness(file: str | Path) -> float:
    """Root mean square slope of a normal map."""
    normal = np.asarray(Image.open(file), np.float64) / 127.5 - 1
    slopes = normal[..., :2] / normal[..., 2:]
    return float(np.sqrt((slopes**2).sum(-1).mean()))


def made(**parameters: Any) -> bpy.types.Material:
    cube()
    result = api.generate("cobblestone", target="material", **SMALL, **parameters)
    return bpy.data.materials[result.material]


@pytest.mark.parametrize(("size", "strength"), [(0.5, 1.0), (None, 0.25)])
def test_nodes_say_the_millimetres_at_the_size_that_the_image_spans(
    size: float | None, strength: float
) -> None:
    """A plane of 2 m spans the image once where no size is named; the map was made for half a metre."""
    bpy.ops.mesh.primitive_plane_add(size=2)
    obj = bpy.context.active_object
    maps = map_set()
    maps["normal"] = replace(maps["normal"], facts={"relief": 0.02})
    apply(prepared(maps=maps), Application(target="material", texture_size=size, relief=10.0))
    material = obj.active_material
    assert value(material, "Normal Strength") == pytest.approx(strength)
    assert value(material, "Height (m)") == pytest.approx(0.01)
    assert relief.read_relief(material) == pytest.approx(10.0)


def test_a_material_is_made_with_its_relief() -> None:
    material = made(relief=20.0, texture_size=0.5)
    assert value(material, "Normal Strength") == pytest.approx(1.0)
    assert material[relief.SHARE] == pytest.approx(0.04)
    assert relief.read_relief(material) == pytest.approx(20.0, rel=1e-3)


def test_without_one_it_is_as_steep_as_usual_and_says_so() -> None:
    material = made(texture_size=0.5)
    assert value(material, "Normal Strength") == 1.0
    assert relief.read_relief(material) == pytest.approx(value(material, "Height (m)") * 1000, rel=1e-3)


def test_maps_of_an_image_have_it_at_the_size_named(run: Run, tmp_path: Path) -> None:
    photo = tmp_path / "wall.png"
    Image.fromarray(np.random.default_rng(1).integers(60, 200, (64, 64, 3), np.uint8)).save(photo)
    slopes = []
    for number, flags in enumerate((("10", "1"), ("20", "1"), ("10", "0.5"))):
        more = ("--relief", flags[0], "--texture-size", flags[1], "--maps", "normal", "--name", f"w{number}")
        code, output = run("maps", photo, "--output-dir", tmp_path, *more)
        assert code == 0
        slopes.append(steepness(output["maps"]["normal"]))
    assert slopes[1] == pytest.approx(2 * slopes[0], rel=0.1)
    assert slopes[2] == pytest.approx(slopes[1], rel=0.01)
    assert output["material_guess"]["depth_mm"] > 0


def test_remade_it_is_in_the_maps_and_nothing_is_paid() -> None:
    material = made(texture_size=0.5)
    before, height = shown(material, "normal"), shown(material, "height")
    api.remake_material(material.name, relief=40.0)
    assert shown(material, "normal") != before
    assert shown(material, "height") == height
    assert value(material, "Normal Strength") == pytest.approx(1.0)
    assert value(material, "Height (m)") == pytest.approx(0.04)
    material.node_tree.nodes["Normal Strength"].outputs[0].default_value = 0.5
    api.remake_material(material.name, roughness_contrast=0.5)  # what the user chose in the nodes stays
    assert value(material, "Normal Strength") == 0.5
    assert len(api.history().jobs) == 1


def test_a_relief_out_of_range_is_refused() -> None:
    material = made()
    with pytest.raises(InvalidRequestError, match="relief must be 0 to 1000"):
        api.remake_material(material.name, relief=2000.0)
    with pytest.raises(InvalidRequestError, match="texture_size"):
        api.remake_material(material.name, relief=2.0, texture_size=-1.0)


def test_dragging_changes_the_nodes_at_once_and_letting_go_the_maps() -> None:
    material = made(relief=10.0, texture_size=0.5)
    before = shown(material, "normal")
    panel = bpy.context.window_manager.gpt_image
    assert panel.material_relief == pytest.approx(10.0, rel=1e-3)
    panel.material_relief = 30.0
    assert value(material, "Normal Strength") == pytest.approx(3.0, rel=1e-3)
    assert value(material, "Height (m)") == pytest.approx(0.03)
    panel.material_size = 1.0  # the relief stays as deep
    assert value(material, "Texture Size (m)") == 1.0
    assert value(material, "Normal Strength") == pytest.approx(1.5, rel=1e-3)
    assert panel.material_relief == pytest.approx(30.0, rel=1e-3)
    assert shown(material, "normal") == before
    tuning.renew(material.session_uid)
    assert shown(material, "normal") != before
    assert value(material, "Normal Strength") == pytest.approx(1.0, rel=1e-3)
    assert panel.material_relief == pytest.approx(30.0, rel=1e-3)
    assert material[relief.SHARE] == pytest.approx(0.03, rel=1e-3)
    assert len(api.history().jobs) == 1


def test_where_the_images_are_gone_the_nodes_have_it_alone(tmp_path: Path) -> None:
    material = made(relief=10.0, texture_size=0.5)
    api.close()
    material["gpt_image_job"] = "elsewhere"
    panel = bpy.context.window_manager.gpt_image
    panel.material_relief = 20.0
    tuning.renew(material.session_uid)
    assert value(material, "Normal Strength") == pytest.approx(2.0, rel=1e-3)


def test_a_material_that_says_no_relief_has_none_to_tune() -> None:
    obj = cube()
    assert not tuning.can_tune(None)
    obj.data.materials.append(bpy.data.materials.new("Plain"))
    assert not tuning.can_tune(obj.active_material)
    panel = bpy.context.window_manager.gpt_image
    panel.material_relief = 20.0
    assert panel.material_relief == 0.0


def test_a_photo_has_it_at_its_real_length(tmp_path: Path) -> None:
    photo = tmp_path / "wall.png"
    Image.fromarray(np.random.default_rng(1).integers(60, 200, (96, 96, 3), np.uint8)).save(photo)
    result = api.make_material_from_photo(photo, seamless=False, length=0.4, relief=8.0)
    material = bpy.data.materials[result.material]
    assert value(material, "Normal Strength") == pytest.approx(1.0, rel=1e-3)
    assert material[relief.SHARE] == pytest.approx(0.02, rel=1e-3)
    assert relief.read_relief(material) == pytest.approx(8.0, rel=1e-3)


@pytest.mark.parametrize("stored", ["deep", [1.0, 2.0], float("inf"), -1.0, 0.0])
def test_what_a_file_of_others_says_breaks_nothing(stored: object) -> None:
    material = made(texture_size=0.5)
    material[relief.SHARE] = stored
    found = relief.read_relief(material)
    assert found is None or np.isfinite(found)
    relief.show_relief(material, 5.0)
    assert np.isfinite(value(material, "Normal Strength"))
