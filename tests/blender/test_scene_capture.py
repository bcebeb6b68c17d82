"""The camera's view as a reference; the user's render settings stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.scene.capture.camera import capture_viewport, render_camera
from gpt_image_addon.scene.targets.registry import apply
from tests.blender.scene_fixtures import camera, cube, dominant, pixel, prepared


def settings(block: Any) -> dict[str, str]:
    """All plain values of a block of settings."""
    return {
        p.identifier: repr(getattr(block, p.identifier))
        for p in block.bl_rna.properties
        if p.type in ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM") and not getattr(p, "is_deprecated", False)
    }


def test_the_camera_sees_the_texture_at_the_asked_size(tmp_path: Path) -> None:
    cube()
    camera()
    apply(prepared(), Application())
    path = render_camera(tmp_path / "new {folder} #1" / "view.png", width=96, height=48)
    with Image.open(path) as image:
        assert (image.size, image.format) == ((96, 48), "PNG")
    assert dominant(pixel(path, 0.5, 0.5)) == "red"
    assert dominant(pixel(path, 0.05, 0.5)) == "grey"


def test_the_users_settings_stay(tmp_path: Path) -> None:
    camera()
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_percentage = 123, 50
    scene.render.filepath = "//mine_####"
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.engine = "CYCLES"
    blocks = (scene, scene.render, scene.render.image_settings, scene.display.shading, scene.view_settings)
    before = [settings(block) for block in blocks]
    render_camera(tmp_path / "view.png", width=32, height=32)
    assert [settings(block) for block in blocks] == before
    assert bpy.data.scenes[:] == [scene]
    assert bpy.context.scene == scene


def test_objects_hidden_from_renders_stay_hidden(tmp_path: Path) -> None:
    obj = cube()
    camera()
    apply(prepared(), Application())
    obj.hide_render = True
    path = render_camera(tmp_path / "view.png", width=32, height=32)
    assert dominant(pixel(path, 0.5, 0.5)) == "grey"


def test_without_a_camera_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no camera"):
        render_camera(tmp_path / "view.png", width=32, height=32)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cant_be_written_is_said_and_no_scene_remains(tmp_path: Path) -> None:
    camera()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SceneError, match="could not be rendered"):
        render_camera(tmp_path / "file" / "view.png", width=32, height=32)
    assert len(bpy.data.scenes) == 1


def test_without_a_window_there_is_no_view_to_capture(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="window"):
        capture_viewport(bpy.context, tmp_path / "view.png", width=32, height=32)
