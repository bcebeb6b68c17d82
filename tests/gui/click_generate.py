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
from harness import OUT, Steps, click, find_button, find_property, open_sidebar, run, screenshot, until

PROMPT = "weathered red brick wall"


def script() -> Steps:
    area, region = yield from open_sidebar("GPT Image")
    cube = bpy.data.objects["Cube"]
    yield from find_property(area, region, "gpt_image.prompt")
    values = bpy.context.scene.gpt_image
    values.prompt, values.provider, values.target = PROMPT, "offline", "material"
    area.tag_redraw()
    yield
    button = yield from find_button(area, region, "gpt_image.generate")
    yield from click(button)
    yield from until(lambda: bool(api.jobs()), "the click to submit a job", seconds=10)
    yield from until(lambda: all(job.done for job in api.jobs()), "the job to be done")
    (job,) = api.jobs()
    assert job.request.prompt == PROMPT
    assert job.state.name == "APPLIED", job.message
    shader = next(node for node in cube.active_material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert shader.inputs["Base Color"].is_linked and shader.inputs["Normal"].is_linked
    area.spaces.active.shading.type = "MATERIAL"
    for _ in range(90):  # shaders compile without a GPU, and the picture settles
        yield
    screenshot(OUT / "click-generate.png")


run(script())
