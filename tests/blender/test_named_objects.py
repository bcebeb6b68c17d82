"""What nobody watches goes onto no object that was not named, and arrives whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api
from gpt_image_addon.scene import assets
from tests.api_server import ApiServer

SMALL = ("--provider", "offline", "--size", "64x64")
OFFLINE: dict[str, Any] = {"provider": "offline", "size": "64x64"}


def cube(name: str = "Cube") -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add()
    obj = bpy.context.active_object
    obj.name = name
    obj.data.materials.append(bpy.data.materials.new(f"{name} paint"))
    return obj


def library_of(tmp_path: Path) -> Path:
    """A library that somebody saved with his cube active."""
    cube().asset_mark()
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def manifest(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def asset_names(kind: Any) -> set[str]:
    return {block.name for block in kind if block.asset_data}


@pytest.mark.parametrize("target", ["texture", "material"])
def test_a_library_keeps_its_active_object(run: Any, tmp_path: Path, target: str) -> None:
    library = library_of(tmp_path)
    path = manifest(tmp_path, *({"prompt": prompt, "target": target} for prompt in ("oak", "ice", "rust")))
    code, output = run("batch", path, *SMALL, "--asset-library", library)
    assert (code, output["succeeded"]) == (0, 3)
    bpy.ops.wm.open_mainfile(filepath=str(library))
    assert asset_names(bpy.data.materials) == {"oak", "ice", "rust"}
    assert asset_names(bpy.data.objects) == {"Cube"}
    assert bpy.data.objects["Cube"].active_material.name == "Cube paint"


def test_an_object_that_a_row_names_takes_it(run: Any, tmp_path: Path) -> None:
    library = library_of(tmp_path)
    path = manifest(tmp_path, {"prompt": "oak", "object": "Cube", "target": "material"})
    assert run("batch", path, *SMALL, "--asset-library", library)[0] == 0
    bpy.ops.wm.open_mainfile(filepath=str(library))
    assert bpy.data.objects["Cube"].active_material.name == "oak"


@pytest.mark.parametrize(("target", "kind"), [("plane", "objects"), ("texture", "materials")])
def test_each_image_is_an_asset(run: Any, tmp_path: Path, target: str, kind: str) -> None:
    library = tmp_path / "library.blend"
    path = manifest(tmp_path, {"prompt": "oak", "n": 3, "target": target, "tags": ["wood"]})
    assert run("batch", path, *SMALL, "--asset-library", library)[0] == 0
    bpy.ops.wm.open_mainfile(filepath=str(library))
    found = [block for block in getattr(bpy.data, kind) if block.asset_data]
    assert len(found) == 3 and all("wood" in block.asset_data.tags for block in found)
    assert len({image.name for image in bpy.data.images if image.packed_file}) == 3
    code, output = run("batch", path, *SMALL, "--asset-library", library)
    assert (code, output["skipped"]) == (0, 1)


def test_a_material_comes_whole_where_its_catalog_fails(run: Any, tmp_path: Path) -> None:
    library = tmp_path / "library" / "a.blend"
    (library.parent / assets.CATALOG_FILE).mkdir(parents=True)
    path = manifest(tmp_path, {"prompt": "oak", "target": "material", "catalog": "Wood", "n": 2})
    code, output = run("batch", path, *SMALL, "--asset-library", library)
    assert code == 0 and any("catalog" in warning for warning in output["results"][0]["warnings"])
    bpy.ops.wm.open_mainfile(filepath=str(library))
    (oak,) = (material for material in bpy.data.materials if material.asset_data)
    kinds = {node.label for node in oak.node_tree.nodes if node.type == "TEX_IMAGE"}
    assert {"Base Color", "Normal", "Roughness"} <= kinds
    assert len([image for image in bpy.data.images if image.use_fake_user]) == 1  # the other image


def test_a_changed_row_reaches_the_library(run: Any, tmp_path: Path) -> None:
    library = tmp_path / "a.blend"
    for prompt in ("oak", "ice"):
        path = manifest(tmp_path, {"id": "a", "prompt": prompt})
        assert run("batch", path, *SMALL, "--asset-library", library)[1]["succeeded"] == 1
        assert run("batch", path, *SMALL, "--asset-library", library)[1]["skipped"] == 1
    bpy.ops.wm.open_mainfile(filepath=str(library))
    assert asset_names(bpy.data.materials) == {"oak", "ice"}


def test_a_library_that_somebody_else_saves_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    library = tmp_path / "a.blend"
    batch = api.batch(manifest(tmp_path, {"prompt": "oak"}), OFFLINE, asset_library=library)

    def meddle(*_: Any) -> None:
        library.write_bytes(b"somebody else's")

    fatal = api.run_batch(batch, on_outcome=meddle).fatal
    assert fatal is not None and "changed by another program" in fatal.message
    assert library.read_bytes() == b"somebody else's"


@pytest.mark.parametrize("tags", [["wood", "", " "], ["x" * 100, "wood"], ["wo\tod", "wood", "wood"]])
def test_tags_that_no_asset_can_have(run: Any, tmp_path: Path, tags: list[str]) -> None:
    library = tmp_path / "a.blend"
    path = manifest(tmp_path, {"prompt": "oak", "tags": tags})
    assert run("batch", path, *SMALL, "--asset-library", library)[0] == 0
    bpy.ops.wm.open_mainfile(filepath=str(library))
    found = {tag.name for tag in bpy.data.materials["oak"].asset_data.tags}
    assert {"GPT Image", "wood"} <= found and "" not in found


def test_an_empty_tag_of_a_csv(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("prompt,tags\noak,wood|\n")
    assert run("batch", path, *SMALL, "--asset-library", tmp_path / "a.blend")[0] == 0


def waiting(*prompts: str, **parameters: Any) -> list[str]:
    """Results that wait for a scene: their window was closed before they came."""
    from gpt_image_addon.app import session

    jobs = []
    for prompt in prompts:
        job = api.submit(prompt, **{"target": "texture", **OFFLINE, **parameters})
        assert job.wait(20)
        jobs.append(job.id)
    journal = session.journal(api.settings.load())
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'RECEIVED'")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    api.close()
    return jobs


def test_recovered_results_leave_the_active_object_alone(run: Any) -> None:
    waiting("oak", "ice")
    obj = cube()
    code, output = run("recover", "--all")
    assert code == 0 and len(output["recovered"]) == 2
    assert obj.active_material.name == "Cube paint"
    assert {row["object"] for row in output["recovered"]} == {None}
    assert all(bpy.data.materials[row["material"]].use_fake_user for row in output["recovered"])
    assert all(any("named" in text for text in row["warnings"]) for row in output["recovered"])


def test_a_recovered_result_goes_onto_what_was_named(run: Any) -> None:
    cube("Crate")
    (job,) = waiting("oak", object_name="Crate")
    crate = cube("Crate")
    cube("Other")
    assert run("recover", job)[0] == 0
    assert crate.active_material.name != "Other paint" and job in str(
        [dict(image.items()) for image in bpy.data.images]
    )
    (job,) = waiting("ice")
    other = cube("Other")
    cube("Active")
    assert run("recover", job, "--object", "Other")[1]["recovered"][0]["object"] == other.name


def test_recovering_all_in_the_panel_puts_nothing_over_another(online: ApiServer) -> None:
    waiting("oak", "ice")
    obj = cube()
    bpy.ops.gpt_image.recover_all()
    assert all(job.wait(20) for job in api.jobs())
    assert obj.active_material.name == "Cube paint"
    assert {"oak", "ice"} <= {material.name for material in bpy.data.materials}


def test_python_still_uses_the_active_object() -> None:
    (job,) = waiting("oak")
    obj = cube()
    assert api.recover(job).wait(20)
    assert api.generate("ice", target="material", **OFFLINE).object == obj.name
