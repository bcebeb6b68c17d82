"""The `sprite` target: the right frame at the right time, from requests, stored results and files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import bpy
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.core.errors import InvalidRequestError, SceneError
from gpt_image_addon.scene import compat
from gpt_image_addon.scene.targets.registry import swap
from tests.api_server import ApiServer
from tests.blender.scene_fixtures import camera, dominant, pixel, render_lit

COLORS = ("red", "lime", "blue")


@pytest.fixture
def flags(tmp_path: Path) -> Path:
    """A GIF of three colors, shown for 200, 100 and 350 ms, clear in its left half."""
    frames = []
    for color in COLORS:
        frame = Image.new("RGBA", (64, 64))
        frame.paste(Image.new("RGBA", (32, 64), color), (32, 0))
        frames.append(frame)
    file = tmp_path / "flags.gif"
    frames[0].save(
        file, save_all=True, append_images=frames[1:], duration=[200, 100, 350], loop=0, disposal=2
    )
    return file


PLAYED = {1: "red", 5: "red", 6: "green", 7: "green", 8: "blue", 16: "blue", 17: "red", 38: "green"}
"""What each frame of the scene shows of them."""


def keys(material: str) -> list[tuple[float, str]]:
    animation = bpy.data.materials[material].node_tree.animation_data
    curve = compat.curves_of(animation)[0]
    assert [modifier.type for modifier in curve.modifiers] == ["CYCLES"]
    return [(key.co[0], key.interpolation) for key in curve.keyframe_points]


def shown(tmp_path: Path, frame: int, x: float = 0.7) -> tuple[int, int, int]:
    """What Cycles shows of the plane, whose middle is at half of x."""
    bpy.context.scene.frame_set(frame)
    return pixel(render_lit(tmp_path / f"{frame}.png", size=16), x, 0.5)


def test_cycles_shows_the_right_frame(flags: Path, tmp_path: Path) -> None:
    made = api.make_sprite([flags])
    assert made.durations_ms == (200, 100, 350) and made.frames == 3
    assert keys(made.material) == [(1, "CONSTANT"), (6, "CONSTANT"), (8, "CONSTANT"), (17, "CONSTANT")]
    camera(location=(0, -2, 0))
    assert {frame: dominant(shown(tmp_path, frame)) for frame in PLAYED} == PLAYED
    assert dominant(shown(tmp_path, 6, 0.35)) == "grey", "its left half is clear"


def test_a_sequence_plays_alike_and_says_where_its_files_stay(flags: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError):
        api.make_sprite([flags], sprite_as="sequence")
    made = api.make_sprite([flags], sprite_as="sequence", output_dir=tmp_path / "game")
    folder = tmp_path / "game" / "flags frames"
    assert sorted(path.name for path in folder.iterdir()) == [f"frame-000{n}.png" for n in (1, 2, 3)]
    assert any(str(folder) in warning and "packed" in warning for warning in made.warnings)
    assert bpy.data.images[made.image].source == "SEQUENCE"
    camera(location=(0, -2, 0))
    assert {frame: dominant(shown(tmp_path, frame)) for frame in PLAYED} == PLAYED


def test_it_is_packed_and_has_no_drivers(flags: Path, tmp_path: Path) -> None:
    made = api.make_sprite([flags])
    assert bpy.data.images[made.image].packed_file
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "sprite.blend"))
    flags.unlink()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "sprite.blend"))
    tree = bpy.data.materials[made.material].node_tree
    assert not tree.animation_data.drivers and len(keys(made.material)) == 4
    assert bpy.data.images[made.image].packed_file
    shader = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    assert shader.inputs["Alpha"].is_linked


def test_the_rate_is_that_of_the_scene(flags: Path) -> None:
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 30, 1.001
    bpy.context.scene.frame_start = 10
    assert [key for key, _ in keys(api.make_sprite([flags]).material)] == [10, 16, 19, 29]


def test_a_draft_has_frames_and_can_be_recovered(run: Any, tmp_path: Path) -> None:
    flags = ("--provider", "offline", "--size", "128x128", "--n", "3", "--background", "transparent")
    folder = tmp_path / "game"
    code, output = run("generate", "a star", "--target", "sprite", *flags, "--textures-dir", folder)
    assert code == 0 and len(output["images"]) == 3 and Path(output["maps"]["sheet"]).is_file()
    table = json.loads((folder / "a star sheet.json").read_text("utf-8"))
    assert len(table["frames"]) == 3 and (folder / table["meta"]["image"]).is_file()
    assert len(bpy.data.images) == 1 and output["object"] in bpy.data.objects
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert run("recover", output["job"])[0] == 0 and len(bpy.data.actions) == 1


def test_its_images_are_no_choice() -> None:
    job = api.submit("a star", target="sprite", provider="offline", size="64x64", n=2)
    assert job.wait(20)
    with pytest.raises(SceneError) as caught:
        swap(job.applied, 1)
    assert "at once" in caught.value.message


def test_the_frames_of_a_gif_of_the_api(run: Any, online: ApiServer) -> None:
    model = (
        "--model",
        "gpt-image-2.6-flare",
        "--quality",
        "low",
        "--output-format",
        "gif",
        "--frame-count",
        "4",
    )
    code, output = run("generate", "a flame", "--target", "sprite", *model, "--frame-count", "4")
    assert code == 0 and len(online.image_requests) == 1
    image = Image.open(io.BytesIO(Path(output["images"][0]["file"]).read_bytes()))
    assert len(keys(output["material"])) == image.n_frames + 1
    assert not any("first frame" in warning for warning in output["warnings"])
    before = len(bpy.data.objects)
    assert run("recover", output["job"], "--target", "plane")[0] == 0 and len(bpy.data.objects) == before + 1


@pytest.mark.parametrize("flags", [(), ("--output-format", "svg", "--svg-model", "gpt-6")])
def test_a_single_image_is_refused_before_it_is_paid(
    run: Any, online: ApiServer, flags: tuple[str, ...]
) -> None:
    code, output = run("generate", "a star", "--target", "sprite", "--quality", "low", *flags)
    assert code == 4 and "prite" in output["error"]["message"] and not online.image_requests


def test_what_can_not_be_frames_changes_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    (tmp_path / "no.gif").write_bytes(b"GIF89a")
    for files in ([], [tmp_path / "one.png"], [tmp_path / "no.gif"], [tmp_path / "missing.png"]):
        with pytest.raises(InvalidRequestError):
            api.make_sprite(files)
    with pytest.raises(InvalidRequestError):
        api.make_sprite([tmp_path / "one.png"] * 2, sprite_fps=0.0)
    assert not len(bpy.data.objects) and not len(bpy.data.images)
