"""Of 8 variations pick the third, inpaint a corner of it, keep it: by clicks and keys, in one workspace."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.app import inpainting
from harness import (
    OUT,
    Point,
    Search,
    Steps,
    click,
    find_button,
    find_icon,
    press,
    run,
    screenshot,
    until,
    window,
)
from screen_reader import photograph
from user import Sidebar, click_text, drag, open_sidebar, over

TINTED = 60  # levels by which red leads where the mask is white
STEPS = 6  # of undo
HALF_ROW = 6  # pixels
AROUND = 0.6  # of the image: further from the corner nothing was painted
CORNER = (0.1, 0.4)  # of the image, from its lower left corner


def values() -> bpy.types.PropertyGroup:
    return bpy.context.scene.gpt_image


def shown_on_cube() -> bpy.types.Image:
    tree = bpy.data.objects["Cube"].active_material.node_tree
    return next(node.image for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage")


def image_editor() -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == "IMAGE_EDITOR")


def place(u: float, v: float) -> Point:
    """Where in the window a point of the image is that the Image Editor shows."""
    region = next(region for region in image_editor().regions if region.type == "WINDOW")
    x, y = region.view2d.view_to_region(u, v, clip=False)
    return region.x + x, region.y + y


def generate(sidebar: Sidebar, number: int) -> Steps:
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == number and api.jobs()[-1].done, f"job {number}")
    assert api.jobs()[-1].state.name == "APPLIED", api.jobs()[-1].message


def pick(sidebar: Sidebar) -> Search[str]:
    """Eight variations; the third one is used."""
    values().provider, values().quality, values().target, values().n = "openai", "low", "texture", 8
    yield from sidebar.describe("an old brick wall")
    yield from generate(sidebar, 1)
    job = api.jobs()[0]
    _, height = yield from find_button(sidebar.area, sidebar.region, "gpt_image.use_variation", across=0.5)
    row = sidebar.box._replace(bottom=height - HALF_ROW, top=height + HALF_ROW)
    command = f'gpt_image.use_variation(job="{job.id}", number=2'
    yield from click((yield from find_icon(sidebar.area, sidebar.region, command, row)))
    yield from until(lambda: job.used == 2, "the third variation")
    assert shown_on_cube().name == job.applied.images[2]
    return job.id


def begin(sidebar: Sidebar) -> Steps:
    """The button, or the entry of the result's menu."""
    if not sidebar.shows("Inpaint"):
        title = (yield from sidebar.bring(f"${api.jobs()[0].cost_usd:.3f}"))._replace(
            left=sidebar.box.middle[0]
        )
        yield from click((yield from sidebar.icon('wm.call_menu(name="GPT_IMAGE_MT_result"', title)))
    yield from click_text("Inpaint")
    yield from until(lambda: values().mask_image is not None, "the mask")
    for _ in range(8):
        yield


def tint_at(point: Point) -> int:
    """By how much red leads there."""
    seen = window()
    row = seen.height - 1 - point[1]
    start = 3 * (row * seen.width + point[0])
    red, green, blue = photograph("rgb:-")[start : start + 3]
    return red - max(green, blue)


def paint(sidebar: Sidebar) -> Steps:
    """Strokes over the corner; the color comes with the first of them."""
    area, mask = image_editor(), values().mask_image
    assert area.spaces.active.image == mask and area.spaces.active.mode == "PAINT"
    low, high = CORNER
    brush = bpy.context.tool_settings.image_paint
    unified = (
        getattr(brush, "unified_paint_settings", None) or bpy.context.tool_settings.unified_paint_settings
    )
    assert tuple(unified.color) == (1, 1, 1), tuple(unified.color)
    unified.size = 60
    plain = tint_at(place(0.25, 0.25))
    assert inpaint_problem(), "nothing was painted yet"
    across = [place(low + step * (high - low) / 4, 0.25) for step in range(5)]

    def held() -> Steps:
        yield
        yield
        assert tint_at(place(0.25, 0.25)) > plain + TINTED, "the stroke is not seen while it is painted"
        screenshot(OUT / "30-inpaint-while-painting.png")

    yield from drag(across, before_release=held)
    for height in (0.15, 0.35):
        yield from drag([place(low, height), place(0.25, height), place(high, height)])
    yield from until(lambda: not inpainting.is_black(mask), "white paint")
    yield from until(lambda: not inpaint_problem(), "the button to be live")


