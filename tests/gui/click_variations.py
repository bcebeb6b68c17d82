"""Variations of planes change places, the menu of a result means the one shown, a new file begins as wished.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_variations.py``,
where the extension is installed. Look at out/gui/variations-*.png.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()  # nothing was made there yet

from bl_ext.user_default.gpt_image_addon import api
from harness import ADDON, Steps, click, run, until
from user import click_text, open_sidebar, over, shot

CHEVRON = 44  # pixels from the right end of the sidebar to the menu of a result
DRAFT = {"provider": "offline", "size": "256x256", "n": 3}


def planes() -> dict[str, bpy.types.Image]:
    """The image of each plane, by the object's name."""
    found = {}
    for obj in bpy.data.objects:
        if obj.type == "MESH" and obj.active_material:
            nodes = obj.active_material.node_tree.nodes
            found[obj.name] = next(node.image.name for node in nodes if node.type == "TEX_IMAGE")
    return found


def script() -> Steps:
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    sidebar = yield from open_sidebar()
    rest = over(sidebar.area)
    job = api.submit("mossy stones", target="plane", **DRAFT)
    yield from until(lambda: job.done, "the planes")
    before = planes()
    assert len(before) == 3 and len(set(before.values())) == 3, before
    yield from sidebar.to_top()
    yield from sidebar.click("3")
    yield from until(lambda: job.used == 2, "the third one", 10)
    after = planes()
    assert after != before and sorted(after.values()) == sorted(before.values()), (before, after)
    yield from shot("variations-planes", rest)

    title = yield from sidebar.bring("mossy stones")
    yield from click((sidebar.box.right - CHEVRON, title.middle[1]))
    yield from click_text("Mark Material as Asset")
    yield from until(lambda: any(one.asset_data for one in bpy.data.materials), "the asset", 30)
    marked = next(one for one in bpy.data.materials if one.asset_data)
    assert marked.name == job.applied.material
    yield from shot("variations-asset", rest)

    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.default_target, preferences.default_quality = "material", "high"
    bpy.ops.wm.read_homefile()
    yield
    values = bpy.context.scene.gpt_image
    shown = values.target, values.quality
    for name in ("default_target", "default_quality"):  # Blender saves them when it is left
        preferences.property_unset(name)
    assert shown == ("material", "high"), shown


run(script(), patience=200)
