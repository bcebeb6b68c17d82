"""A person's way: show the model the view, read what the prompt says of it, choose another kind, or none.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_reference_kinds.py``,
where the extension is installed. Nothing is sent. Look at out/gui/reference-kinds-*.png.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bl_ext.user_default.gpt_image_addon.ui.references import kinds
from harness import Steps, run, until
from user import click_text, open_sidebar, over, shot


def values() -> Any:
    return bpy.context.scene.gpt_image


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from sidebar.describe("a timber pavilion")
    yield from sidebar.choose_provider("Offline Draft")
    yield from sidebar.click("Use This View")
    yield from until(lambda: len(values().references) == 1, "the view to be a reference")
    yield from sidebar.unfold("References (1)")
    yield from sidebar.bring("Say What It Is")
    assert kinds.line_of(values(), 0).startswith("Image 1 is the current 3D view:")
    yield from sidebar.bring("the current 3D view")
    yield from shot("reference-kinds-view", over(sidebar.area))
    yield from sidebar.click("Automatic")
    yield from shot("reference-kinds-menu", over(sidebar.area))
    yield from click_text("Style")
    yield from until(lambda: values().references[0].reference_kind == "style", "the kind to be a style")
    yield from shot("reference-kinds-style", over(sidebar.area))
    yield from sidebar.click("Say What It Is")
    yield from until(lambda: not values().references[0].use_words, "the words to be switched off")
    assert kinds.line_of(values(), 0) == ""
    yield from shot("reference-kinds-off", over(sidebar.area))


run(script(), patience=400)
