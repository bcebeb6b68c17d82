"""A table of parts, painted one side after another: cancelled, gone on with, and a file that is closed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, click, find_button, run, until
from user import Sidebar, click_text, open_sidebar, over, shot

MODEL = 4  # its icon below the prompt
CANCEL = 0.81  # of the width of the sidebar: there the card's button is
PARTS = {
    "Top": ((0, 0, 0.8), (1.6, 1.0, 0.1)),
    "Left Leg": ((-0.6, 0, 0.35), (0.15, 0.8, 0.8)),
    "Right Leg": ((0.6, 0, 0.35), (0.15, 0.8, 0.8)),
}


def values() -> bpy.types.PropertyGroup:
    """Looked up afresh: another file replaces it."""
    return bpy.context.scene.gpt_image


def set_scene(sidebar: Sidebar) -> Steps:
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=sidebar.area):
        for name, (place, size) in PARTS.items():
            bpy.ops.mesh.primitive_cube_add(size=1, location=place)
            bpy.context.object.name, bpy.context.object.scale = name, size
            bpy.ops.object.transform_apply(location=False)
        for name in PARTS:
            bpy.data.objects[name].select_set(True)
    sidebar.area.spaces.active.shading.color_type = "TEXTURE"
    sidebar.area.spaces.active.region_3d.view_distance = 5
    yield
    yield from sidebar.describe("painted oak")
    yield from sidebar.choose_provider("OpenAI")
    yield from sidebar.choose_target(MODEL)
    yield from until(lambda: values().target == "model", "the target to be the model", 10)
    yield from sidebar.unfold("Texture")
    values().image_size, values().quality = 256, "low"
    values().size, values().width, values().height = "custom", 816, 816
    field = yield from sidebar.field("View")
    yield from click(field)
    yield from click_text("All Around", near=field)
    yield from until(lambda: values().views == "auto", "the views to be all around", 10)
    yield from sidebar.click("In Sequence")
    yield from until(lambda: values().in_sequence, "the views to come in sequence", 10)


def newest() -> Any:
    """The sequence that was begun last."""
    return [job for job in api.jobs() if not isinstance(job, api.Job)][-1]


def find_painted() -> set[str]:
    """The parts that show an image."""
    return {name for name in PARTS if bpy.data.objects[name].active_material is not None}


def cancelled(sidebar: Sidebar) -> Steps:
    rest = over(sidebar.area)
    yield from shot("table-1-price", rest)
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) >= 2, "the sequence", 60)
    task = newest()
    yield from until(lambda: len(task.jobs) == 2 and task.jobs[1].state.name == "SENDING", "the second view")
    assert find_painted() == set(PARTS), find_painted()
    yield from shot("table-2-first-side-painted", rest)
    yield from click((yield from find_button(sidebar.area, sidebar.region, "gpt_image.cancel", CANCEL)))
    yield from until(lambda: task.done, "the sequence to be cancelled", 30)
    assert task.error is not None and "1 of" in task.error.text, task.message
    assert find_painted() == set(PARTS)
    yield from shot("table-3-cancelled", rest)


def gone_on_with(sidebar: Sidebar) -> Steps:
    rest = over(sidebar.area)
    first = newest()
    yield from sidebar.click("Try Again")
    yield from until(lambda: newest() is not first and newest().done, "the other sides", 240)
    task = newest()
    assert task.state.name == "APPLIED", task.message
    made = api.texture_of(task)
    assert made.jobs[0] == first.jobs[0].id and all(view["used"] for view in made.views)
    assert made.coverage > 0.6, made.coverage
    yield from shot("table-4-all-sides", rest)


def closed(sidebar: Sidebar) -> Steps:
    """The file is closed while the first side of another sequence is on its way."""
    values().prompt = "blue lacquer"
    yield
    yield from sidebar.generate()
    yield from until(lambda: newest().state.name == "SENDING" and newest().jobs, "another sequence", 60)
    task = newest()
    yield from until(lambda: task.jobs[0].state.name == "SENDING", "its first side", 60)
    bpy.ops.wm.read_homefile(app_template="")
    print("RELEASE", flush=True)
    yield from until(lambda: task.done, "the sequence to end", 60)
    assert task.error is not None and task.error.code == "file_closed", task.message
    assert not [image for image in bpy.data.images if "gpt_image_job" in image]
    assert task.jobs[0].id in {entry.id for entry in api.unapplied()} and len(task.jobs) == 1
    areas = bpy.context.window_manager.windows[0].screen.areas
    yield from shot("table-5-closed", over(next(area for area in areas if area.type == "VIEW_3D")))


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from set_scene(sidebar)
    yield from cancelled(sidebar)
    yield from gone_on_with(sidebar)
    yield from closed(sidebar)


run(script(), patience=400)
