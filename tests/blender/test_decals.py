"""The `decal` target: cut out of surfaces, lifted by what is stated, exported, moved, and rendered clean."""

from __future__ import annotations

import json
import struct
from math import radians
from pathlib import Path
from typing import Any

import bmesh
import bpy
import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from gpt_image_addon import api
from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, SceneError
from gpt_image_addon.core.imaging.formats import decode
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.decals.cutting import read_surface
from gpt_image_addon.scene.targets.registry import apply
from gpt_image_addon.ui.request import to_parameters
from tests.blender.scene_fixtures import (
    camera,
    cube,
    decal,
    description,
    dominant,
    image_file,
    pixel,
    prepared,
    render_lit,
)

MM = 1e-3
SIZE = 0.5  # metres of a decal that the rule lifts by half a millimetre


def sphere() -> bpy.types.Object:
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32)
    bpy.ops.object.shade_smooth()
    return bpy.context.active_object


def barrel() -> bpy.types.Object:
    bpy.ops.mesh.primitive_cylinder_add(vertices=64, radius=0.5)
    return bpy.context.active_object


def monkey() -> bpy.types.Object:
    bpy.ops.mesh.primitive_monkey_add()
    bpy.ops.object.shade_smooth()
    return bpy.context.active_object


def put(obj: bpy.types.Object, *places: Any, **values: Any) -> bpy.types.Object:
    """A decal on an object."""
    values = {"decal_size": SIZE, **values}
    application = Application(target="decal", object_name=obj.name, at=places, **values)
    applied = apply(prepared(image_file(mode="RGBA", color=(200, 30, 30, 255), size=(32, 32))), application)
    bpy.context.view_layer.update()
    return bpy.data.objects[applied.object]


