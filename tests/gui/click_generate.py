"""A person's way: open the tab, write a prompt, click Generate, see the material on the cube.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_generate.py``,
where the extension is installed. Offline provider: no key, no network. Look at out/gui/click-generate.png.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.core.processes.subprocess_worker import SUBPROCESS
from bl_ext.user_default.gpt_image_addon.core.results.store import thumbnail_of
from harness import Steps, run, until
from user import open_sidebar, over, shot

PROMPT = "weathered red brick wall"


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


run(script())
