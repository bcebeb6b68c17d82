"""Results that don't show, which is said; and planes that face a viewer whatever scales or mirrors it."""

from __future__ import annotations

from itertools import pairwise
from math import radians
from typing import Any

import bpy
import pytest
from mathutils import Vector

from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.shading import slots
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import camera, cube, image_file, prepared

TEXTURE = Application(target="texture")
MATERIAL = Application(target="material")
PLANE = Application(target="plane")


def with_nodes(obj: bpy.types.Object, *kinds: str) -> list[Any]:
    """Geometry nodes on an object, one after another; without an input where the first makes geometry."""
    tree = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    nodes = [tree.nodes.new(kind) for kind in kinds]
    chain = [*nodes, tree.nodes.new("NodeGroupOutput")]
    if nodes[0].inputs and nodes[0].inputs[0].type == "GEOMETRY":
        chain.insert(0, tree.nodes.new("NodeGroupInput"))
    for first, second in pairwise(chain):
        tree.links.new(first.outputs[0], second.inputs[0])
    obj.modifiers.new("Nodes", "NODES").node_group = tree
    return nodes


@pytest.mark.parametrize("application", [TEXTURE, MATERIAL], ids=["texture", "material"])
def test_a_material_that_geometry_nodes_replace_is_said(application: Application) -> None:
    obj = cube(material="Wood")
    (node,) = with_nodes(obj, "GeometryNodeSetMaterial")
    node.inputs["Material"].default_value = bpy.data.materials.new("By nodes")
    applied = apply(prepared(), application)
    told = f"Geometry nodes set the material of 'Cube': '{applied.material}' doesn't show."
    assert applied.messages[-1] == told


def test_a_material_that_geometry_nodes_keep_is_not() -> None:
    obj = cube(material="Wood")
    with_nodes(obj, "GeometryNodeSetPosition")
    assert apply(prepared(), TEXTURE).messages == ()


def test_geometry_that_nodes_make_without_a_material_is_said() -> None:
    obj = bpy.data.objects.new("Made", bpy.data.meshes.new("Empty"))
    bpy.context.scene.collection.objects.link(obj)
    with_nodes(obj, "GeometryNodeMeshCube")
    applied = apply(prepared(), Application(target="texture", object_name="Made"))
    assert "Geometry nodes set the material of 'Made'" in applied.messages[-1]


def test_instances_that_nodes_make_are_said() -> None:
    cube("Leaf")
    obj = bpy.data.objects.new("Tree", bpy.data.meshes.new("Empty"))
    bpy.context.scene.collection.objects.link(obj)
    (info,) = with_nodes(obj, "GeometryNodeObjectInfo")
    info.inputs["Object"].default_value = bpy.data.objects["Leaf"]
    info.inputs["As Instance"].default_value = True
    tree = obj.modifiers[0].node_group
    end = next(node for node in tree.nodes if node.bl_idname == "NodeGroupOutput")
    tree.links.new(info.outputs["Geometry"], end.inputs[0])
    applied = apply(prepared(), Application(target="texture", object_name="Tree"))
    assert "choose its materials" in applied.messages[-1]


def test_a_slot_that_no_face_uses_is_said() -> None:
    obj = cube(material="Wood")
    obj.data.materials.append(None)
    obj.active_material_index = 1
    applied = apply(prepared(), TEXTURE)
    assert applied.messages == ("No face of 'Cube' uses its material slot 2: 'Oak' doesn't show yet.",)
    assert obj.material_slots[0].material.name == "Wood"


def test_faces_past_the_last_slot_show_the_last_one() -> None:
    obj = cube(material="Wood")
    for face in obj.data.polygons:
        face.material_index = 7
    assert apply(prepared(), TEXTURE).messages == ()


def test_a_slot_of_the_object_goes_before_that_of_the_mesh() -> None:
    obj = cube(material="Wood")
    slot = obj.material_slots[0]
    slot.link = "OBJECT"
    slot.material = bpy.data.materials.new("Own")
    applied = apply(prepared(), TEXTURE)
    assert applied.material == "Own"
    assert not any("No face" in message for message in applied.messages)
    assert obj.data.materials[0].name == "Wood"


def test_an_override_by_the_view_layer_is_said() -> None:
    cube(material="Wood")
    bpy.context.view_layer.material_override = bpy.data.materials.new("Clay")
    assert "shows 'Clay' on everything" in apply(prepared(), TEXTURE).messages[-1]


@pytest.mark.parametrize("deep", [False, True])
def test_a_plane_in_a_collection_hidden_from_renders_is_said(deep: bool) -> None:
    stage = bpy.data.collections.new("Backstage")
    bpy.context.scene.collection.children.link(stage)
    stage.hide_render = True
    layer = bpy.context.view_layer.layer_collection.children["Backstage"]
    if deep:
        stage.children.link(bpy.data.collections.new("Props"))
        layer = layer.children["Props"]
    bpy.context.view_layer.active_layer_collection = layer
    applied = apply(prepared(), PLANE)
    assert f"'{layer.name}' is hidden in renders" in applied.messages[0]


