"""What joins a prompt and what a draft leaves out of it, by hand: a hint, a material's Seamless, a style.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_words.py``,
where the extension is installed. Offline provider: no key, no network. Look at out/gui/words-*.png.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bl_ext.user_default.gpt_image_addon import api
from harness import Steps, click, run, until
from user import click_text, open_sidebar, over, shot, wait_for

HINT = "Drafts know no 'cat', only"
ON_ONE_LINE = f"{HINT}…"


def values() -> Any:
    return bpy.context.scene.gpt_image


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from sidebar.choose_provider("Offline Draft")
    yield from sidebar.describe("a cute orange cat wearing a space suit")
    yield from wait_for(ON_ONE_LINE, sidebar.box)
    yield from shot("words-hint", over(sidebar.area))
    yield from sidebar.generate()
    yield from until(lambda: bool(api.jobs()), "the click to submit a job", seconds=10)
    yield from until(lambda: all(job.done for job in api.jobs()), "the job to be done")
    (job,) = api.jobs()
    assert any(warning.startswith(HINT) for warning in job.all_warnings), job.all_warnings
    assert job.is_draft and not job.request.seamless and not job.request.surface_words
    yield from wait_for("draft", sidebar.box)

    yield from sidebar.describe("red brick wall")
    yield from wait_for("Drawn on this computer", sidebar.box)  # below, the result keeps its hint
    yield from sidebar.choose_target(1)
    assert values().target == "material" and values().seamless
    yield from sidebar.unfold("Surface")
    yield from wait_for("Seamless tileable texture: a flat", sidebar.box)
    yield from shot("words-surface", over(sidebar.area))
    yield from click((yield from sidebar.bring("Seamless")).middle)
    yield from sidebar.fold("Surface")
    yield from sidebar.choose_target(3)
    yield from sidebar.choose_target(1)
    assert not values().seamless  # as it was left

    yield from sidebar.unfold("Advanced")
    yield from click((yield from sidebar.field("Style")))
    yield from wait_for("Surfaces")
    yield from shot("words-styles", over(sidebar.area, 0.1, 0.9))
    yield from click_text("Watercolor")
    assert values().style == "watercolour"
    yield from sidebar.fold("Advanced")
    yield from sidebar.generate()
    yield from until(lambda: all(job.done for job in api.jobs()) and len(api.jobs()) == 2, "the second job")
    second = api.jobs()[-1].request
    assert (second.style, second.seamless, second.surface_words) == ("watercolour", False, True)
    yield from shot("words-done", over(sidebar.area))


run(script(), patience=400)
