"""Scripts on the bpy module, from their first line to the end of the process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import pytest

pytestmark = pytest.mark.bpy_module

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
HEAD = """
import json, sys
from pathlib import Path
import bpy
import addon_utils
from gpt_image_addon import api
folder = Path(sys.argv[1])
"""
EXPORT = """
addon_utils.enable('io_scene_gltf2')
bpy.ops.export_scene.gltf(filepath=str(folder / 'x.gltf'), export_format='GLTF_SEPARATE', use_selection=True)
"""


def run_script(tmp_path: Path, script: str) -> str:
    """Run a script to its end without a key; returns its stdout."""
    environment = os.environ | {"GPT_IMAGE_DATA_DIR": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script, str(tmp_path)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    crashes_without_us = EXPORT in script and bpy.app.version < (4, 5)  # the exporter does, at the very end
    assert done.returncode in ((0, -signal.SIGSEGV) if crashes_without_us else (0,)), done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("registered", [False, True])
def test_a_script_that_generates_and_exports_ends(registered: bool, tmp_path: Path) -> None:
    register = "import gpt_image_addon; gpt_image_addon.register()\n" if registered else ""
    generate = "api.generate('rust', provider='offline', size='64x64', target='image')\n"
    run_script(tmp_path, register + generate + EXPORT)


def test_a_script_ends_while_jobs_wait(tmp_path: Path) -> None:
    submit = "for n in range(3): api.submit(f'rust {n}', provider='offline', size='64x64', target='image')\n"
    run_script(tmp_path, submit + EXPORT)


def exported(tmp_path: Path, parameters: str) -> dict[str, Any]:
    """The material that Blender's own exporter makes of one of ours."""
    generate = f"""
bpy.data.objects['Cube'].select_set(True)
api.generate('rusty steel', provider='offline', size='64x64', target='material', {parameters})
"""
    run_script(tmp_path, generate + EXPORT)
    material: dict[str, Any] = json.loads((tmp_path / "x.gltf").read_text())["materials"][0]
    return material


def test_an_export_has_the_size_of_the_texture(tmp_path: Path) -> None:
    material = exported(tmp_path, "texture_size=0.5")
    base = material["pbrMetallicRoughness"]["baseColorTexture"]
    textures = (base, material["pbrMetallicRoughness"]["metallicRoughnessTexture"], material["normalTexture"])
    for texture in textures:
        assert texture["extensions"]["KHR_texture_transform"]["scale"] == pytest.approx([16, 16])


def test_an_export_without_a_size_has_no_transform(tmp_path: Path) -> None:
    material = exported(tmp_path, "maps=['base_color']")
    assert "extensions" not in material["pbrMetallicRoughness"]["baseColorTexture"]
