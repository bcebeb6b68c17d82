"""First session: a texture with the viewport as reference and two previews, one cancelled, undo, redo."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, click, find_button, press, quit_by_key, run, until
from user import Sidebar, open_sidebar, over, shot

PROMPT = "mossy stones"
OTHER_PROMPT = "a giant squid"
CANCEL = 0.81  # of the width of the sidebar: there the card's button is


def values() -> bpy.types.PropertyGroup:
    """Looked up afresh: undo replaces it."""
    return bpy.context.scene.gpt_image


def textured() -> bool:
    material = bpy.data.objects["Cube"].active_material
    nodes = material.node_tree.nodes if material else ()
    return any(node.bl_idname == "ShaderNodeTexImage" and node.image for node in nodes)


def ask(sidebar: Sidebar) -> Steps:
    """Prompt, provider, quality, the viewport as reference and two previews."""
    rest = over(sidebar.area)
    yield from shot("01-the-tab", rest)  # Generate is grey, and says why
    yield from sidebar.describe(PROMPT)
    assert values().prompt == PROMPT, values().prompt
    yield from sidebar.choose_provider("OpenAI")
    yield from sidebar.choose("Quality", "Extra High")
    assert (values().provider, values().quality) == ("openai", "xhigh")
    yield from shot("02-prompt-and-price", rest)

    yield from sidebar.unfold("Output")
    yield from sidebar.enter("Previews", "2")
    assert values().partial_images == 2
    yield from shot("03-two-previews", rest)
    yield from sidebar.fold("Output")

    yield from sidebar.to_top()
    yield from sidebar.click("Use This View")
    yield from until(lambda: len(values().references) == 1, "the viewport to be captured")
    reference = values().references[0]
    assert reference.kind == "viewport" and Path(reference.captured).exists()
    yield from shot("04-viewport-as-reference", rest)


def generate(sidebar: Sidebar) -> Steps:
    """Two jobs: the first shows previews, the second is cancelled, and the first arrives."""
    rest = over(sidebar.area)
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == 1, "the first job")
    first = api.jobs()[0]
    yield from until(lambda: first.preview is not None and first.preview.number == 2, "two previews")
    yield from shot("05-a-preview", rest)

    yield from sidebar.describe(OTHER_PROMPT)
    yield from sidebar.generate()
    yield from until(lambda: len(api.jobs()) == 2, "the second job")
    second = api.jobs()[1]
    yield from until(lambda: second.state.name == "SENDING", "the second job to be sent")
    yield from shot("06-two-jobs", rest)
    yield from click((yield from find_button(sidebar.area, sidebar.region, "gpt_image.cancel", CANCEL)))
    yield from until(lambda: second.done, "the cancelled job to end", 10)
    assert second.state.name in ("CANCELLED", "UNKNOWN"), second.message
    yield from shot("07-one-cancelled", rest)

    assert not first.done
    print("RELEASE", flush=True)
    yield from until(lambda: first.done, "the first job to end")
    assert first.state.name == "APPLIED", first.message
    assert textured() and first.preview.number == 2
    yield from shot("08-texture-on-the-cube", rest)


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from ask(sidebar)
    yield from generate(sidebar)
    view = over(sidebar.area)
    yield from press("Z", view, ctrl=True)
    yield from until(lambda: not textured(), "undo", 10)
    yield from shot("09-undone", view)
    yield from press("Z", view, ctrl=True, shift=True)
    yield from until(textured, "redo", 10)
    yield from shot("10-redone", view)
    yield from press("S", view, ctrl=True)
    yield from until(lambda: not bpy.data.is_dirty, "the file to be saved")
    yield from quit_by_key(view)


run(script(), patience=300)
