"""Second session: the picture is found in the history, its prompt recalled, and made a material."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui import history
from harness import Steps, click, find_button, open_sidebar, press, run, screenshot, until

OUT = Path(os.environ["OUTPUT_FOLDER"])
PROMPT = "mossy stones"
ROW = 10  # pixels between two tries to hit a panel's header


def open_history(area: bpy.types.Area, region: bpy.types.Region) -> Steps:
    """Click down the panel below the button until the folded history opens: a header is no button."""
    button = yield from find_button(area, region, "gpt_image.generate")
    for y in range(button[1] - 150, region.y + 20, -ROW):
        yield from click((region.x + region.width // 2, y))
        if history.view.rows:
            return
    raise LookupError("the history did not open")


def script() -> Steps:
    area, region = yield from open_sidebar("GPT Image")
    values = bpy.context.scene.gpt_image
    assert not values.prompt
    yield from open_history(area, region)
    assert any(row.prompt == PROMPT for row in history.view.rows)
    for _ in range(8):
        yield
    screenshot(OUT / "7-history.png")
    history.view.rows = tuple(row for row in history.view.rows if row.prompt == PROMPT)
    area.tag_redraw()
    yield
    recall = yield from find_button(area, region, "gpt_image.recall", across=0.38)
    yield from click(recall)
    yield from until(lambda: values.prompt == PROMPT, "the prompt to be recalled", 5)
    assert len(values.references) == 1
    recall = yield from find_button(area, region, "gpt_image.recall", across=0.38)
    yield from click((region.x + round(region.width * 0.59), recall[1]))
    for _ in range(2):
        yield from press("DOWN_ARROW", recall)
    screenshot(OUT / "8-menu.png")
    yield from press("RET", recall)
    yield from until(lambda: bool(api.jobs()), "the result to be applied", 10)
    (job,) = api.jobs()
    yield from until(lambda: job.done, "the material", 60)
    assert job.state.name == "APPLIED", job.message
    material = bpy.data.objects["Cube"].active_material
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    assert shader.inputs["Normal"].is_linked, "no material, but perhaps a texture"
    area.spaces.active.shading.type = "MATERIAL"
    for _ in range(60):  # shaders compile without a GPU
        yield
    screenshot(OUT / "9-material.png")


run(script(), patience=300)