def measure(made: bpy.types.Object, obj: bpy.types.Object) -> tuple[float, float]:
    """How far the lowest and the highest of a decal's corners and middles float over an object, in metres."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    surface = bmesh.new()
    surface.from_object(obj, depsgraph)
    surface.transform(obj.matrix_world)
    tree = BVHTree.FromBMesh(surface)
    mesh, matrix = made.data, made.matrix_world
    points = [vertex.co for vertex in mesh.vertices] + [face.center for face in mesh.polygons]
    floats = []
    for point in points:
        near, normal, _, distance = tree.find_nearest(matrix @ point)
        floats.append(distance if (matrix @ point - near).dot(normal) > 0 else -distance)
    surface.free()
    return min(floats), max(floats)


def area(made: bpy.types.Object) -> float:
    return sum(face.area for face in made.data.polygons)


@pytest.mark.parametrize(
    ("build", "place"),
    [(sphere, (0.3, -0.9, 0.2)), (barrel, (0.1, -0.5, 0.3)), (cube, (0.9, -1.0, 0.9))],
)
def test_it_floats_by_what_is_stated(build: Any, place: tuple[float, float, float]) -> None:
    obj = build()
    made = put(obj, place)
    low, high = measure(made, obj)
    assert low >= 0.49 * MM and high <= 0.51 * MM, (low / MM, high / MM)
    assert made.parent == obj and made.data.materials[0].name == made.active_material.name


def test_it_stays_close_at_creases() -> None:
    obj = monkey()
    for place in ((0.0, -0.9, 0.3), (0.5, -0.6, 0.3)):
        low, high = measure(put(obj, place), obj)
        assert low >= -1 * MM and high <= 1 * MM, (low / MM, high / MM)


def test_it_ends_where_the_face_ends_and_takes_no_back() -> None:
    made = put(cube(), (1.0, -1.0, 0.0), normal=((0, -1, 0),))
    assert area(made) == pytest.approx(SIZE * SIZE / 2, rel=1e-3)
    thin = cube("Thin")
    thin.scale = (1, 0.0005, 1)  # a sheet of 1 mm
    assert area(put(thin, (0, -0.0005, 0))) == pytest.approx(SIZE * SIZE, rel=1e-3)


def test_it_stands_upright_with_the_whole_image() -> None:
    obj = cube()
    obj.rotation_euler = (0, radians(90), 0)  # its own up is the world's right
    made = put(obj, (0, -1, 0))
    uvs = np.array([loop.uv[:] for loop in made.data.uv_layers[0].data])
    corners = np.array(
        [(made.matrix_world @ made.data.vertices[loop.vertex_index].co)[:] for loop in made.data.loops]
    )
    expected = np.stack([corners[:, 0], corners[:, 2]], axis=1) / SIZE + 0.5
    assert np.abs(uvs - expected).max() < 1e-4 and uvs.min() < 1e-4 and uvs.max() > 1 - 1e-4


def test_the_nearest_face_is_that_of_all() -> None:
    obj = monkey()
    obj.scale = (2, 0.3, -1)
    surface = read_surface(obj)
    tree = BVHTree.FromPolygons(surface.in_world.tolist(), surface.triangles.tolist(), all_triangles=True)
    corners = surface.in_world[:8]
    for place in (*np.random.default_rng(0).normal(0, 1.5, (40, 3)), *corners, (1e4, 0, 0)):
        point, _, distance = surface.find_nearest(place)
        expected, _, _, far = tree.find_nearest(Vector(place))
        assert distance == pytest.approx(far, abs=1e-6) and (point - expected).length < 1e-3


@pytest.mark.parametrize("scale", [(-1.0, 1.0, 1.0), (2.0, 0.5, 3.0)])
def test_scaled_and_mirrored_objects(scale: tuple[float, float, float]) -> None:
    obj = sphere()
    obj.scale, obj.location = scale, (3, 0, 0)
    bpy.context.view_layer.update()
    made = put(obj, (3.1, -scale[1], 0.0), decal_size=0.2)
    low, high = measure(made, obj)
    lift = max(0.2 * MM, 1e-4 * 2 * max(map(abs, scale)))
    assert 0.97 * lift <= low and high <= 1.05 * lift, (low / MM, high / MM)


def test_several_places_take_the_images_by_turns() -> None:
    obj = cube()
    places = ((0, -1, 0), (1, 0, 0), (0, 1, 0))
    images = (
        image_file("A", mode="RGBA", color=(1, 2, 3, 255)),
        image_file("B", mode="RGBA", color=(9, 2, 3, 255)),
    )
    applied = apply(prepared(*images), Application(target="decal", object_name="Cube", at=places))
    first, second, third = (bpy.data.objects[name] for name in applied.objects)
    assert first.active_material == third.active_material != second.active_material
    assert {made.parent for made in (first, second, third)} == {obj}
    assert len(applied.images) == 2 and applied.materials == (second.active_material.name,)


def test_places_that_are_chosen_one_after_another_get_a_decal_each() -> None:
    cube().select_set(True)
    other = cube("Other")
    other.location = (5, 0, 0)
    bpy.context.view_layer.update()
    values = bpy.context.scene.gpt_image
    values.target = "decal"
    places = (("Cube", (0, -1, 0)), ("Other", (5, -1, 0)), ("Cube", (1, 0, 0)))
    for name, at in places:
        assert bpy.ops.gpt_image.place_decal(at=at, onto=name, is_further=True) == {"FINISHED"}
    where = to_parameters.place(bpy.context)
    assert [tuple(at) for at in where["at"]] == [at for _, at in places]
    draft = {"target": "decal", "provider": "offline", "size": "64x64", "n": 2}
    made = [bpy.data.objects[name] for name in api.generate("a star", **draft, **where).objects]
    assert [one.parent.name for one in made] == [name for name, _ in places]
    assert made[0].active_material == made[2].active_material != made[1].active_material
    assert bpy.ops.gpt_image.place_decal(at=(0, 0, 1), onto="Cube") == {"FINISHED"}
    assert not len(values.decal_places) and len(to_parameters.place(bpy.context)["at"]) == 1


def test_a_draft_lies_at_the_place_with_a_clear_border(run: Any) -> None:
    cube()
    flags = ("--provider", "offline", "--size", "128x128", "--decal-size", "0.4", "--at=0,-1,0.2")
    code, output = run("generate", "a star sticker", "--target", "decal", *flags, "--object", "Cube")
    assert code == 0, output
    made = bpy.data.objects[output["object"]]
    assert made.parent.name == "Cube" and tuple(made.location) == pytest.approx((0, -1, 0.2))
    alpha = decode(Path(output["images"][0]["processed"]).read_bytes())[..., 3]
    inner = alpha[2:-2, 2:-2]
    assert inner.max() == 255 and inner.min() == 0 and alpha.sum() == inner.sum()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    cube()
    code, again = run("recover", output["job"], "--object", "Cube")
    assert code == 0 and again["recovered"][0]["object"] in bpy.data.objects
    assert tuple(bpy.data.objects[again["recovered"][0]["object"]].location) == pytest.approx((0, -1, 0.2))


def test_without_a_place_it_lies_at_the_cursor_and_says_when_that_is_far() -> None:
    cube()
    bpy.context.scene.cursor.location = (0.25, -1.0, 0.5)
    result = api.generate("a star", target="decal", provider="offline", size="64x64")
    made = bpy.data.objects[result.object]
    assert tuple(made.location) == pytest.approx((0.25, -1.0, 0.5))
    assert not any("decal" in warning for warning in result.warnings)
    far = api.generate("a moon", target="decal", provider="offline", size="64x64", at=[(0, -4, 0)])
    assert any("3 m" in warning for warning in far.warnings), far.warnings


def test_it_is_moved_by_cutting_again() -> None:
    obj = sphere()
    made = put(obj, (0, -1, 0))
    before = made.data.name
    api.move_decal(made.name, (0, 0.2, 1))
    bpy.context.view_layer.update()
    low, high = measure(made, obj)
    assert low >= 0.49 * MM and high <= 0.51 * MM
    middle = made.matrix_world @ Vector()
    assert middle.z > 0.9 and before not in bpy.data.meshes and made.active_material
    other = cube()
    other.location = (5, 0, 0)
    api.move_decal(made.name, (5, -1, 0), object_name="Cube")
    bpy.context.view_layer.update()
    assert made.parent == other and measure(made, other)[0] == pytest.approx(0.5 * MM, rel=0.02)


def test_what_can_not_be_changes_nothing() -> None:
    obj = cube()
    made = put(obj, (0, -1, 0))
    before = description()
    for values in ({"at": ((0, -1, 0),), "normal": ((0, 1, 0),)},):
        with pytest.raises(SceneError):
            apply(prepared(decal()), Application(target="decal", object_name="Cube", **values))
    with pytest.raises(SceneError):
        api.move_decal(made.name, (0, -1, 0), normal=(0, 1, 0))
    for name, values in (("Cube", {}), ("None", {}), (made.name, {"normal": (0, 0, 0)})):
        with pytest.raises(InvalidRequestError):
            api.move_decal(name, (0, 0, 0), **values)
    for values in (
        {"normal": [(0, 0, 1)]},
        {"at": [(0, 0, 1)], "normal": [(0, 0, 0)]},
        {"at": [(0, 0)]},
        {"decal_size": 0.0},
    ):
        with pytest.raises(InvalidRequestError):
            api.submit("a star", target="decal", provider="offline", size="64x64", **values)
    assert description() == before


def test_an_object_without_faces_is_refused_in_one_sentence() -> None:
    obj = bpy.data.objects.new("Points", bpy.data.meshes.new("Points"))
    bpy.context.scene.collection.objects.link(obj)
    before = description()
    with pytest.raises(GptImageError, match="no faces"):
        apply(prepared(decal()), Application(target="decal", object_name="Points"))
    assert description() == before


def test_gltf_keeps_the_cut_and_the_alpha(tmp_path: Path) -> None:
    obj = sphere()
    applied = apply(
        prepared(decal()),
        Application(target="decal", object_name=obj.name, at=((0, -1, 0),), decal_size=SIZE),
    )
    made = bpy.data.objects[applied.object]
    bpy.ops.export_scene.gltf(filepath=str(tmp_path / "scene.glb"), export_format="GLB")
    data = (tmp_path / "scene.glb").read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    scene = json.loads(data[20 : 20 + length])
    (node,) = (node for node in scene["nodes"] if node["name"] == made.name)
    (parent,) = (node for node in scene["nodes"] if node["name"] == obj.name)
    assert scene["nodes"].index(node) in parent["children"]
    (part,) = scene["meshes"][node["mesh"]]["primitives"]
    assert scene["materials"][part["material"]]["alphaMode"] == "BLEND"
    made.data.calc_loop_triangles()
    assert scene["accessors"][part["indices"]]["count"] == 3 * len(made.data.loop_triangles)
    assert "TEXCOORD_0" in part["attributes"]


@pytest.mark.parametrize("distance", [2.0, 300.0])
def test_cycles_renders_it_clean(tmp_path: Path, distance: float) -> None:
    obj = cube()
    apply(
        prepared(decal()), Application(target="decal", object_name=obj.name, at=((0, -1, 0),), decal_size=2.0)
    )
    view = camera(location=(0, -1 - distance, 0))
    view.data.type, view.data.ortho_scale, view.data.clip_end = "ORTHO", 2.2, 1000
    file = render_lit(tmp_path / "decal.png", size=32)
    left = [dominant(pixel(file, x / 32, y / 32)) for x in range(4, 14) for y in range(4, 28)]
    right = [dominant(pixel(file, x / 32, y / 32)) for x in range(18, 28) for y in range(4, 28)]
    assert set(left) == {"blue"} and set(right) == {"grey"}


@pytest.mark.parametrize("stored", ["wide", [0.0, 1.0], [1.0], [float("inf"), 1.0], [-1.0, 1.0]])
def test_a_decal_of_others_that_says_no_size_stays_where_it_is(stored: Any) -> None:
    made = put(cube(), (0, -1, 0))
    before = made.data
    made["decal_size"] = stored
    with pytest.raises(SceneError, match="how large"):
        api.move_decal(made.name, (0, -1, 0.3))
    assert made.data == before
