"""Objects painted where a mask is painted on them; all else stays bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.scene.projection import painted_masks
from tests.api_server import ApiServer
from tests.blender import painted_scenes as scenes
from tests.blender.scene_fixtures import description
from tests.blender.test_udim_edits import NUMBERS, pixels_of
from tests.blender.test_udim_painting import tiled_plane

SIDE = 256
FLAGS = ("--provider", "offline", "--size", "256x256", "--faces", "painted")


def plane(name: str = "Plane") -> Any:
    """A single face that looks to the camera, four metres wide."""
    bpy.ops.mesh.primitive_plane_add(size=4, rotation=(np.pi / 2, 0, 0))
    obj = bpy.context.object
    obj.name = name
    scenes.textured(obj, f"Paint {name}", size=(SIDE, SIDE))
    return obj


def draw(obj: Any, values: Any) -> None:
    """
    :param values: (height, width) from 0 to 1, top row first.
    """
    mask = api.paint_mask(obj)
    assert tuple(mask.size) == values.shape[::-1]
    pixels = np.ones((*values.shape, 4), np.float32)
    pixels[..., :3] = values[::-1, :, None]
    mask.pixels.foreach_set(pixels.ravel())
    mask.update()


def spot() -> Any:
    """White in the middle of a corner, with a soft edge to the right."""
    values = np.zeros((SIDE, SIDE), np.float32)
    values[40:72, 32:64] = 1
    values[40:72, 64:80] = np.linspace(1, 0, 18)[1:-1]
    return values


def pixels(name: str) -> Any:
    return np.rint(scenes.pixels_of(bpy.data.images[name])).astype(int)


def paint(run: Any, *flags: object) -> dict[str, Any]:
    code, output = run("texture", "rust", "--objects", "Plane", *FLAGS, *flags)
    assert code == 0, output
    return output  # type: ignore[no-any-return]


def test_only_what_is_masked_is_painted_and_soft_values_blend(run: Any) -> None:
    scenes.camera((0, -7, 0))
    obj = plane()
    before = pixels("Paint Plane")
    output = paint(run, "--views", "camera", "--faces", "all", "--new-image", "--texture-size", SIDE)
    whole = pixels(output["images"][0]["name"])
    scenes.wear(obj, bpy.data.images["Paint Plane"])
    values = spot()
    draw(obj, values)
    output = paint(run, "--views", "camera")
    after, share = pixels("Paint Plane"), np.rint(values * 255)[..., None] / 255
    assert np.array_equal(after[values == 0], before[values == 0])
    assert np.array_equal(after[values == 1], whole[values == 1])
    wanted = before + share * (whole - before)
    assert np.abs(after - wanted).max() <= 1 and (after != before).any()
    assert 0.99 < output["coverage"] <= 1
    draw(obj, 1 - values)  # what was painted since has no part in what was sent before
    code, again = run("texture", "--again", output["job"])
    assert code == 0 and np.array_equal(pixels("Paint Plane"), after), again


def test_a_spot_is_seen_at_full_detail(run: Any) -> None:
    obj = plane()
    values = spot()
    draw(obj, values)
    code, plan = run(
        "texture", "rust", "--objects", "Plane", "--faces", "painted", "--views", "auto", "--provider",
        "openai", "--quality", "low", "--dry-run",
    )  # fmt: skip
    assert code == 0, plan
    (view,) = plan["views"]
    extent = 2 / view["projection"][0]
    masked = np.flatnonzero(values.any(axis=0))
    assert view["name"] == "front" and extent == pytest.approx(1.12 * 4 * np.ptp(masked) / SIDE, rel=0.05)


def test_objects_without_paint_on_them_stay(run: Any) -> None:
    scenes.camera((0, -7, 0))
    obj, other = plane(), plane("Other")
    other.location.x = 5
    draw(obj, spot())
    draw(other, np.zeros((SIDE, SIDE)))
    before = description(), pixels("Paint Other")
    code, output = run("texture", "rust", "--objects", "Other", *FLAGS, "--views", "camera")
    assert (code, output["error"]["code"], output["error"]["billed"]) == (4, "empty_mask", "no")
    assert "Paint Mask" in output["error"]["message"] and description() == before[0]
    output = paint(run, "--objects", "Plane,Other", "--views", "camera")
    assert output["objects"] == ["Plane"] and np.array_equal(pixels("Paint Other"), before[1])
    painted_masks.remove_mask(obj)
    code, output = run("texture", "rust", "--objects", "Plane", *FLAGS, "--views", "camera")
    assert (code, output["error"]["code"]) == (4, "empty_mask")


def test_a_tile_alone_is_painted(run: Any, tmp_path: Path) -> None:
    scenes.camera((0, -6, 0))
    obj, image = tiled_plane(tmp_path, packed=True)
    before = pixels_of(image, tmp_path)
    mask = api.paint_mask(obj)
    assert [tile.number for tile in mask.tiles] == list(NUMBERS)
    with pytest.raises(Exception, match="Nothing is painted"):
        api.texture_model(obj, "rust", views="camera", faces="painted", provider="offline", size="256x256")
    first = mask.tiles[0].number  # `pixels` is that of the first tile
    values = np.ones(mask.size[0] * mask.size[1] * 4, np.float32)
    mask.pixels.foreach_set(values)
    mask.update()
    made = api.texture_model(obj, "rust", views="camera", faces="painted", provider="offline", size="256x256")
    after = pixels_of(bpy.data.images["rock"], tmp_path)
    assert len(made.images) == 1 and not np.array_equal(after[first], before[first])
    for number in NUMBERS[1:]:
        assert np.array_equal(after[number], before[number])


def test_an_object_without_uvs_gets_some_with_its_mask(run: Any, online: ApiServer) -> None:
    scenes.camera((0, -6, 0.5))
    obj = scenes.suzanne()
    mask = api.paint_mask("Suzanne", size=SIDE)
    assert len(obj.data.uv_layers) == 1 and tuple(mask.size) == (SIDE, SIDE)
    assert api.paint_mask(obj) == mask
    with pytest.raises(Exception, match="Nothing is painted on the mask"):
        api.texture_model(obj, "copper", views="camera", faces="painted", provider="openai", quality="low")
    assert not online.image_requests


def test_texture_paint_is_left_with_everything_as_it_was(run: Any) -> None:
    obj = plane()
    other = obj.data.uv_layers.new(name="Other")
    obj.data.uv_layers.active = other
    scene = bpy.context.scene
    paint = scene.tool_settings.image_paint
    unified = getattr(paint, "unified_paint_settings", None) or scene.tool_settings.unified_paint_settings
    unified.use_unified_color, unified.color = True, (0.25, 0.5, 0.75)
    paint.mode, paint.canvas = "MATERIAL", bpy.data.images.new("Own", 8, 8)

    def settings() -> tuple[Any, ...]:
        return obj.mode, paint.mode, paint.canvas.name, obj.data.uv_layers.active.name, *unified.color

    before, materials = settings(), obj.active_material
    assert bpy.ops.gpt_image.paint_mask() == {"FINISHED"}
    mask = painted_masks.find_mask(obj)
    assert settings()[:3] == ("TEXTURE_PAINT", "IMAGE", mask.name) and tuple(unified.color) == (1, 1, 1)
    assert obj.data.uv_layers.active.name == mask[painted_masks.UV_MAP] == "UVMap"
    assert bpy.ops.gpt_image.paint_mask() == {"FINISHED"}
    assert settings() == before and painted_masks.find_mask(obj) == mask and obj.active_material == materials
    draw(obj, spot())
    assert bpy.ops.gpt_image.paint_mask() == {"FINISHED"}
    values = scene.gpt_image
    values.target, values.views, values.faces, values.provider = "model", "auto", "painted", "offline"
    values.prompt, values.size, values.width, values.height = "rust", "custom", 256, 256
    assert bpy.ops.gpt_image.generate("EXEC_DEFAULT") == {"FINISHED"}
    assert settings() == before and "gpt_image_job" in bpy.data.images["Paint Plane"]
    assert bpy.ops.gpt_image.remove_painted_mask() == {"FINISHED"} and painted_masks.find_mask(obj) is None


def test_what_is_painted_on_a_mask_is_saved(run: Any, tmp_path: Path) -> None:
    draw(plane(), spot())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    mask = painted_masks.find_mask(bpy.data.objects["Plane"])
    assert np.array_equal(pixels(mask.name)[..., 0], np.rint(spot() * 255))
