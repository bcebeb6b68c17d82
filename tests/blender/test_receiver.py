"""What a result is for is looked at before money is spent, and again when the result comes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import results, session, settings
from gpt_image_addon.core.errors import GptImageError, InvalidRequestError
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.targets.receiver import find_object
from tests.api_server import ApiServer
from tests.blender.scene_fixtures import cube, description

CHEAP = {"quality": "low", "model": "gpt-image-2.5-flare"}
FLAGS = ("--quality", "low", "--model", "gpt-image-2.5-flare")
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Tür") for form in ("NFC", "NFD"))


@pytest.fixture(autouse=True)
def closed(factory_file: None) -> None:
    """The journal of the test before is not this one's."""
    api.close()


@pytest.fixture
def library(tmp_path: Path) -> str:
    """A file with an object, a mesh, a collection and a scene, all called Crate."""
    obj = cube("Crate", material="Planks")
    scene = bpy.data.scenes.new("Crate")
    scene.collection.objects.link(obj)
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return path


def link(library: str, kind: str) -> Any:
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        setattr(wanted, kind, ["Crate"])
    return getattr(wanted, kind)[0]


def add(obj: bpy.types.Object) -> bpy.types.Object:
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    return obj


def linked_object(library: str) -> str:
    return add(link(library, "objects")).name


def linked_mesh(library: str) -> str:
    return add(bpy.data.objects.new("Mine", link(library, "meshes"))).name


def override(library: str) -> str:
    obj = add(link(library, "objects"))
    return obj.override_create(remap_local_usages=True).name


def camera(library: str) -> str:
    return add(bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))).name


def empty(library: str) -> str:
    return add(bpy.data.objects.new("Nothing", None)).name


def edited(library: str) -> str:
    name = cube("Soft").name
    bpy.ops.object.mode_set(mode="EDIT")
    return name


def sculpted(library: str) -> str:
    name = cube("Clay").name
    bpy.ops.object.mode_set(mode="SCULPT")
    return name


def mistyped(library: str) -> str:
    cube("Cube")
    return "Cbe"


def elsewhere(library: str) -> str:
    """In the file, but in another scene."""
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(bpy.data.objects.new("Far", bpy.data.meshes.new("Far")))
    return "Far"


UNABLE: dict[Callable[[str], str], str] = {
    linked_object: "is linked from",
    linked_mesh: "is linked from",
    override: "library override",
    camera: "can't have a material",
    empty: "can't have a material",
    edited: "Edit Mode",
    sculpted: "Sculpt Mode",
    mistyped: "There is no object 'Cbe' in the scene 'Scene'. Perhaps you meant 'Cube'.",
    elsewhere: "There is no object 'Far' in the scene 'Scene'.",
}
BY_ACTIVE = (linked_object, linked_mesh, override, edited, sculpted)
"""What refuses without being named, too, because it is the active object."""


def journal_rows() -> list[Any]:
    return session.journal(settings.load()).entries()


@pytest.mark.parametrize("target", ["texture", "material"])
@pytest.mark.parametrize("unable", UNABLE, ids=lambda found: found.__name__)
def test_python_refuses_before_anything_is_sent(
    online: ApiServer, library: str, unable: Any, target: str
) -> None:
    name = unable(library)
    before = description()
    for call in (api.generate, api.submit, api.plan, api.estimate):
        with pytest.raises(InvalidRequestError) as caught:
            call("oak", target=target, object_name=name, **CHEAP)
        assert UNABLE[unable] in caught.value.text and caught.value.param == "object_name"
        assert (caught.value.billed, caught.value.exit_code) == ("no", 4)
    assert online.requests == [] and journal_rows() == [] and api.jobs() == ()
    assert description() == before


@pytest.mark.parametrize("unable", UNABLE, ids=lambda found: found.__name__)
def test_the_command_line_refuses_with_exit_code_4(
    run: Any, online: ApiServer, library: str, unable: Any, tmp_path: Path
) -> None:
    name = unable(library)
    for verb in (("generate",), ("generate", "--dry-run"), ("estimate",)):
        code, output = run(verb[0], "oak", *verb[1:], *FLAGS, "--object", name)
        assert (code, output["state"], output["error"]["billed"]) == (4, "failed", "no")
        assert UNABLE[unable] in output["error"]["message"]
    assert online.requests == []


@pytest.mark.parametrize("unable", BY_ACTIVE, ids=lambda found: found.__name__)
def test_the_active_object_is_looked_at_as_one_that_is_named(
    online: ApiServer, library: str, unable: Any
) -> None:
    unable(library)
    uid = bpy.context.view_layer.objects.active.session_uid
    for parameters in ({}, {"object_uid": uid}):
        with pytest.raises(InvalidRequestError) as caught:
            api.submit("oak", **parameters, **CHEAP)
        assert UNABLE[unable] in caught.value.text
    with pytest.raises(RuntimeError, match=UNABLE[unable]):
        bpy.ops.gpt_image.generate(prompt="oak", provider="openai", quality="low")
    assert online.requests == []


def test_an_active_object_without_a_surface_is_no_obstacle_unless_it_is_named(
    online: ApiServer, library: str
) -> None:
    camera(library)
    result = api.generate("oak", **CHEAP)
    assert result.object is None and any("can't have a material" in text for text in result.warnings)
    assert bpy.data.materials[result.material].use_fake_user


