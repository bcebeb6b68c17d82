"""Inpaint: a mask is painted over an image, and the result takes that image's place everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from gpt_image_addon import api
from gpt_image_addon.app import inpainting
from gpt_image_addon.ui.common import brushes, state
from gpt_image_addon.ui.references import inpaint, mask_overlay, rectangle_outline
from gpt_image_addon.ui.request import quote
from gpt_image_addon.ui.results import chosen, history_view
from tests.api_server import ApiServer, faults
from tests.blender.scene_fixtures import RED, cube, image_file, reopen

SIZE = (96, 64)


@pytest.fixture(autouse=True)
def alone(factory_file: None) -> Iterator[None]:
    api.close()
    yield
    api.close()


def values() -> Any:
    return bpy.context.scene.gpt_image


def red_image(name: str = "Wall", size: tuple[int, int] = SIZE) -> bpy.types.Image:
    data = image_file(name, RED, size=size).data
    image = bpy.data.images.new(name, *size)
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    return image


def paint_corner(mask: bpy.types.Image) -> None:
    """White in the lower left quarter, as strokes would leave it."""
    width, height = mask.size
    pixels = np.zeros((height, width, 4), np.float32)
    pixels[..., 3] = 1
    pixels[: height // 2, : width // 2] = 1
    mask.pixels.foreach_set(pixels.ravel())
    mask.update()


def shown(image: bpy.types.Image) -> Any:
    flat = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(image.size[1], image.size[0], -1)[..., :3]


def begin(image: bpy.types.Image) -> bpy.types.Image:
    values().provider, values().prompt, values().quality = "openai", "a blue door", "low"
    assert bpy.ops.gpt_image.edit_region(image=image.name) == {"FINISHED"}
    mask: bpy.types.Image = values().mask_image
    return mask


def generate() -> Any:
    bpy.ops.gpt_image.generate()
    return api.jobs()[-1]


def inpainted(image: bpy.types.Image) -> Any:
    paint_corner(begin(image))
    return generate()


def masks() -> list[str]:
    return [image.name for image in bpy.data.images if image.name.startswith(inpainting.MASK_NAME)]


def with_material(image: bpy.types.Image) -> Any:
    """The node of a cube's material that shows an image."""
    obj = cube(material="Stone")
    node = obj.active_material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    return node


def test_the_panel_is_ready_for_one_image_in_place() -> None:
    image = red_image()
    values().target, values().n, values().seamless, values().background = "material", 4, True, "transparent"
    mask = begin(image)
    assert values().prompt == "a blue door"
    assert (values().target, values().n, values().seamless, values().background) == (
        "image",
        1,
        False,
        "auto",
    )
    assert (values().size, values().width, values().height) == ("custom", *SIZE)
    assert values().mask == "image" and tuple(mask.size) == SIZE and not mask.use_fake_user
    assert [item.image for item in values().references] == [image]
    assert bpy.context.window_manager.gpt_image.show_mask


def test_a_mask_that_lets_nothing_change_is_said_before(online: ApiServer) -> None:
    mask = begin(red_image())
    assert quote.current(bpy.context.scene).problem == inpaint.NOTHING_PAINTED
    paint_corner(mask)
    assert inpaint.problem(values()) == ""
    values().mask = "file"
    assert "no file" in inpaint.problem(values())


def test_only_black_strokes_are_no_mask(online: ApiServer) -> None:
    from gpt_image_addon.ui.references import mask_check

    mask = begin(red_image())
    mask.pixels.foreach_set(np.zeros(SIZE[0] * SIZE[1] * 4, np.float32))
    assert mask.is_dirty and inpaint.problem(values()) == ""
    mask_check.ask(mask)
    assert inpaint.problem(values()) == inpaint.NOTHING_PAINTED
    paint_corner(mask)
    mask_check.ask(mask)
    assert inpaint.problem(values()) == ""


