"""Objects whose color is more than one image: it is baked, and stays where nothing is painted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon.scene.projection.flattening import flatten_color
from gpt_image_addon.scene.targets import replacement
from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes
from tests.blender.scene_fixtures import description

FLAGS = ("--quality", "low", "--provider", "openai", "--texture-size", 512)


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    online.options.edits = scenes.painted()
    yield online
    online.options.edits = None


def material(name: str = "Wood") -> tuple[Any, Any]:
    """A new material, and its Principled BSDF."""
    made = bpy.data.materials.new(name)
    if made.node_tree is None:
        made.use_nodes = True
    return made, next(node for node in made.node_tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")


def stripes(x: Any) -> Any:
    """Levels from 0 to 255 of `procedural`, by the x of Generated."""
    linear = np.stack([0.1 + 0.8 * x, 0.4 + 0 * x, 0.9 - 0.8 * x], axis=-1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def procedural(obj: Any) -> Any:
    """A material of nodes whose color goes from the left to the right of the object."""
    made, shader = material()
    tree = made.node_tree
    ramp, split, where = (
        tree.nodes.new(f"ShaderNode{kind}") for kind in ("ValToRGB", "SeparateXYZ", "TexCoord")
    )
    first, last = ramp.color_ramp.elements
    first.color, last.color = (0.1, 0.4, 0.9, 1), (0.9, 0.4, 0.1, 1)
    tree.links.new(where.outputs["Generated"], split.inputs[0])
    tree.links.new(split.outputs["X"], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    obj.data.materials.clear()
    obj.data.materials.append(made)
    return made


def plane(x: float = 0.0) -> Any:
    """Upright, seen from the front, its UV map across all of the image."""
    bpy.ops.mesh.primitive_plane_add(rotation=(np.pi / 2, 0, 0), location=(x, 0, 0))
    return bpy.context.object


def pixels(name: str) -> Any:
    return scenes.pixels_of(bpy.data.images[name])


def across(width: int) -> Any:
    return (np.arange(width) + 0.5) / width


def test_what_nodes_show_stays_where_nothing_is_painted(run: Any, server: ApiServer) -> None:
    scenes.camera((0, -6, 0), shift_x=0.5)
    left, right = plane(-1.5), plane(1.5)
    wood = procedural(left)
    right.data.materials.append(wood)
    for corner in right.data.uv_layers[0].uv:  # in the half on the right, and beyond the image
        corner.vector = (corner.vector[0] / 2 + 3.5, corner.vector[1])
    before = description()
    code, plan = run("texture", "copper", "--objects", right.name, *FLAGS, "--dry-run")
    assert code == 0 and description() == before
    assert any("is baked" in warning for warning in plan["warnings"]), plan["warnings"]
    code, output = run("texture", "copper", "--objects", right.name, *FLAGS)
    assert code == 0, output
    (image,) = output["images"]
    wanted = stripes(across(256))[None]
    near = np.abs(pixels(f"{image['name']} before")[:, 256:] - wanted)
    assert near.max() < 2.5, near.max()
    painted = pixels(image["name"])
    assert np.abs(painted[100:-100, 356:-100] - wanted[:, 100:-100]).mean() > 20
    assert any("Wood" in warning for warning in output["warnings"]), output["warnings"]
    assert wood.use_fake_user and left.active_material == wood
    assert right.active_material.name == output["material"] == "Wood painted"
    assert np.abs(painted[:, 256] - wanted[:, 0]).mean() < 3  # beside an edge nothing is painted
    code, output = run("texture", "--again", output["job"], "--texture-size", 256)
    assert code == 0 and len(server.image_requests) == 1
    smaller = pixels(image["name"])
    assert smaller.shape == (256, 256, 3) and right.active_material.name == "Wood painted"
    assert np.abs(smaller[:, 128] - wanted[:, :2].mean(axis=1)).mean() < 3
    replacement.revert(output["job"])
    assert np.abs(pixels(image["name"])[:, 256:] - wanted).max() < 2.5


def test_all_slots_are_baked_and_nothing_else_changes() -> None:
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=2, y_subdivisions=2)
    obj = bpy.context.object
    colors = obj.data.color_attributes.new("Paint", "FLOAT_COLOR", "POINT")
    colors.data.foreach_set("color", [0.25, 0.5, 0.75, 1.0] * len(obj.data.vertices))
    in_group, _ = material("In Group")
    tree, group = in_group.node_tree, bpy.data.node_groups.new("Paint", "ShaderNodeTree")
    group.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    color, shader, end = (
        group.nodes.new(name) for name in ("ShaderNodeRGB", "ShaderNodeBsdfPrincipled", "NodeGroupOutput")
    )
    color.outputs[0].default_value = (0.5, 0.25, 0.125, 1)
    group.links.new(color.outputs[0], shader.inputs["Base Color"])
    group.links.new(shader.outputs[0], end.inputs[0])
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    tree.links.new(node.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    by_vertex, shader = material("By Vertex")
    attribute = by_vertex.node_tree.nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = "Paint"
    by_vertex.node_tree.links.new(attribute.outputs["Color"], shader.inputs["Base Color"])
    plain, shader = material("Plain")
    shader.inputs["Base Color"].default_value = (0.125, 0.75, 0.5, 1)
    for number, made in enumerate((in_group, by_vertex, plain, None)):
        obj.data.materials.append(made)
        obj.data.polygons[number].material_index = number
    before = description()
    found = flatten_color(obj, range(4), (64, 64), bpy.context.scene).pixels
    after = description()
    groups = [[name for name, *_ in told.pop("node_groups")] for told in (before, after)]
    assert after == before and groups[0] == groups[1]  # Blender 4.2 miscounts users when a material is copied
    wanted = [(0.5, 0.25, 0.125), (0.25, 0.5, 0.75), (0.125, 0.75, 0.5), (0.8, 0.8, 0.8)]
    for face, linear in zip(obj.data.polygons, wanted, strict=True):
        u, v = np.mean([obj.data.uv_layers[0].uv[loop].vector for loop in face.loop_indices], axis=0)
        seen = found[int((1 - v) * 64), int(u * 64)]
        level = [255 * (1.055 * value ** (1 / 2.4) - 0.055) for value in linear]
        assert np.abs(seen - level).max() < 2, (face.index, seen, level)


def test_what_is_covered_is_not_baked(run: Any) -> None:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.object
    wood = procedural(obj)
    flags = ("--views", "auto", "--provider", "offline", "--texture-size", 64, "--size", "256x256")
    code, output = run("texture", "rust", "--objects", obj.name, *flags)
    assert code == 0, output
    assert not any("baked" in warning for warning in output["warnings"])
    assert wood.use_fake_user and obj.active_material.name == "Wood painted"
