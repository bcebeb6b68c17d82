"""What Khronos' validator says of the files for glTF."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon.core.exports.export import make_files

from .test_engines import find, material

NODE = Path(__file__).resolve().parents[3] / ".cache" / "node-gltf"
WARNING = 1
"""Its number among severities, of which 0 is an error."""
SCRIPT = """
const validator = require("gltf-validator"), fs = require("fs");
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])))
    .then(report => console.log(JSON.stringify(report.issues)));
"""

pytestmark = pytest.mark.skipif(
    not (NODE / "node_modules").is_dir() or shutil.which("node") is None,
    reason="the validator is missing: `make .cache/node-gltf/.stamp` installs it where there is npm",
)


@pytest.mark.parametrize(
    ("without", "changes"),
    [
        ((), {}),
        (("ao", "roughness", "metallic"), {"repeats": (1.0, 1.0)}),
        (("base_color", "height"), {"constants": {"base_color": (0.5, 0.2, 0.1)}}),
    ],
)
def test_there_is_nothing_to_complain_about(
    tmp_path: Path, without: tuple[str, ...], changes: dict[str, Any]
) -> None:
    file = tmp_path / "made.glb"
    file.write_bytes(find(make_files(material(*without, **changes), "gltf"), ".glb"))
    assert find_issues(file) == []


def find_issues(file: Path) -> list[Any]:
    """Errors and warnings of the validator."""
    run = subprocess.run(
        ["node", "-e", SCRIPT, str(file)], cwd=NODE, capture_output=True, text=True, check=True
    )
    return [told for told in json.loads(run.stdout)["messages"] if told["severity"] <= WARNING]
