"""Cameras, view layers and colour management as scenes have them; nothing of the user's changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.app import references
from gpt_image_addon.core.errors import SceneError
from gpt_image_addon.scene.capture import camera as capture
from gpt_image_addon.scene.capture import control_images
from gpt_image_addon.scene.capture.camera import render_camera
from gpt_image_addon.scene.capture.control_images import render_guide
from gpt_image_addon.scene.context import camera_of
from tests.blender.scene_fixtures import camera, cube, description

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """ocio_profile_version: 2
search_path: ""
strictparsing: false
roles: {reference: lin, scene_linear: lin, rendering: lin, default: raw_data, default_byte: tex,
  default_float: lin, default_sequencer: tex, data: raw_data, color_picking: tex, texture_paint: tex,
  aces_interchange: lin0}
file_rules:
  - !<Rule> {name: Default, colorspace: tex}
displays:
  Studio Monitor:
    - !<View> {name: Studio Film, colorspace: tex}
active_displays: [Studio Monitor]
active_views: [Studio Film]
colorspaces:
  - !<ColorSpace> {name: lin, bitdepth: 32f, isdata: false}
  - !<ColorSpace> {name: lin0, bitdepth: 32f, isdata: false}
  - !<ColorSpace>
    name: tex
    bitdepth: 32f
    isdata: false
    to_scene_reference: !<ExponentWithLinearTransform> {gamma: 2.4, offset: 0.055, direction: forward}
  - !<ColorSpace> {name: raw_data, bitdepth: 32f, isdata: true}
"""
"""A studio's own: neither Standard nor Raw, no sRGB, no Non-Color."""


def pixels(path: Path) -> Any:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def state() -> dict[str, Any]:
    """The file, without the counts of users: in Blender 4.2 they grow with each copy of a scene."""
    found = description()
    return found | {kind: [name for name, *_ in found[kind]] for kind in ("objects", "collections")}


def guide(tmp_path: Path, kind: Any = "depth") -> Any:
    return pixels(render_guide(tmp_path / f"{kind}.png", kind, width=32, height=32))


