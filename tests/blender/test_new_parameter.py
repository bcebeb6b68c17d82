"""A parameter that two lines add: a row of the table, and the field of the request that holds its value."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = """\
    Parameter("grain", field="changed",
        choices=((UNSET, "Any", "As it comes"), ("fine", "Fine", "Sand"), ("coarse", "Coarse", "Gravel")),
        flag=Flag("api", "how coarse the film is"),
        panel=PanelField("advanced", "Film Grain", "How coarse the film is")),
"""
CHILD = """
import json, os, pathlib, runpy, sys, types
root, tests, folder = map(pathlib.Path, sys.argv[1:])
sys.path[:0] = [str(root), str(tests)]
import bpy
import gpt_image_addon
gpt_image_addon.register()
from gpt_image_addon import api, cli
from gpt_image_addon.cli.flags import read_given
from gpt_image_addon.core.batch.manifest import Manifest
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.providers.openai.fields import make_fields
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.request.validation import check_values
from gpt_image_addon.ui import main_panel
from gpt_image_addon.ui.presets import presets
from gpt_image_addon.ui.request import from_job, to_parameters
from tests.blender.layouts import draw

values = bpy.context.scene.gpt_image
found = {"package": gpt_image_addon.__file__}
read = cli.parser().parse_args
lines = ("generate x --grain fine", "batch m --grain coarse")
found["flags"] = [read_given(read(line.split())).get("grain") for line in lines]
try:
    read("generate x --grain odd".split())
except Exception as error:
    found["refused flag"] = str(error)

found["panel"] = draw(type("Main", (main_panel.GPT_IMAGE_PT_main,), {})).said
items = values.bl_rna.properties["grain"].enum_items
found["items"] = [(item.identifier, item.name, item.description) for item in items]
found["left out"] = "grain" not in to_parameters.plain(values)
values.grain = "coarse"
found["asked"] = to_parameters.plain(values)["grain"]
request = GenerationRequest.from_dict({"prompt": "oak", "provider": "openai", "grain": "fine"})
for asked, key in ((request, "recalled"), (GenerationRequest("oak", "openai"), "recalled without")):
    from_job.fill_panel(values, types.SimpleNamespace(request=asked, application=Application()))
    found[key] = values.grain
found["kept"] = "values.grain" in bpy.types.GPT_IMAGE_OT_add_preset.preset_values
found["stored"] = request.to_dict()
found["sent"] = make_fields(request, "oak")
found["split"] = api.split("oak", grain="fine")[0].grain
try:
    check_values(GenerationRequest("oak", "openai", grain="odd"))
except InvalidRequestError as error:
    found["refused"] = [error.param, error.message]

(folder / "rows.csv").write_text("prompt,grain\\noak,fine|coarse\\nash,\\n")
found["rows"] = [row.request.grain for row in Manifest(folder / "rows.csv")]

page = runpy.run_path(str(root / "tools" / "reference.py"))["page"]
for name in ("command-line.md", "python.md"):
    found[name] = [line for line in page(name).splitlines() if "grain" in line]
texts = runpy.run_path(str(root / "tools" / "messages.py"))["messages"]()
found["texts"] = sorted(text for text in texts if text in ("Film Grain", "How coarse the film is", "Gravel"))
print(json.dumps(found), flush=True)
os._exit(0)  # Blender's module may crash while it is taken down
"""


def insert(path: Path, before: str, text: str) -> None:
    code = path.read_text("utf-8")
    assert code.count(before) == 1
    path.write_text(code.replace(before, text + before), "utf-8")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of the package says that has one parameter more."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("gpt_image_addon", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    request = folder / "gpt_image_addon" / "core" / "request"
    insert(request / "parameters.py", ")\n# fmt: on\n", ROW)
    insert(
        request / "request.py",
        "    references: tuple[PathText, ...] = ()\n",
        "    grain: str | None = None\n",
    )
    command = [sys.executable, "-c", CHILD, str(folder), str(ROOT), str(folder)]
    environment = os.environ | {"GPT_IMAGE_DATA_DIR": str(folder / "state")}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    answer: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    assert answer["package"].startswith(str(folder))
    return answer


pytestmark = pytest.mark.bpy_module


def test_it_is_a_flag_of_a_request_and_of_a_batch(found: dict[str, Any]) -> None:
    assert found["flags"] == ["fine", "coarse"]
    assert "invalid choice: 'odd'" in found["refused flag"]


def test_the_panel_draws_it_asks_for_it_and_recalls_it(found: dict[str, Any]) -> None:
    assert "Film Grain" in found["panel"]
    assert found["items"] == [
        ["unset", "Any", "As it comes"],
        ["fine", "Fine", "Sand"],
        ["coarse", "Coarse", "Gravel"],
    ]
    assert found["left out"] and found["asked"] == "coarse"
    assert (found["recalled"], found["recalled without"]) == ("fine", "unset")


def test_presets_keep_it(found: dict[str, Any]) -> None:
    assert found["kept"]


def test_it_is_stored_checked_and_sent(found: dict[str, Any]) -> None:
    assert found["stored"]["grain"] == found["sent"]["grain"] == found["split"] == "fine"
    assert found["refused"] == ["grain", "grain 'odd' is not known; use one of fine, coarse."]
    names = list(found["sent"])
    assert names[2:] == sorted(names[2:])


def test_manifests_take_it(found: dict[str, Any]) -> None:
    assert found["rows"] == ["fine", "coarse", None]


def test_the_reference_and_the_translators_hear_of_it(found: dict[str, Any]) -> None:
    flags = [line for line in found["command-line.md"] if "`--grain {fine,coarse}`" in line]
    assert len(flags) == 3, "of generate, estimate and batch"
    assert found["python.md"] == ["| `grain` |  | how coarse the film is |"]
    assert found["texts"] == ["Film Grain", "Gravel", "How coarse the film is"]
