"""Images that stand upright on what stands, whichever way the object's UVs lie."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.core.textures.material_guess import guess_material
from gpt_image_addon.scene.shading.upright import is_upright, upright_coordinates_for
from gpt_image_addon.scene.shading.uv import metres_per_unit, rendered_layer
from gpt_image_addon.scene.transaction import Transaction
from gpt_image_addon.ui.request import to_parameters
from tests.api_server import ApiServer
from tests.blender.scene_fixtures import cube


def lay(obj: bpy.types.Object) -> tuple[str, bool, str]:
    """The UV map that is used, whether it is projected instead, and what is told."""
    bpy.context.view_layer.update()
    with Transaction() as changes:
        coordinates, told = upright_coordinates_for(obj, changes)
    return coordinates.uv_map, coordinates.is_box, told or ""


def turn_uvs(obj: bpy.types.Object, degrees: float) -> None:
    layer = obj.data.uv_layers[0]
    uvs = np.zeros(2 * len(layer.uv), np.float32)
    layer.uv.foreach_get("vector", uvs)
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], np.float32)
    layer.uv.foreach_set("vector", (uvs.reshape(-1, 2) @ turn.T).ravel())


def test_the_default_cube_gets_an_upright_uv_map() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    obj = bpy.data.objects["Cube"]
    name, is_box, told = lay(obj)
    assert name == "UVMap.001" and not is_box and "'UVMap'" in told and "box projection" in told
    assert is_upright(obj, obj.data, obj.data.uv_layers[name])
    assert obj.data.uv_layers["UVMap"].active_render


def test_a_second_result_uses_the_same_map() -> None:
    obj = cube()
    first = lay(obj)[0]
    assert lay(obj)[0] == first and len(obj.data.uv_layers) == 2


@pytest.mark.parametrize("degrees", [0, 10, -15])
def test_a_map_that_is_upright_stays(degrees: float) -> None:
    obj = cube()
    with Transaction() as changes:
        upright = upright_coordinates_for(obj, changes)[0].uv_map
    obj.data.uv_layers[upright].active_render = True
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    turn_uvs(obj, degrees)
    assert lay(obj) == ("", False, "")


@pytest.mark.parametrize("degrees", [40, 90, 180, 270])
def test_a_turned_map_is_not_upright(degrees: float) -> None:
    obj = cube()
    name = lay(obj)[0]
    obj.data.uv_layers[name].active_render = True
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    turn_uvs(obj, degrees)
    assert lay(obj)[0] not in ("", rendered_layer(obj.data).name)


def test_a_mirrored_map_is_not_upright() -> None:
    obj = cube()
    name = lay(obj)[0]
    layer = obj.data.uv_layers[name]
    layer.active_render = True
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    layer = obj.data.uv_layers[0]
    for corner in layer.uv:
        corner.vector[0] *= -1
    assert not is_upright(obj, obj.data, layer)


def test_what_counts_is_how_the_object_stands_in_the_world() -> None:
    obj = cube()
    name = lay(obj)[0]
    layer = obj.data.uv_layers[name]
    assert is_upright(obj, obj.data, layer)
    obj.rotation_euler = (0, math.pi / 2, 0)
    bpy.context.view_layer.update()
    assert not is_upright(obj, obj.data, layer)
    obj.rotation_euler = (0, 0, math.pi / 3)
    bpy.context.view_layer.update()
    assert is_upright(obj, obj.data, layer)


@pytest.mark.parametrize("angle", [(0, math.pi / 2, 0), (math.pi, 0, 0), (0, 0, math.pi / 2)])
def test_an_object_that_lies_on_its_side_gets_a_map_upright_in_the_world(angle: tuple[float, ...]) -> None:
    obj = cube()
    obj.rotation_euler = angle
    turn_uvs(obj, 45)
    name = lay(obj)[0]
    assert name and is_upright(obj, obj.data, obj.data.uv_layers[name])


def test_a_leaning_object_gets_a_map_upright_on_itself() -> None:
    obj = cube()
    turn_uvs(obj, 45)
    obj.rotation_euler = (0.5, 0.4, 0)
    name = lay(obj)[0]
    obj.rotation_euler = (0, 0, 0)
    bpy.context.view_layer.update()
    assert is_upright(obj, obj.data, obj.data.uv_layers[name])


def test_a_floor_has_no_up() -> None:
    bpy.ops.mesh.primitive_plane_add()
    turn_uvs(bpy.context.object, 90)
    assert lay(bpy.context.object) == ("", False, "")


def test_a_sphere_of_turned_uvs_is_projected() -> None:
    bpy.ops.mesh.primitive_uv_sphere_add()
    assert lay(bpy.context.object) == ("", False, "")
    turn_uvs(bpy.context.object, 90)
    name, is_box, told = lay(bpy.context.object)
    assert is_box and name == "" and "six sides" in told and len(bpy.context.object.data.uv_layers) == 1


def test_a_made_map_has_one_scale() -> None:
    obj = cube()  # edges of 2 m
    with Transaction() as changes:
        coordinates, _ = upright_coordinates_for(obj, changes)
    assert metres_per_unit(obj, coordinates) == pytest.approx(2)


def test_it_goes_when_the_result_fails() -> None:
    obj = cube()
    with pytest.raises(ValueError, match="no"), Transaction() as changes:
        upright_coordinates_for(obj, changes)
        raise ValueError("no")
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap"]


@pytest.mark.parametrize(
    ("prompt", "metres"),
    [("red brick wall", 1), ("Backsteinmauer", 1), ("blue denim", 0.15), ("a dragon", None)],
)
def test_the_table_knows_what_an_image_spans(prompt: str, metres: float | None) -> None:
    assert guess_material(prompt).metres == metres


def value_of(obj: bpy.types.Object, label: str) -> float:
    nodes = obj.active_material.node_tree.nodes
    return float(next(node for node in nodes if node.label == label).outputs[0].default_value)


def test_bricks_stand_upright_and_in_real_size() -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    obj = bpy.data.objects["Cube"]
    api.generate("red brick wall", provider="offline", size="64x64", target="material", mapping="upright")
    nodes = obj.active_material.node_tree.nodes
    (uv_map,) = [node.uv_map for node in nodes if node.bl_idname == "ShaderNodeUVMap"]
    assert is_upright(obj, obj.data, obj.data.uv_layers[uv_map])
    assert value_of(obj, "Texture Size (m)") == 1
    mapping = next(node for node in nodes if node.bl_idname == "ShaderNodeMapping")
    assert list(mapping.inputs["Scale"].default_value) == pytest.approx([2, 2, 2])  # an edge has two metres


@pytest.mark.parametrize("given", [{}, {"mapping": "uv"}])
def test_scripts_get_the_uv_map_as_it_is(given: dict[str, str]) -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    obj = bpy.data.objects["Cube"]
    api.generate("red brick wall", provider="offline", size="64x64", target="material", **given)
    assert len(obj.data.uv_layers) == 1
    assert value_of(obj, "Texture Size (m)") == pytest.approx(8)  # the whole of its UV map


def test_a_size_that_is_given_counts() -> None:
    cube()
    given = {"mapping": "upright", "texture_size": 0.5}
    api.generate("red brick wall", provider="offline", size="64x64", target="material", **given)
    assert value_of(bpy.data.objects["Cube"], "Texture Size (m)") == 0.5


def test_what_does_not_tile_keeps_the_size_of_the_map(online: ApiServer) -> None:
    cube()
    given = {"mapping": "upright", "provider": "openai", "quality": "low", "target": "material"}
    api.generate("red brick wall", **given)
    assert value_of(bpy.data.objects["Cube"], "Texture Size (m)") == pytest.approx(2)


def test_the_panel_begins_with_it() -> None:
    assert bpy.context.scene.gpt_image.mapping == "upright"
    assert to_parameters.plain(bpy.context.scene.gpt_image).get("mapping") is None
    bpy.context.scene.gpt_image.target = "material"
    assert to_parameters.plain(bpy.context.scene.gpt_image)["mapping"] == "upright"
