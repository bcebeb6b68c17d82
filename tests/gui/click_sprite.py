"""A sprite by clicks: chosen in Image Plane's place, drafted with alpha, played, undone; then from a GIF.
At the end EEVEE, which draws in no background on Linux, renders the frames around each key.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_sprite.py``,
where the extension is installed. Look at out/gui/sprite-*.png.
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.request import quote
from harness import OUT, Steps, press, run, until
from user import click_text, open_sidebar, over, shot, wait_for

PLANE, LINE = 2, "As a new plane at the 3D cursor"
SPRITE_LINE = "As a sprite at the 3D cursor"


ENGINES = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
FLAGS = (("red", 200), ("lime", 100), ("blue", 350))
"""Colors, and milliseconds that they are shown."""
PLAYED = {1: 0, 5: 0, 6: 1, 7: 1, 8: 2, 16: 2, 17: 0}
"""Which of three channels is the brightest at the frames before, at and after each key, at 24 a second."""
SIDE = 32  # pixels of a render


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
    yield from played()


def played() -> Steps:
    """A GIF whose frames last differently long, as EEVEE renders it."""
    from PIL import Image

    file = OUT / "flags.gif"
    frames = [Image.new("RGB", (64, 64), color) for color, _ in FLAGS]
    durations = [milliseconds for _, milliseconds in FLAGS]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=durations, loop=0)
    scene = bpy.context.scene
    for obj in list(scene.objects):
        if obj.type == "MESH":
            bpy.data.objects.remove(obj)
    scene.camera.location, scene.camera.rotation_euler = (0, -2, 0), (math.pi / 2, 0, 0)
    api.make_sprite([file.resolve()])
    scene.render.engine = next(name for name in ENGINES if name in list_engines())
    scene.eevee.taa_render_samples = 1
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    found = {}
    for frame in PLAYED:
        scene.frame_set(frame)
        path = (OUT / f"sprite-eevee-{frame}.png").resolve()
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        with Image.open(path) as image:
            shown = image.convert("RGB").getpixel((SIDE // 2, SIDE // 2))
        found[frame] = shown.index(max(shown))
        yield
    assert found == PLAYED, found


def list_engines() -> list[str]:
    return [item.identifier for item in bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items]


run(script(), patience=400)
