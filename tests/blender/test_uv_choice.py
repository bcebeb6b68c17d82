"""UV maps, scales and modifiers as files have them: images lie by what is rendered, in true proportions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.capture.selection import selected_faces
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import (
    camera,
    cube,
    decal,
    description,
    dominant,
    image_file,
    pixel,
    prepared,
    principled,
    render_lit,
    source_of,
    unusable,
)

TEXTURE = Application(target="texture")
SIZED = Application(target="material", texture_size=1.0)


def uvs_of(obj: bpy.types.Object, name: str | None = None) -> Any:
    layers = obj.data.uv_layers
    values = np.empty(len(obj.data.loops) * 2, np.float32)
    (layers[name] if name else layers.active).uv.foreach_get("vector", values)
    return values.reshape(-1, 2)


def set_uvs(obj: bpy.types.Object, values: Any, name: str | None = None) -> None:
    layers = obj.data.uv_layers
    flat = np.broadcast_to(np.asarray(values, np.float32), (len(obj.data.loops), 2)).ravel()
    (layers[name] if name else layers.active).uv.foreach_set("vector", flat)


def metres(obj: bpy.types.Object) -> float:
    """What one unit of UVs spans, as the material that was made says."""
    (node,) = (n for n in obj.active_material.node_tree.nodes if n.label == "Repeats")
    return float(node.inputs[0].default_value)


def extents(obj: bpy.types.Object, towards: tuple[int, int, int]) -> tuple[float, float]:
    """Width and height in the UV map of the face that looks to a side of the object's own space."""
    face = next(p for p in obj.data.polygons if np.dot(p.normal, towards) > 0.9)
    width, height = np.ptp(uvs_of(obj)[list(face.loop_indices)], axis=0)
    return float(width), float(height)


def geometry_nodes(obj: bpy.types.Object) -> Any:
    """A modifier whose nodes pass the geometry on; its tree, to put more in."""
    tree = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")
    for direction in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    tree.links.new(start.outputs[0], end.inputs[0])
    obj.modifiers.new("Nodes", "NODES").node_group = tree
    return tree


def put_between(tree: Any, kind: str) -> Any:
    node = tree.nodes.new(kind)
    end = next(n for n in tree.nodes if n.bl_idname == "NodeGroupOutput")
    tree.links.new(end.inputs[0].links[0].from_socket, node.inputs["Geometry"])
    tree.links.new(node.outputs["Geometry"], end.inputs[0])
    return node


def image_node(obj: bpy.types.Object) -> Any:
    return source_of(principled(obj.active_material).inputs["Base Color"])


def test_the_rendered_uv_map_says_how_large_a_texture_is() -> None:
    obj = cube()
    obj.data.uv_layers.new(name="Light")
    set_uvs(obj, uvs_of(obj, "UVMap") * 0.1, "Light")
    obj.data.uv_layers.active = obj.data.uv_layers["Light"]
    obj.data.uv_layers["UVMap"].active_render = True
    apply(prepared(), SIZED)
    assert metres(obj) == pytest.approx(8)


def test_the_rendered_uv_map_says_where_selected_faces_are() -> None:
    obj = cube()
    obj.data.uv_layers.new(name="Light")
    set_uvs(obj, 0.5, "Light")
    obj.data.uv_layers.active = obj.data.uv_layers["Light"]
    obj.data.uv_layers["UVMap"].active_render = True
    expected = uvs_of(obj, "UVMap")[list(obj.data.polygons[0].loop_indices)]
    assert np.allclose(selected_faces(obj)[0], expected)
    apply(prepared(), TEXTURE)
    tree = obj.active_material.node_tree
    named = tree.nodes.new("ShaderNodeUVMap")
    named.uv_map = "Light"
    tree.links.new(named.outputs[0], image_node(obj).inputs["Vector"])
    assert np.allclose(selected_faces(obj)[0], 0.5)


@pytest.mark.parametrize("bad", [0.0, 0.3, np.nan, np.inf])
@pytest.mark.parametrize("application", [TEXTURE, SIZED], ids=["texture", "material"])
def test_a_uv_map_without_area_stays_and_another_one_shows_the_image(
    bad: float, application: Application, tmp_path: Path
) -> None:
    obj = cube()
    set_uvs(obj, bad)
    applied = apply(prepared(decal()), application)
    assert any("has no area" in message for message in applied.messages)
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap", "UVMap.001"]
    assert obj.data.uv_layers["UVMap"].active_render  # other materials of the mesh look as they did
    assert np.isclose(uvs_of(obj, "UVMap"), bad, equal_nan=True).all()
    camera()
    if application is TEXTURE and bad == 0.0:
        path = render_lit(tmp_path / "r.png")
        assert dominant(pixel(path, 0.4, 0.5)) == "blue"
        assert dominant(pixel(path, 0.6, 0.5)) != "blue"
    apply(prepared(image_file("Pine")), application)
    assert len(obj.data.uv_layers) == 2  # the second time it is there


def test_a_line_of_uvs_has_no_area_either() -> None:
    obj = cube()
    values = uvs_of(obj)
    values[:, 1] = values[:, 0] * 0.7
    set_uvs(obj, values)
    assert "has no area" in apply(prepared(), TEXTURE).messages[0]


