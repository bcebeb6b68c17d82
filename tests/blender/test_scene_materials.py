"""The `material` target: every map in its place, in its colour space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from gpt_image_addon.core.request.map_kinds import BY_NAME
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.capture.camera import render_camera
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import (
    BLUE,
    camera,
    cube,
    dominant,
    image_file,
    map_set,
    pixel,
    prepared,
    principled,
    reopen,
    source_of,
)

MATERIAL = Application(target="material")


def image_at(socket: Any) -> str:
    return source_of(socket).image.name


def images_at(node: Any) -> dict[str, str]:
    """Names of the images that a node's inputs are linked to."""
    linked = {s.identifier: source_of(s) for s in node.inputs if s.links}
    return {name: source.image.name for name, source in linked.items() if hasattr(source, "image")}


def image_nodes(material: bpy.types.Material) -> dict[str, Any]:
    return {n.image.name: n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeTexImage"}


def test_all_maps_survive_saving_in_their_colour_spaces(tmp_path: Path) -> None:
    cube()
    applied = apply(prepared(maps=map_set()), MATERIAL)
    assert applied.images == ("Oak_base_color",)
    assert applied.images + applied.map_images == tuple(f"Oak_{kind}" for kind in BY_NAME)
    reopen(tmp_path / "x.blend")
    nodes = image_nodes(bpy.data.materials[applied.material])
    assert set(nodes) == {*applied.images, *applied.map_images}
    for kind in BY_NAME.values():
        node = nodes[f"Oak_{kind.name}"]
        assert node.image.packed_file
        assert node.image.colorspace_settings.name == ("Non-Color" if kind.is_data else "sRGB")
        assert node.label == kind.label
        assert tuple(node.image.size) == (32, 16)
        assert source_of(node.inputs["Vector"]).bl_idname == "ShaderNodeMapping"
    assert len({source_of(node.inputs["Vector"]).name for node in nodes.values()}) == 1


def test_every_map_reaches_its_socket() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), MATERIAL)
    inputs = principled(obj.active_material).inputs
    for kind in ("metallic", "opacity"):
        assert image_at(inputs[BY_NAME[kind].socket]) == f"Oak_{kind}"
    normal = source_of(inputs["Normal"])
    assert (normal.bl_idname, normal.space) == ("ShaderNodeNormalMap", "TANGENT")
    assert image_at(normal.inputs["Color"]) == "Oak_normal"
    mix = source_of(inputs["Base Color"])
    assert (mix.bl_idname, mix.data_type, mix.blend_type) == ("ShaderNodeMix", "RGBA", "MULTIPLY")
    assert images_at(mix) == {"A_Color": "Oak_base_color", "B_Color": "Oak_ao"}
    contrast = source_of(inputs["Roughness"])
    assert (contrast.bl_idname, contrast.data_type, contrast.clamp_factor) == (
        "ShaderNodeMix",
        "FLOAT",
        False,
    )
    assert images_at(contrast) == {"B_Float": "Oak_roughness"}


def test_height_waits_in_a_displacement_node_beside_a_normal_map() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), MATERIAL)
    tree = obj.active_material.node_tree
    (node,) = (n for n in tree.nodes if n.bl_idname == "ShaderNodeDisplacement")
    assert image_at(node.inputs["Height"]) == "Oak_height"
    assert not tree.get_output_node("ALL").inputs["Displacement"].links


def test_height_alone_is_bump() -> None:
    obj = cube()
    maps = map_set()
    del maps["normal"]
    apply(prepared(maps=maps), MATERIAL)
    bump = source_of(principled(obj.active_material).inputs["Normal"])
    assert bump.bl_idname == "ShaderNodeBump"
    assert image_at(bump.inputs["Height"]) == "Oak_height"


def test_a_projected_object_gets_bump_because_it_has_no_tangents() -> None:
    bpy.ops.object.metaball_add()
    obj = bpy.context.object
    apply(prepared(maps=map_set()), MATERIAL)
    assert source_of(principled(obj.active_material).inputs["Normal"]).bl_idname == "ShaderNodeBump"
    assert {node.projection for node in image_nodes(obj.active_material).values()} == {"BOX"}


def test_the_image_itself_is_the_base_colour_where_no_map_says_otherwise() -> None:
    obj = cube()
    apply(prepared(image_file("Pine")), MATERIAL)
    assert image_at(principled(obj.active_material).inputs["Base Color"]) == "Pine"


def test_ao_without_an_image_behind_it_darkens_the_images_own_colour() -> None:
    obj = cube()
    apply(prepared(image_file("Pine"), maps={"ao": map_set()["ao"]}), MATERIAL)
    mix = source_of(principled(obj.active_material).inputs["Base Color"])
    assert images_at(mix) == {"A_Color": "Pine", "B_Color": "Oak_ao"}


def test_the_material_replaces_that_of_this_object_alone() -> None:
    table = cube("Table", material="Wood")
    chair = bpy.data.objects.new("Chair", table.data)
    bpy.context.scene.collection.objects.link(chair)
    applied = apply(
        prepared(maps=map_set()), Application(target="material", object_name="Chair", name="Door")
    )
    assert applied.material == chair.active_material.name == "Door"
    assert table.active_material.name == "Wood"


def test_only_the_active_slot_changes() -> None:
    obj = cube(material="Wood")
    obj.data.materials.append(bpy.data.materials.new("Metal"))
    obj.active_material_index = 1
    applied = apply(prepared(maps=map_set()), MATERIAL)
    assert [slot.material.name for slot in obj.material_slots] == ["Wood", applied.material]


def test_without_an_object_the_material_is_kept(tmp_path: Path) -> None:
    applied = apply(prepared(maps=map_set()), MATERIAL)
    assert applied.object is None
    reopen(tmp_path / "x.blend")
    assert bpy.data.materials[applied.material].use_fake_user


def test_nodes_do_not_overlap() -> None:
    obj = cube()
    apply(prepared(maps=map_set()), MATERIAL)
    places = [tuple(node.location) for node in obj.active_material.node_tree.nodes]
    assert len(set(places)) == len(places)
    for i, (x, y) in enumerate(places):
        for u, v in places[:i]:
            assert abs(x - u) >= 200 or abs(y - v) >= 250


def test_the_render_shows_the_base_colour(tmp_path: Path) -> None:
    cube()
    camera()
    apply(prepared(maps=map_set(base_color=image_file("Oak_base_color", BLUE))), MATERIAL)
    path = render_camera(tmp_path / "r.png", width=64, height=64)
    assert dominant(pixel(path, 0.5, 0.5)) == "blue"
