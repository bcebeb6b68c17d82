"""First session: a texture with the viewport as reference and two previews, one cancelled, undo, redo."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from harness import (
    Steps,
    click,
    event,
    find_button,
    find_property,
    open_sidebar,
    press,
    run,
    screenshot,
    until,
    write,
)

OUT = Path(os.environ["OUTPUT_FOLDER"])
PROMPT = "mossy stones"
HEADER = 31  # pixels from the middle of the Generate button to that of the first folded part


def textured() -> bool:
    material = bpy.data.objects["Cube"].active_material
    nodes = material.node_tree.nodes if material else ()
    return any(node.bl_idname == "ShaderNodeTexImage" and node.image for node in nodes)


def script() -> Steps:
    area, region = yield from open_sidebar("GPT Image")
    values = bpy.context.scene.gpt_image
    values.provider, values.partial_images, values.quality = "openai", 2, "low"
    field = yield from find_property(area, region, "gpt_image.prompt")
    button = yield from find_button(area, region, "gpt_image.generate")
    screenshot(OUT / "1-empty.png")  # greyed, and says why
    yield from click(field)
    yield from write(PROMPT, field)
    yield from click((area.x + 300, area.y + 300))  # beside the field: what was typed is taken
    assert values.prompt == PROMPT, values.prompt
    button = yield from find_button(area, region, "gpt_image.generate")
    yield from click((button[0], button[1] - HEADER))
    viewport = yield from find_button(area, region, "gpt_image.add_reference", across=0.1)
    yield from click(viewport)
    yield from until(lambda: len(values.references) == 1, "the viewport to be captured")
    assert values.references[0].kind == "viewport" and Path(values.references[0].captured).exists()
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    for _ in range(6):
        yield
    screenshot(OUT / "2-reference.png")

    button = yield from find_button(area, region, "gpt_image.generate")
    yield from click(button)
    yield from until(lambda: len(api.jobs()) == 1, "the first job")
    first = api.jobs()[0]
    yield from until(lambda: first.preview is not None, "a preview", 30)
    yield
    yield
    screenshot(OUT / "3-previews.png")
    values.prompt = "something else"
    area.tag_redraw()
    yield
    button = yield from find_button(area, region, "gpt_image.generate")
    yield from click(button)
    yield from until(lambda: len(api.jobs()) == 2, "the second job")
    second = api.jobs()[1]
    yield from until(lambda: second.state.name == "SENDING", "the second job to be sent")
    cancel = yield from find_button(area, region, "gpt_image.cancel", across=0.82)
    yield from click(cancel)
    yield from until(lambda: second.done, "the cancelled job to end", 10)
    assert second.state.name in ("CANCELLED", "UNKNOWN"), second.message
    yield from until(lambda: first.done, "the first job to end", 60)
    assert first.state.name == "APPLIED", first.message
    assert textured() and first.preview.number == 2
    screenshot(OUT / "4-applied.png")

    view = (area.x + 300, area.y + 300)
    event("MOUSEMOVE", "NOTHING", view)
    yield
    yield from press("Z", view, ctrl=True)
    yield from until(lambda: not textured(), "undo", 5)
    screenshot(OUT / "5-undone.png")
    yield from press("Z", view, ctrl=True, shift=True)
    yield from until(textured, "redo", 5)
    screenshot(OUT / "6-redone.png")


run(script(), patience=300)
