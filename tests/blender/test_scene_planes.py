"""The `plane` target: aspect, place, facing and transparency."""

from __future__ import annotations

from itertools import pairwise
from math import radians
from pathlib import Path

import bpy
import pytest
from mathutils import Euler, Matrix, Vector

from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.capture.camera import render_camera
from gpt_image_addon.scene.targets import plane as planes
from gpt_image_addon.scene.targets.registry import apply
from gpt_image_addon.scene.transaction import Transaction
from tests.blender.scene_fixtures import (
    GREEN,
    camera,
    cube,
    decal,
    dominant,
    image_file,
    pixel,
    prepared,
    principled,
    reopen,
    source_of,
)

PLANE = Application(target="plane")


def normal(obj: bpy.types.Object) -> Vector:
    bpy.context.view_layer.update()
    return (obj.matrix_world.to_3x3() @ obj.data.polygons[0].normal).normalized()


def up(obj: bpy.types.Object) -> Vector:
    return obj.matrix_world.to_3x3() @ Vector((0, 1, 0))


def test_a_plane_of_the_images_aspect_stands_at_the_cursor() -> None:
    bpy.context.scene.cursor.location = (1, 2, 3)
    applied = apply(prepared(image_file("Oak", size=(64, 32))), PLANE)
    obj = bpy.data.objects[applied.object]
    assert applied == type(applied)(("Oak",), "Oak", "Oak", objects=("Oak",))
    assert tuple(obj.location) == pytest.approx((1, 2, 3))
    assert tuple(obj.dimensions) == pytest.approx((2, 1, 0))
    assert tuple(normal(obj)) == pytest.approx((0, -1, 0), abs=1e-6)
    assert tuple(up(obj)) == pytest.approx((0, 0, 1), abs=1e-6)
    assert obj.name in bpy.context.scene.collection.objects


def test_the_image_is_upright_and_not_mirrored(tmp_path: Path) -> None:
    camera(location=(0, -2, 0))
    apply(prepared(decal()), PLANE)
    path = render_camera(tmp_path / "r.png", width=64, height=64)
    assert dominant(pixel(path, 0.3, 0.5)) == "blue"
    assert dominant(pixel(path, 0.7, 0.5)) != "blue"


def test_a_transparent_image_lets_through_what_lies_behind(tmp_path: Path) -> None:
    bpy.context.scene.view_settings.view_transform = "Standard"
    cube()
    apply(prepared(image_file("Wall", GREEN)), Application(target="texture"))
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy, sun.rotation_euler = 4, (radians(80), 0, 0)
    bpy.context.scene.collection.objects.link(sun)
    camera(location=(0, -4, 0))
    bpy.context.scene.cursor.location = (0, -2, 0)
    applied = apply(prepared(decal()), PLANE)
    node = source_of(principled(bpy.data.materials[applied.material]).inputs["Alpha"])
    assert node.image.name == "Decal"
    path = render_camera(tmp_path / "r.png", width=64, height=64, shading="rendered")
    assert dominant(pixel(path, 0.4, 0.5)) == "blue"
    assert dominant(pixel(path, 0.6, 0.5)) == "green"


def test_an_opaque_image_leaves_alpha_alone() -> None:
    applied = apply(prepared(), PLANE)
    assert not principled(bpy.data.materials[applied.material]).inputs["Alpha"].links


def test_it_faces_the_camera() -> None:
    viewer = camera(location=(3, -4, 5))
    viewer.rotation_euler = (radians(60), 0, radians(35))
    bpy.context.view_layer.update()
    obj = bpy.data.objects[apply(prepared(), PLANE).object]
    assert tuple(normal(obj)) == pytest.approx(
        tuple(viewer.matrix_world.to_3x3() @ Vector((0, 0, 1))), abs=1e-5
    )


def test_the_view_that_asked_goes_before_the_camera() -> None:
    camera()
    matrix = Matrix.LocRotScale((9, 9, 9), Euler((0.3, 0.2, 1.1)), (2, 2, 2))
    rows = tuple(value for row in matrix for value in row)
    obj = bpy.data.objects[apply(prepared(), Application(target="plane", view_matrix=rows)).object]
    assert tuple(normal(obj)) == pytest.approx(
        tuple((matrix.to_3x3() @ Vector((0, 0, 1))).normalized()), abs=1e-5
    )
    assert tuple(obj.scale) == pytest.approx((1, 1, 1))


