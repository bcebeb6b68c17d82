"""Files that are written for the user: nothing of his is replaced, all is tried before anything is paid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

from gpt_image_addon import api, cli
from gpt_image_addon.app import results, settings
from gpt_image_addon.core.common.paths import is_file_name
from gpt_image_addon.core.errors import GptImageError, InvalidRequestError, StorageError
from gpt_image_addon.scene.images import PROPERTY_PREFIX
from tests.api_server import ApiServer

SMALL = ("--provider", "offline", "--size", "64x64")
OFFLINE: dict[str, Any] = {"provider": "offline", "size": "64x64"}
PAID = ("--quality", "low", "--target", "image")
MINE = b"made by hand"


def manifest(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"target": "image"} | row) + "\n" for row in rows))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    result = api.generate("oak", target="image", **OFFLINE)
    path = tmp_path / "oak.png"
    path.write_bytes(Path(result.files[0]).read_bytes())
    return path


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1.1 MB, which an image fills; skipped where there is no mounting."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1100k", "tmpfs", str(folder)]
    if os.name == "nt" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_copies_leave_what_is_there(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "textures"
    folder.mkdir()
    (folder / "oak.png").write_bytes(MINE)
    flags = ("--target", "image", "--textures-dir", folder)
    code, output = run("generate", "oak", *SMALL, *flags)
    assert code == 0 and (folder / "oak.png").read_bytes() == MINE
    assert any("oak 2.png" in warning for warning in output["warnings"])
    assert (folder / "oak 2.png").read_bytes() == Path(output["images"][0]["file"]).read_bytes()
    run("generate", "oak", *SMALL[:2], "--size", "128x64", *flags)
    assert names(folder) == ["oak 2.png", "oak 3.png", "oak.png"]
    run("generate", "oak", *SMALL, *flags, "--overwrite")
    assert (folder / "oak.png").read_bytes() == (folder / "oak 2.png").read_bytes()


def test_names_lead_nowhere_else(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "textures"
    for name in ("../../escaped", f"{tmp_path}/absolute", "CON", "a:b", "x" * 300, "oak.", "\u202egnp.exe"):
        code, output = run("generate", "oak", *SMALL, "--name", name, "--textures-dir", folder)
        assert code == 0, output
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a", tmp_path / "state"]
    assert not [n for n in names(folder) if set(n) & set('<>:"/\\|?*\u202e') or n.startswith("CON.")]
    assert len(names(folder)) == 7


ODD_NAMES = ("../../escaped", "/absolute", "CON", "a:b\\c", "x" * 300, "..", "\u202egnp.exe")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_of_manifests_and_of_other_blends_lead_nowhere_else(
    run: Any, tmp_path: Path, image_file: Path, name: str
) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    rows = manifest(inside, {"prompt": "oak", "name": name})
    for argv in (
        ("maps", image_file, "--output-dir", inside / "maps", "--maps", "normal", "--name", name),
        ("batch", rows, *SMALL, "--output-dir", inside / "rows"),
        ("batch", rows, *SMALL, "--blend-per-row", "--output-dir", inside / "blends"),
    ):
        code, output = run(*argv)
        assert code == 0, output
    assert run("batch", manifest(inside, {"prompt": "oak", "id": name}), *SMALL)[0] == 4
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    image = bpy.data.images.load(str(image_file))
    image.name = name
    assert api.make_maps(image, inside / "of an image", maps=["normal"]).maps
    bpy.ops.wm.save_as_mainfile(filepath=str(inside / "saved.blend"))
    with settings.override(storage="save"):
        api.generate("oak", target="material", name=name, maps=["normal"], **OFFLINE)
    made = [path for path in inside.rglob("*") if path.is_file()]
    assert {path.parent.name for path in made} >= {
        "maps",
        "rows",
        "blends",
        "of an image",
        "textures",
    }
    assert not [path.name for path in made if not is_file_name(path.name) or "\u202e" in path.name]
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a", image_file, tmp_path / "state"]
    assert list((tmp_path / "a").iterdir()) == [inside]


def shown(name: str) -> bpy.types.Material:
    """A material that shows an image of ours, of which its preview is made; others are rendered for that."""
    image = bpy.data.images.new("Shown", 8, 8)
    image[f"{PROPERTY_PREFIX}prompt"] = "oak"
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = image
    return material


def test_a_material_of_another_blend_names_no_file_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "library"
    folder.mkdir(parents=True)
    places = bpy.context.preferences.filepaths.asset_libraries
    library = places.new(name="Mine", directory=str(folder))
    try:
        path = results.mark_asset(shown("../../escaped"), "Mine")
    finally:
        places.remove(library)
    assert path == folder / "escaped.blend" and path.is_file()
    assert names(tmp_path) == ["a", "state"] and names(tmp_path / "a") == ["library"]


def test_an_image_beside_a_blend_leaves_what_is_there(tmp_path: Path) -> None:
    textures = tmp_path / "textures"

    def saved(blend: str, prompt: str) -> tuple[api.Result, Path]:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / blend))
        with settings.override(storage="save"):
            result = api.generate(prompt, target="texture", name="wall", **OFFLINE)
        image = bpy.data.images[result.images[0].name]
        assert image.packed_file is None and tuple(image.size) == (64, 64)
        return result, Path(bpy.path.abspath(image.filepath))

    first, path = saved("a.blend", "red brick")
    before = path.read_bytes()
    second, other = saved("b.blend", "green grass")
    assert (path, other) == (textures / "wall.png", textures / "wall 2.png")
    assert path.read_bytes() == before == Path(first.files[0]).read_bytes()
    assert other.read_bytes() == Path(second.files[0]).read_bytes()
    assert any("wall 2.png" in warning for warning in second.warnings)


def test_another_blend_of_the_same_result_keeps_what_it_shows(tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    with settings.override(storage="save"):
        job = api.submit("oak", target="image", name="wall", **OFFLINE)
        assert job.wait(20)
        before = (tmp_path / "textures" / "wall.png").read_bytes()
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "b.blend"))
        # The same job, with other bytes: its maps instead of its image.
        assert results.apply(job.id, target="material", displacement="true").wait(20)
    assert (tmp_path / "textures" / "wall.png").read_bytes() == before


def test_rows_of_one_batch_do_not_share_files(run: Any, tmp_path: Path) -> None:
    rows = (
        {"id": "wall", "prompt": "oak", "n": 2},
        {"id": "wall 1", "prompt": "ice"},
        {"id": "floor", "prompt": "moss", "target": "material"},
        {"id": "floor_normal", "prompt": "sand"},
    )
    path = manifest(tmp_path, *rows)
    for states in (("succeeded",), ("succeeded", "skipped")):
        code, output = run("batch", path, *SMALL)
        assert code == 0 and {row["state"] for row in output["results"]} <= set(states), output
        files = {row["row"]: row["files"] for row in output["results"]}
        every = [file for found in files.values() for file in found]
        assert len(every) == len(set(every))
        for row, found in files.items():
            if row != "floor":
                job = next(one["job"] for one in output["results"] if one["row"] == row)
                folder = results.entry(job).folder
                assert folder is not None
                assert [Path(file).read_bytes() for file in found] == [
                    image.read_bytes() for image in sorted(folder.glob("image-*"))
                ]
    assert len(names(tmp_path / "rows-pictures")) == len(every)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_batch_in_a_folder_whose_name_is_no_text(run: Any, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    path = manifest(folder, {"id": "a", "prompt": "oak"}).rename(folder / os.fsdecode(b"ro\xe4s.jsonl"))
    for sheet, state in (("sheet.html", "succeeded"), ("sheet.png", "skipped")):
        code, output = run("batch", path, *SMALL, "--contact-sheet", folder / sheet)
        assert (code, output["results"][0]["state"]) == (0, state), output
        assert Path(output["results"][0]["files"][0]).is_file() and (folder / sheet).is_file()
    page = (folder / "sheet.html").read_text()
    assert "ro%E4s-pictures/a.png" in page and "<h1>ro\\xe4s</h1>" in page


@pytest.mark.parametrize("harm", [b"", b"\x89PNG\r\n\x1a\n", None])
def test_a_cut_file_does_not_count_as_made(run: Any, tmp_path: Path, harm: bytes | None) -> None:
    path = manifest(tmp_path, {"id": "oak", "prompt": "oak"})
    file = Path(run("batch", path, *SMALL)[1]["results"][0]["files"][0])
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if harm is None else harm)
    code, output = run("batch", path, *SMALL)
    assert (code, output["skipped"], file.read_bytes() == whole) == (0, 1, True)
    assert names(file.parent) == ["oak.png"]


def test_a_row_that_was_changed_replaces_its_own_file_but_no_retouched_one(run: Any, tmp_path: Path) -> None:
    first = Path(
        run("batch", manifest(tmp_path, {"id": "a", "prompt": "oak"}), *SMALL)[1]["results"][0]["files"][0]
    )
    before = first.read_bytes()
    run("batch", manifest(tmp_path, {"id": "a", "prompt": "ice"}), *SMALL)
    assert names(first.parent) == ["a.png"] and first.read_bytes() != before
    first.write_bytes(MINE)
    output = run("batch", manifest(tmp_path, {"id": "a", "prompt": "moss"}), *SMALL)[1]
    assert first.read_bytes() == MINE and names(first.parent) == ["a 2.png", "a.png"]
    assert any("a 2.png" in warning for warning in output["results"][0]["warnings"])


def test_a_users_blend_of_a_rows_name_stays(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "rows-pictures"
    folder.mkdir()
    (folder / "a.blend").write_bytes(MINE)
    path = manifest(tmp_path, {"id": "a", "prompt": "oak"})
    for made, skipped in ((1, 0), (0, 1)):
        output = run("batch", path, *SMALL, "--blend-per-row")[1]
        assert (output["succeeded"], output["skipped"]) == (made, skipped)
        assert names(folder) == ["a 2.blend", "a.blend", "a.png"]
    assert (folder / "a.blend").read_bytes() == MINE
    (folder / "a 2.blend").write_bytes(b"")
    run("batch", path, *SMALL, "--blend-per-row")
    bpy.ops.wm.open_mainfile(filepath=str(folder / "a 2.blend"))
    assert "oak" in bpy.data.images


@pytest.mark.parametrize("kind", ["contact-sheet", "report", "results"])
def test_what_is_not_ours_stops_a_batch_before_it_pays(
    run: Any, online: ApiServer, tmp_path: Path, kind: str
) -> None:
    path = manifest(tmp_path, {"prompt": "oak"})
    file = {"contact-sheet": "sheet.html", "report": "r.jsonl", "results": "rows.results.jsonl"}[kind]
    (tmp_path / file).write_bytes(MINE)
    flags = () if kind == "results" else (f"--{kind}", tmp_path / file)
    code, output = run("batch", path, "--quality", "low", *flags)
    assert (code, online.requests) == (4, []) and "--overwrite" in output["error"]["message"]
    assert (tmp_path / file).read_bytes() == MINE
    code, _ = run("batch", path, "--quality", "low", *flags, "--overwrite")
    assert code == 0
    assert run("batch", path, "--quality", "low", *flags)[0] == 0  # ours by now, or gone
    assert len(online.answers) == 1


def test_a_report_of_ours_is_written_anew_and_nothing_else(
    run: Any, online: ApiServer, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    flags = ("generate", "oak", *SMALL, "--target", "image", "--json-file", file)
    file.write_text("")
    for _ in range(2):
        assert run(*flags)[0] == 0 and json.loads(file.read_text())["state"] == "succeeded"
    file.write_bytes(MINE)
    assert run(*flags)[0] == 4 and file.read_bytes() == MINE
    assert run(*flags, "--overwrite")[0] == 0 and json.loads(file.read_text())["schema"] == 1
    file.write_bytes(MINE)
    assert run("generate", "oak", *PAID, "--json-file", file)[0] == 4
    assert run("generate", "--json-file", file)[0] == 2 and file.read_bytes() == MINE
    assert online.requests == []


def test_a_pipe_takes_the_report(run: Any, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes in the file system here")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("models", "--json-file", pipe)[0] == 0
        assert os.read(handle, 20).startswith(b'{"schema": 1')
    finally:
        os.close(handle)


BAD_PLACES = {
    "textures in a file": ("--textures-dir", "file"),
    "textures below a file": ("--textures-dir", "file/below"),
    "a name that no disk takes": ("--textures-dir", "x" * 300),
    "no disk": ("--textures-dir", "/proc/textures"),
    "a blend where nothing is written": ("--output", "/proc/a.blend"),
    "a blend that is a folder": ("--output", "folder.blend"),
    "a blend that is there": ("--output", "there.blend"),
    "a blend with too long a name": ("--output", "x" * 300 + ".blend"),
    "a report below a file": ("--json-file", "file/r.json"),
    "a report that is a folder": ("--json-file", "folder.blend"),
    "a report where nothing is written": ("--json-file", "/proc/r.json"),
}


@pytest.mark.parametrize("place", BAD_PLACES)
def test_a_bad_place_costs_nothing(run: Any, online: ApiServer, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(MINE)
    (tmp_path / "folder.blend").mkdir()
    (tmp_path / "there.blend").write_bytes(MINE)
    before = names(tmp_path)
    flag, path = BAD_PLACES[place]
    dry_code, _ = run("generate", "oak", *PAID, flag, tmp_path / path, "--dry-run")
    code, output = run("generate", "oak", *PAID, flag, tmp_path / path)
    assert dry_code == code
    assert code in (1, 4) and output["error"]["billed"] == "no" and online.requests == []
    assert [name for name in names(tmp_path) if name != "state"] == [n for n in before if n != "state"]


@pytest.mark.parametrize(
    ("flags", "row"),
    [
        (("--output-dir", "file"), {}),
        (("--output-dir", "/proc/out"), {}),
        (("--asset-library", "/proc/x.blend"), {"target": "texture"}),
        (("--asset-library", "folder.blend"), {"target": "texture"}),
        (("--asset-library", "x.blend"), {"target": "image"}),
        (("--asset-library", "x.blend"), {"target": "texture", "catalog": "a:b"}),
        (("--asset-library", "x.blend"), {"target": "texture", "catalog": "a\nb"}),
        (("--asset-library", "x.blend"), {"target": "texture", "output_format": "svg"}),
        (("--blend-per-row", "--output-dir", "file/below"), {}),
        (("--contact-sheet", "file/sheet.png"), {}),
        (("--contact-sheet", "folder.html"), {}),
        (("--report", "file/r.jsonl"), {}),
    ],
)
def test_a_bad_place_of_a_batch_costs_nothing(
    run: Any, online: ApiServer, tmp_path: Path, flags: tuple[str, ...], row: dict[str, str]
) -> None:
    (tmp_path / "file").write_bytes(MINE)
    (tmp_path / "folder.blend").mkdir()
    (tmp_path / "folder.html").mkdir()
    path = manifest(tmp_path, {"prompt": "oak", "quality": "low"} | row)
    placed = [flag if flag.startswith("--") else tmp_path / flag for flag in flags]
    code, _ = run("batch", path, *placed)
    assert code in (1, 4, 7) and online.requests == []
    assert run("batch", path, *placed, "--dry-run")[0] == code
    if row and "x.blend" in flags:
        assert run("batch", path, *placed, "--dry-run")[1]["invalid"] == 1
        code, output = run("batch", path, *placed, "--farm", "openjd", tmp_path / "farm")
        assert (code, (tmp_path / "farm").exists()) == (4, False), output


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes in its folders")
def test_a_library_that_is_no_file_is_not_waited_for(run: Any, online: ApiServer, tmp_path: Path) -> None:
    pipe = tmp_path / "library.blend"
    os.mkfifo(pipe)
    path = manifest(tmp_path, {"prompt": "oak", "quality": "low", "target": "texture"})
    writer = subprocess.Popen(["sh", "-c", ': > "$1"', "sh", str(pipe)])  # lets who waits go on
    try:
        code, output = run("batch", path, "--asset-library", pipe)
    finally:
        writer.kill()
        writer.wait()
    assert (code, output["error"]["param"], online.requests) == (4, "asset_library", [])
    assert "not a regular file" in output["error"]["message"] and pipe.is_fifo()


def test_a_full_disk_is_told_before(run: Any, online: ApiServer, full_disk: Path) -> None:
    (full_disk / "ballast").write_bytes(bytes(10**6))
    code, output = run("generate", "oak", *PAID, "--textures-dir", full_disk / "textures")
    assert (code, output["error"]["code"], online.requests) == (1, "disk_full", [])
    assert names(full_disk) == ["ballast"]


def test_what_can_not_be_copied_after_payment_is_in_the_scene(
    run: Any, online: ApiServer, full_disk: Path
) -> None:
    """The disk has room for a small image when it is tried, and not for this one."""
    online.options.noise = True
    code, output = run("generate", "oak", *PAID, "--textures-dir", full_disk)
    assert len(online.answers) == 1
    image = output["images"][0]
    assert code == 0 and output["state"] == "succeeded" and bpy.data.images[image["name"]].packed_file
    assert any(image["file"] in warning for warning in output["warnings"])
    assert names(full_disk) == []


def test_a_blend_that_can_not_be_saved_after_payment_says_what_was_billed(
    run: Any, online: ApiServer, full_disk: Path
) -> None:
    online.options.noise = True
    code, output = run("generate", "oak", *PAID, "--output", full_disk / "a.blend")
    error = output["error"]
    assert (code, error["type"], error["billed"]) == (1, "StorageError", "yes")
    assert "image-1" in error["message"] and names(full_disk) == []


def test_a_row_that_can_not_be_delivered_says_where_it_is(
    run: Any, online: ApiServer, full_disk: Path, tmp_path: Path
) -> None:
    online.options.noise = True
    path = manifest(tmp_path, {"prompt": "oak", "quality": "low"})
    code, output = run("batch", path, "--output-dir", full_disk)
    error = output["results"][0]["error"]
    assert (code, error["type"], error["billed"]) == (1, "StorageError", "yes")  # it ends the run
    assert "image-1" in error["message"] and output["cost_usd"] > 0 and names(full_disk) == []
    assert run("batch", path, "--output-dir", tmp_path / "roomy")[0] == 0
    assert len(online.answers) == 1


def test_python_and_panel_try_the_folder_too(online: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(MINE)
    with pytest.raises(StorageError):
        api.submit("oak", provider="openai", quality="low", textures_dir=tmp_path / "file")
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.textures_dir = "oak", "openai", str(tmp_path / "file")
    with pytest.raises(RuntimeError, match="could not be written"):
        bpy.ops.gpt_image.generate()
    values.textures_dir = "//textures"
    with pytest.raises(RuntimeError, match="never saved"):
        bpy.ops.gpt_image.generate()
    assert online.requests == []


def test_paths_beside_the_blend(tmp_path: Path, image_file: Path, run: Any) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "ref.png").write_bytes(image_file.read_bytes())
    manifest(project, {"prompt": "oak", "id": "oak", "target": "texture"})
    bpy.ops.wm.save_as_mainfile(filepath=str(project / "a.blend"))
    api.generate("oak", references=["//ref.png"], mask="//ref.png", textures_dir="//copies", **OFFLINE)
    assert api.split("oak", markup="//ref.png")[0].markup == str(project / "ref.png")
    assert (project / "copies" / "oak.png").is_file()
    api.make_maps("//ref.png", "//maps", maps=["normal"])
    api.make_tile("//ref.png", "//tile.png")
    assert api.save_blend("//copy.blend") == str(project / "copy.blend")
    for argv in (
        ("generate", "ice", *SMALL, "--textures-dir", "//more", "--output", "//out.blend"),
        ("maps", "//ref.png", "--output-dir", "//maps2", "--maps", "normal"),
        ("tile", "//ref.png", "//tile2.png", "--json-file", "//tile.json"),
        ("recover", api.submit("moss", target="image", **OFFLINE).id, "--export", "//exported"),
        ("batch", "//rows.jsonl", *SMALL, "--output-dir", "//images", "--contact-sheet", "//sheet.html"),
        ("batch", "//rows.jsonl", *SMALL, "--asset-library", "//library.blend"),
    ):
        code, output = run(*argv)
        assert code == 0, output
        bpy.ops.wm.open_mainfile(filepath=str(project / "a.blend"))
    assert {"more", "out.blend", "maps2", "tile2.png", "tile.json", "exported", "images", "sheet.html"} | {
        "library.blend"
    } <= set(names(project))


@pytest.mark.parametrize("name", ["references", "mask", "markup", "textures_dir"])
def test_beside_an_unsaved_blend_there_is_nothing(online: ApiServer, image_file: Path, name: str) -> None:
    given: dict[str, Any] = {"references": [str(image_file)], "provider": "openai", "quality": "low"}
    given[name] = ["//a.png"] if name == "references" else "//a.png"
    with pytest.raises(InvalidRequestError, match="never saved") as refused:
        api.submit("oak", **given)
    assert refused.value.param == name and online.requests == []


@pytest.mark.parametrize(
    "argv",
    [
        ("generate", "oak", *PAID, "--output", "//a.blend"),
        ("generate", "oak", *PAID, "--json-file", "//a.json"),
        ("maps", "oak.png", "--output-dir", "//maps"),
        ("tile", "oak.png", "//tile.png"),
        ("batch", "rows.jsonl", "--asset-library", "//a.blend"),
        ("recover", "x", "--export", "//out"),
    ],
)
def test_commands_refuse_paths_beside_an_unsaved_blend(
    run: Any, online: ApiServer, argv: tuple[str, ...]
) -> None:
    code, output = run(*argv)
    assert (code, output["error"]["code"], online.requests) == (4, "unsaved_blend", [])


def test_maps_leave_what_is_there(run: Any, tmp_path: Path, image_file: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "oak_normal.png").write_bytes(MINE)
    flags = ("maps", image_file, "--output-dir", folder, "--maps", "normal,height")
    for _ in range(2):
        code, output = run(*flags)
        assert code == 0 and names(folder) == ["oak_height.png", "oak_normal 2.png", "oak_normal.png"]
        assert output["maps"]["normal"] == str(folder / "oak_normal 2.png")
    assert any("oak_normal 2.png" in warning for warning in output["warnings"])
    before = (folder / "oak_height.png").read_bytes()
    run(*flags, "--height-strength", "2")  # ours, of the same image
    assert (folder / "oak_height.png").read_bytes() != before
    assert names(folder) == ["oak_height.png", "oak_normal 2.png", "oak_normal.png"]
    run(*flags, "--overwrite")
    assert (folder / "oak_normal.png").read_bytes() != MINE


def test_a_tile_leaves_what_is_there(run: Any, online: ApiServer, tmp_path: Path, image_file: Path) -> None:
    out = tmp_path / "tile.png"
    out.write_bytes(MINE)
    for flags in ((), ("--repair-seams", "--provider", "openai", "--quality", "low")):
        code, output = run("tile", image_file, out, *flags)
        assert (code, out.read_bytes(), online.requests) == (4, MINE, [])
        assert "--overwrite" in output["error"]["message"]
    assert run("tile", image_file, out, "--overwrite")[0] == 0
    assert run("tile", image_file, out, "--size", "32x32")[0] == 0  # ours, of the same image
    assert run("tile", out, tmp_path / "tile 2.png")[0] == 0


def test_an_export_leaves_what_is_there(run: Any, tmp_path: Path) -> None:
    job = api.submit("oak", target="image", **OFFLINE)
    assert job.wait(20)
    folder = tmp_path / "out"
    (copy,) = api.export_result(job.id, folder)
    Path(copy).write_bytes(MINE)
    (other,) = api.export_result(job.id, folder)
    assert Path(copy).read_bytes() == MINE and other != copy
    code, output = run("recover", job.id, "--export", folder, "--overwrite")
    assert code == 0 and output["recovered"][0]["files"] == [copy] and Path(copy).read_bytes() != MINE


def test_an_asset_leaves_the_libraries_own_files(tmp_path: Path) -> None:
    for name in ("Beech", "Larch"):
        material = bpy.data.materials.new(name)
        material.asset_mark()
        material.use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "Wood.blend"), copy=True)
    before = (tmp_path / "Wood.blend").read_bytes()
    (tmp_path / "blender_assets.cats.txt").write_bytes(b"# caf\xe9\nVERSION 1\n\nno-newline:Mine:Mine")
    library = bpy.context.preferences.filepaths.asset_libraries.new(name="Mine", directory=str(tmp_path))
    try:
        job = api.submit("oak", target="material", name="Wood", **OFFLINE)
        assert job.wait(20)
        material = bpy.data.materials[job.applied.material]
        paths = [results.mark_asset(material, "Mine") for _ in range(2)]
        with pytest.raises(GptImageError):
            results.mark_asset(material, "Nobody's")
    finally:
        bpy.context.preferences.filepaths.asset_libraries.remove(library)
    assert paths == [tmp_path / "Wood 2.blend"] * 2
    assert (tmp_path / "Wood.blend").read_bytes() == before
    assert names(tmp_path) == ["Wood 2.blend", "Wood.blend", "blender_assets.cats.txt", "state"]
    lines = (tmp_path / "blender_assets.cats.txt").read_bytes().splitlines()
    assert lines[0] == b"# caf\xe9" and lines[3] == b"no-newline:Mine:Mine" and b":GPT Image:" in lines[4]


def test_a_blend_is_saved_once(tmp_path: Path) -> None:
    path = tmp_path / "a.blend"
    assert api.save_blend(path) == str(path)
    before = path.read_bytes()
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(InvalidRequestError, match="--overwrite"):
        api.save_blend(path)
    assert path.read_bytes() == before and names(tmp_path) == ["a.blend", "state"]
    api.save_blend(path, overwrite=True)
    assert names(tmp_path) == ["a.blend", "state"]
    with pytest.raises(StorageError):
        api.save_blend("/proc/a.blend")


def test_a_bundle_for_a_farm_goes_into_an_empty_folder(run: Any, tmp_path: Path) -> None:
    farm = tmp_path / "farm"
    farm.mkdir()
    (farm / "rows.jsonl").write_bytes(MINE)
    path = manifest(tmp_path, {"prompt": "oak"})
    code, output = run("batch", path, "--farm", "openjd", farm)
    assert code == 4 and "--overwrite" in output["error"]["message"]
    assert names(farm) == ["rows.jsonl"] and (farm / "rows.jsonl").read_bytes() == MINE
    assert run("batch", path, "--farm", "openjd", farm, "--overwrite")[0] == 0
    assert b"oak" in (farm / "rows.jsonl").read_bytes()


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_can_overwrite(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, "--help"]) == 0
    assert "--overwrite" in capsys.readouterr().out
