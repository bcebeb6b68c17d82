"""The harness itself: a click on a button, found in a panel's sidebar, runs its operator once.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_panel.py``
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import OUT, Steps, click, find_button, find_property, open_sidebar, run, screenshot, until

clicks: list[str] = []


class HARNESS_OT_ring(bpy.types.Operator):
    bl_idname = "harness.ring"
    bl_label = "Ring"

    def execute(self, context: bpy.types.Context) -> set[str]:
        clicks.append("ring")
        return {"FINISHED"}


class HARNESS_PT_bell(bpy.types.Panel):
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Harness"
    bl_label = "Bell"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(context.scene, "frame_start")
        layout.operator("wm.save_mainfile")
        layout.operator("harness.ring")


def script() -> Steps:
    area, region = yield from open_sidebar("Harness")
    field = yield from find_property(area, region, "frame_start")
    button = yield from find_button(area, region, "harness.ring")
    assert button[1] < field[1], f"the field {field} is above the button {button}"
    yield from click(button)
    yield from until(lambda: bool(clicks), "the click to run the operator", seconds=10)
    yield
    assert clicks == ["ring"]
    screenshot(OUT / "click-panel.png")


bpy.utils.register_class(HARNESS_OT_ring)
bpy.utils.register_class(HARNESS_PT_bell)
run(script())
