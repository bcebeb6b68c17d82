"""A world is made in the panel, corrected in its dialog, and taken back by one undo each.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_world.py``,
where the extension is installed. Look at out/gui/world-*.png.
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
from bl_ext.user_default.gpt_image_addon.core.request.targets import list_targets
from harness import Steps, press, run, until
from user import Sidebar, click_text, fill, open_sidebar, over, shot, wait_for

WORLD = [name for name, info in list_targets() if not info.parent].index("world")
DIALOG = "Sun Elevation"
FIELD = 90  # pixels from a label in the dialog to its field


def world() -> bpy.types.World:
    return bpy.context.scene.world


def made(count: int) -> bool:
    """Whether so many jobs are there, and done."""
    return len(api.jobs()) == count and all(job.done for job in api.jobs())


def make(sidebar: Sidebar) -> Steps:
    bpy.context.scene.gpt_image.provider = "offline"
    yield from sidebar.choose_target(
        [name for name, info in list_targets() if not info.parent].index("world")
    )
    assert bpy.context.scene.gpt_image.target == "world"
    yield from sidebar.describe("dunes at noon")
    yield from sidebar.generate()
    yield from until(lambda: made(1), "the world", 120)
    yield
    assert world()["gpt_image_sun_confidence"] == "sure"
    assert world()["sun_of_world"].name in bpy.context.scene.objects
    assert sidebar.area.spaces.active.shading.type == "MATERIAL"
    yield from shot("world-1-made", over(sidebar.area))


def correct(sidebar: Sidebar) -> Steps:
    yield from sidebar.unfold("World")
    yield from shot("world-2-panel", over(sidebar.area))
    yield from sidebar.click("Correct World...")
    label = (yield from wait_for(DIALOG))[0]
    yield from shot("world-3-dialog", over(sidebar.area, 0.9, 0.9))
    yield from fill((label.right + FIELD, label.middle[1]), "12")
    yield from click_text("Apply")
    yield from until(lambda: made(2), "the corrected world", 120)
    yield
    assert world()["gpt_image_sun_elevation"] == 12, dict(world().items())
    assert sum(obj.type == "LIGHT" and "Sun" in obj.name for obj in bpy.context.scene.objects) == 1
    yield from shot("world-4-corrected", over(sidebar.area))


def take_back(sidebar: Sidebar) -> Steps:
    yield from press("Z", over(sidebar.area), ctrl=True)
    yield from until(lambda: world()["gpt_image_sun_confidence"] == "sure", "the world before", 20)
    yield from press("Z", over(sidebar.area), ctrl=True)
    yield from until(lambda: "gpt_image_job" not in world(), "the world of the file", 20)
    assert not any("Sun" in obj.name for obj in bpy.context.scene.objects)


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from make(sidebar)
    yield from correct(sidebar)
    yield from take_back(sidebar)


run(script(), patience=300, shows_first=True)