def inpaint_problem() -> str:
    from bl_ext.user_default.gpt_image_addon.ui.references import inpaint

    return inpaint.problem(values())


def has_left() -> bool:
    return values().mask == "none" and not inpainting.masks()


def keep(sidebar: Sidebar) -> Steps:
    before = shown_on_cube()
    name, workspace = before.name, window().workspace
    assert values().prompt == "an old brick wall", "the prompt is kept"
    yield from sidebar.describe("a round window")
    yield from generate(sidebar, 2)
    yield from until(has_left, "the mask to leave")
    assert shown_on_cube() != before and shown_on_cube().name == name, "it is in the place of the one before"
    assert image_editor().spaces.active.image == shown_on_cube()
    assert image_editor().spaces.active.mode == "VIEW" and window().workspace == workspace
    screenshot(OUT / "31-inpaint-kept.png")
    only_the_corner_changed()


def only_the_corner_changed() -> None:
    """Pixel for pixel."""
    first, second = api.jobs()
    files = (first.prepared.images[2].file, second.prepared.images[0].file)
    before, after = (pixels_of(file) for file in files)
    differs = (before != after).any(axis=2)
    rows, columns = (round(AROUND * length) for length in differs.shape)
    assert differs[:rows, :columns].any(), "the corner is as it was"
    assert not differs[rows:].any() and not differs[:, columns:].any(), "more than the corner changed"


def pixels_of(file: str) -> np.ndarray:
    """(height, width, 4), the lowest row first."""
    image = bpy.data.images.load(file)
    width, height = image.size
    pixels = np.empty(4 * width * height, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)


def there_and_back(sidebar: Sidebar) -> Steps:
    """One step of undo and redo; then by the button, and saved."""
    after, view = shown_on_cube().name, over(sidebar.area)
    uid = shown_on_cube().session_uid

    def other() -> bool:
        return shown_on_cube().session_uid != uid

    yield from press("Z", view, ctrl=True)
    yield from until(other, "the image before")
    yield from until(lambda: image_editor().spaces.active.image == values().mask_image, "the mask again")
    screenshot(OUT / "32-inpaint-undone.png")
    # The strokes, and more than there is; then all of it again.
    for keys, steps in (({"ctrl": True}, STEPS), ({"ctrl": True, "shift": True}, STEPS + 1)):
        for _ in range(steps):
            yield from press("Z", view, **keys)
            yield
    yield from until(lambda: not other(), "the image after")
    assert image_editor().spaces.active.image is not None and image_editor().spaces.active.mode == "VIEW"
    job = api.jobs()[-1].id
    assert inpainting.can_revert(job) and shown_on_cube().name == after
    bpy.ops.gpt_image.revert(job=job)
    assert other() and shown_on_cube().name == after
    bpy.ops.wm.save_as_mainfile(filepath=os.environ["SAVED_FILE"])


def leave_by_clearing(sidebar: Sidebar) -> Steps:
    """An inpaint that is given up, and one whose editor is closed: nothing stays."""
    bpy.ops.gpt_image.edit_region(image=shown_on_cube().name)
    for _ in range(6):
        yield
    values().mask = "none"
    yield from until(has_left, "the mask to leave")
    bpy.ops.gpt_image.edit_region(image=shown_on_cube().name)
    for _ in range(6):
        yield
    image_editor().type = "TEXT_EDITOR"
    for _ in range(3):
        yield
    values().mask = "none"
    yield from until(has_left, "the mask to leave")
    bpy.ops.gpt_image.edit_region(image=shown_on_cube().name)
    for _ in range(6):
        yield
    bpy.ops.wm.open_mainfile(filepath=os.environ["SAVED_FILE"])
    for _ in range(6):
        yield
    assert has_left()


def script() -> Steps:
    bpy.context.preferences.view.smooth_view = 0
    sidebar = yield from open_sidebar()
    yield from pick(sidebar)
    yield from begin(sidebar)
    yield from paint(sidebar)
    yield from keep(sidebar)
    yield from there_and_back(sidebar)
    yield from leave_by_clearing(sidebar)


run(script(), patience=380)