def test_the_result_is_in_the_image_s_place(online: ApiServer) -> None:
    image = red_image()
    node = with_material(image)
    job = inpainted(image)
    assert job.error is None
    assert {file.field for file in online.image_requests[-1].files} == {"image", "mask"}
    assert node.image != image and node.image.name == "Wall" == job.applied.images[0]
    before, after = shown(image), shown(node.image)
    assert np.array_equal(before[SIZE[1] // 2 :], after[SIZE[1] // 2 :]), (
        "outside of the mask nothing changes"
    )
    assert not np.array_equal(before, after)


def test_the_mask_leaves_and_the_panel_is_as_before(online: ApiServer) -> None:
    image = red_image()
    values().target, values().n = "material", 3
    inpainted(image)
    assert masks() == [] and values().mask == "none" and values().mask_image is None
    assert (values().target, values().n, len(values().references)) == ("material", 3, 0)
    assert values().size == "usual"


def test_clearing_the_mask_ends_it_and_another_one_too() -> None:
    image = red_image()
    begin(image)
    values().mask = "none"
    assert masks() == [] and not len(values().references)
    first = begin(image)
    second = begin(image)
    assert first != second and len(masks()) == 1
    values().mask_image = red_image("Own")
    assert masks() == [] and values().mask == "image" and len(values().references) == 1


def test_after_a_failure_the_mask_waits_for_another_try(online: ApiServer) -> None:
    image = red_image()
    node = with_material(image)
    paint_corner(begin(image))
    online.script(faults.error("moderation_blocked"))
    with pytest.raises(RuntimeError):
        generate()
    assert len(masks()) == 1 and node.image == image
    values().prompt = ""
    bpy.ops.gpt_image.recall(job=api.jobs()[-1].id)
    assert values().prompt == "a blue door" and inpaint.find(values()) is not None
    assert bpy.ops.gpt_image.again(job=api.jobs()[-1].id) == {"FINISHED"}
    assert api.jobs()[-1].wait(20) and node.image != image and node.image.name == "Wall"
    assert masks() == []


def test_revert_lets_them_change_places(online: ApiServer) -> None:
    image = red_image()
    node = with_material(image)
    job = inpainted(image)
    after = node.image
    assert inpainting.can_revert(job.id) and not inpainting.is_reverted(job.id)
    assert Path(inpainting.before(job.id)).stem == "original"
    assert bpy.ops.gpt_image.revert(job=job.id) == {"FINISHED"}
    assert node.image == image and image.name == "Wall" and inpainting.is_reverted(job.id)
    assert Path(inpainting.before(job.id)).stem == "image-1"
    assert bpy.ops.gpt_image.revert(job=job.id) == {"FINISHED"}
    assert node.image == after and after.name == "Wall" and not inpainting.is_reverted(job.id)


def test_the_image_before_is_shown_from_the_start_and_in_each_file(online: ApiServer, tmp_path: Path) -> None:
    """The card shows the newest result of the history, with the way back that the file knows."""
    image = red_image()
    with_material(image)
    job = inpainted(image)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    api.forget_finished()
    chosen.current().__init__()  # type: ignore[misc]
    history_view.current().__init__()  # type: ignore[misc]
    history_view.look("", "all")
    assert chosen.current().job == job.id and chosen.current().before == ""
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    assert Path(chosen.current().before).stem == "original"
    chosen.current().__init__()  # type: ignore[misc]
    history_view.current().__init__()  # type: ignore[misc]
    history_view.look("", "all")
    assert Path(chosen.current().before).stem == "original"


@pytest.mark.parametrize("go_back", [False, True])
def test_before_and_after_survive_saving(online: ApiServer, tmp_path: Path, go_back: bool) -> None:
    image = red_image()
    job = inpainted(image) if with_material(image) else None
    if go_back:
        bpy.ops.gpt_image.revert(job=job.id)
    for _ in range(2):
        reopen(tmp_path / "saved.blend")
    api.close()
    (node,) = (n for n in bpy.data.materials["Stone"].node_tree.nodes if n.bl_idname == "ShaderNodeTexImage")
    is_red = np.allclose(shown(node.image), shown(node.image)[-1, -1])
    assert is_red == go_back
    assert bpy.ops.gpt_image.revert(job=job.id) == {"FINISHED"}
    assert node.image.name == "Wall"
    assert np.allclose(shown(node.image), shown(node.image)[-1, -1]) != go_back


def test_a_second_edit_stands_before_the_first(online: ApiServer) -> None:
    image = red_image()
    node = with_material(image)
    first = inpainted(image)
    values().prompt = "a green door"
    second = inpainted(node.image)
    assert not inpainting.can_revert(first.id) and inpainting.can_revert(second.id)
    with pytest.raises(RuntimeError, match="newer"):
        bpy.ops.gpt_image.revert(job=first.id)
    bpy.ops.gpt_image.revert(job=second.id)
    bpy.ops.gpt_image.revert(job=first.id)
    assert node.image == image


def test_a_result_without_an_image_before_can_not_go_back(online: ApiServer) -> None:
    job = api.generate("oak", provider="openai", target="image", quality="low")
    assert not inpainting.can_revert(job.job) and inpainting.before(job.job) == ""
    with pytest.raises(RuntimeError, match="no image before"):
        bpy.ops.gpt_image.revert(job=job.job)


def test_an_image_that_is_gone_costs_no_result(online: ApiServer) -> None:
    image = red_image()
    paint_corner(begin(image))
    back = inpaint.way_back(values())
    assert back is not None
    bpy.data.images.remove(image)
    found = api.generate("a door", provider="openai", target="image", quality="low")
    job = next(job for job in api.jobs() if job.id == found.job)
    applied = back(job)
    assert applied.images[0] in bpy.data.images and "gone" in applied.messages[0]


def test_no_file_of_the_user_is_written(online: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(image_file("mine", RED, size=SIZE).data)
    image = bpy.data.images.load(str(path))
    inpainted(image)
    assert path.read_bytes() == image_file("mine", RED, size=SIZE).data
    assert bpy.data.images["mine.png"].packed_file is not None


def test_a_result_of_the_history_gets_an_image(online: ApiServer) -> None:
    found = api.generate("oak", provider="openai", target="image", quality="low")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    api.close()
    assert bpy.ops.gpt_image.edit_region(job=found.job) == {"FINISHED"}
    assert values().references[0].image["gpt_image_job"] == found.job


@pytest.mark.parametrize(("source", "why"), [("SEQUENCE", "single"), ("TILED", "UDIM")])
def test_what_no_image_can_replace_is_refused(source: str, why: str) -> None:
    image = red_image()
    image.source = source
    with pytest.raises(RuntimeError, match=why):
        bpy.ops.gpt_image.edit_region(image=image.name)
    assert masks() == []


def test_maps_that_stay_are_told(online: ApiServer) -> None:
    cube()
    job = api.submit("oak", provider="offline", target="material", size="64x64")
    assert job.wait(20)
    image = bpy.data.images[job.applied.images[0]]
    edit = inpainted(image)
    assert any("stay" in text for text in edit.applied.messages)
    material = bpy.data.objects[job.applied.object].active_material
    assert api.remake_material(material.name, normal_strength=2.0)
    tree = material.node_tree
    shown_images = [node.image for node in tree.nodes if node.get("gpt_image_kind") == "base_color"]
    assert [image.name for image in shown_images] == [edit.applied.images[0]]
    assert "gpt_image_image_before" in shown_images[0], "new strengths leave the edit where it is"


def test_the_painted_mask_is_saved(tmp_path: Path) -> None:
    paint_corner(begin(red_image()))
    reopen(tmp_path / "saved.blend")
    mask = values().mask_image
    assert inpainting.masked_image(mask) == values().references[0].image
    assert not inpainting.is_black(mask) and inpaint.problem(values()) == ""


def test_a_hostile_file_is_no_inpaint() -> None:
    mask = begin(red_image())
    mask["gpt_image_mask_of"] = "/etc/passwd"
    assert inpaint.find(values()) is None and inpaint.way_back(values()) is None
    image = red_image("Other")
    image["gpt_image_image_before"], image["gpt_image_job"] = "/etc/passwd", "job"
    assert not inpainting.can_revert("job")
    mask["gpt_image_mask_of"] = image
    mask["gpt_image_settings_before"] = {"target": 3, "n": "many", "provider": "offline"}
    values().mask = "none"
    assert values().provider == "openai" and masks() == []


def test_the_brush_is_white_and_gets_its_color_back() -> None:
    settings = bpy.context.scene.tool_settings
    unified = getattr(settings.image_paint, "unified_paint_settings", None) or settings.unified_paint_settings
    unified.use_unified_color = True
    unified.color = (0.2, 0.4, 0.6)
    kept: brushes.Colors = {}
    brushes.take_brush(kept)
    assert tuple(unified.color) == (1, 1, 1)
    brushes.restore_brush(kept)
    assert tuple(unified.color) == pytest.approx((0.2, 0.4, 0.6))
    brushes.take_brush(kept)
    unified.color = (0, 1, 0)
    brushes.restore_brush(kept)
    assert tuple(unified.color) == (0, 1, 0), "what the user chose meanwhile stays"


def test_the_rectangle_is_drawn_as_long_as_the_panel_has_it() -> None:
    outline = state.part(rectangle_outline.Outline)
    assert outline.handler is None
    values().mask = "rectangle"
    assert outline.handler is not None
    values().mask = "none"
    assert outline.handler is None


def test_nothing_is_drawn_in_another_file(tmp_path: Path) -> None:
    begin(red_image())
    overlay = state.part(mask_overlay.Overlay)
    assert overlay.handler is not None
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "at-work.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert overlay.handler is None
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "at-work.blend"))
    assert overlay.handler is not None and inpaint.find(values()) is not None
    values().mask = "none"
    assert overlay.handler is None
