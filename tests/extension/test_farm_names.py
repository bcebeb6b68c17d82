"""Job bundles of manifests, flags and images with names that are hard to carry over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gpt_image_addon.core.batch.manifest import Manifest
from gpt_image_addon.core.batch.openjd import ROWS_FILE, TEMPLATE_FILE, write_bundle
from gpt_image_addon.core.errors import InvalidRequestError, StorageError

OPENJD = Path(__file__).resolve().parents[2] / ".cache" / "venv-openjd" / "bin" / "openjd"
NAMES = (
    "a\"; rm -rf ~; '$(id)`id`",
    "{{Param.OutputDir}}",
    "{{ }}{{{",
    "two\nlines\ttab\x07",
    "Ünïcode 木 \u202egpj",
    "x" * 200,
    "- name: x",
    "{output}",
    "\udce4",
)


def bundle(folder: Path, rows: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    manifest = folder / "m.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_bundle(Manifest(manifest), folder / "bundle", **{"name": "m", "chunks": 2, **values})
    template: dict[str, Any] = json.loads((folder / "bundle" / TEMPLATE_FILE).read_bytes())
    return template


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_name(tmp_path: Path, name: str) -> None:
    found = bundle(tmp_path, [{"prompt": "a"}], name=name)
    assert found["name"].isprintable() and "{{" not in found["name"] and len(found["name"]) <= 128
    if OPENJD.exists():
        checked = subprocess.run(
            [OPENJD, "check", tmp_path / "bundle" / TEMPLATE_FILE], capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout


def test_only_our_own_mark_is_replaced(tmp_path: Path) -> None:
    flags = ["--contact-sheet", "{output}/{output} '\" ünï.html"]
    template = bundle(
        tmp_path, [{"prompt": "a"}], merge_flags=flags, command=["/opt/my blender/b", "-c", "x"]
    )
    action = template["steps"][1]["script"]["actions"]["onRun"]
    assert action["command"] == "/opt/my blender/b"
    assert action["args"][-1] == "{{Param.OutputDir}}/{output} '\" ünï.html"


@pytest.mark.parametrize("where", ["merge_flags", "flags", "command"])
def test_an_expression_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(InvalidRequestError, match="stand for a value"):
        bundle(tmp_path, [{"prompt": "a"}], **{where: ["{output}/{{Param.Rows}}.html"]})
    assert not (tmp_path / "bundle").exists()


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [
        {"prompt": "{{wood}} {wood} {{{wood}}}", "wood": "{{oak}}", "tags": ["{{a}}", "{", "b}"]},
        {"prompt": '"quoted"\n{{x}}', "catalog": "{{a}}/b", "name": "{{n}}", "id": "one"},
    ]
    bundle(tmp_path, rows)
    before = list(Manifest(tmp_path / "m.jsonl"))
    after = list(Manifest(tmp_path / "bundle" / ROWS_FILE))
    assert [(row.request, row.application, row.tags, row.catalog) for row in before] == [
        (row.request, row.application, row.tags, row.catalog) for row in after
    ]
    assert [row.stem for row in before] == [row.id for row in after]


def test_images_keep_nothing_of_their_names(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    names = ("secret prompt.PNG", "x.p'n g; rm", "none", "y.{{Param.Rows}}")
    for name in names:
        (tmp_path / name).write_bytes((tmp_path / "a.png").read_bytes())
    bundle(tmp_path, [{"prompt": "a", "references": [name.replace("{{", "{{{{") for name in names[:3]]}])
    files = sorted(path.name for path in (tmp_path / "bundle" / "files").iterdir())
    assert len(files) == 2 and {Path(name).suffix for name in files} == {"", ".PNG"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFO in a folder")
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InvalidRequestError, match="not a regular file"):
        bundle(tmp_path, [{"prompt": "a"}, {"prompt": "b", "references": ["a.png"]}])
    (tmp_path / "a.png").unlink()
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    bundle(tmp_path, [{"prompt": "b", "references": ["a.png"]}])  # nothing was left in the way


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "bundle").write_text("mine")
    with pytest.raises(StorageError, match="could not be written"):
        bundle(tmp_path, [{"prompt": "a"}])
    assert (tmp_path / "bundle").read_text() == "mine"


@pytest.mark.bpy_module
@pytest.mark.parametrize("command", ["blender 'x", "  "])
def test_a_command_that_is_none(tmp_path: Path, command: str) -> None:
    (tmp_path / "m.jsonl").write_text('{"prompt": "a"}\n')
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gpt_image_addon", "batch", tmp_path / "m.jsonl", "--farm", "openjd"),
            *(tmp_path / "bundle", "--farm-command", command, "--json"),
        ],
        env={**os.environ, "GPT_IMAGE_DATA_DIR": str(tmp_path / "state")},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
    )
    assert done.returncode == 2 and b"is no command" in done.stdout
