"""Edits of earlier results: from the command line, Python, manifests, operators and the panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import inpainting
from gpt_image_addon.app.editing import further_edits, shown_versions
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.ui.results import chosen
from tests.api_server import ApiServer
from tests.blender.conftest import Command

SMALL = ("--size", "816x816", "--quality", "low", "--target", "image")


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> Iterator[None]:
    api.close()
    yield
    api.close()


def sent_files(server: ApiServer) -> list[list[str]]:
    return [[file.sha256 for file in record.files] for record in server.image_requests]


def test_an_edit_from_the_command_line_knows_its_parent(
    run: Command, online: ApiServer, tmp_path: Path
) -> None:
    code, first = run("generate", "oak", *SMALL, "--n", "2")
    assert code == 0
    code, second = run("generate", "darker", *SMALL, "--edit-of", f"{first['job']}/2")
    assert code == 0
    assert list(map(len, sent_files(online))) == [0, 1]
    code, third = run("generate", "older", *SMALL, "--edit-of", first["job"])
    assert code == 0
    answer = json.loads(Path(second["images"][0]["file"]).with_name("answer.json").read_text())
    assert answer["application"]["edit_of"] == f"{first['job']}/2"
    assert answer["request"]["references"] == [first["images"][1]["file"]]
    code, tree = run("history", "--tree")
    assert [(row["job"], row["depth"], row["edit_of"]) for row in tree["jobs"]] == [
        (first["job"], 0, None),
        (second["job"], 1, f"{first['job']}/2"),
        (third["job"], 1, first["job"]),
    ]
    assert [version.job for version in api.versions(second["job"])] == [first["job"], second["job"]]
    assert api.versions(third["job"])[1].branches == (second["job"], third["job"])


def test_the_tree_is_indented(run: Command, capfd: pytest.CaptureFixture[str]) -> None:
    first = api.generate("oak", target="image", provider="offline", size="64x64")
    second = api.generate("ash", target="image", provider="offline", size="64x64", edit_of=first.job)
    from gpt_image_addon import cli

    capfd.readouterr()
    assert cli.main(["history", "--tree"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert first.job in lines[0] and not lines[0].startswith(" ")
    assert second.job in lines[1] and lines[1].startswith("  ")


@pytest.mark.parametrize("edit_of", ["none", "../x", "none/0"])
def test_what_cannot_be_edited_is_refused_before_anything_is_sent(
    run: Command, online: ApiServer, edit_of: str
) -> None:
    code, output = run("generate", "darker", *SMALL, "--edit-of", edit_of)
    assert code == 4 and output["error"]["param"] == "edit_of" and output["error"]["billed"] == "no"
    assert not online.image_requests and not api.history().jobs
    code, output = run("estimate", "darker", "--edit-of", edit_of)
    assert code == 4 and output["error"]["param"] == "edit_of"
    with pytest.raises(InvalidRequestError):
        api.versions(edit_of)


def test_the_same_edit_is_the_same_request_whatever_it_is_called(run: Command, online: ApiServer) -> None:
    _, first = run("generate", "oak", *SMALL)
    _, second = run("generate", "darker", *SMALL, "--edit-of", first["job"])
    _, again = run(
        "generate",
        "darker",
        *SMALL,
        *("--reference", first["images"][0]["file"], "--reference-kind", "previous"),
        *("--reuse", "--name", "x"),
    )
    assert again["job"] == second["job"] and len(online.image_requests) == 2


def test_rows_of_a_manifest_edit_results(run: Command, online: ApiServer, tmp_path: Path) -> None:
    _, first = run("generate", "oak", *SMALL, "--n", "2")
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": "darker", "edit_of": [first["job"], f"{first['job']}/2"], "size": "816x816"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, output = run("batch", path, "--quality", "low")
    assert code == 0 and output["succeeded"] == 2, output
    assert sorted(len(files) for files in sent_files(online)) == [0, 1, 1]
    code, output = run("batch", path, "--quality", "low")
    assert output["skipped"] == 2 and len(online.image_requests) == 3
    forest = list(api.history_rows(tree=True))
    assert [row["depth"] for row in forest] == [0, 1, 1]
    path.write_text(json.dumps({"prompt": "darker", "edit_of": "none"}) + "\n")
    code, output = run("batch", path, "--quality", "low")
    assert code == 4 and "line 1" in output["error"]["message"] and len(online.image_requests) == 3


def test_the_operator_edits_a_result() -> None:
    first = api.generate("oak", target="image", provider="offline", size="64x64")
    more: dict[str, Any] = {"provider": "offline", "target": "image", "size": "64x64"}
    assert bpy.ops.gpt_image.generate(prompt="darker", edit_of=first.job, **more) == {"FINISHED"}
    assert [version.prompt for version in api.versions(first.job)] == ["oak", "darker"]
    with pytest.raises(RuntimeError, match="There is no job none"):
        bpy.ops.gpt_image.generate(prompt="darker", edit_of="none", **more)


OFFLINE: dict[str, Any] = {"provider": "offline", "size": "64x64"}


def edited(job: str, prompt: str) -> Any:
    """The result of an edit that is put back as the panel does it."""
    place = {"object_uid": bpy.context.active_object.session_uid} if bpy.context.active_object else {}
    found = further_edits.prepare_edit(job, prompt, **place).submit(apply=further_edits.way_back(job))
    assert found.wait(30) and found.error is None
    return found


def shown(obj: bpy.types.Object) -> list[str]:
    """The jobs whose images an object shows."""
    tree = obj.active_material.node_tree
    return sorted(
        {node.image["gpt_image_job"] for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage"}
    )


def test_an_edit_changes_one_thing_and_keeps_the_rest(online: ApiServer) -> None:
    bpy.ops.mesh.primitive_cube_add()
    paid: dict[str, Any] = {"provider": "openai", "quality": "low", "size": "816x816"}
    first = api.generate("oak", n=2, style="comic", name="Floor", **paid)
    assert bpy.ops.gpt_image.use_variation(job=first.job, number=1) == {"FINISHED"}
    second = edited(first.job, "darker")
    asked = second.request
    assert (asked.prompt, asked.n, asked.size, asked.quality) == ("darker", 1, "816x816", "low")
    assert (asked.style, asked.mask, asked.references) == (None, None, (first.images[1].file,))
    assert second.application.edit_of == f"{first.job}/2" and second.application.name == "Floor"
    assert "Change only this in image 1: darker\nKeep everything else" in second.checked.prompt
    assert len(online.image_requests) == 2 and len(online.image_requests[1].files) == 1


@pytest.mark.parametrize("target", ["texture", "image", "plane"])
def test_versions_take_the_place_of_each_other(target: str) -> None:
    bpy.ops.mesh.primitive_cube_add()
    first = api.generate("oak", target=target, **OFFLINE)
    image = bpy.data.images[first.images[0].name]
    name = image.name
    tree = bpy.data.materials[first.material].node_tree if first.material else None
    nodes = [node for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage"] if tree else []
    if not nodes:  # something of the file must show it
        world = bpy.data.materials.new("Own")
        world.use_nodes = True
        nodes = [world.node_tree.nodes.new("ShaderNodeTexImage")]
        nodes[0].image = image

    def now() -> str:
        return str(nodes[0].image["gpt_image_job"])

    second = edited(first.job, "ash")
    assert now() == second.id
    third = edited(second.id, "pine")
    assert now() == third.id and nodes[0].image.name == name
    shown_versions.show_version(first.job)
    assert now() == first.job and nodes[0].image.name == name
    branch = edited(first.job, "birch")
    assert now() == branch.id
    assert api.versions(branch.id)[1].branches == (second.id, branch.id)
    for job in (third.id, second.id, branch.id, first.job, third.id):
        shown_versions.show_version(job)
        assert now() == job and nodes[0].image.name == name
    before = len(bpy.data.images)
    shown_versions.show_version(third.id)
    assert now() == third.id and len(bpy.data.images) == before


def test_a_version_that_left_the_file_comes_from_its_folder() -> None:
    first = api.generate("oak", target="image", **OFFLINE)
    image = bpy.data.images[first.images[0].name]
    own = bpy.data.materials.new("Own")
    own.use_nodes = True
    node = own.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    second = edited(first.job, "ash")
    bpy.data.images.remove(image)
    api.close()
    shown_versions.show_version(first.job)
    assert node.image["gpt_image_job"] == first.job
    shown_versions.show_version(second.id)
    assert node.image["gpt_image_job"] == second.id


def test_a_material_goes_back_with_all_its_maps() -> None:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    first = api.generate("oak", target="material", **OFFLINE)
    second = edited(first.job, "ash")
    assert shown(obj) == [second.id]
    shown_versions.show_version(first.job)
    assert shown(obj) == [first.job] and obj.active_material.name == first.material
    shown_versions.show_version(second.id)
    assert shown(obj) == [second.id]
    bpy.data.materials.remove(bpy.data.materials[first.material])
    shown_versions.show_version(first.job, object_uid=obj.session_uid)
    assert api.jobs()[-1].wait(30) and shown(obj) == [first.job]


def test_versions_of_other_results_stay_where_they_are() -> None:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    first = api.generate("oak", target="texture", **OFFLINE)
    other = api.generate("brick", target="image", **OFFLINE)
    shown_versions.show_version(other.job)
    assert shown(obj) == [first.job]


def test_the_operators_edit_go_back_and_branch() -> None:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    first = api.generate("oak", target="texture", **OFFLINE)
    assert bpy.ops.gpt_image.make_it(job=first.job, instruction="darker") == {"FINISHED"}
    second = api.versions(first.job)[1]
    assert shown(obj) == [second.job] and second.prompt == "darker"
    bpy.context.window_manager.gpt_image.instruction = "  warmer "
    assert bpy.ops.gpt_image.make_it(job=second.job) == {"FINISHED"}
    assert [version.prompt for version in api.versions(first.job)] == ["oak", "darker", "warmer"]
    assert bpy.ops.gpt_image.show_version(job=first.job) == {"FINISHED"}
    assert shown(obj) == [first.job] and chosen.current().job == first.job
    assert (chosen.current().place, len(chosen.current().versions)) == (0, 3)
    bpy.ops.gpt_image.make_it(job=first.job, instruction="birch")
    current = chosen.current()
    assert current.place == 1 and [prompt for _, prompt in current.branches] == ["darker", "birch"]
    bpy.context.window_manager.gpt_image.instruction = ""
    with pytest.raises(RuntimeError, match="Write what to change first"):
        bpy.ops.gpt_image.make_it(job=first.job)
    with pytest.raises(RuntimeError, match="There is no job none"):
        bpy.ops.gpt_image.show_version(job="none")


def test_a_version_of_another_session_is_chosen() -> None:
    first = api.generate("oak", target="image", **OFFLINE)
    second = edited(first.job, "ash")
    api.close()
    bpy.ops.gpt_image.show_version(job=second.id)
    current = chosen.current()
    assert current.item is not None and current.job == second.id and current.place == 1


def panel() -> Any:
    return bpy.context.scene.gpt_image


def test_the_panel_knows_what_it_edits(tmp_path: Path) -> None:
    first = api.generate("oak", target="image", **OFFLINE)
    bpy.ops.gpt_image.use_as_reference(job=first.job)
    values = panel()
    values.prompt, values.provider, values.target = "darker", "offline", "image"
    values.size, values.width, values.height = "custom", 64, 64
    assert bpy.ops.gpt_image.generate() == {"FINISHED"}
    second = api.versions(first.job)[1]
    assert second.edit_of == f"{first.job}/1"
    values.references.clear()
    bpy.ops.gpt_image.recall(job=second.job)
    assert values.references[0].edit_of == f"{first.job}/1"
    assert bpy.ops.gpt_image.generate(prompt="warmer") == {"FINISHED"}
    assert api.versions(first.job)[1].prompt == "warmer"
    values.references.clear()
    bpy.ops.gpt_image.add_reference(kind="image", image=first.images[0].name)
    bpy.ops.gpt_image.generate(prompt="birch")
    assert api.versions(first.job)[1].prompt == "birch"
    bpy.data.images[first.images[0].name]["gpt_image_job"] = "../../etc"
    bpy.ops.gpt_image.generate(prompt="elm")
    assert len(api.versions(first.job)[1].branches) == 3
    assert len(list(api.history_rows(tree=True))) == 5


def test_another_one_of_an_edit_is_its_sibling() -> None:
    first = api.generate("oak", target="image", **OFFLINE)
    second = edited(first.job, "ash")
    from gpt_image_addon.app import results

    third = results.again(second.id)
    assert third.wait(30) and third.error is None
    assert api.versions(first.job)[1].branches == (second.id, third.id)
    assert third.request.references == second.request.references


def test_an_inpaint_is_an_edit_of_the_result(tmp_path: Path) -> None:
    first = api.generate("oak", target="image", **OFFLINE)
    assert bpy.ops.gpt_image.edit_region(job=first.job) == {"FINISHED"}
    values = panel()
    mask = values.mask_image
    size = mask.size[0] * mask.size[1]
    mask.pixels.foreach_set([1.0] * (size * 2) + [0.0, 0.0, 0.0, 1.0] * (size // 2))
    values.prompt, values.provider = "moss", "offline"
    bpy.ops.gpt_image.generate()
    second = api.versions(first.job)[1]
    assert (second.edit_of, second.prompt) == (f"{first.job}/1", "moss")
    shown_versions.show_version(first.job)
    assert not inpainting.can_revert(first.job) and inpainting.is_reverted(second.job)
    shown_versions.show_version(second.job)
    assert inpainting.can_revert(second.job) and not inpainting.is_reverted(second.job)


def test_a_stored_edit_becomes_something_else_unpaid(run: Command, online: ApiServer, tmp_path: Path) -> None:
    _, first = run("generate", "oak", *SMALL)
    _, second = run("generate", "darker", *SMALL, "--edit-of", first["job"], "--keep-rest")
    sent = len(online.image_requests)
    assert "Keep everything else" in online.image_requests[-1].fields["prompt"]
    code, output = run("recover", second["job"], "--target", "material", "--output", tmp_path / "out.blend")
    assert (
        code == 0 and output["recovered"][0]["material"] and set(output["recovered"][0]["maps"]) > {"normal"}
    )
    assert len(online.image_requests) == sent and (tmp_path / "out.blend").exists()
    assert api.versions(second["job"])[1].job == second["job"]


def test_a_result_that_was_edited_is_deleted_alone() -> None:
    first = api.generate("oak", target="image", **OFFLINE)
    second = edited(first.job, "ash")
    assert bpy.ops.gpt_image.delete_result(job=first.job) == {"FINISHED"}
    assert [version.images == () for version in api.versions(second.id)] == [True, False]
    shown_versions.show_version(second.id)
    with pytest.raises(InvalidRequestError, match="has no images"):
        further_edits.prepare_edit(first.job, "pine")


def test_a_material_whose_color_was_edited_goes_back() -> None:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    first = api.generate("oak", target="material", **OFFLINE)
    image = bpy.data.images[first.images[0].name]
    apply = inpainting.ReplaceImage(image.session_uid, lambda: None, lambda: None)
    prepared = further_edits.prepare_edit(first.job, "ash", target="image")
    second = prepared.submit(apply=apply)
    assert second.wait(30) and second.error is None
    assert shown(obj) == sorted([first.job, second.id])  # the other maps stay
    shown_versions.show_version(first.job)
    assert shown(obj) == [first.job]
    shown_versions.show_version(second.id)
    assert shown(obj) == sorted([first.job, second.id])


def test_the_panels_reference_is_no_place_of_an_image() -> None:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    first = api.generate("oak", target="texture", **OFFLINE)
    second = edited(first.job, "ash")
    older = next(image for image in bpy.data.images if image.get("gpt_image_job") == first.job)
    item = panel().references.add()
    item.kind, item.image = "image", older
    third = edited(second.id, "pine")
    assert shown(obj) == [third.id]
    shown_versions.show_version(second.id)
    assert shown(obj) == [second.id]
