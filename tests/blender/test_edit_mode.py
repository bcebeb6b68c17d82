"""Results in Edit Mode: onto the faces that are selected, as Blender assigns materials there."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np
import pytest

from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.shading import slots
from gpt_image_addon.scene.shading.uv import coordinates_for, metres_per_unit
from gpt_image_addon.scene.targets.receiver import why_deferred
from gpt_image_addon.scene.targets.registry import apply
from gpt_image_addon.scene.transaction import Transaction
from tests.blender.scene_fixtures import cube, description, image_file, map_set, prepared


def edit(obj: bpy.types.Object, *faces: int) -> None:
    """Go into Edit Mode with these faces selected."""
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_mode(type="FACE")
    bpy.ops.mesh.select_all(action="DESELECT")
    mesh = bmesh.from_edit_mesh(obj.data)
    mesh.faces.ensure_lookup_table()
    for number in faces:
        mesh.faces[number].select_set(True)
    bmesh.update_edit_mesh(obj.data)


def materials_of(obj: bpy.types.Object) -> list[str]:
    """The material of each face."""
    bpy.ops.object.mode_set(mode="OBJECT")
    names = [slot.name for slot in obj.material_slots]
    return [names[face.material_index] for face in obj.data.polygons]


@pytest.mark.parametrize("target", ["material", "texture"])
@pytest.mark.parametrize("before", ["Wood", ""])
def test_the_selected_faces_get_it(target: str, before: str) -> None:
    obj = cube(material=before) if before else cube()
    edit(obj, 1, 4)
    applied = apply(prepared(maps=map_set()), Application(target=target))
    assert obj.mode == "EDIT" and applied.material is not None and applied.object == "Cube"
    found = materials_of(obj)
    assert [found[1], found[4]] == [applied.material] * 2 and applied.material != before
    assert {found[number] for number in (0, 2, 3, 5)} == {before}
    assert obj.active_material.name == applied.material


def test_without_a_selection_the_slot_gets_it() -> None:
    obj = cube(material="Wood")
    edit(obj)
    applied = apply(prepared(maps=map_set()), Application(target="material"))
    assert materials_of(obj) == [applied.material] * 6 and len(obj.material_slots) == 1


def test_a_second_result_goes_onto_other_faces() -> None:
    obj = cube(material="Wood")
    edit(obj, 0)
    first = apply(prepared(maps=map_set()), Application(target="material")).material
    edit(obj, 5)
    second = apply(prepared(maps=map_set()), Application(target="material")).material
    found = materials_of(obj)
    assert (found[0], found[5], found[2]) == (first, second, "Wood") and first != second


def test_what_fails_leaves_faces_and_slots_as_they_were() -> None:
    obj = cube(material="Wood")
    edit(obj, 1, 4)
    before = description()
    material = bpy.data.materials.new("New")
    with pytest.raises(SceneError), Transaction() as changes:
        slots.assign(obj, material, changes)
        raise SceneError("no")
    bpy.data.materials.remove(material)
    assert description() == before and materials_of(obj) == ["Wood"] * 6


def test_the_size_is_that_of_the_selected_faces() -> None:
    obj = cube()
    uvs = np.zeros((24, 2), np.float32)
    obj.data.uv_layers[0].uv.foreach_get("vector", uvs.ravel())
    scaled = np.repeat([[0.5]] + [[1.0]] * 5, 4, axis=0).astype(np.float32) * uvs
    obj.data.uv_layers[0].uv.foreach_set("vector", scaled.ravel())
    edit(obj, 0)
    meshes = len(bpy.data.meshes)
    with Transaction() as changes:
        coordinates, told = coordinates_for(obj, changes)
    assert not coordinates.is_box and told is None
    small = metres_per_unit(obj, coordinates)
    edit(obj, 1)
    assert small == pytest.approx(2 * metres_per_unit(obj, coordinates))
    assert len(bpy.data.meshes) == meshes


def test_without_uvs_it_is_projected() -> None:
    obj = cube()
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    edit(obj, 2)
    applied = apply(prepared(maps=map_set()), Application(target="material"))
    assert any("six sides" in text for text in applied.messages)
    assert materials_of(obj)[2] == applied.material and not obj.data.uv_layers


def test_a_curve_in_edit_mode_waits() -> None:
    bpy.ops.curve.primitive_bezier_circle_add()
    bpy.ops.object.mode_set(mode="EDIT")
    assert "Edit Mode" in (why_deferred(Application(target="material")) or "")


def test_a_shared_mesh_shows_it_on_all_its_objects() -> None:
    obj = cube(material="Wood")
    twin = bpy.data.objects.new("Twin", obj.data)
    bpy.context.scene.collection.objects.link(twin)
    edit(obj, 3)
    applied = apply(prepared(image_file("Oak"), maps=map_set()), Application(target="material"))
    assert materials_of(obj)[3] == materials_of(twin)[3] == applied.material
