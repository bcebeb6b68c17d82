"""Writing exports: what is there stays, what is ours is replaced, and a manifest says what lies where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.exports.export import MANIFEST, ExportedMaterial, export
from gpt_image_addon.core.exports.texture_set import Material
from gpt_image_addon.core.results.output_files import Outputs

from .test_engines import NAME, material


def write(folder: Path, outputs: Outputs, engine: str = "godot", **changes: Any) -> list[ExportedMaterial]:
    return export({"scene.blend Oak": lambda: material(**changes)}, engine, folder, outputs)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_again_replaces_what_is_ours(tmp_path: Path) -> None:
    outputs = Outputs()
    write(tmp_path, outputs)
    before = files_of(tmp_path)
    write(tmp_path, outputs, repeats=(3.0, 3.0))
    after = files_of(tmp_path)
    assert before.keys() == after.keys()
    changed = {path for path in after if after[path] != before[path]}
    assert changed == {f"{NAME}/{NAME}.tres", f"{NAME}/{NAME}_orm.tres"}


@pytest.mark.parametrize("theirs", [f"{NAME}/{NAME}.tres", f"{NAME}/{NAME}_orm.png.import", MANIFEST])
def test_what_is_not_ours_stays_and_nothing_is_written(tmp_path: Path, theirs: str) -> None:
    (tmp_path / theirs).parent.mkdir(exist_ok=True)
    (tmp_path / theirs).write_bytes(b"theirs")
    with pytest.raises(InvalidRequestError, match="exists"):
        write(tmp_path, Outputs())
    assert files_of(tmp_path) == {theirs: b"theirs"}


def test_what_was_changed_since_stays(tmp_path: Path) -> None:
    outputs = Outputs()
    write(tmp_path, outputs)
    changed = tmp_path / NAME / f"{NAME}.tres"
    changed.write_bytes(changed.read_bytes() + b"; tuned by hand\n")
    with pytest.raises(InvalidRequestError, match="exists"):
        write(tmp_path, outputs, repeats=(3.0, 3.0))
    assert changed.read_bytes().endswith(b"by hand\n")


@pytest.mark.parametrize(("engine", "ending"), [("unity", ".png.meta"), ("godot", ".png.import")])
def test_what_the_engine_completed_stays_with_its_ids(tmp_path: Path, engine: str, ending: str) -> None:
    outputs = Outputs()
    write(tmp_path, outputs, engine)
    (completed, *_) = (path for path in tmp_path.rglob("*") if path.name.endswith(ending))
    completed.write_bytes(completed.read_bytes() + b"  more: settings\n")
    (made,) = write(tmp_path, outputs, engine, repeats=(3.0, 3.0))
    assert completed.read_bytes().endswith(b"  more: settings\n") and str(completed) in made.files
    foreign = b"guid: 00000000000000000000000000000000"
    completed.write_bytes(foreign)
    with pytest.raises(InvalidRequestError, match="exists"):
        write(tmp_path, outputs, engine)
    assert completed.read_bytes() == foreign


def test_another_material_of_the_same_name_does_not_take_its_place(tmp_path: Path) -> None:
    outputs = Outputs()
    write(tmp_path, outputs)
    before = files_of(tmp_path)
    with pytest.raises(InvalidRequestError, match="exists"):
        export({"other.blend Oak": lambda: material(repeats=(3.0, 3.0))}, "godot", tmp_path, outputs)
    assert files_of(tmp_path) == before


def test_the_manifest_says_what_lies_where_of_all_exports(tmp_path: Path) -> None:
    outputs = Outputs()
    (made,) = write(tmp_path, outputs)
    pine = Material("pine", material().maps)
    export({"scene.blend Pine": lambda: pine}, "unreal", tmp_path, outputs)
    export({"scene.blend Oak 2": lambda: Material("oak 2", material().maps)}, "unreal", tmp_path, outputs)
    noted = json.loads((tmp_path / MANIFEST).read_text())["engines"]
    assert {engine: sorted(names) for engine, names in noted.items()} == {
        "godot": [NAME],
        "unreal": ["oak 2", "pine"],
    }
    assert sorted(str(tmp_path / file) for file in noted["godot"][NAME]) == sorted(made.files)
    assert "import_materials.py" in noted["unreal"]["pine"]
