"""Objects that rows of a manifest name are looked for before anything is paid."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import bpy
import pytest

from tests.api_server import ApiServer
from tests.blender.scene_fixtures import cube

CHEAP = ("--quality", "low", "--model", "gpt-image-2.5-flare")


@pytest.fixture
def run(run: Any) -> Any:
    return functools.partial(run, "batch")


def manifest(folder: Path, *rows: Any) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library that holds a local Crate, a linked Barrel and a camera."""
    barrel = tmp_path / "barrel.blend"
    cube("Barrel")
    bpy.ops.wm.save_as_mainfile(filepath=str(barrel))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(barrel), link=True) as (_, wanted):
        wanted.objects = ["Barrel"]
    bpy.context.scene.collection.objects.link(wanted.objects[0])
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye")))
    cube("Crate")
    path = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return path


ROWS = (
    {"id": "good", "prompt": "oak", "object": "Crate"},
    {"id": "typo", "prompt": "ash", "object": "Crte"},
    {"id": "linked", "prompt": "elm", "object": "Barrel", "target": "material"},
    {"id": "kind", "prompt": "fir", "object": "Eye"},
    {"id": "plane", "prompt": "yew", "object": "Crte", "target": "plane"},
)


def codes(output: dict[str, Any]) -> dict[str, str | None]:
    return {row["row"]: row["error"] and row["error"]["code"] for row in output["results"]}


EXPECTED = {
    "good": None,
    "typo": "no_such_object",
    "linked": "read_only",
    "kind": "no_surface",
    "plane": None,
}


def test_an_asset_library_is_asked_for_its_objects(
    run: Any, online: ApiServer, tmp_path: Path, library: Path
) -> None:
    path = manifest(tmp_path, *ROWS)
    code, output = run(path, *CHEAP, "--asset-library", library)
    assert (code, output["succeeded"], output["failed"], output["unfinished"]) == (7, 2, 3, 0)
    assert codes(output) == EXPECTED
    assert len(online.image_requests) == 2
    billed = [row["error"]["billed"] for row in output["results"] if row["error"]]
    assert billed == ["no"] * 3


def test_a_row_that_lacks_its_object_and_its_reference_ends_no_run(
    run: Any, online: ApiServer, tmp_path: Path, library: Path
) -> None:
    path = manifest(tmp_path, {"prompt": "a", "object": "Crte", "reference": "gone.png"}, {"prompt": "b"})
    code, output = run(path, *CHEAP, "--asset-library", library)
    assert (code, output["succeeded"], output["failed"], output["unfinished"]) == (7, 1, 1, 0)
    assert len(online.image_requests) == 1


def test_the_batch_api_is_handed_only_rows_that_have_a_place(
    run: Any, online: ApiServer, tmp_path: Path, library: Path
) -> None:
    path = manifest(tmp_path, *ROWS)
    _, output = run(path, *CHEAP, "--asset-library", library, "--via", "batch-api")
    assert (output["running"], output["failed"]) == (2, 3)
    assert {row: code for row, code in codes(output).items() if code} == {
        row: code for row, code in EXPECTED.items() if code
    }


@pytest.mark.parametrize("flag", ["--blend-per-row", "--asset-library"])
def test_new_files_have_no_objects(run: Any, online: ApiServer, tmp_path: Path, flag: str) -> None:
    cube("Crate")  # of the file that is open, which gets nothing
    path = manifest(tmp_path, {"prompt": "oak"}, {"prompt": "ash", "object": "Crate"})
    more = [] if flag == "--blend-per-row" else [tmp_path / "new.blend"]
    code, output = run(path, *CHEAP, flag, *more)
    assert (code, output["succeeded"], output["failed"]) == (7, 1, 1)
    assert len(online.image_requests) == 1
    code, output = run(path, *CHEAP, flag, *more, "--farm", "openjd", tmp_path / "bundle")
    assert (code, output["error"]["param"]) == (4, "object_name")
    assert "line 2" in output["error"]["message"] and not (tmp_path / "bundle").exists()


def test_files_alone_need_no_objects(run: Any, online: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "oak", "object": "Nobody"})
    assert run(path, *CHEAP)[0] == 0
    assert run(path, *CHEAP, "--farm", "openjd", tmp_path / "bundle")[0] == 0


def test_what_was_paid_for_is_delivered_all_the_same(run: Any, online: ApiServer, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"prompt": "oak", "object": "Nobody"})
    assert run(path, *CHEAP)[0] == 0
    code, output = run(path, *CHEAP, "--asset-library", tmp_path / "new.blend")
    assert (code, output["skipped"], len(online.image_requests)) == (0, 1, 1)
    assert (tmp_path / "new.blend").is_file()


@pytest.fixture
def sculpted(tmp_path: Path) -> Path:
    """A library that was saved in Sculpt Mode, in which nothing can be added."""
    path = tmp_path / "sculpted.blend"
    cube("Clay")
    bpy.ops.object.mode_set(mode="SCULPT")
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    return path


PLANE = {"id": "plane", "prompt": "oak", "target": "plane"}
TEXTURE = {"id": "texture", "prompt": "ash", "target": "texture"}


def test_a_library_in_a_mode_that_takes_no_planes_is_told_before(
    run: Any, online: ApiServer, tmp_path: Path, sculpted: Path
) -> None:
    code, output = run(manifest(tmp_path, PLANE, TEXTURE), *CHEAP, "--asset-library", sculpted)
    assert (code, codes(output)) == (7, {"plane": "wrong_mode", "texture": None})
    assert len(online.image_requests) == 1


def test_what_can_not_be_added_later_ends_no_run(
    run: Any, online: ApiServer, tmp_path: Path, sculpted: Path
) -> None:
    path = manifest(tmp_path, PLANE, TEXTURE)
    assert run(path, *CHEAP)[0] == 0
    code, output = run(path, *CHEAP, "--asset-library", sculpted)
    errors = {row["row"]: row["error"] for row in output["results"]}
    assert (code, errors["texture"], len(online.image_requests)) == (7, None, 2)
    assert "Sculpt Mode" in errors["plane"]["message"] and "image-1.png" in errors["plane"]["message"]