def facing(name: str | None) -> tuple[Vector, Vector]:
    """Where a plane looks, and what is up for who looks at it; of unit length where it isn't distorted."""
    bpy.context.view_layer.update()
    matrix = bpy.data.objects[name].matrix_world.to_3x3()
    return matrix @ Vector((0, 0, 1)), matrix @ Vector((0, 1, 0))


@pytest.mark.parametrize("scale", [(2, 3, 4), (-1, 1, 1), (1, -1, 1), (1, 1, 0.01)])
def test_a_plane_faces_a_camera_that_is_scaled_or_mirrored(scale: Any) -> None:
    viewer = camera()
    viewer.rotation_euler, viewer.scale = (radians(60), 0, radians(35)), scale
    obj = apply(prepared(image_file(size=(64, 32))), PLANE).object
    towards, up = facing(obj)
    axes = viewer.matrix_world.normalized().to_3x3()
    assert tuple(towards) == pytest.approx(tuple(axes.col[2]), abs=1e-5)
    assert tuple(up) == pytest.approx(tuple(axes.col[1]), abs=1e-5)
    assert bpy.data.objects[obj].matrix_world.determinant() == pytest.approx(1, abs=1e-5)


def test_a_plane_faces_a_camera_that_was_just_turned() -> None:
    viewer = camera()
    viewer.rotation_euler = (0, 0, 0)
    towards, _ = facing(apply(prepared(), PLANE).object)
    assert tuple(towards) == pytest.approx((0, 0, 1), abs=1e-5)


def test_a_plane_faces_a_camera_whose_parent_was_just_turned() -> None:
    viewer, rig = camera(), bpy.data.objects.new("Rig", None)
    bpy.context.scene.collection.objects.link(rig)
    viewer.parent, rig.rotation_euler, rig.scale = rig, (0, 0, radians(90)), (1, 5, 1)
    towards, _ = facing(apply(prepared(), PLANE).object)
    assert tuple(towards) == pytest.approx((1, 0, 0), abs=1e-5)


def test_a_plane_faces_a_camera_that_a_constraint_turns() -> None:
    viewer, aim = camera(location=(0, 0, 5)), bpy.data.objects.new("Aim", None)
    bpy.context.scene.collection.objects.link(aim)
    track = viewer.constraints.new("TRACK_TO")
    track.target, track.track_axis, track.up_axis = aim, "TRACK_NEGATIVE_Z", "UP_Y"
    towards, _ = facing(apply(prepared(), PLANE).object)
    assert tuple(towards) == pytest.approx((0, 0, 1), abs=1e-4)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_a_view_that_looks_nowhere_is_no_hindrance(value: float) -> None:
    applied = apply(prepared(), Application(target="plane", view_matrix=(value,) * 16))
    towards, up = facing(applied.object)
    assert tuple(towards) == pytest.approx((0, -1, 0), abs=1e-5)
    assert tuple(up) == pytest.approx((0, 0, 1), abs=1e-5)


def test_a_camera_of_another_scene_is_faced() -> None:
    viewer = camera()
    bpy.context.scene.collection.objects.unlink(viewer)
    bpy.data.scenes.new("Elsewhere").collection.objects.link(viewer)
    viewer.rotation_euler = (0, 0, 0)
    towards, _ = facing(apply(prepared(), PLANE).object)
    assert tuple(towards) == pytest.approx((0, 0, 1), abs=1e-5)


def test_a_plane_faces_the_camera_of_a_marker() -> None:
    """A render uses that one, also before the frame was changed."""
    camera()
    other = camera()
    other.rotation_euler = (0, 0, 0)
    scene = bpy.context.scene
    scene.timeline_markers.new("Cut", frame=scene.frame_current).camera = other
    scene.camera = next(obj for obj in scene.objects if obj.type == "CAMERA" and obj != other)
    towards, _ = facing(apply(prepared(), PLANE).object)
    assert tuple(towards) == pytest.approx((0, 0, 1), abs=1e-5)


@pytest.mark.parametrize("stored", [-3, 2**31 - 1])
def test_a_slot_that_no_object_has_is_the_nearest_one(stored: int) -> None:
    bpy.ops.mesh.primitive_cube_add()
    mesh = bpy.context.object.data
    shown, other = (bpy.data.materials.new(name) for name in ("Shown", "Other"))
    for material in (shown, other) if stored < 0 else (other, shown):
        mesh.materials.append(material)
    attribute = mesh.attributes.get("material_index") or mesh.attributes.new("material_index", "INT", "FACE")
    attribute.data.foreach_set("value", [stored] * len(mesh.polygons))
    assert slots.why_unseen(bpy.context.object, shown) is None
    assert slots.why_unseen(bpy.context.object, other) is not None
