"""What can't be done now waits, and what fails leaves no trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, SceneError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.core.request.targets import TARGETS
from gpt_image_addon.core.results.store import PreparedResult
from gpt_image_addon.scene.targets.base import Deferred
from gpt_image_addon.scene.targets.receiver import why_deferred
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import (
    cube,
    description,
    image_file,
    map_set,
    node_material,
    prepared,
    principled,
    source_of,
    unusable,
)


def library(path: Path, name: str = "Tree") -> str:
    """A file with a cube that has a material."""
    obj = cube(name, material="Bark")
    bpy.data.libraries.write(str(path), {obj})
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return str(path)


def link(path: str, kind: str, name: str) -> Any:
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        setattr(wanted, kind, [name])
    return getattr(wanted, kind)[0]


def assert_deferred(application: Application, *words: str) -> None:
    before = description()
    with pytest.raises(Deferred) as caught:
        apply(prepared(maps=map_set()), application)
    for word in words:
        assert word in caught.value.reason
    assert caught.value.reason == why_deferred(application)
    assert description() == before


@pytest.mark.parametrize("target", ["texture", "material"])
def test_sculpt_mode_defers(target: str) -> None:
    cube()
    bpy.ops.object.mode_set(mode="SCULPT")
    assert_deferred(Application(target=target), "'Cube'", "Sculpt")
    bpy.ops.object.mode_set(mode="OBJECT")
    assert why_deferred(Application(target=target)) is None


def test_texture_paint_does_not_defer() -> None:
    cube(material="Wood")
    bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
    assert apply(prepared(), Application(target="texture")).material == "Wood"


def test_another_object_in_edit_mode_defers_only_a_plane() -> None:
    cube("Other")
    cube("Busy")
    bpy.ops.object.mode_set(mode="EDIT")
    assert_deferred(Application(target="plane"), "'Busy'")
    assert apply(prepared(), Application(target="texture", object_name="Other")).object == "Other"
    assert apply(prepared(), Application(target="image")).images


@pytest.mark.parametrize("target", ["texture", "material"])
def test_a_linked_object_defers(target: str, tmp_path: Path) -> None:
    tree = link(library(tmp_path / "trees.blend"), "objects", "Tree")
    bpy.context.scene.collection.objects.link(tree)
    assert_deferred(Application(target=target, object_name="Tree"), "'Tree'", "trees.blend")


def test_an_override_defers(tmp_path: Path) -> None:
    tree = link(library(tmp_path / "trees.blend"), "objects", "Tree")
    bpy.context.scene.collection.objects.link(tree)
    tree.override_create(remap_local_usages=True)
    assert_deferred(Application(object_name="Tree"), "override")


def test_a_linked_mesh_defers(tmp_path: Path) -> None:
    mesh = link(library(tmp_path / "trees.blend"), "meshes", "Tree")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Mine", mesh))
    assert_deferred(Application(object_name="Mine"), "'Mine'", "linked")


def test_a_linked_material_stays_and_the_object_gets_a_copy(tmp_path: Path) -> None:
    bark = link(library(tmp_path / "trees.blend"), "materials", "Bark")
    obj = cube()
    obj.data.materials.append(bark)
    applied = apply(prepared(), Application())
    assert "'Bark' is linked" in applied.messages[0]
    assert obj.active_material.library is None
    assert source_of(principled(obj.active_material).inputs["Base Color"]).image.name == "Oak"
    assert not principled(bark).inputs["Base Color"].links


@pytest.mark.parametrize("target", TARGETS)
def test_a_result_does_not_enter_another_scene(target: str) -> None:
    scene = bpy.data.scenes.new("Short-lived")
    uid = scene.session_uid
    bpy.data.scenes.remove(scene)
    assert_deferred(Application(target=target, scene_uid=uid), "not open")


def test_a_plane_enters_the_scene_it_was_asked_from() -> None:
    other = bpy.data.scenes.new("Other")
    applied = apply(prepared(), Application(target="plane", scene_uid=other.session_uid))
    assert applied.object in other.collection.objects
    assert applied.object not in bpy.context.scene.objects


def shared_mesh() -> None:
    obj = cube("Table", uvs=False, material="Wood")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Chair", obj.data))


def wired_cube() -> None:
    obj = cube(uvs=False, material="Wood")
    tree = obj.active_material.node_tree
    old = tree.nodes.new("ShaderNodeTexChecker")
    tree.links.new(old.outputs["Color"], principled(obj.active_material).inputs["Base Color"])


def reused_node() -> None:
    obj = cube(material="Wood")
    tree = obj.active_material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.new("old", 8, 8)
    tree.links.new(node.outputs["Color"], principled(obj.active_material).inputs["Base Color"])


def metaball() -> None:
    bpy.ops.object.metaball_add()
    bpy.context.object.data.materials.append(node_material("Slime"))
    bpy.context.object.active_material.node_tree.nodes.clear()


SCENES = {f.__name__: f for f in (cube, shared_mesh, wired_cube, reused_node, metaball, lambda: None)}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("scene", SCENES)
def test_a_failure_at_the_end_leaves_no_trace(scene: str, target: str) -> None:
    SCENES[scene]()
    before = description()
    with pytest.raises(SceneError):
        apply(prepared(image_file("A"), unusable(), maps=map_set()), Application(target=target))
    assert description() == before


def test_a_failure_in_the_last_map_leaves_no_trace() -> None:
    cube(uvs=False, material="Wood")
    before = description()
    with pytest.raises(SceneError):
        apply(prepared(maps=map_set(opacity=unusable())), Application(target="material"))
    assert description() == before


@pytest.mark.parametrize(
    ("result", "application", "error"),
    [
        (PreparedResult("job", ()), Application(), SceneError),
        (prepared(), Application(target="hologram"), InvalidRequestError),
        (prepared(), Application(target="plane", view_matrix=(1.0, 2.0)), InvalidRequestError),
    ],
)
def test_nonsense_is_refused(
    result: PreparedResult, application: Application, error: type[GptImageError]
) -> None:
    before = description()
    with pytest.raises(error):
        apply(result, application)
    assert description() == before
