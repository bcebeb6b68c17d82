"""The example scripts do what they promise: offline, and one of them against the local server."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import bpy
import pytest

from tests.api_server import ApiServer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No example needs a network; those that are installed elsewhere are not meant."""
    monkeypatch.setenv("GPT_IMAGE_PROVIDER", "offline")
    for name in [name for name in sys.modules if name.startswith("bl_ext.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bl_ext", None)
    monkeypatch.chdir(ROOT)


def example(name: str, *arguments: str) -> None:
    before = sys.argv
    sys.argv = ["blender", "-b", "-P", name, "--", *arguments]
    try:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    finally:
        sys.argv = before


def reopened(path: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(path))


def test_material(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example("material", str(tmp_path / "oak.blend"), "weathered oak planks")
    reopened(tmp_path / "oak.blend")
    (mesh,) = (found for found in bpy.data.objects if found.type == "MESH")
    assert mesh.active_material.name == "weathered oak planks"
    assert "weathered oak planks is on Suzanne, for $0.0000" in capsys.readouterr().out


def test_game_textures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example("game_textures", str(tmp_path / "textures"))
    names = {path.name for path in (tmp_path / "textures").iterdir()}
    for surface in ("mossy stone wall", "wet cobblestones", "rusty riveted steel", "dry cracked mud"):
        assert {f"{surface}_normal.png", f"{surface}_roughness.png", f"{surface}_ao.png"} <= names
        assert f"{surface}_ORM.png" in names
    assert "4 materials in" in capsys.readouterr().out


def test_decals(tmp_path: Path) -> None:
    example("decals", str(tmp_path / "decals.blend"))
    reopened(tmp_path / "decals.blend")
    planes = sorted(bpy.data.objects, key=lambda found: found.location.x)
    assert len(planes) == 3
    edges = [(found.location.x, found.dimensions.x / 2) for found in planes]
    assert all(a + half <= b - other for (a, half), (b, other) in pairwise(edges))
    for plane in planes:
        shader = plane.active_material.node_tree.nodes["Principled BSDF"]
        assert shader.inputs["Alpha"].is_linked


def test_product_shot(
    api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GPT_IMAGE_PROVIDER", "openai")
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    example("product_shot", str(tmp_path / "shot.blend"))
    (record,) = api_server.requests
    assert record.path == "/v1/images/edits" and [file.field for file in record.files] == ["image"]
    assert f"${api_server.bill_usd:.4f}, request {record.request_id}" in capsys.readouterr().out
    reopened(tmp_path / "shot.blend")
    assert any(tuple(image.size) == (1536, 1024) for image in bpy.data.images)


def test_concept_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example("concept_board", str(tmp_path / "board.blend"))
    reopened(tmp_path / "board.blend")
    places = {(round(found.location.x, 3), round(found.location.z, 3)) for found in bpy.data.objects}
    assert places == {(x, z) for x in (0.0, 3.2, 6.4) for z in (0.0, -2.2)}
    assert capsys.readouterr().out.count(": concept art of ") == 6


@pytest.mark.bpy_module
@pytest.mark.parametrize("name", ["material"])
def test_a_script_ends_by_itself(name: str, tmp_path: Path) -> None:
    """On the bare module, where a careless exit crashes or hangs."""
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), "--", str(tmp_path / "x.blend")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert (run.returncode, (tmp_path / "x.blend").is_file()) == (0, True)


def test_each_example_has_a_test() -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    examples = {path.stem for path in EXAMPLES.glob("*.py")}
    assert len(examples) == 5 and examples <= tests