def test_some_faces_without_area_are_told() -> None:
    obj = cube()
    values = uvs_of(obj)
    values[:8] = 0
    set_uvs(obj, values)
    applied = apply(prepared(), TEXTURE)
    assert "show one colour" in applied.messages[0]
    assert len(obj.data.uv_layers) == 1


def test_a_broken_uv_does_not_spoil_the_size() -> None:
    obj = cube()
    values = uvs_of(obj)
    values[0] = np.nan
    set_uvs(obj, values)
    apply(prepared(), SIZED)
    assert metres(obj) == pytest.approx(8)


@pytest.mark.parametrize("domain", ["CORNER", "POINT"])
def test_uvs_in_a_vector_attribute_are_used(domain: str) -> None:
    obj = cube()
    wanted = uvs_of(obj)
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    attribute = obj.data.attributes.new("st", "FLOAT_VECTOR", domain)
    if domain == "CORNER":
        attribute.data.foreach_set("vector", np.c_[wanted, np.zeros(len(wanted))].ravel())
    else:
        points = np.array([tuple(v.co) for v in obj.data.vertices])
        attribute.data.foreach_set("vector", points.ravel())
        wanted = points[[loop.vertex_index for loop in obj.data.loops], :2]
    applied = apply(prepared(), TEXTURE)
    assert "attribute 'st'" in applied.messages[0]
    assert np.allclose(uvs_of(obj), wanted)


def test_other_vector_attributes_are_no_uvs() -> None:
    obj = cube(uvs=False)
    attribute = obj.data.attributes.new("velocity", "FLOAT_VECTOR", "CORNER")
    attribute.data.foreach_set("vector", np.arange(72.0))
    assert "box projection" in apply(prepared(), TEXTURE).messages[0]


def test_uvs_that_geometry_nodes_make_are_used() -> None:
    obj = cube(uvs=False)
    tree = geometry_nodes(obj)
    store = put_between(tree, "GeometryNodeStoreNamedAttribute")
    store.data_type, store.domain = "FLOAT2", "CORNER"
    store.inputs["Name"].default_value = "UVMap"
    position = tree.nodes.new("GeometryNodeInputPosition")
    value = next(s for s in store.inputs if s.name == "Value" and s.enabled)
    turn = tree.nodes.new("ShaderNodeVectorRotate")
    turn.inputs["Axis"].default_value, turn.inputs["Angle"].default_value = (1, 1, 0), 0.6
    tree.links.new(position.outputs[0], turn.inputs["Vector"])
    tree.links.new(turn.outputs[0], value)
    applied = apply(prepared(), TEXTURE)
    assert applied.messages == ()
    assert not obj.data.uv_layers


def test_uvs_that_modifiers_drop_give_way_to_a_projection() -> None:
    obj = cube()
    obj.modifiers.new("Remesh", "REMESH").mode = "VOXEL"
    obj.modifiers[0].voxel_size = 0.5
    applied = apply(prepared(), TEXTURE)
    assert "six sides" in applied.messages[0]
    assert image_node(obj).projection == "BOX"
    assert len(obj.data.uv_layers) == 1


def test_a_mesh_full_of_uv_maps_without_area_gets_a_projection() -> None:
    obj = cube()
    while len(obj.data.uv_layers) < 8:
        obj.data.uv_layers.new(name="More")
    for layer in obj.data.uv_layers:
        set_uvs(obj, 0.0, layer.name)
    assert "six sides" in apply(prepared(), TEXTURE).messages[0]
    assert image_node(obj).projection == "BOX"


def test_modifiers_count_for_the_size() -> None:
    obj = cube()
    warp = obj.modifiers.new("Warp", "UV_WARP")
    warp.scale = (4, 4)
    apply(prepared(), SIZED)
    assert metres(obj) == pytest.approx(2)


def test_the_faces_of_the_active_slot_count_for_the_size() -> None:
    obj = cube()
    for name in ("A", "B"):
        obj.data.materials.append(bpy.data.materials.new(name))
    values = uvs_of(obj)
    values[:4] *= 0.25
    set_uvs(obj, values)
    obj.data.polygons[0].material_index = 1
    obj.active_material_index = 1
    apply(prepared(), SIZED)
    assert metres(obj) == pytest.approx(32)


def test_a_parent_that_was_just_scaled_does_not_stretch() -> None:
    obj = cube(uvs=False)
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    obj.parent, parent.scale = parent, (4, 1, 1)
    apply(prepared(), TEXTURE)
    width, height = extents(obj, (0, 0, 1))
    assert width / height == pytest.approx(4)


def test_a_scale_that_was_just_set_counts_for_the_size() -> None:
    obj = cube()
    obj.scale = (3, 3, 3)
    apply(prepared(), SIZED)
    assert metres(obj) == pytest.approx(24)


def test_a_scale_by_a_constraint_counts() -> None:
    obj, other = cube(), bpy.data.objects.new("Other", None)
    bpy.context.scene.collection.objects.link(other)
    other.scale = (2, 2, 2)
    obj.constraints.new("COPY_SCALE").target = other
    apply(prepared(), SIZED)
    assert metres(obj) == pytest.approx(16)