def test_several_images_stand_side_by_side_around_the_cursor() -> None:
    bpy.context.scene.cursor.location = (10, 0, 0)
    images = (image_file("A", size=(32, 32)), image_file("B", size=(64, 32)), image_file("C", size=(32, 32)))
    applied = apply(prepared(*images), PLANE)
    assert (applied.object, applied.images) == ("A", ("A", "B", "C"))
    spans = []
    for name in "ABC":
        obj = bpy.data.objects[name]
        assert obj.active_material.name == name
        assert obj.location.z == pytest.approx(0)
        spans.append((obj.location.x - obj.dimensions.x / 2, obj.location.x + obj.dimensions.x / 2))
    assert spans[0][0] + spans[2][1] == pytest.approx(20)
    assert [b[0] - a[1] for a, b in pairwise(spans)] == pytest.approx([planes.GAP] * 2, abs=1e-5)


def test_activating_selects_the_new_planes_alone() -> None:
    old = cube()
    apply(prepared(image_file("A"), image_file("B")), PLANE)
    assert bpy.context.view_layer.objects.active == old  # no window: scripts keep their selection
    planes.activate([bpy.data.objects["A"], bpy.data.objects["B"]], bpy.context.view_layer)
    assert bpy.context.view_layer.objects.active.name == "A"
    assert sorted(obj.name for obj in bpy.context.view_layer.objects if obj.select_get()) == ["A", "B"]


def test_a_plane_can_be_activated_as_soon_as_it_is_made() -> None:
    cube()
    with Transaction() as changes:
        plane = planes.add_plane("New", 1.0, bpy.context.collection, changes)
    planes.activate([plane], bpy.context.view_layer)
    assert bpy.context.view_layer.objects.active == plane


def test_a_plane_in_an_excluded_collection_is_not_activated() -> None:
    old = cube()
    hidden = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(hidden)
    bpy.context.view_layer.layer_collection.children["Hidden"].exclude = True
    with Transaction() as changes:
        plane = planes.add_plane("New", 1.0, hidden, changes)
    planes.activate([plane], bpy.context.view_layer)
    assert bpy.context.view_layer.objects.active == old


def test_a_plane_survives_saving(tmp_path: Path) -> None:
    apply(prepared(decal()), PLANE)
    reopen(tmp_path / "x.blend")
    obj = bpy.data.objects["Decal"]
    assert [tuple(item.vector) for item in obj.data.uv_layers.active.uv] == [(0, 0), (1, 0), (1, 1), (0, 1)]
    assert source_of(principled(obj.active_material).inputs["Base Color"]).image.packed_file


def front(**parameters: object) -> Application:
    """As the panel asks, from a view along +Y."""
    view = Matrix.Translation((0, -10, 0)) @ planes.UPRIGHT
    rows = tuple(value for row in view for value in row)
    return Application(**{"target": "plane", "view_matrix": rows, "keeps_clear": True, **parameters})


def spans(names: tuple[str, ...]) -> list[tuple[float, float]]:
    """From where to where along X, rounded to millimetres."""
    found = [bpy.data.objects[name] for name in names]
    return sorted(
        (round(o.location.x - o.dimensions.x / 2, 3), round(o.location.x + o.dimensions.x / 2, 3))
        for o in found
    )


def test_planes_stand_beside_what_the_cursor_is_in() -> None:
    obj = cube()
    images = [image_file(name, size=(32, 32)) for name in "ABCD"]
    applied = apply(prepared(*images), front())
    assert spans(applied.objects) == [(1.1, 2.1), (2.2, 3.2), (3.3, 4.3), (4.4, 5.4)]
    bpy.context.view_layer.objects.active = obj
    applied = apply(prepared(image_file("E", size=(32, 32))), front())
    assert spans(applied.objects) == [(5.5, 6.5)], "nor in earlier ones"
    obj.location.x = -20
    bpy.context.view_layer.update()
    assert spans(apply(prepared(image_file("F", size=(32, 32))), front()).objects) == [(-0.5, 0.5)]


def test_scripts_mean_just_the_cursor() -> None:
    cube()
    applied = apply(prepared(image_file("A", size=(32, 32))), front(keeps_clear=False))
    assert spans(applied.objects) == [(-0.5, 0.5)]


def test_a_room_around_the_viewer_and_a_landscape_are_no_obstacles() -> None:
    room = cube("Room")
    room.scale = (20, 20, 20)
    bpy.context.view_layer.update()
    assert spans(apply(prepared(image_file("A", size=(32, 32))), front()).objects) == [(-0.5, 0.5)]
    room.scale, room.location.z = (50, 1, 0.1), -0.3
    bpy.data.objects.remove(bpy.data.objects["A"])
    bpy.context.view_layer.objects.active = room
    bpy.context.view_layer.update()
    assert spans(apply(prepared(image_file("B", size=(32, 32))), front()).objects) == [(-0.5, 0.5)]
