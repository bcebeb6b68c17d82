"""A selection of objects gets one material, each in its slot; what can't take it is left out and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bmesh
import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.app import results
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.targets.receiver import check_receiver, why_deferred
from gpt_image_addon.scene.targets.registry import apply, swap
from gpt_image_addon.ui.request import place as place_panel
from gpt_image_addon.ui.request import to_parameters
from tests.blender.layouts import Layout, draw
from tests.blender.scene_fixtures import (
    BLUE,
    RED,
    camera,
    cube,
    description,
    image_file,
    map_set,
    prepared,
    principled,
    render_lit,
    source_of,
)
from tests.blender.test_edit_mode import edit, materials_of


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> None:
    pass


def cubes(*scales: float, select: bool = True) -> list[bpy.types.Object]:
    """Cubes side by side, the last one active."""
    made = []
    for number, scale in enumerate(scales):
        obj = cube(f"Cube {number}")
        obj.location.x, obj.scale = 3.0 * number, (scale,) * 3
        made.append(obj)
    for obj in made:
        obj.select_set(select)
    bpy.context.view_layer.update()
    return made


def select_faces(obj: bpy.types.Object, *numbers: int) -> None:
    """These alone, of an object in Edit Mode."""
    mesh = bmesh.from_edit_mesh(obj.data)
    for face in mesh.faces:
        face.select_set(face.index in numbers)
    bmesh.update_edit_mesh(obj.data)


def onto(objects: list[bpy.types.Object], **parameters: Any) -> Application:
    uids = tuple(obj.session_uid for obj in objects)
    return Application(**{"target": "material", "object_uid": uids[-1], "object_uids": uids, **parameters})


def place(**parameters: Any) -> Application:
    """What the panel hands over."""
    return Application(**{"target": "material", **to_parameters.place(bpy.context), **parameters})


def described(target: str = "material") -> tuple[str, bool]:
    context = bpy.context
    text, is_odd = results.describe_place(context.active_object, target, results.receivers(context))
    return str(text), is_odd


def test_the_selection_is_handed_over_with_the_active_one_first() -> None:
    first, second, third = cubes(1, 1, 1)
    found = to_parameters.place(bpy.context)
    assert found["object_uid"] == third.session_uid
    assert found["object_uids"] == (third.session_uid, first.session_uid, second.session_uid)
    assert described() == ("New material on 3 selected objects", False)
    assert described("texture") == ("On 3 selected objects", False)


def test_one_object_is_as_it_was() -> None:
    first, second = cubes(1, 1)
    first.select_set(False)
    found = to_parameters.place(bpy.context)
    assert found["object_uid"] == second.session_uid and found["object_uids"] == ()
    assert described()[0] == "On Cube 1"


def test_lamps_and_cameras_of_a_selection_do_not_count() -> None:
    (obj,) = cubes(1)
    eye = camera()
    eye.select_set(True)
    bpy.context.view_layer.objects.active = eye
    assert place().object_uid == obj.session_uid and described() == ("On Cube 0", False)
    obj.select_set(False)
    assert described() == ("'Camera' can't have a material: it is only kept in the file.", True)


def test_nothing_selected_means_the_active_one() -> None:
    first, second = cubes(1, 1, select=False)
    assert place().object_uid == second.session_uid and place().object_uids == ()
    first.select_set(True)
    assert place().object_uid == first.session_uid


@pytest.mark.parametrize("target", ["material", "texture"])
def test_all_get_the_same_material(target: str) -> None:
    objects = cubes(1, 1, 1)
    applied = apply(prepared(maps=map_set()), onto(objects, target=target))
    assert [obj.active_material.name for obj in objects] == [applied.material] * 3
    assert applied.objects == ("Cube 0", "Cube 1", "Cube 2") and applied.object == "Cube 0"
    assert applied.shared == ()


def test_a_texture_goes_into_the_material_that_each_has() -> None:
    first, second = cube("A", material="Wood"), cube("B", material="Stone")
    applied = apply(
        prepared(image_file("R", RED), image_file("B", BLUE)), onto([first, second], target="texture")
    )
    assert [obj.active_material.name for obj in (first, second)] == ["Wood", "Stone"]
    assert applied.material == "Wood" and applied.shared == ("Stone",)

    def shown() -> list[str]:
        inputs = [principled(bpy.data.materials[name]).inputs["Base Color"] for name in ("Wood", "Stone")]
        return [source_of(socket).image.name for socket in inputs]

    assert shown() == [applied.images[0]] * 2
    swap(applied, 1)
    assert shown() == [applied.images[1]] * 2


def test_a_material_that_only_the_selection_uses_needs_no_copy() -> None:
    objects = cubes(1, 1, 1)
    wood = bpy.data.materials.new("Wood")
    for obj in objects:
        obj.data.materials.append(wood)
    applied = apply(prepared(), onto(objects[:2], target="texture"))
    assert applied.material == "Wood.001"
    assert [obj.active_material.name for obj in objects] == ["Wood.001", "Wood.001", "Wood"]
    assert "'Cube 0' and 'Cube 1' got a copy of their own" in " ".join(applied.messages)
    objects[2].data.materials[0] = None
    assert apply(prepared(), onto(objects[:2], target="texture")).material == "Wood.001"


def test_selected_faces_of_all_objects_in_edit_mode() -> None:
    first, second = cubes(1, 1)
    edit(second, 0, 1)
    select_faces(first, 3)
    applied = apply(prepared(maps=map_set()), place())
    assert len(set(place().object_uids)) == 2 and described()[0] == "On the selected faces of 2 objects"
    assert applied.objects == ("Cube 1", "Cube 0")
    found = materials_of(second)
    assert found.count(str(applied.material)) == 2 and found[0] == applied.material
    assert materials_of(first).count(str(applied.material)) == 1


def test_in_edit_mode_an_object_without_selected_faces_stays_as_it_is() -> None:
    first, second = cubes(1, 1)
    edit(second, 0, 1)
    select_faces(first)
    assert apply(prepared(maps=map_set()), place()).objects == ("Cube 1",)
    assert first.active_material is None


def test_a_mesh_in_edit_mode_counts_once() -> None:
    first = cube("A")
    twin = first.copy()
    bpy.context.scene.collection.objects.link(twin)
    twin.select_set(True)
    edit(first, 0)
    assert len(place().object_uids) == 0 and place().object_uid == first.session_uid


def test_what_is_linked_is_left_out_and_told(tmp_path: Path) -> None:
    library = str(tmp_path / "library.blend")
    cube("Crate")
    bpy.ops.wm.save_as_mainfile(filepath=library, copy=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Crate"]
    crate = wanted.objects[0]
    bpy.context.scene.collection.objects.link(crate)
    objects = cubes(1, 1)
    crate.select_set(True)
    assert described() == ("On 2 of 3 selected objects", False)
    applied = apply(prepared(maps=map_set()), place())
    assert set(applied.objects) == {"Cube 0", "Cube 1"} and crate.active_material is None
    assert "'Crate' got nothing" in " ".join(applied.messages)
    for obj in objects:
        obj.select_set(False)
    bpy.context.view_layer.objects.active = crate
    assert "'Crate' is linked" in described()[0] and described()[1]
    with pytest.raises(InvalidRequestError, match="linked"):
        check_receiver(place())


def test_objects_that_are_gone_keep_no_other_back() -> None:
    objects = cubes(1, 1, 1)
    wanted = onto(objects)
    bpy.data.objects.remove(objects[2])
    applied = apply(prepared(maps=map_set()), wanted)
    assert applied.objects == ("Cube 0", "Cube 1")
    assert "Selected objects that are gone: 1." in applied.messages
    for obj in objects[:2]:
        bpy.data.objects.remove(obj)
    applied = apply(prepared(maps=map_set()), wanted)
    assert applied.objects == () and applied.object is None
    assert bpy.data.materials[applied.material].use_fake_user
    with pytest.raises(InvalidRequestError, match="gone"):
        check_receiver(wanted)


def test_one_in_sculpt_mode_lets_all_wait() -> None:
    objects = cubes(1, 1)
    wanted = onto(objects)
    bpy.ops.object.mode_set(mode="SCULPT")
    assert "'Cube 1' is in Sculpt Mode" in str(why_deferred(wanted))
    assert place().object_uids == () and place().object_uid == objects[1].session_uid


@pytest.mark.parametrize("target", ["material", "texture"])
def test_nothing_changes_where_one_of_them_fails(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpt_image_addon.core.errors import SceneError
    from gpt_image_addon.scene.shading import slots

    objects = cubes(1, 2, 1)
    objects[1].data.uv_layers.remove(objects[1].data.uv_layers[0])
    before = description()
    assign, calls = slots.assign, []

    def fail_later(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 3:
            raise RuntimeError("no more")
        assign(*arguments)

    monkeypatch.setattr(slots, "assign", fail_later)
    with pytest.raises(SceneError):
        apply(prepared(maps=map_set()), onto(objects, target=target))
    assert description() == before


def test_different_sizes_share_one_projection_in_real_size(tmp_path: Path) -> None:
    """Stripes of 0.5 m on cubes of 2 m and of 4 m: 2 and 4 pairs of them."""
    small, large = cubes(1, 2)
    large.location.x = 4
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, :32] = 255
    file = tmp_path / "stripes.png"
    Image.fromarray(stripes).save(file)
    base = image_file("Stripes")
    base = type(base)(base.name, file.read_bytes(), str(file), "png", 64, 64)
    applied = apply(
        prepared(base, maps={"base_color": base}), onto([small, large], mapping="upright", texture_size=1.0)
    )
    assert "does not suit all 2 objects" in " ".join(applied.messages)
    for obj, expected in ((small, 2), (large, 4)):
        eye = camera(location=(obj.location.x, -20, 0))
        eye.data.type, eye.data.ortho_scale = "ORTHO", 2.0 * obj.scale.x
        pixels = np.asarray(Image.open(render_lit(tmp_path / f"{obj.name}.png", size=64)).convert("L"))
        row = pixels[32] > 128
        edges = np.count_nonzero(row[1:] != row[:-1])
        assert abs(edges - 2 * expected) <= 1, (obj.name, edges)


def test_uvs_of_one_size_are_used_as_they_are() -> None:
    objects = cubes(1, 1)
    applied = apply(prepared(maps=map_set()), onto(objects, texture_size=1.0))
    nodes = [
        node for node in bpy.data.materials[applied.material].node_tree.nodes if "Image" in node.bl_label
    ]
    assert {node.projection for node in nodes} == {"FLAT"} and applied.messages == ()


def test_a_projection_for_all_leaves_no_uv_map_behind() -> None:
    plain, bare = cubes(1, 2)
    bare.data.uv_layers.remove(bare.data.uv_layers[0])
    apply(prepared(maps=map_set()), onto([plain, bare], texture_size=1.0))
    assert len(bare.data.uv_layers) == 0


def test_only_the_active_object_where_the_panel_says_so() -> None:
    cubes(1, 1)
    values = bpy.context.scene.gpt_image
    assert len(to_parameters.place(bpy.context)["object_uids"]) == 2
    values.onto = "active"
    found = to_parameters.place(bpy.context)
    assert found["object_uid"] == bpy.context.active_object.session_uid and found["object_uids"] == ()
    assert to_parameters.receivers(bpy.context) == [bpy.context.active_object]
    layout = draw(place_panel.GPT_IMAGE_PT_place)
    assert {"Onto", "New Material", bpy.context.active_object.name} <= set(layout.said)


def test_a_texture_in_a_new_material_leaves_the_one_that_is_there() -> None:
    objects = cubes(1, 1)
    wood, stone = (bpy.data.materials.new(name) for name in ("Wood", "Stone"))
    for obj, material in zip(objects, (wood, stone), strict=True):
        obj.data.materials.append(material)
    values = bpy.context.scene.gpt_image
    values.target, values.new_material = "texture", True
    place_panel.draw(layout := Layout(), bpy.context)
    assert layout.said == ["New material on 2 selected objects"]
    applied = apply(prepared(), Application(target="texture", **to_parameters.place(bpy.context)))
    assert {obj.active_material.name for obj in objects} == {applied.material}
    assert not any(
        node.type == "TEX_IMAGE" for m in (wood, stone) if m.node_tree for node in m.node_tree.nodes
    )
