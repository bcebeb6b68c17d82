"""Objects that are more than their own faces: instances, shared meshes, mirrored UVs, scales, modifiers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes
from tests.blender.test_model_texture import measure, unwrapped
from tests.blender.test_painted_over_nodes import plane

FLAGS = ("--quality", "low", "--provider", "openai", "--views", "camera", "--size", "960x720")
NOISE = 256  # pixels a side of what is there before


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    online.options.edits = scenes.painted()
    yield online
    online.options.edits = None


def paint(run: Any, *names: str) -> dict[str, Any]:
    code, output = run("texture", "copper", "--objects", ",".join(names), *FLAGS, "--texture-size", 256)
    assert code == 0, output
    return output  # type: ignore[no-any-return]


def worn(obj: Any) -> Any:
    """An object with an image of noise."""
    return scenes.textured(obj, size=(NOISE, NOISE))


def pixels() -> Any:
    return np.rint(scenes.pixels_of(bpy.data.images["Paint"])).astype(int)


def level(center: tuple[float, float], span: float, frame: float = 4.0) -> Any:
    """The wave as an upright square shows it in its UV map, painted straight on by a parallel camera."""
    x = center[0] + span * ((np.arange(NOISE) + 0.5) / NOISE - 0.5)
    y = -center[1] + span * ((np.arange(NOISE) + 0.5) / NOISE - 0.5)
    across, down = np.meshgrid(x / frame + 0.5, y / (frame * 0.75) + 0.5)
    return scenes.wave(across, down)


def inner(values: Any) -> Any:
    return values[16:-16, 16:-16]


def straight_on() -> Any:
    return scenes.camera((0, -6, 0), type="ORTHO", ortho_scale=4.0)


def test_instances_of_a_collection_hide_and_take_no_texels(run: Any, server: ApiServer) -> None:
    straight_on()
    obj = plane()
    worn(obj)
    group = bpy.data.collections.new("Group")
    group.objects.link(obj)
    empty = bpy.data.objects.new("Instance", None)
    empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", group, (1, -1, 0)
    bpy.context.scene.collection.objects.link(empty)
    before = pixels()
    paint(run, obj.name)
    after = pixels()
    left, right = slice(16, NOISE // 2 - 16), slice(NOISE // 2 + 16, -16)
    assert np.abs(after - level((0, 0), 2))[16:-16, left].max() < 12
    assert np.array_equal(after[16:-16, right], before[16:-16, right])  # the instance stands before it


def test_a_mesh_that_nodes_make_instances_of_is_painted(run: Any, server: ApiServer) -> None:
    straight_on()
    obj = plane()
    worn(obj)
    group = bpy.data.node_groups.new("Instances", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    given, points, instances, output = (
        group.nodes.new(kind)
        for kind in (
            "NodeGroupInput",
            "GeometryNodePoints",
            "GeometryNodeInstanceOnPoints",
            "NodeGroupOutput",
        )
    )
    points.inputs["Position"].default_value = (0.3, 0.2, 0)
    group.links.new(points.outputs[0], instances.inputs["Points"])
    group.links.new(given.outputs[0], instances.inputs["Instance"])
    group.links.new(instances.outputs[0], output.inputs[0])
    obj.modifiers.new("Nodes", "NODES").node_group = group
    paint(run, obj.name)
    assert np.abs(inner(pixels() - level((0.3, 0.2), 2))).max() < 12


def turned(obj: Any) -> Any:
    """Another object of the same mesh, which a camera in front sees less well."""
    other = obj.copy()
    other.location.x, other.rotation_euler.z = 1.5, np.radians(50)
    bpy.context.scene.collection.objects.link(other)
    return other


def test_objects_of_one_mesh_show_the_one_that_is_seen_best(run: Any, server: ApiServer) -> None:
    straight_on()
    obj = plane(-0.9)
    worn(obj)
    other = turned(obj)
    output = paint(run, obj.name, other.name)
    assert [image["name"] for image in output["images"]] == ["Paint"] and output["overlap_share"] > 0.95
    assert np.abs(inner(pixels() - level((-0.9, 0), 2))).max() < 12  # and no mean of both


def test_an_object_of_a_mesh_that_is_not_named_is_told(run: Any, server: ApiServer) -> None:
    straight_on()
    obj = plane(-0.9)
    worn(obj)
    other = turned(obj)
    output = paint(run, obj.name)
    assert any(f"'{other.name}'" in warning for warning in output["warnings"])
    assert np.abs(inner(pixels() - level((-0.9, 0), 2))).max() < 12


def test_mirrored_uvs_show_the_side_that_is_seen_best(run: Any, server: ApiServer) -> None:
    straight_on()
    obj = plane()
    worn(obj)
    for vertex in obj.data.vertices:
        vertex.co.x -= 0.9
    empty = bpy.data.objects.new("Mirror", None)
    empty.rotation_euler = (0, 0, np.radians(25))
    bpy.context.scene.collection.objects.link(empty)
    mirror = obj.modifiers.new("Mirror", "MIRROR")
    mirror.mirror_object = empty
    output = paint(run, obj.name)
    assert output["overlap_share"] > 0.95
    # Where both halves meet, the other one hides it.
    assert np.abs((pixels() - level((-0.9, 0), 2))[32:-32, 32:-32]).max() < 12


@pytest.mark.parametrize(
    ("scale", "by_parent"), [((-1, 1, 1), False), ((-1.2, -0.8, -1), False), ((-1, 1, 1), True)]
)
def test_mirrored_scales_are_painted_on_the_side_that_is_seen(
    run: Any, server: ApiServer, scale: tuple[float, float, float], by_parent: bool
) -> None:
    camera = scenes.camera((2, -5, 2))
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.object
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    unwrapped(obj)
    holder = obj
    if by_parent:
        holder = bpy.data.objects.new("Parent", None)
        bpy.context.scene.collection.objects.link(holder)
        obj.parent = holder
    holder.scale = scale
    output = paint(run, obj.name)
    found = measure(obj, camera, bpy.data.images[output["images"][0]["name"]])
    assert found.decibels > 50 and found.painted > 0.95 and found.imprinted <= 0.006, found


@pytest.mark.parametrize("kind", ["BEVEL", "SUBSURF", "DECIMATE", "SIMPLE_DEFORM"])
def test_modifiers_are_painted_as_they_are_seen(run: Any, server: ApiServer, kind: str) -> None:
    camera = scenes.camera((2, -5, 2))
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.object
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    unwrapped(obj)
    obj.modifiers.new("Changed", kind)
    output = paint(run, obj.name)
    found = measure(obj, camera, bpy.data.images[output["images"][0]["name"]])
    assert found.decibels > 45 and found.painted > 0.9 and found.imprinted <= 0.006, found


@pytest.mark.parametrize("kind", ["ARRAY", "SOLIDIFY", "MIRROR"])
def test_modifiers_that_lay_faces_on_each_other_tell_their_share(
    run: Any, server: ApiServer, kind: str
) -> None:
    scenes.camera((2, -5, 2))
    obj = plane()
    worn(obj)
    obj.modifiers.new("Doubled", kind)
    assert paint(run, obj.name)["overlap_share"] > 0.9


def test_an_array_lies_on_the_next_tile_where_its_uvs_do(run: Any, server: ApiServer, tmp_path: Path) -> None:
    straight_on()
    obj = plane(-1)
    image = scenes.textured(obj, size=(64, 64))
    image.filepath_raw = str(tmp_path / "Paint.1001.png")
    image.file_format = "PNG"
    for number in (1001, 1002):
        image.save(filepath=str(tmp_path / f"Paint.{number}.png"))
    tiled = bpy.data.images.load(str(tmp_path / "Paint.1001.png"))
    tiled.source = "TILED"
    scenes.wear(obj, tiled)
    array = obj.modifiers.new("Array", "ARRAY")
    array.count, array.offset_u = 2, 1
    output = paint(run, obj.name)
    assert len(output["images"]) == 2 and output["overlap_share"] == 0 and output["coverage"] > 0.9


def generated() -> str:
    """Nodes that make faces without UVs."""
    obj = plane()
    group = bpy.data.node_groups.new("Faces", "GeometryNodeTree")
    group.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    made, output = group.nodes.new("GeometryNodeMeshCube"), group.nodes.new("NodeGroupOutput")
    group.links.new(made.outputs["Mesh"], output.inputs[0])
    obj.modifiers.new("Nodes", "NODES").node_group = group
    return str(obj.name)


def without_faces() -> str:
    obj = bpy.data.objects.new("Empty Mesh", bpy.data.meshes.new("Empty Mesh"))
    bpy.context.scene.collection.objects.link(obj)
    return str(obj.name)


def linked(kind: str, folder: Path) -> str:
    """A plane of which the mesh or the image is linked."""
    obj = plane()
    image = worn(obj)
    block = obj.data if kind == "mesh" else image
    bpy.data.libraries.write(str(folder / "lib.blend"), {block})
    with bpy.data.libraries.load(str(folder / "lib.blend"), link=True) as (_, wanted):
        setattr(wanted, "meshes" if kind == "mesh" else "images", [block.name])
    if kind == "mesh":
        obj.data = wanted.meshes[0]
    else:
        scenes.wear(obj, wanted.images[0])
    return str(obj.name)


@pytest.mark.parametrize("what", ["generated", "without_faces", "mesh", "image"])
def test_generated_and_linked_data_are_refused_before_money(
    run: Any, server: ApiServer, tmp_path: Path, what: str
) -> None:
    straight_on()
    made = {"generated": generated, "without_faces": without_faces}
    name = made[what]() if what in made else linked(what, tmp_path)
    code, output = run("texture", "copper", "--objects", name, *FLAGS)
    assert (code, output["error"]["code"], output["error"]["billed"]) == (4, "not_paintable", "no"), output
    assert not server.image_requests and len(output["error"]["message"].split(". ")) > 1
