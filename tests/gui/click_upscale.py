"""An image is upscaled from the Image Editor's menu: its price is shown, then it is only resampled.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_upscale.py``,
where the extension is installed. Look at out/gui/upscale-*.png.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()
os.environ["OPENAI_API_KEY"] = "sk-test-key"
os.environ["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"

from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, click, event, run, until, window
from user import click_text, shot, wait_for

LOCAL_BELOW = 52  # pixels from the size that is told to *Only Resample*
ENTRY = "Upscale with GPT Image"


def script() -> Steps:
    area = max(window().screen.areas, key=lambda area: area.width * area.height)
    area.type = "IMAGE_EDITOR"
    yield
    yield
    image = bpy.data.images.new("wall", 600, 400)
    image.generated_type = "COLOR_GRID"
    area.spaces.active.image = image
    area.tag_redraw()
    for _ in range(4):
        yield
    rest = (area.x + 40, area.y + 40)
    header = next(region for region in area.regions if region.type == "HEADER")
    event("MOUSEMOVE", "NOTHING", (header.x + header.width // 2, header.y + header.height // 2))
    yield
    with bpy.context.temp_override(window=window(), area=area, region=header):
        bpy.ops.wm.call_menu(name="IMAGE_MT_image")
    yield from click_text(ENTRY)
    yield from click_text("4x")
    told = yield from wait_for("2400 x 1600 pixels")
    in_dialog = told[0].middle  # it closes when the mouse goes away
    yield from shot("upscale-1-price", in_dialog)
    yield from click((in_dialog[0], in_dialog[1] - LOCAL_BELOW))
    yield from shot("upscale-2-resample", in_dialog)
    yield from click_text("Upscale", near=in_dialog)
    yield from until(lambda: len(api.jobs()) == 1 and api.jobs()[0].done, "the image")
    job = api.jobs()[0]
    assert job.error is None, job.error
    made = bpy.data.images[job.applied.image]
    assert tuple(made.size) == (2400, 1600), tuple(made.size)
    area.spaces.active.image = made
    area.tag_redraw()
    for _ in range(6):
        yield
    yield from shot("upscale-3-made", rest)


run(script(), patience=120)
