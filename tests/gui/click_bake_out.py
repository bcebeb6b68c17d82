"""An object is painted all around, with maps, and all of it is written from the result's menu.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_bake_out.py``,
where the extension is installed. Look at out/gui/bake-*.png.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()

from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, run, until
from saving import choose_folder, open_menu
from user import click_text, open_sidebar, over, shot, wait_for

FILES = Path(os.environ["GPT_IMAGE_DATA_DIR"]) / "baked"
SIDE = 1024


def script() -> Steps:
    sidebar = yield from open_sidebar()
    values = bpy.context.scene.gpt_image
    values.provider, values.target, values.views, values.image_size = "offline", "model", "auto", 512
    yield from sidebar.describe("mossy stone")
    yield from sidebar.generate()
    yield from until(lambda: bool(api.jobs()) and api.jobs()[-1].done, "the painted cube", 120)
    painted = api.jobs()[-1].result()
    assert painted.maps, "no maps were made"
    yield from shot("bake-1-painted", over(sidebar.area))
    yield from open_menu(sidebar)
    yield from wait_for("Bake Out")
    yield from shot("bake-2-menu", over(sidebar.area))
    yield from click_text("Bake Out...")
    yield from choose_folder(FILES, "bake-3-browser", size=str(SIDE), form="png 16")
    count = 1 + len(painted.maps)
    yield from until(lambda: len(list(FILES.glob("*.png"))) == count, f"{count} files", 60)
    yield from until(lambda: all(job.done for job in api.jobs()), "the end of the job", 20)
    for file in FILES.glob("*.png"):
        header = file.read_bytes()[16:25]
        assert header == struct.pack(">IIB", SIDE, SIDE, 16), file.name
    yield from shot("bake-4-done", over(sidebar.area))


run(script(), patience=240)