@pytest.mark.bpy_module
def test_a_studios_colour_configuration_is_no_hindrance(tmp_path: Path) -> None:
    configuration = tmp_path / "config.ocio"
    configuration.write_text(CONFIGURATION)
    script = """
import json, sys
import bpy
from pathlib import Path
from gpt_image_addon.app import references
from gpt_image_addon.scene.capture.camera import render_camera
from gpt_image_addon.scene.images import make_image
import numpy as np
views = bpy.context.scene.view_settings
out = {"view": views.view_transform}
for kind in ("camera", "depth", "normal"):
    image = bpy.data.images.load(references.CAPTURES[kind]())
    image.colorspace_settings.is_data = True
    values = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], -1)
    out[kind] = [round(float(v), 3) for v in values[image.size[1] // 2, image.size[0] // 2, :3]]
print(json.dumps(out))
"""
    environment = os.environ | {
        "OCIO": str(configuration),
        "GPT_IMAGE_DATA_DIR": str(tmp_path / "state"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr[-2000:]
    found = json.loads(lines[-1])
    assert found["view"] == "Studio Film"
    assert max(found["camera"]) > 0.3
    assert found["depth"][0] > 0.8  # the default cube is nearest
    assert sum((2 * value - 1) ** 2 for value in found["normal"]) == pytest.approx(1, abs=0.05)


def test_the_depth_is_that_of_what_is_seen_whatever_the_colour_management(tmp_path: Path) -> None:
    cube()
    camera()
    plain = guide(tmp_path)
    assert plain[16, 16, 0] == 255
    view = bpy.context.scene.view_settings
    view.exposure, view.gamma, view.use_curve_mapping = 3.0, 2.0, True
    bpy.context.scene.cycles.film_exposure = 4
    bpy.context.scene.render.image_settings.color_management = "OVERRIDE"
    assert np.abs(guide(tmp_path) - plain).max() <= 1


def test_the_depth_of_instances_is_seen(tmp_path: Path) -> None:
    leaf = cube("Leaf")
    hidden = bpy.data.collections.new("Leaves")
    hidden.objects.link(leaf)
    bpy.context.scene.collection.objects.unlink(leaf)
    for x, y in ((-2, 0), (2, 4)):
        instance = bpy.data.objects.new("Instance", None)
        instance.instance_type, instance.instance_collection = "COLLECTION", hidden
        instance.location = (x, y, 0)
        bpy.context.scene.collection.objects.link(instance)
    camera(location=(0, -10, 0)).data.lens = 60
    found = guide(tmp_path)
    assert found[16, 7, 0] == 255
    assert 60 < found[16, 22, 0] < 140  # its side goes farther back


def test_objects_that_no_render_shows_have_no_depth(tmp_path: Path) -> None:
    far = cube("Far")
    far.location = (0, 500, 0)
    away = bpy.data.collections.new("Away")
    bpy.context.scene.collection.children.link(away)
    bpy.context.scene.collection.objects.unlink(far)
    away.objects.link(far)
    away.hide_render = True
    cube("Left").location = (-2, 0, 0)
    cube("Right").location = (2, 5, 0)
    camera(location=(0, -10, 0))
    found = guide(tmp_path)
    assert found.max() == 255
    assert found[found > 0].min() < 60  # the range is used up by what is seen


def test_a_camera_that_sees_nothing_is_said(tmp_path: Path) -> None:
    camera()
    render_camera(tmp_path / "c.png", width=8, height=8)  # the render result stays
    before = state()
    with pytest.raises(SceneError, match="sees nothing"):
        guide(tmp_path)
    assert state() == before


def test_depth_of_field_does_not_blur_a_guide(tmp_path: Path) -> None:
    cube()
    viewer = camera()
    plain = guide(tmp_path)
    viewer.data.dof.use_dof, viewer.data.dof.aperture_fstop, viewer.data.dof.focus_distance = True, 0.001, 1
    before = state()
    assert np.abs(guide(tmp_path) - plain).max() <= 8
    assert (viewer.data.dof.use_dof, bpy.context.scene.camera) == (True, viewer)
    assert state() == before


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO", "PANO"])
def test_every_kind_of_camera_makes_guides(kind: str, tmp_path: Path) -> None:
    cube()
    viewer = camera()
    viewer.data.type, viewer.data.shift_x = kind, 0.01
    seen = 100 if kind == "PANO" else 200  # the cube covers a pixel and a half of a panorama
    assert guide(tmp_path)[16, 16, 0] > seen
    assert guide(tmp_path, "normal")[16, 16, 2] > seen


def test_a_camera_that_was_just_moved_is_where_it_is_now(tmp_path: Path) -> None:
    cube()
    viewer = camera()
    viewer.location = (50, 0, 0)
    with pytest.raises(SceneError, match="sees nothing"):
        guide(tmp_path)


def test_a_marker_says_which_camera_is_used(tmp_path: Path) -> None:
    cube()
    scene, away = bpy.context.scene, camera()
    away.location = (500, 0, 0)
    seeing = camera()
    scene.camera = away
    scene.timeline_markers.new("Cut", frame=1).camera = seeing
    assert camera_of(scene) == seeing
    assert guide(tmp_path)[16, 16, 0] > 200
    scene.camera = None
    assert pixels(render_camera(tmp_path / "c.png", width=32, height=32)).std() > 1
    scene.timeline_markers.new("Later", frame=90).camera = away
    assert camera_of(scene) == seeing


def test_a_camera_in_another_scene_is_used(tmp_path: Path) -> None:
    cube()
    viewer = camera()
    bpy.context.scene.collection.objects.unlink(viewer)
    bpy.data.scenes.new("Elsewhere").collection.objects.link(viewer)
    assert guide(tmp_path)[16, 16, 0] > 200


def test_an_animated_exposure_does_not_win(tmp_path: Path) -> None:
    cube()
    camera()
    scene = bpy.context.scene
    plain = pixels(render_camera(tmp_path / "a.png", width=32, height=32))
    scene.view_settings.exposure = -10
    scene.view_settings.keyframe_insert("exposure", frame=1)
    scene.render.resolution_x, scene.render.resolution_percentage = 77, 50
    animated = pixels(render_camera(tmp_path / "b.png", width=32, height=32))
    assert np.abs(animated - plain).max() <= 1
    assert (scene.render.resolution_percentage, scene.render.resolution_x) == (50, 77)
    assert scene.animation_data.action


def test_the_view_layer_that_is_seen_is_rendered(tmp_path: Path) -> None:
    scene = bpy.context.scene
    cube()
    camera()
    first = scene.view_layers[0]
    second = scene.view_layers.new("Second")
    home = bpy.data.collections.new("Home")
    scene.collection.children.link(home)
    bpy.data.objects["Cube"].users_collection[0].objects.unlink(bpy.data.objects["Cube"])
    home.objects.link(bpy.data.objects["Cube"])
    second.layer_collection.children["Home"].exclude = True
    first.use = second.use = False  # nothing is rendered usually: what is seen counts
    assert guide(tmp_path)[16, 16, 0] > 200
    second.use = True  # this one alone is rendered
    with pytest.raises(SceneError, match="sees nothing"):
        guide(tmp_path)
    assert (first.use, second.use) == (False, True)


def test_pixels_that_are_not_square_count_for_the_aspect() -> None:
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = 1000, 1000
    render.pixel_aspect_x = 2.0
    assert references.render_size() == (1536, 768)
    render.resolution_x, render.resolution_y, render.pixel_aspect_x = 10000, 4, 1.0
    assert references.render_size() == (1536, 4)


@pytest.mark.parametrize("kind", ["camera", "depth"])
def test_nothing_stays_where_a_render_fails(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube()
    viewer = camera()
    viewer.data.dof.use_dof = True
    before = state()

    def fail(scene: bpy.types.Scene) -> None:
        raise TypeError("enum not found")

    monkeypatch.setattr(capture, "show_plainly", fail)
    monkeypatch.setattr(control_images, "show_plainly", fail)
    with pytest.raises(SceneError, match="could not be rendered"):
        if kind == "camera":
            render_camera(tmp_path / "c.png", width=8, height=8)
        else:
            guide(tmp_path)
    assert state() == before
    assert len(bpy.data.cameras) == 1
    assert not bpy.data.worlds.get(".black")
