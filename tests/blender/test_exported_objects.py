"""Whole objects as GLB, USD and FBX: what nodes make is baked into copies, and the scene stays as it is."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app.exporting.objects import why_not_written
from gpt_image_addon.core.engines.table import OBJECT_FORMAT_NAMES
from gpt_image_addon.core.errors import InvalidRequestError
from tests.blender.scene_fixtures import cube
from tests.blender.test_exports import light_and_look, render
from tests.core.exports.test_gltf_validator import find_issues
from tests.core.exports.test_gltf_validator import pytestmark as needs_validator

SIZE = 128
KINDS = ("objects", "meshes", "materials", "images", "scenes", "node_groups")


@pytest.fixture
def statue() -> bpy.types.Object:
    """A cube whose materials are made by nodes, and a plane on it with a material of 0.5 m."""
    obj = cube(material="Noisy")
    tree = obj.active_material.node_tree
    shader = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    shader.inputs["Metallic"].default_value = 0.25
    side = tree.nodes.new("ShaderNodeTexGradient")
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    tree.links.new(coordinates.outputs["Generated"], side.inputs["Vector"])
    for name in ("Base Color", "Roughness"):
        tree.links.new(side.outputs[0], shader.inputs[name])
    bump = tree.nodes.new("ShaderNodeBump")
    tree.links.new(side.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs[0], shader.inputs["Normal"])
    bpy.ops.mesh.primitive_plane_add(size=1)
    floor = bpy.context.active_object
    floor.parent = obj
    words = {"prompt": "brick", "provider": "offline", "size": "256x256", "target": "material"}
    maps = ["normal", "roughness", "ao"]
    api.submit(**words, object_name=floor.name, texture_size=0.5, maps=maps).wait()
    return obj


def blocks() -> dict[str, list[tuple[str, int]]]:
    return {kind: sorted((block.name, block.users) for block in getattr(bpy.data, kind)) for kind in KINDS}


def read_glb(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    return dict(json.loads(data[20 : 20 + length]))


def test_objects_are_written_in_each_format_and_the_scene_stays(
    run: Any, statue: bpy.types.Object, tmp_path: Path
) -> None:
    before = blocks()
    for engine in OBJECT_FORMAT_NAMES:
        code, made = run(
            *("export", "--object", statue.name, "--engine", engine),
            *("--size", SIZE, "--output-dir", tmp_path / engine),
        )
        if why_not_written(engine):
            assert (code, made["error"]["code"]) == (4, "no_exporter")
            continue
        assert code == 0 and blocks() == before
        (files,) = made["objects"].values()
        assert files and all(Path(file).stat().st_size for file in files)
        told = " ".join(made["warnings"])
        assert f"Base Color, Roughness, Normal of '{statue.name}'" in told and f"{SIZE} x {SIZE}" in told
        assert ("does not carry" in told) == (engine != "gltf")
        noted = json.loads((tmp_path / engine / "gpt-image-export.json").read_text())["engines"]
        assert list(noted) == [engine] and list(noted[engine]) == [statue.name]


def test_a_glb_has_the_names_the_maps_and_the_repeats(statue: bpy.types.Object, tmp_path: Path) -> None:
    made = api.export_objects(statue.name, engine="gltf", output_dir=tmp_path, size=SIZE)
    document = read_glb(Path(made.objects[statue.name][0]))
    assert {node["name"] for node in document["nodes"]} == {statue.name, "Plane"}
    materials = {material["name"]: material for material in document["materials"]}
    assert set(materials) == {f"{statue.name} baked", "brick"}
    assert {"normalTexture", "occlusionTexture", "pbrMetallicRoughness"} <= set(materials["brick"])
    baked = materials[f"{statue.name} baked"]
    assert "normalTexture" in baked and "metallicRoughnessTexture" in baked["pbrMetallicRoughness"]
    bpy.ops.import_scene.gltf(filepath=made.objects[statue.name][0])
    floor = next(obj for obj in bpy.context.selected_objects if obj.name.startswith("Plane"))
    uvs = np.empty(2 * len(floor.data.loops), np.float32)
    floor.data.uv_layers[0].uv.foreach_get("vector", uvs)
    assert np.ptp(uvs.reshape(-1, 2), axis=0) == pytest.approx((2, 2), abs=0.01)


@needs_validator
def test_khronos_validator_finds_nothing_in_an_object(statue: bpy.types.Object, tmp_path: Path) -> None:
    made = api.export_objects(statue.name, engine="gltf", output_dir=tmp_path, size=SIZE)
    assert find_issues(Path(made.objects[statue.name][0])) == []


def test_usd_finds_nothing_in_an_object(statue: bpy.types.Object, tmp_path: Path) -> None:
    getattr(bpy.utils, "expose_bundled_modules", lambda: None)()
    validation = pytest.importorskip(
        "pxr.UsdValidation", reason="this Blender comes without USD's validators"
    )
    from pxr import Usd

    made = api.export_objects(statue.name, engine="usd", output_dir=tmp_path, size=SIZE)
    layer = next(file for file in made.objects[statue.name] if file.endswith(".usdc"))
    validators = validation.ValidationRegistry().GetOrLoadAllValidators()
    found = validation.ValidationContext(validators).Validate(Usd.Stage.Open(layer))
    assert [str(error.GetMessage()) for error in found] == []


def test_what_is_baked_is_what_the_nodes_make(statue: bpy.types.Object, tmp_path: Path) -> None:
    made = api.export_objects(statue.name, engine="gltf", output_dir=tmp_path, size=SIZE)
    bpy.ops.import_scene.gltf(filepath=made.objects[statue.name][0])
    copy = next(obj for obj in bpy.context.selected_objects if obj.name.startswith(statue.name))
    nodes = [node for node in copy.active_material.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage"]
    packed = next(node.image for node in nodes if "orm" in node.image.name)
    values = np.empty(4 * SIZE * SIZE, np.float32)
    packed.pixels.foreach_get(values)
    image = values.reshape(SIZE, SIZE, 4)
    mesh = copy.data
    for corner in (loop for face in mesh.polygons for loop in face.loop_indices):
        place = mesh.vertices[mesh.loops[corner].vertex_index].co
        middle = np.mean([mesh.uv_layers[0].uv[other].vector for other in _face_of(mesh, corner)], axis=0)
        u, v = 0.6 * np.array(mesh.uv_layers[0].uv[corner].vector) + 0.4 * middle
        _, roughness, metallic, _ = image[int(v * SIZE), int(u * SIZE)]
        centre = np.mean([mesh.vertices[i].co[0] for i in _vertices_of(mesh, corner)])
        wanted = (0.6 * place[0] + 0.4 * centre + 1) / 2
        assert abs(roughness - wanted) < 0.05 and metallic == pytest.approx(0.25, abs=0.01)


def _face_of(mesh: Any, corner: int) -> Any:
    return next(face.loop_indices for face in mesh.polygons if corner in face.loop_indices)


def _vertices_of(mesh: Any, corner: int) -> Any:
    return [mesh.loops[other].vertex_index for other in _face_of(mesh, corner)]


def test_a_baked_object_looks_the_same_again(tmp_path: Path) -> None:
    """Its color and relief are made by nodes, of an image along its own UV map, where faces share texels."""
    obj = cube(material="Nodes")
    bpy.context.view_layer.objects.active = obj
    tree = obj.active_material.node_tree
    shader = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    image = bpy.data.images.new("Test", 256, 256)
    image.generated_type = "COLOR_GRID"
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    turned = tree.nodes.new("ShaderNodeInvert")
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Distance"].default_value = 0.1
    wave = tree.nodes.new("ShaderNodeTexWave")
    wave.inputs["Scale"].default_value = 1
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    tree.links.new(coordinates.outputs["Object"], wave.inputs["Vector"])
    tree.links.new(picture.outputs["Color"], turned.inputs["Color"])
    tree.links.new(turned.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(wave.outputs["Fac"], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    light_and_look(2.0, (2.6, -2.2, 1.8))
    before = render(obj, tmp_path)
    made = api.export_objects(obj.name, engine="gltf", output_dir=tmp_path, size=512)
    bpy.ops.import_scene.gltf(filepath=made.objects[obj.name][0])
    after = render(bpy.context.selected_objects[0], tmp_path)
    assert before.std() > 20
    difference = float(np.abs(before - after).mean())
    assert difference < 3, difference


def test_what_can_not_be_exported_is_said(run: Any, statue: bpy.types.Object, tmp_path: Path) -> None:
    empty = bpy.data.objects.new("Empty", None)
    bpy.context.collection.objects.link(empty)
    into = {"engine": "gltf", "output_dir": tmp_path / "made"}
    with pytest.raises(InvalidRequestError, match="shows no surface"):
        api.export_objects("Empty", **into)
    with pytest.raises(InvalidRequestError, match="There is no object 'Statu'"):
        api.export_objects("Statu", **into)
    with pytest.raises(InvalidRequestError, match="not written for unity"):
        api.export_objects(statue.name, engine="unity", output_dir=tmp_path / "made")
    with pytest.raises(InvalidRequestError, match="size must be"):
        api.export_objects(statue.name, size=1, **into)
    assert not (tmp_path / "made").exists()
    words = ("--engine", "gltf", "--output-dir", tmp_path / "made")
    assert run("export", "brick", "--object", statue.name, *words)[0] == 2
    assert run("export", "brick", "--size", 64, *words)[0] == 2


def test_what_is_not_ours_stays(statue: bpy.types.Object, tmp_path: Path) -> None:
    file = tmp_path / statue.name / f"{statue.name}.glb"
    file.parent.mkdir()
    file.write_bytes(b"theirs")
    before = blocks()
    with pytest.raises(InvalidRequestError, match="exists"):
        api.export_objects(statue.name, engine="gltf", output_dir=tmp_path, size=SIZE)
    assert file.read_bytes() == b"theirs" and blocks() == before
    api.export_objects(statue.name, engine="gltf", output_dir=tmp_path, size=SIZE, overwrite=True)
    api.export_objects(statue.name, engine="gltf", output_dir=tmp_path, size=SIZE)
    assert file.read_bytes()[:4] == b"glTF"
