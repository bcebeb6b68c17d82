"""A person's way: open the tab, write a prompt, click Generate, see the material on the cube, drag its depth.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_generate.py``,
where the extension is installed. Offline provider: no key, no network. Look at out/gui/click-generate*.png.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.core.processes.subprocess_worker import SUBPROCESS
from bl_ext.user_default.gpt_image_addon.core.results.store import thumbnail_of
from harness import OUT, Steps, find_property, press, run, screenshot, until
from user import Sidebar, drag, open_sidebar, over, shot

PROMPT = "weathered red brick wall"
DRAGGED = range(0, 60, 6)  # pixels that the mouse moves over a field
STILL = 12  # ticks that it is held: longer than what rests waits for

Shown = tuple[float, bytes]
"""How strong the normal map of the cube is, and the map as a file."""


def look() -> Shown:
    nodes = bpy.data.objects["Cube"].active_material.node_tree.nodes
    strength = nodes["Normal Strength"].outputs[0].default_value
    (image,) = (node.image for node in nodes if node.get("gpt_image_kind") == "normal")
    return round(strength, 4), bytes(image.packed_file.data)


def drag_relief(sidebar: Sidebar) -> Steps:
    """The nodes follow the mouse, the maps when it lets go, and one undo takes back both."""
    yield from sidebar.unfold("Surface")
    field = yield from find_property(sidebar.area, sidebar.region, "gpt_image.material_relief")
    before, seen = look(), []

    def hold() -> Steps:
        for _ in range(STILL):
            yield
        seen.append(look())
        screenshot(OUT / "click-generate-dragging.png")

    yield from drag([(field[0] + x, field[1]) for x in DRAGGED], hold)
    assert seen[0][0] > before[0] and seen[0][1] == before[1], (seen[0][0], before[0])
    yield from until(lambda: look()[1] != before[1], "the maps to follow")
    after = look()
    assert after[0] == 1.0, after[0]
    rest = over(sidebar.area)
    yield from shot("click-generate-relief", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: look() == before, "one undo to take back both", 10)
    yield from press("Z", rest, ctrl=True, shift=True)
    yield from until(lambda: look() == after, "both to come again", 10)
    assert len(api.jobs()) == 1


def script() -> Steps:
    sidebar = yield from open_sidebar()
    cube = bpy.data.objects["Cube"]
    yield from sidebar.describe(PROMPT)
    yield from sidebar.choose_provider("Offline Draft")
    yield from sidebar.choose_target(1)
    assert bpy.context.scene.gpt_image.target == "material"
    yield from sidebar.generate()
    yield from until(lambda: bool(api.jobs()), "the click to submit a job", seconds=10)
    yield from until(lambda: SUBPROCESS.open, "a process of its own to prepare the result")
    yield from until(lambda: all(job.done for job in api.jobs()), "the job to be done")
    yield from until(lambda: not SUBPROCESS.open, "that process to end", seconds=10)
    (job,) = api.jobs()
    assert thumbnail_of(Path(job.prepared.images[0].file)).is_file()
    assert job.request.prompt == PROMPT
    assert job.state.name == "APPLIED", job.message
    shader = next(node for node in cube.active_material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert shader.inputs["Base Color"].is_linked and shader.inputs["Normal"].is_linked
    yield from shot("click-generate", over(sidebar.area))
    yield from drag_relief(sidebar)


run(script(), patience=300)
