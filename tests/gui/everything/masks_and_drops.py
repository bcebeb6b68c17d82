"""Third session: strokes drawn over the view, a rectangle dragged over it, and images dropped."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from harness import Point, Steps, click, find_icon, press, quit_by_key, run, until, window
from screen_reader import box_of
from user import Sidebar, click_text, drag, open_sidebar, over, shot


def values() -> bpy.types.PropertyGroup:
    return bpy.context.scene.gpt_image


def tool() -> str:
    return str(bpy.context.workspace.tools.from_space_view3d_mode("OBJECT").idname)


def ring(area: bpy.types.Area) -> list[Point]:
    """Around the cube, which is in the middle of the view."""
    turn = [step * math.tau / 16 for step in range(17)]
    return [over(area, 0.5 + 0.07 * math.cos(angle), 0.5 + 0.14 * math.sin(angle)) for angle in turn]


def generate(sidebar: Sidebar, number: int) -> Steps:
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == number, f"job {number}")
    job = api.jobs()[-1]
    yield from until(lambda: job.done, f"the end of job {number}")
    assert job.state.name == "APPLIED", job.message


def mark(sidebar: Sidebar) -> Steps:
    """The annotation tool, a stroke, and the tick that sends it."""
    yield from sidebar.describe("a wooden crate")
    yield from sidebar.to_top()
    yield from sidebar.click("Use This View")
    yield from until(lambda: len(values().references) == 1, "the viewport to be captured")
    tools = next(region for region in sidebar.area.regions if region.type == "TOOLS")
    annotate = 'wm.tool_set_by_id(name="builtin.annotate"'
    yield from click((yield from find_icon(sidebar.area, tools, annotate, box_of(tools))))
    yield from until(lambda: tool() == "builtin.annotate", "the tool")
    yield from drag(ring(sidebar.area))
    yield from sidebar.unfold("References (1)")
    yield from sidebar.click("Send Annotations")
    assert values().use_markup
    yield from shot("16-strokes-over-the-view", over(sidebar.area))
    yield from generate(sidebar, 1)
    yield from sidebar.click("Send Annotations")
    assert not values().use_markup
    yield from sidebar.fold("References (1)")


def mask(sidebar: Sidebar) -> Steps:
    """The rectangle that may change."""
    yield from sidebar.unfold("Mask")
    yield from sidebar.choose("Mask", "Rectangle")
    assert values().mask == "rectangle"
    before = tuple(values().mask_rectangle)
    yield from sidebar.click("Draw Rectangle")
    corners = [over(sidebar.area, x, x) for x in (0.4, 0.45, 0.55, 0.6)]
    yield from drag(corners, before_release=lambda: shot("17-rectangle-while-dragging", corners[-1]))
    yield from until(lambda: tuple(values().mask_rectangle) != before, "the rectangle")
    left, bottom, right, top = values().mask_rectangle
    assert bottom < 0.42 < 0.58 < top and left < 0.45 < 0.55 < right, tuple(values().mask_rectangle)
    yield from shot("17-rectangle", over(sidebar.area))
    yield from generate(sidebar, 2)
    yield from sidebar.fold("Mask: Rectangle")


def drop(sidebar: Sidebar) -> Steps:
    """A drag from another program is no event that can be simulated: this is what Blender calls after it.

    It asks which of its ways to take, and that is a click again.
    """
    image = Path(values().references[0].captured)
    context = {"window": window(), "area": sidebar.area, "region": sidebar.region}
    with bpy.context.temp_override(**context):
        bpy.ops.wm.drop_import_file(
            "INVOKE_DEFAULT", directory=str(image.parent), files=[{"name": image.name}]
        )
    yield from click_text("GPT Image: Use as Reference")
    yield from until(lambda: len(values().references) == 2, "the dropped file")
    yield from sidebar.unfold("References (2)")
    yield from shot("18-dropped", over(sidebar.area))


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from mark(sidebar)
    yield from mask(sidebar)
    yield from drop(sidebar)
    view = over(sidebar.area)
    yield from press("S", view, ctrl=True)
    yield from until(lambda: not bpy.data.is_dirty, "the file to be saved")
    yield from quit_by_key(view)


run(script(), patience=300)
