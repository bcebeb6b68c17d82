"""A sprite by clicks: chosen in Image Plane's place, drafted with alpha, played, undone; then from a GIF.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_sprite.py``,
where the extension is installed. Look at out/gui/sprite-*.png.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.request import quote
from harness import Steps, press, run, until
from user import click_text, open_sidebar, over, shot, wait_for

PLANE, LINE = 2, "As a new plane at the 3D cursor"
SPRITE_LINE = "As a sprite at the 3D cursor"


def planes() -> list[str]:
    return [obj.name for obj in bpy.data.objects if obj.type == "MESH"]


def browser() -> bpy.types.Area | None:
    """The file browser, which opens in a window of its own."""
    areas = (area for window in bpy.context.window_manager.windows for area in window.screen.areas)
    return next((area for area in areas if area.type == "FILE_BROWSER"), None)


def choose_file(file: Path) -> Steps:
    yield from until(lambda: browser() is not None, "the file browser", 20)
    found = browser()
    found.spaces.active.params.directory = str(file.parent).encode()
    for _ in range(20):
        yield
    found.spaces.active.activate_file_by_relative_path(relative_path=file.name)
    found.spaces.active.params.filename = file.name
    for _ in range(8):
        yield
    yield from shot("sprite-4-browser", (40, 40))
    holding = next(w for w in bpy.context.window_manager.windows if found in list(w.screen.areas))
    region = next(region for region in found.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=holding, area=found, region=region):
        bpy.ops.file.execute()


def script() -> Steps:
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    values = bpy.context.scene.gpt_image
    values.provider, values.size = "offline", "custom"
    values.width = values.height = 256
    sidebar = yield from open_sidebar()
    rest = over(sidebar.area)
    yield from sidebar.describe("a red star sticker")
    yield from sidebar.choose_target(PLANE)
    yield from until(lambda: values.target == "plane", "the target", 10)
    yield from sidebar.click(LINE)
    yield from wait_for("Sprite")
    yield from shot("sprite-1-popover", rest)
    yield from click_text("Sprite")
    yield from until(lambda: values.target == "sprite", "the sprite", 10)
    yield from press("ESC", rest)
    yield from shot("sprite-2-one-image", rest)
    values.output_format, values.frame_count = "gif", 6
    yield from until(lambda: not quote.current(bpy.context.scene).problem, "the price", 20)
    sidebar.area.tag_redraw()
    yield from shot("sprite-2-a-gif", rest)
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == 1 and api.jobs()[0].done, "the frames", 60)
    assert len(planes()) == 1, api.jobs()[0].error
    sidebar.area.spaces.active.shading.type = "MATERIAL"
    for frame in (1, 16):
        bpy.context.scene.frame_set(frame)
        yield from shot(f"sprite-3-frame-{frame}", rest)
    gif = Path(api.jobs()[0].prepared.images[0].received_file)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: not planes(), "one step back", 20)

    yield from sidebar.click(SPRITE_LINE)
    yield from click_text("Import Images or GIF...")
    yield from choose_file(gif)
    yield from until(lambda: planes() == [gif.stem], "the file's frames", 60)
    yield from shot("sprite-5-imported", rest)


run(script(), patience=240)