@pytest.mark.parametrize("how", ["excluded", "hidden", "other scene"])
def test_an_object_that_nothing_shows_is_measured_all_the_same(how: str) -> None:
    obj = cube()
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    home = bpy.data.collections.new("Home")
    scene = bpy.data.scenes.new("Other") if how == "other scene" else bpy.context.scene
    scene.collection.children.link(home)
    bpy.context.scene.collection.objects.unlink(obj)
    home.objects.link(obj)
    bpy.context.view_layer.update()
    if how == "excluded":
        bpy.context.view_layer.layer_collection.children["Home"].exclude = True
    elif how == "hidden":
        obj.hide_viewport = True
    obj.parent, parent.scale, obj.scale = parent, (2, 2, 2), (1.5, 1.5, 1.5)
    application = Application(
        target="material",
        texture_size=1.0,
        object_name="Cube",
        scene_uid=scene.session_uid if how == "other scene" else None,
    )
    assert apply(prepared(), application).object == "Cube"
    assert metres(obj) == pytest.approx(24)


@pytest.mark.parametrize("scale", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1), (-1, -1, 1)])
@pytest.mark.parametrize("by_parent", [False, True])
def test_a_mirrored_object_is_not_unwrapped_mirrored(scale: Any, by_parent: bool) -> None:
    obj = cube(uvs=False)
    if by_parent:
        parent = bpy.data.objects.new("Parent", None)
        bpy.context.scene.collection.objects.link(parent)
        obj.parent, parent.scale = parent, scale
    else:
        obj.scale = scale
    apply(prepared(), TEXTURE)
    bpy.context.view_layer.update()
    uvs, world = uvs_of(obj), obj.matrix_world
    for face in obj.data.polygons:
        points = np.array([tuple(world @ obj.data.vertices[i].co) for i in face.vertices])
        corners = uvs[list(face.loop_indices)]
        outward = points.mean(axis=0)
        u, v = (
            np.linalg.lstsq(points - outward, column - column.mean(), rcond=None)[0] for column in corners.T
        )
        assert np.dot(np.cross(u, v), outward) > 0  # right and up, seen from outside
        if abs(outward[2]) < 0.5 and not by_parent:
            assert v[2] > 0  # upright in the world


def test_a_projection_is_not_stretched_by_the_scale(tmp_path: Path) -> None:
    bpy.ops.object.text_add()
    obj = bpy.context.object
    obj.data.body, obj.data.extrude = "O", 0.2
    obj.scale = (4, 1, 1)
    apply(prepared(), TEXTURE)
    mapping = source_of(image_node(obj).inputs["Vector"])
    to_metres = source_of(mapping.inputs["Vector"])
    assert tuple(to_metres.inputs[1].default_value) == pytest.approx((4, 1, 1))
    bpy.context.view_layer.update()
    assert mapping.inputs["Scale"].default_value[0] == pytest.approx(1 / max(obj.dimensions), rel=0.01)


@pytest.mark.parametrize("mirror", [(1, 1, 1), (-1, 1, 1), (1, 1, -1)])
def test_a_projection_shows_the_front_the_right_way_round(mirror: Any, tmp_path: Path) -> None:
    solid = cube("Solid", uvs=False)
    empty = bpy.data.meshes.new("Empty")
    holder = bpy.data.objects.new("Holder", empty)
    bpy.context.scene.collection.objects.link(holder)
    tree = geometry_nodes(holder)
    info = tree.nodes.new("GeometryNodeObjectInfo")
    info.inputs["Object"].default_value = solid
    end = next(n for n in tree.nodes if n.bl_idname == "NodeGroupOutput")
    material = tree.nodes.new("GeometryNodeSetMaterial")
    tree.links.new(info.outputs["Geometry"], material.inputs["Geometry"])
    tree.links.new(material.outputs["Geometry"], end.inputs[0])
    solid.hide_render = True
    holder.scale = mirror
    applied = apply(prepared(decal()), Application(target="texture", object_name="Holder"))
    material.inputs["Material"].default_value = bpy.data.materials[applied.material]
    camera(location=(0, -4, 0))
    path = render_lit(tmp_path / "r.png")
    assert dominant(pixel(path, 0.35, 0.5)) == "blue"
    assert dominant(pixel(path, 0.65, 0.5)) != "blue"


def test_a_vertex_that_is_no_number_does_not_spoil_the_rest() -> None:
    obj = cube(uvs=False)
    obj.data.vertices[0].co = (float("nan"),) * 3
    apply(prepared(), TEXTURE)
    assert np.isfinite(uvs_of(obj)).all()
    assert np.ptp(uvs_of(obj), axis=0).max() == pytest.approx(1)


def test_what_fails_leaves_no_uv_map_behind() -> None:
    obj = cube()
    set_uvs(obj, 0.0)
    before = description()
    with pytest.raises(SceneError):
        apply(prepared(image_file(), unusable()), TEXTURE)
    assert description() == before
