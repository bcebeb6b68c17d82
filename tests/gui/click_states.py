"""The panel holds still: its rows stand at the same pixels in every state, and Ctrl Enter over it generates.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_states.py``,
where the extension is installed. Look at out/gui/state-*.png.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ["GPT_IMAGE_DATA_DIR"] = mkdtemp()  # nothing was made there yet

import screen_reader
from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.request import quote
from harness import Search, Steps, event, press, run, until
from user import Sidebar, click_text, open_sidebar, over, shot

LABELS = (("Quality",), ("References", "References (1)"))
"""One above the button and the card, one below them, each with what it may say."""
NOBODY = "http://127.0.0.1:9/v1"
SIZE = {"provider": "offline", "size": "256x256"}


def values() -> bpy.types.PropertyGroup:
    return bpy.context.scene.gpt_image


def heights(sidebar: Sidebar) -> Search[tuple[int, ...]]:
    """Where the labels stand."""
    event("MOUSEMOVE", "NOTHING", over(sidebar.area))
    for _ in range(3):
        yield
    seen = screen_reader.look()
    return tuple(
        next(box.bottom for text in texts for box in screen_reader.find(text, sidebar.box, seen=seen))
        for texts in LABELS
    )


def finished(job: api.Job) -> Steps:
    yield from until(lambda: job.done, "the end of a job")
    yield


def first(sidebar: Sidebar) -> Steps:
    yield from until(lambda: quote.current(bpy.context.scene).price != "", "the price")


def ready(sidebar: Sidebar) -> Steps:
    yield from sidebar.describe("slate")


def shown_view(sidebar: Sidebar) -> Steps:
    yield from sidebar.click("Use This View")
    yield from until(lambda: len(values().references) == 1, "the view")


def running(sidebar: Sidebar) -> Steps:
    yield from sidebar.generate("Generate  ·  free")
    yield from until(lambda: bool(api.jobs()), "the job")


def done(sidebar: Sidebar) -> Steps:
    yield from finished(api.jobs()[-1])


def many(sidebar: Sidebar) -> Steps:
    yield from finished(api.submit("oak planks", target="texture", n=8, **SIZE))


def failed(sidebar: Sidebar) -> Steps:
    os.environ |= {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": NOBODY}
    values().provider = "openai"
    yield from finished(api.submit("a cat", provider="openai", target="image", quality="low"))


def refused(sidebar: Sidebar) -> Steps:
    """Something is wrong with the request, in many words."""
    values().model = "gpt-image-1"
    yield from until(lambda: "shut down" in quote.current(bpy.context.scene).problem, "the refusal")


def choose_place(sidebar: Sidebar) -> Steps:
    """The line above the button opens what can be chosen."""
    bpy.ops.mesh.primitive_cube_add(location=(3, 0, 0))
    bpy.data.objects["Cube"].select_set(True)
    yield from sidebar.to_top()
    yield from sidebar.click("On 2 selected objects")
    yield from click_text("Active Only")
    yield from shot("place", over(sidebar.area, 0.1, 0.9))
    assert values().onto == "active"
    yield from press("ESC", over(sidebar.area))
    yield from until(lambda: sidebar.shows("On Cube.001"), "the line to say so", 10)


STATES = (first, ready, shown_view, running, done, many, failed, refused)


def generate_by_key(sidebar: Sidebar) -> Steps:
    """Only with the mouse over the panel."""
    values().model, values().provider, values().prompt = "", "offline", "grey granite"
    count = len(api.jobs())
    yield from until(lambda: quote.current(bpy.context.scene).price == "free", "the price")
    yield from press("RET", over(sidebar.area), ctrl=True)
    event("MOUSEMOVE", "NOTHING", (sidebar.box.left + 12, sidebar.box.middle[1]))
    yield
    assert len(api.jobs()) == count
    yield from press("RET", (sidebar.box.left + 12, sidebar.box.middle[1]), ctrl=True)
    yield from until(lambda: len(api.jobs()) == count + 1, "a job by key", 10)
    yield from finished(api.jobs()[-1])
    assert api.jobs()[-1].request.prompt == "grey granite"


def script() -> Steps:
    bpy.context.window_manager.windows[0].screen.areas[0].tag_redraw()
    sidebar = yield from open_sidebar()
    found = {}
    for state in STATES:
        yield from state(sidebar)
        found[state.__name__] = yield from heights(sidebar)
        yield from shot(f"state-{state.__name__}", over(sidebar.area))
    assert len(set(found.values())) == 1, found
    yield from generate_by_key(sidebar)
    yield from choose_place(sidebar)


run(script(), patience=380)
