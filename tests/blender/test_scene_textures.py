"""The `texture` target: whose material changes, and how the image gets onto the surface."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.capture.camera import render_camera
from gpt_image_addon.scene.targets.receiver import find_object
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import (
    BLUE,
    camera,
    cube,
    decal,
    dominant,
    image_file,
    map_set,
    node_material,
    pixel,
    prepared,
    principled,
    reopen,
    source_of,
)

TEXTURE = Application(target="texture")


def test_a_material_is_made_and_the_render_shows_the_image(tmp_path: Path) -> None:
    cube()
    camera()
    applied = apply(prepared(), TEXTURE)
    assert (applied.object, applied.material, applied.images) == ("Cube", "Oak", ("Oak",))
    reopen(tmp_path / "x.blend")
    material = bpy.data.objects["Cube"].active_material
    assert source_of(principled(material).inputs["Base Color"]).image.packed_file
    assert dominant(pixel(render_camera(tmp_path / "r.png", width=64, height=64), 0.5, 0.5)) == "red"


def test_the_objects_own_material_is_used_as_it_is() -> None:
    obj = cube(material="Wood")
    principled(obj.active_material).inputs["Roughness"].default_value = 0.9
    applied = apply(prepared(), TEXTURE)
    assert applied.material == "Wood"
    assert applied.messages == ()
    assert principled(obj.active_material).inputs["Roughness"].default_value == pytest.approx(0.9)
    assert len(bpy.data.materials) == 1


def test_a_second_image_takes_the_place_of_the_first() -> None:
    obj = cube(material="Wood")
    apply(prepared(), TEXTURE)
    count = len(obj.active_material.node_tree.nodes)
    apply(prepared(image_file("Pine", BLUE)), TEXTURE)
    nodes = obj.active_material.node_tree.nodes
    assert len(nodes) == count
    assert source_of(principled(obj.active_material).inputs["Base Color"]).image.name == "Pine"
    assert nodes.active.image.name == "Pine"
    assert [node for node in nodes if node.select] == [nodes.active]


def test_a_node_that_feeds_more_than_the_colour_keeps_its_image() -> None:
    obj = cube(material="Wood")
    tree = obj.active_material.node_tree
    shader = principled(obj.active_material)
    old = tree.nodes.new("ShaderNodeTexImage")
    old.image = bpy.data.images.new("old", 8, 8)
    tree.links.new(old.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(old.outputs["Color"], shader.inputs["Roughness"])
    applied = apply(prepared(), TEXTURE)
    assert old.image.name == "old"
    assert source_of(shader.inputs["Base Color"]).image.name == "Oak"
    assert source_of(shader.inputs["Roughness"]) == old
    assert "Image Texture" in applied.messages[0]


@pytest.mark.parametrize("how", ["material", "mesh", "node group"])
def test_a_shared_material_stays_and_the_object_gets_a_copy(how: str) -> None:
    table = cube("Table", material="Wood")
    wood = table.active_material
    if how == "material":
        obj = cube("Chair")
        obj.data.materials.append(wood)
    elif how == "mesh":
        obj = bpy.data.objects.new("Chair", table.data)
        bpy.context.scene.collection.objects.link(obj)
    else:
        obj, table.name = table, "Chair"
        group = bpy.data.node_groups.new("Table", "GeometryNodeTree")
        group.nodes.new("GeometryNodeSetMaterial").inputs["Material"].default_value = wood
    applied = apply(prepared(), Application(target="texture", object_name="Chair"))
    assert applied.material == "Wood.001"
    assert obj.active_material.name == "Wood.001"
    assert "'Table'" in applied.messages[0]
    assert "'Wood'" in applied.messages[0]
    assert not principled(wood).inputs["Base Color"].links
    if how != "node group":
        assert table.active_material == wood


def test_an_empty_slot_of_a_shared_mesh_stays_empty_for_the_others() -> None:
    table = cube("Table")
    chair = bpy.data.objects.new("Chair", table.data)
    bpy.context.scene.collection.objects.link(chair)
    apply(prepared(), Application(target="texture", object_name="Chair"))
    assert chair.active_material.name == "Oak"
    assert table.active_material is None


def test_two_slots_of_one_object_do_not_count_as_others() -> None:
    obj = cube(material="Wood")
    obj.data.materials.append(obj.active_material)
    obj.active_material.use_fake_user = True
    assert apply(prepared(), TEXTURE).material == "Wood"


def test_a_mesh_without_uvs_is_unwrapped_and_it_is_said(tmp_path: Path) -> None:
    obj = cube(uvs=False)
    obj.scale = (1, 1, 2)
    camera(location=(0, -10, 0))
    halves = decal()
    applied = apply(prepared(halves), TEXTURE)
    assert "had no UVs" in applied.messages[0]
    uvs = np.empty(len(obj.data.loops) * 2, np.float32)
    obj.data.uv_layers.active.uv.foreach_get("vector", uvs)
    uvs = uvs.reshape(-1, 2)
    assert uvs.min() == 0
    assert uvs.max(axis=0) == pytest.approx((0.5, 1.0))  # as tall again as wide: the image keeps its aspect
    for face in obj.data.polygons:  # no face collapsed, none mirrored
        corners = uvs[list(face.loop_indices)]
        x, y = corners[:, 0], corners[:, 1]
        assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2 == pytest.approx(
            0.25 if abs(face.normal.z) > 0.5 else 0.5
        )


def test_the_front_of_an_unwrapped_cube_shows_the_image_upright(tmp_path: Path) -> None:
    obj = cube(uvs=False)
    apply(prepared(), TEXTURE)
    mesh = obj.data
    for loop, uv in zip(mesh.loops, mesh.uv_layers.active.uv, strict=True):
        face = next(f for f in mesh.polygons if loop.index in f.loop_indices)
        if face.normal.y < -0.5:  # towards the viewer of front view: right is +X, up is +Z
            point = mesh.vertices[loop.vertex_index].co
            assert tuple(uv.vector) == pytest.approx(((point.x + 1) / 2, (point.z + 1) / 2))


@pytest.mark.parametrize("kind", ["CURVE", "FONT", "META"])
def test_an_object_without_faces_gets_a_projection_that_shows(kind: str, tmp_path: Path) -> None:
    if kind == "CURVE":
        bpy.ops.curve.primitive_bezier_circle_add()
        bpy.context.object.data.bevel_depth = 0.5
    elif kind == "FONT":
        bpy.ops.object.text_add()
        bpy.context.object.data.body = "O"
        bpy.context.object.data.extrude = 0.2
    else:
        bpy.ops.object.metaball_add()
    obj = bpy.context.object
    bpy.context.view_layer.update()
    applied = apply(prepared(), TEXTURE)
    assert "six sides" in applied.messages[0]
    node = source_of(principled(obj.active_material).inputs["Base Color"])
    assert node.projection == "BOX"
    mapping = source_of(node.inputs["Vector"])
    scale = mapping.inputs["Scale"].default_value[0]
    low = np.array(obj.bound_box).min(axis=0) * scale + np.array(mapping.inputs["Location"].default_value)
    high = np.array(obj.bound_box).max(axis=0) * scale + np.array(mapping.inputs["Location"].default_value)
    assert low == pytest.approx((0, 0, 0), abs=1e-5)
    assert high.max() == pytest.approx(1)
    apply(prepared(image_file("Pine")), TEXTURE)
    assert len(obj.active_material.node_tree.nodes) == 5


def test_a_material_without_principled_keeps_its_shader() -> None:
    obj = cube()
    obj.data.materials.append(node_material("Glow"))
    tree = obj.active_material.node_tree
    tree.nodes.remove(principled(obj.active_material))
    glow, mix = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(glow.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    applied = apply(prepared(), TEXTURE)
    assert source_of(glow.inputs["Color"]).image.name == "Oak"
    assert "no Principled BSDF" in applied.messages[0]


def test_a_principled_goes_before_a_nearer_shader() -> None:
    obj = cube(material="Coat")
    tree, shader = obj.active_material.node_tree, principled(obj.active_material)
    glow, outer = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeMixShader")
    inner = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(glow.outputs[0], outer.inputs[1])
    tree.links.new(inner.outputs[0], outer.inputs[2])
    tree.links.new(shader.outputs[0], inner.inputs[1])
    tree.links.new(outer.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    assert apply(prepared(), TEXTURE).messages == ()
    assert source_of(shader.inputs["Base Color"]).image.name == "Oak"
    assert not glow.inputs["Color"].links


def test_a_material_with_an_empty_tree_gets_a_principled() -> None:
    obj = cube(material="Void")
    obj.active_material.node_tree.nodes.clear()
    applied = apply(prepared(), TEXTURE)
    shader = principled(obj.active_material)
    assert source_of(obj.active_material.node_tree.get_output_node("ALL").inputs["Surface"]) == shader
    assert "was added" in applied.messages[0]


def test_the_active_output_decides() -> None:
    obj = cube(material="Two")
    tree = obj.active_material.node_tree
    first, output = principled(obj.active_material), tree.nodes.new("ShaderNodeOutputMaterial")
    second = tree.nodes.new("ShaderNodeBsdfPrincipled")
    tree.links.new(second.outputs[0], output.inputs["Surface"])
    for node in tree.nodes:
        if node.bl_idname == "ShaderNodeOutputMaterial":
            node.is_active_output = node == output
    apply(prepared(), TEXTURE)
    assert second.inputs["Base Color"].links
    assert not first.inputs["Base Color"].links


def test_without_an_object_the_material_is_kept(tmp_path: Path) -> None:
    applied = apply(prepared(), TEXTURE)
    assert applied.object is None
    assert "no active object" in applied.messages[0]
    reopen(tmp_path / "x.blend")
    assert bpy.data.materials["Oak"].use_fake_user
    assert bpy.data.images["Oak"].packed_file


def test_a_lamp_is_no_object_for_an_image() -> None:
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    bpy.context.scene.collection.objects.link(lamp)
    applied = apply(prepared(), Application(target="texture", object_name="Lamp"))
    assert applied.object is None
    assert "'Lamp' can't have a material" in applied.messages[0]


def test_the_object_is_found_after_a_renaming() -> None:
    obj = cube("Before")
    uid, obj.name = obj.session_uid, "After"
    impostor = cube("Before")
    application = Application(object_name="Before", object_uid=uid)
    assert find_object(application) == obj
    assert apply(prepared(), application).object == "After"
    assert impostor.active_material is None


@pytest.mark.parametrize("name", ["Gone", None])
def test_a_deleted_object_does_not_hand_its_image_to_the_active_one(name: str | None) -> None:
    gone = cube("Gone")
    application = Application(object_name=name, object_uid=gone.session_uid)
    bpy.data.objects.remove(gone)
    active = cube("Active")
    applied = apply(prepared(), application)
    assert applied.object is None
    assert (f"'{name}'" if name else "The object is gone") in applied.messages[0]
    assert active.active_material is None


def test_further_images_are_kept_as_images() -> None:
    cube()
    applied = apply(prepared(image_file("A"), image_file("B"), image_file("C")), TEXTURE)
    assert applied.images == ("A", "B", "C")
    assert "'B' and 'C'" in applied.messages[0]
    assert [bpy.data.images[name].use_fake_user for name in "ABC"] == [False, True, True]


def test_nothing_else_is_selected_or_made_active() -> None:
    first, second = cube("First"), cube("Second")
    apply(prepared(), Application(object_name="First"))
    assert bpy.context.view_layer.objects.active == second
    assert (first.select_get(), second.select_get()) == (False, True)


def test_maps_that_stay_are_told() -> None:
    obj = cube()
    made = apply(prepared(maps=map_set()), Application(target="material"))
    applied = apply(prepared(image_file("Stripes")), Application(target="texture"))
    assert applied.material == made.material and obj.active_material.name == made.material
    (told,) = applied.messages
    assert "keeps its maps for 'Metallic', 'Roughness' and 'Normal'" in told
    bpy.data.materials[made.material].node_tree.nodes.clear()
    told = " ".join(apply(prepared(image_file("Plain")), Application(target="texture")).messages)
    assert "maps" not in told
