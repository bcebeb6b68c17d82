"""From the first look at the panel to a brick wall on the cube, upright and in real size, in three actions.

No key, no network. What is seen is measured on the screen: in a wall, courses lie above each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import screen_reader
from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, press, run, until
from user import Journey, Sidebar, open_sidebar, over, shot

PROMPT = "weathered red brick wall"
CUBE = 2.0  # metres
COURSE = (0.05, 0.13)  # metres from one course of bricks to the next
INSIDE = 0.9  # of the cube's sides, that is looked at
STRIPES = 2.0  # times as strong as what repeats from left to right


def script() -> Steps:
    bpy.context.scene.eevee.taa_samples = 1  # for machines without a graphics card
    sidebar = yield from open_sidebar()
    journey = Journey(actions=3)
    yield from shot("40-first-open", over(sidebar.area))
    assert sidebar.shows("Start With")
    yield from journey.act("start with a tileable material", sidebar.click("Tileable Material"))
    yield from journey.act("write what it is", sidebar.describe(PROMPT))
    yield from journey.act("generate it", sidebar.generate("Generate  ·  free"))
    yield from until(lambda: bool(api.jobs()) and api.jobs()[0].done, "the material")
    journey.end()
    (job,) = api.jobs()
    assert job.state.name == "APPLIED", job.message
    is_on_the_cube(job)
    yield from shot("41-brick-wall", over(sidebar.area))
    assert sidebar.area.spaces.active.shading.type == "MATERIAL", "it is to be seen"
    yield from is_seen_upright(sidebar)
    yield from is_one_step_of_undo(sidebar)


def is_on_the_cube(job: api.Job) -> None:
    material = bpy.data.objects["Cube"].active_material
    assert material is not None and material.name == job.applied.material
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert shader.inputs["Base Color"].is_linked and shader.inputs["Normal"].is_linked


def is_seen_upright(sidebar: Sidebar) -> Steps:
    """From the front and near, the courses of bricks lie level and are as high as real ones."""
    view = over(sidebar.area)
    area = sidebar.area
    area.spaces.active.overlay.show_overlays = area.spaces.active.show_gizmo = False
    bpy.context.preferences.view.smooth_view = 0
    yield from press("NUMPAD_1", view)
    yield from press("NUMPAD_PERIOD", view)
    yield from shot("42-brick-wall-from-the-front", view)
    pixels = front_side(area)
    fewest, most = (round(INSIDE * CUBE / height) for height in reversed(COURSE))
    upward, along = (np.abs(np.fft.rfft(pixels.mean(axis=axis)))[fewest : most + 1] for axis in (1, 0))
    print(f"courses of {INSIDE * CUBE / (fewest + int(upward.argmax())) * 1000:.0f} mm")
    assert upward.max() > STRIPES * along.max(), (upward, along)


def front_side(area: bpy.types.Area) -> screen_reader.Gray:
    """The middle of the side that looks at us, as it is on the screen."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d as place

    region = next(region for region in area.regions if region.type == "WINDOW")
    half = INSIDE * CUBE / 2
    corners = [place(region, area.spaces.active.region_3d, (x, -CUBE / 2, x)) for x in (-half, half)]
    (left, bottom), (right, top) = [(region.x + round(x), region.y + round(y)) for x, y in corners]
    return screen_reader.look()[bottom:top, left:right]


def is_one_step_of_undo(sidebar: Sidebar) -> Steps:
    def is_plain() -> bool:
        material = bpy.data.objects["Cube"].active_material
        return material is None or not any(node.type == "TEX_IMAGE" for node in material.node_tree.nodes)

    yield from press("Z", over(sidebar.area), ctrl=True)
    yield from until(is_plain, "undo", 10)
    yield from press("Z", over(sidebar.area), ctrl=True, shift=True)
    yield from until(lambda: not is_plain(), "redo", 10)


run(script(), patience=360, shows_first=True)
