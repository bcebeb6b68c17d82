"""The `texture` target in materials as people build them: the image goes where colour is taken from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene import compat
from gpt_image_addon.scene.targets.registry import apply
from gpt_image_addon.scene.targets.texture import wire
from gpt_image_addon.scene.transaction import Transaction
from tests.blender.scene_fixtures import (
    BLUE,
    camera,
    cube,
    description,
    dominant,
    image_file,
    map_set,
    node_material,
    pixel,
    prepared,
    principled,
    render_lit,
    source_of,
    unusable,
)

TEXTURE = Application(target="texture")


class Nodes:
    """A material on the active object, put together by names of node types."""

    def __init__(self, name: str = "Mine") -> None:
        self.material = node_material(name)
        self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.output = self.tree.nodes.new("ShaderNodeOutputMaterial")
        bpy.context.object.data.materials.append(self.material)

    def add(self, kind: str, **inputs: Any) -> Any:
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for name, value in inputs.items():
            node.inputs[name].default_value = value
        return node

    def link(self, source: Any, target: Any, index: int | str = 0) -> Any:
        self.tree.links.new(source.outputs[0], target.inputs[index])
        return source

    def mix(self, first: Any, second: Any, factor: float | None = None) -> Any:
        node = self.add("MixShader")
        if factor is None:
            self.link(self.add("Fresnel"), node, 0)
        else:
            node.inputs[0].default_value = factor
        self.link(first, node, 1)
        return self.link(second, node, 2) and node

    def show(self, node: Any) -> None:
        self.link(node, self.output, "Surface")


def shown_at(node: Any, name: str = "Color") -> str | None:
    """Name of the image at an input."""
    links = node.inputs[name].links
    return links[0].from_node.image.name if links else None


@pytest.mark.parametrize("kind", ["BsdfDiffuse", "Emission", "BsdfToon"])
@pytest.mark.parametrize("transparent_first", [True, False])
def test_beside_a_transparent_shader_the_image_goes_into_the_other(
    kind: str, transparent_first: bool, tmp_path: Path
) -> None:
    cube()
    nodes = Nodes()
    clear, seen = nodes.add("BsdfTransparent"), nodes.add(kind)
    pair = (clear, seen) if transparent_first else (seen, clear)
    nodes.show(nodes.mix(*pair, 0.9 if transparent_first else 0.1))
    apply(prepared(), TEXTURE)
    assert shown_at(seen) == "Oak"
    assert shown_at(clear) is None
    if kind == "Emission" and transparent_first:
        camera()
        assert dominant(pixel(render_lit(tmp_path / "r.png"), 0.5, 0.5)) == "red"


@pytest.mark.parametrize("unseen", ["BsdfTransparent", "Holdout"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("share", [0.5, 0.95, None])
def test_what_is_mostly_transparent_shows_the_image_where_it_is_not(
    unseen: str, first: bool, share: float | None
) -> None:
    cube()
    nodes = Nodes()
    clear, seen = nodes.add(unseen), nodes.add("BsdfDiffuse")
    factor = None if share is None else 1 - share if first else share
    nodes.show(nodes.mix(*((clear, seen) if first else (seen, clear)), factor))
    apply(prepared(), TEXTURE)
    assert shown_at(seen) == "Oak"
    assert not any(socket.is_linked for socket in clear.inputs)


def test_a_shader_that_is_mixed_in_by_nothing_is_not_chosen() -> None:
    cube()
    nodes = Nodes()
    unseen, seen = nodes.add("BsdfPrincipled"), nodes.add("BsdfDiffuse")
    nodes.show(nodes.mix(unseen, seen, 1.0))
    apply(prepared(), TEXTURE)
    assert shown_at(seen) == "Oak"
    assert shown_at(unseen, "Base Color") is None


def test_of_two_shaders_the_one_mixed_in_most_is_chosen() -> None:
    cube()
    nodes = Nodes()
    little, much = nodes.add("BsdfDiffuse"), nodes.add("BsdfDiffuse")
    nodes.show(nodes.mix(little, much, 0.9))
    apply(prepared(), TEXTURE)
    assert (shown_at(little), shown_at(much)) == (None, "Oak")


def test_a_muted_shader_is_not_chosen() -> None:
    cube()
    nodes = Nodes()
    muted, seen = nodes.add("BsdfPrincipled"), nodes.add("BsdfDiffuse")
    nodes.show(nodes.mix(muted, seen))
    muted.mute = True
    apply(prepared(), TEXTURE)
    assert shown_at(seen) == "Oak"


def test_a_muted_mix_lets_its_first_shader_through() -> None:
    cube()
    nodes = Nodes()
    first, second = nodes.add("BsdfDiffuse"), nodes.add("BsdfPrincipled")
    mix = nodes.mix(first, second, 0.5)
    nodes.show(mix)
    mix.mute = True
    bpy.context.view_layer.update()
    apply(prepared(), TEXTURE)
    assert shown_at(first) == "Oak"
    assert shown_at(second, "Base Color") is None


def test_a_muted_link_carries_nothing() -> None:
    cube()
    nodes = Nodes()
    cut, seen = nodes.add("BsdfPrincipled"), nodes.add("BsdfDiffuse")
    mix = nodes.mix(cut, seen)
    nodes.show(mix)
    mix.inputs[1].links[0].is_muted = True
    apply(prepared(), TEXTURE)
    assert shown_at(seen) == "Oak"


def test_an_emission_that_is_off_is_not_chosen() -> None:
    cube()
    nodes = Nodes()
    off, seen = nodes.add("Emission", Strength=0.0), nodes.add("BsdfDiffuse")
    add = nodes.add("AddShader")
    nodes.link(off, add, 0)
    nodes.show(nodes.link(seen, add, 1) and add)
    apply(prepared(), TEXTURE)
    assert (shown_at(off), shown_at(seen)) == (None, "Oak")


def test_nothing_but_transparency_gets_a_principled() -> None:
    cube()
    nodes = Nodes()
    nodes.show(nodes.add("BsdfTransparent"))
    applied = apply(prepared(), TEXTURE)
    assert shown_at(principled(nodes.material), "Base Color") == "Oak"
    assert "no shader with a colour" in applied.messages[0]


def test_an_image_that_is_the_surface_itself_is_replaced() -> None:
    cube()
    nodes = Nodes()
    old = nodes.add("TexImage")
    old.image = bpy.data.images.new("old", 8, 8)
    nodes.show(old)
    apply(prepared(), TEXTURE)
    assert old.image.name == "Oak"
    assert source_of(nodes.output.inputs["Surface"]) == old


def test_the_shader_behind_a_cartoon_look_gets_the_image() -> None:
    cube()
    nodes = Nodes()
    shader, to_color, ramp = nodes.add("BsdfDiffuse"), nodes.add("ShaderToRGB"), nodes.add("ValToRGB")
    nodes.link(shader, to_color)
    nodes.link(to_color, ramp)
    nodes.show(ramp)
    apply(prepared(), TEXTURE)
    assert shown_at(shader) == "Oak"
    assert source_of(nodes.output.inputs["Surface"]) == ramp


@pytest.mark.parametrize("engine", ["CYCLES", "EEVEE"])
def test_the_output_of_the_engine_in_use_counts(engine: str) -> None:
    cube()
    nodes = Nodes()
    nodes.output.target = "CYCLES"
    other = nodes.add("OutputMaterial")
    other.target = "EEVEE"
    shaders = {"CYCLES": nodes.add("BsdfPrincipled"), "EEVEE": nodes.add("BsdfPrincipled")}
    nodes.show(shaders["CYCLES"])
    nodes.link(shaders["EEVEE"], other, "Surface")
    bpy.context.scene.render.engine = "CYCLES" if engine == "CYCLES" else compat.eevee()
    apply(prepared(), TEXTURE)
    assert {name for name, node in shaders.items() if shown_at(node, "Base Color")} == {engine}


def test_an_output_for_another_engine_is_better_than_a_new_one() -> None:
    cube()
    nodes = Nodes()
    nodes.output.target = "CYCLES"
    shader = nodes.add("BsdfPrincipled")
    nodes.show(shader)
    bpy.context.scene.render.engine = "BLENDER_WORKBENCH"
    assert apply(prepared(), TEXTURE).messages == ()
    assert shown_at(shader, "Base Color") == "Oak"


def group_of(*, with_input: bool) -> tuple[bpy.types.ShaderNodeTree, Any]:
    """A node group that is a Diffuse BSDF; its colour comes from outside or not."""
    tree = bpy.data.node_groups.new("Look", "ShaderNodeTree")
    tree.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    shader, end = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("NodeGroupOutput")
    tree.links.new(shader.outputs[0], end.inputs[0])
    if with_input:
        tree.interface.new_socket("Tint", in_out="INPUT", socket_type="NodeSocketColor")
        start, knot = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeReroute")
        tree.links.new(start.outputs[0], knot.inputs[0])
        tree.links.new(knot.outputs[0], shader.inputs["Color"])
    return tree, shader


def test_a_groups_colour_input_gets_the_image_outside() -> None:
    cube()
    nodes = Nodes()
    tree, _ = group_of(with_input=True)
    group = nodes.add("Group")
    group.node_tree = tree
    nodes.show(group)
    apply(prepared(), TEXTURE)
    assert shown_at(group, "Tint") == "Oak"
    assert not any(node.bl_idname == "ShaderNodeTexImage" for node in tree.nodes)


@pytest.mark.parametrize("shared", [True, False])
def test_a_shader_inside_a_group_gets_the_image_and_shared_groups_stay(shared: bool, tmp_path: Path) -> None:
    cube()
    nodes = Nodes()
    tree, shader = group_of(with_input=False)
    group = nodes.add("Group")
    group.node_tree = tree
    nodes.show(group)
    if shared:
        elsewhere = node_material("Elsewhere").node_tree.nodes.new("ShaderNodeGroup")
        elsewhere.node_tree = tree
    applied = apply(prepared(), TEXTURE)
    assert (group.node_tree != tree) == shared
    assert (shown_at(shader) == "Oak") != shared
    assert any("node group 'Look'" in message for message in applied.messages) == shared
    camera()
    assert dominant(pixel(render_lit(tmp_path / "r.png"), 0.5, 0.5)) == "red"
    apply(prepared(image_file("Pine")), TEXTURE)
    inner = [node for node in group.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage"]
    assert [node.image.name for node in inner] == ["Pine"]


def test_a_reroute_on_the_way_keeps_its_image_texture_node() -> None:
    obj = cube(material="Wood")
    tree, shader = obj.active_material.node_tree, principled(obj.active_material)
    old, knot = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("NodeReroute")
    tree.links.new(old.outputs["Color"], knot.inputs[0])
    tree.links.new(knot.outputs[0], shader.inputs["Base Color"])
    apply(prepared(), TEXTURE)
    assert old.image.name == "Oak"
    tree.links.new(knot.outputs[0], shader.inputs["Roughness"])
    apply(prepared(image_file("Pine")), TEXTURE)
    assert old.image.name == "Oak"
    assert shown_at(shader, "Base Color") == "Pine"


@pytest.mark.parametrize("ao", [True, False])
def test_a_texture_on_a_material_of_ours_lies_as_its_maps_do(ao: bool, tmp_path: Path) -> None:
    obj = cube()
    camera()
    maps = map_set()
    if not ao:
        del maps["ao"]
    apply(prepared(image_file(size=(32, 32)), maps=maps), Application(target="material", texture_size=0.5))
    applied = apply(prepared(image_file("Moss", BLUE)), TEXTURE)
    (node,) = (
        n
        for n in obj.active_material.node_tree.nodes
        if n.bl_idname == "ShaderNodeTexImage" and n.image.name == "Moss"
    )
    mapping = source_of(node.inputs["Vector"])
    assert source_of(mapping.inputs["Scale"]).label == "Repeats"
    (told,) = applied.messages
    assert "keeps its maps" in told
    base = source_of(principled(obj.active_material).inputs["Base Color"])
    assert base == node if not ao else base.bl_idname == "ShaderNodeMix"
    assert dominant(pixel(render_lit(tmp_path / "r.png"), 0.5, 0.5)) == "blue"


def test_a_new_node_lies_as_the_image_that_was_shown_before() -> None:
    obj = cube(material="Wood")
    tree, shader = obj.active_material.node_tree, principled(obj.active_material)
    old, hue = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeHueSaturation")
    mapping = tree.nodes.new("ShaderNodeMapping")
    old.image, old.extension, old.interpolation = bpy.data.images.new("old", 8, 8), "CLIP", "Closest"
    tree.links.new(mapping.outputs[0], old.inputs["Vector"])
    tree.links.new(old.outputs["Color"], hue.inputs["Color"])
    tree.links.new(hue.outputs[0], shader.inputs["Base Color"])
    applied = apply(prepared(), TEXTURE)
    node = source_of(shader.inputs["Base Color"])
    assert source_of(node.inputs["Vector"]) == mapping
    assert (node.extension, node.interpolation, old.image.name) == ("CLIP", "Closest", "old")
    assert "was the Base Color" in applied.messages[0]


def test_other_strengths_do_not_bring_back_the_image_that_a_texture_replaced() -> None:
    from gpt_image_addon.scene.targets import material

    obj = cube()
    maps = map_set()
    apply(prepared(maps=maps), Application(target="material"))
    apply(prepared(image_file("Moss", BLUE)), TEXTURE)
    with Transaction() as changes:
        material.replace_maps(obj.active_material, maps, {}, changes)
    images = {node.image.name for node in obj.active_material.node_tree.nodes if hasattr(node, "image")}
    assert "Moss" in images


def test_what_fails_leaves_groups_and_materials_as_they_were() -> None:
    cube()
    nodes = Nodes()
    tree, _ = group_of(with_input=False)
    for owner in (nodes.tree, node_material("Elsewhere").node_tree):
        owner.nodes.new("ShaderNodeGroup").node_tree = tree
    nodes.show(next(node for node in nodes.tree.nodes if node.bl_idname == "ShaderNodeGroup"))
    before = description()
    with pytest.raises(SceneError):
        apply(prepared(image_file(), unusable()), TEXTURE)
    assert description() == before


def test_wiring_knows_the_engine_of_the_scene_that_asked() -> None:
    cube()
    nodes = Nodes()
    nodes.output.target = "EEVEE"
    cycles = nodes.add("OutputMaterial")
    cycles.target = "CYCLES"
    nodes.show(nodes.add("BsdfPrincipled"))
    seen = nodes.link(nodes.add("BsdfPrincipled"), cycles, "Surface")
    with Transaction() as changes:
        wire(nodes.material, bpy.data.images.new("x", 4, 4), changes, engine="CYCLES")
    assert shown_at(seen, "Base Color") == "x"
