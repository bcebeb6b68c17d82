"""Rows of a manifest that paint objects of the open scene."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes

COMMON = {"target": "model", "views": "camera", "image_size": 256, "size": "816x816", "quality": "low"}


@pytest.fixture
def server(online: ApiServer) -> Iterator[ApiServer]:
    online.options.edits = scenes.painted()
    yield online
    online.options.edits = None


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps({**COMMON, **row}) for row in rows), "utf-8")
    return path


def block(name: str, place: tuple[float, float, float]) -> Any:
    bpy.ops.mesh.primitive_cube_add(size=1.5, location=place, rotation=(0, 0, 0.6))
    bpy.context.object.name = name
    return bpy.context.object


def test_rows_paint_the_objects_that_they_name(run: Any, server: ApiServer, tmp_path: Path) -> None:
    scenes.camera((0, -6, 0.5))
    left, right = block("Left", (-1.2, 0, 0)), block("Right", (1.2, 0, 0))
    manifest = write(
        tmp_path / "rows.jsonl",
        {"id": "copper", "prompt": "copper", "objects": ["Left"]},
        {"id": "tin", "prompt": "tin", "objects": ["Left", "Right"]},
        {"id": "nobody", "prompt": "gold", "objects": ["Nobody"]},
        {"id": "steps", "prompt": "gold", "objects": ["Left"], "views": "3", "in_sequence": True},
    )
    flags = (manifest, "--provider", "openai", "--output-dir", tmp_path / "out")
    code, planned = run("batch", *flags, "--dry-run")
    assert planned["rows"] == 4 and planned["invalid"] == 2 and planned["high_usd"] > 0
    code, output = run("batch", *flags)
    assert code == 7 and len(server.image_requests) == 2, output
    found = {row["row"]: row for row in output["results"]}
    assert "'Nobody'" in found["nobody"]["error"]["message"]
    assert found["steps"]["error"]["param"] == "in_sequence"
    assert [Path(file).name for file in found["copper"]["files"]] == ["copper.png"]
    assert [Path(file).name for file in found["tin"]["files"]] == ["tin 1.png", "tin 2.png"]
    for file in (*found["copper"]["files"], *found["tin"]["files"]):
        with Image.open(file) as image:
            assert image.size == (256, 256) and np.asarray(image).reshape(-1, 3).std(axis=0).max() > 10
    assert left.active_material is None and not right.data.materials and not bpy.data.images
    code, output = run("batch", *flags)
    assert code == 7 and len(server.image_requests) == 2
    assert {row["state"] for row in output["results"]} == {"skipped", "failed"}


def test_each_row_gets_a_copy_of_the_scene(run: Any, server: ApiServer, tmp_path: Path) -> None:
    scenes.camera((0, -6, 0.5))
    scenes.textured(block("Left", (0, 0, 0)), size=(128, 128))
    copper = {"id": "copper", "prompt": "copper", "objects": ["Left"]}
    flags = ("--provider", "openai", "--output-dir", tmp_path / "out", "--blend-per-row")
    code, output = run("batch", write(tmp_path / "rows.jsonl", copper), *flags)
    assert code == 7 and "saved" in output["results"][0]["error"]["message"]
    assert not server.image_requests
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    manifest = write(
        tmp_path / "rows.jsonl",
        copper,
        {"id": "rust", "prompt": "rust", "target": "image"},
        {"id": "tin", "prompt": "tin", "objects": ["Left"]},
    )
    code, output = run("batch", manifest, *flags)
    assert code == 0 and len(server.image_requests) == 3, output
    assert sorted(path.name for path in (tmp_path / "out").glob("*.blend")) == [
        "copper.blend", "rust.blend", "tin.blend"
    ]  # fmt: skip
    for name in ("copper", "tin"):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / f"{name}.blend"))
        assert bpy.data.images["Paint"]["gpt_image_prompt"] == name
        assert "Paint before" in bpy.data.images and len(bpy.data.images) == 2
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert len(bpy.data.images) == 1
