"""Curves by clicks: chosen in Image's place, drawn as a draft, undone in one step; then from a file.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_curves.py``,
where the extension is installed. Look at out/gui/curves-*.png.
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
from harness import Steps, press, run, until
from user import click_text, open_sidebar, over, shot, wait_for

STATE = Path(os.environ["GPT_IMAGE_DATA_DIR"])
BADGE = (
    '<svg xmlns="http://www.w3.org/2000/svg"><style>.a{fill:#d33}</style><circle class="a" r="9"/>'
    '<path d="M-5-3H5L0 6z" fill="#fff"/></svg>'
)
IMAGE, LINE = 3, "Only as an image of this file"


def curves() -> list[str]:
    return sorted(obj.name for obj in bpy.data.objects if obj.type == "CURVE")


def browser() -> bpy.types.Area | None:
    """The file browser, which opens in a window of its own."""
    areas = (area for window in bpy.context.window_manager.windows for area in window.screen.areas)
    return next((area for area in areas if area.type == "FILE_BROWSER"), None)


def choose_file(file: Path) -> Steps:
    yield from until(lambda: browser() is not None, "the file browser", 20)
    found = browser()
    found.spaces.active.params.directory = str(file.parent).encode()
    found.spaces.active.params.filename = file.name
    for _ in range(8):
        yield
    yield from shot("curves-4-browser", (40, 40))
    holding = next(w for w in bpy.context.window_manager.windows if found in list(w.screen.areas))
    region = next(region for region in found.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=holding, area=found, region=region):
        bpy.ops.file.execute()


def script() -> Steps:
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    values = bpy.context.scene.gpt_image
    values.provider = "offline"
    sidebar = yield from open_sidebar()
    rest = over(sidebar.area)
    yield from sidebar.describe("red star logo on navy")
    yield from sidebar.choose_target(IMAGE)
    yield from until(lambda: values.target == "image", "the target", 10)
    yield from sidebar.click(LINE)
    yield from wait_for("Curves")
    yield from shot("curves-1-popover", rest)
    yield from click_text("Curves")
    yield from until(lambda: values.target == "curves", "the curves", 10)
    yield from press("ESC", rest)
    values.extrude, values.bevel = 0.06, 0.01
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == 1 and api.jobs()[0].done, "the drawing", 60)
    assert len(curves()) >= 3, api.jobs()[0].error
    yield from shot("curves-2-made", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: not curves(), "one step back", 20)

    file = STATE / "badge.svg"
    file.write_text(BADGE)
    yield from sidebar.click("As new curves at the 3D cursor")
    yield from wait_for("Import SVG File...")
    yield from shot("curves-3-popover", rest)
    yield from click_text("Import SVG File...")
    yield from choose_file(file)
    yield from until(lambda: curves() == ["badge #dd3333", "badge #ffffff"], "the file's curves", 60)
    yield from shot("curves-5-imported", rest)


run(script(), patience=240)