@pytest.mark.parametrize("target", ["image", "plane"])
def test_targets_that_need_no_object_say_that_they_do_not_use_it(
    online: ApiServer, library: str, target: str
) -> None:
    result = api.generate("oak", target=target, object_name="Nobody", **CHEAP)
    assert any("object_name has no effect" in text for text in result.warnings)


@pytest.mark.parametrize(("there", "asked"), [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED)])
def test_a_name_in_another_unicode_form_is_found(online: ApiServer, there: str, asked: str) -> None:
    cube(there)
    assert api.generate("oak", object_name=asked, **CHEAP).object == there


def test_the_very_name_comes_before_its_other_forms() -> None:
    for name in (DECOMPOSED, COMPOSED):
        cube(name)
    for name in (DECOMPOSED, COMPOSED):
        assert find_object(Application(object_name=name)).name == name


def test_a_local_object_comes_before_its_linked_namesake(online: ApiServer, library: str) -> None:
    add(link(library, "objects"))
    local = add(bpy.data.objects.new("Crate", bpy.data.meshes.new("Local")))
    assert [obj.name for obj in bpy.context.scene.objects] == ["Crate", "Crate"]
    assert api.generate("oak", object_name="Crate", **CHEAP).object == "Crate"
    assert local.active_material.name == "oak"


def test_an_excluded_object_is_found(online: ApiServer) -> None:
    backstage = bpy.data.collections.new("Backstage")
    bpy.context.scene.collection.children.link(backstage)
    backstage.objects.link(bpy.data.objects.new("Hidden", bpy.data.meshes.new("Hidden")))
    bpy.context.view_layer.layer_collection.children["Backstage"].exclude = True
    assert api.generate("oak", object_name="Hidden", **CHEAP).object == "Hidden"


def test_an_object_that_is_gone_by_its_id(online: ApiServer) -> None:
    obj = cube("Gone")
    uid = obj.session_uid
    bpy.data.objects.remove(obj)
    with pytest.raises(InvalidRequestError) as caught:
        api.submit("oak", object_uid=uid, **CHEAP)
    assert caught.value.param == "object_uid" and online.requests == []


@pytest.mark.parametrize("target", ["texture", "material", "plane"])
def test_a_linked_scene_takes_nothing(online: ApiServer, library: str, target: str) -> None:
    scene = link(library, "scenes")
    with pytest.raises(InvalidRequestError, match="The scene 'Crate' is linked"):
        api.submit("oak", target=target, scene_uid=scene.session_uid, **CHEAP)
    assert online.requests == []


def test_an_image_needs_no_scene_that_can_be_changed(online: ApiServer, library: str) -> None:
    scene = link(library, "scenes")
    assert api.generate("oak", target="image", scene_uid=scene.session_uid, **CHEAP).images


def test_a_scene_that_is_gone_takes_nothing(online: ApiServer) -> None:
    with pytest.raises(InvalidRequestError, match="scene") as caught:
        api.submit("oak", target="image", scene_uid=123456, **CHEAP)
    assert caught.value.param == "scene_uid" and online.requests == []


def test_a_plane_beside_an_object_in_edit_mode(online: ApiServer, library: str) -> None:
    edited(library)
    with pytest.raises(InvalidRequestError, match="'Soft' is in Edit Mode"):
        api.submit("oak", target="plane", **CHEAP)
    assert online.requests == []


def test_again_looks_at_the_file_that_is_open_now(online: ApiServer, library: str) -> None:
    name = cube("Cube").name
    job = api.submit("oak", object_name=name, **CHEAP)
    assert job.wait(10) and job.state is JobState.APPLIED
    bpy.data.objects["Cube"].name = "Other"
    with pytest.raises(InvalidRequestError, match="no object 'Cube'"):
        results.again(job.id)
    assert len(online.image_requests) == 1
    bpy.data.objects["Other"].name = "Cube"
    assert results.again(job.id).wait(10) and len(online.image_requests) == 2


def test_what_is_recovered_stays_recoverable_where_it_can_not_go(online: ApiServer, library: str) -> None:
    """Nothing is paid for then; a result is never lost for want of its object."""
    cube("Crate")
    job = api.submit("oak", object_name="Crate", **CHEAP)
    assert job.wait(10) and job.state is JobState.APPLIED
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    again = api.recover(job.id)
    assert again.wait(10) and api.result_of(again).object is None
    assert any("no object 'Crate'" in text for text in api.result_of(again).warnings)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    linked_object(library)
    before = description()
    again = api.recover(job.id)
    assert again.wait(10)
    with pytest.raises(GptImageError, match="linked"):
        api.result_of(again)
    assert description() == before and len(online.image_requests) == 1


def test_the_button_is_grey_over_what_is_linked(online: ApiServer, library: str) -> None:
    linked_object(library)
    found = results.why_not_onto(bpy.context.active_object, "texture")
    assert "'Crate' is linked from" in found
    assert results.why_not_onto(bpy.context.active_object, "image") == ""
    assert results.why_not_onto(None, "texture") == ""
