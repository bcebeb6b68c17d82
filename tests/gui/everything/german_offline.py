"""Fourth session: in German and in a small window; a draft is drawn here, without key or network."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.core.request.targets import TARGETS
from bl_ext.user_default.gpt_image_addon.ui.request import quote
from bl_ext.user_default.gpt_image_addon.ui.request.subpanels import SUB_PANELS, SubPanel
from harness import Steps, press, quit_by_key, run, until
from user import Sidebar, open_sidebar, over, shot

PROMPT = "alte rote ziegel"
FIELDS = ("Variations", "Quality", "Use This View")


def german(text: str) -> str:
    found = str(bpy.app.translations.pgettext_iface(text))
    assert found != text or text == "Output", f"{text} is not translated"
    return found


def bring_about(part: SubPanel, before: tuple[str, str]) -> None:
    """Choose a provider and a target that have a part: those from before, where they do."""
    values = bpy.context.scene.gpt_image
    providers = dict.fromkeys((before[0], "offline", "comfyui"))
    targets = dict.fromkeys((before[1], *TARGETS))
    for values.provider, values.target in product(providers, targets):
        if part.is_shown(values):
            return
    raise AssertionError(f"{part.idname} is there for no provider and target")


def fold_out(sidebar: Sidebar) -> Steps:
    """One folded part after the other."""
    values = bpy.context.scene.gpt_image
    before = values.provider, values.target
    for part in SUB_PANELS:
        bring_about(part, before)
        sidebar.area.tag_redraw()
        title = part.title(values, quote.current(bpy.context.scene))
        yield from sidebar.unfold(title)
        yield from shot(f"20-german-{part.idname}", over(sidebar.area))
        yield from sidebar.fold(title)
    values.provider, values.target = before


def script() -> Steps:
    preferences = bpy.context.preferences
    preferences.use_preferences_save = False  # the language is for this session
    preferences.view.language = "de_DE"
    preferences.view.use_translate_interface = True
    sidebar = yield from open_sidebar()
    for label in FIELDS:
        yield from sidebar.bring(german(label))
    yield from sidebar.to_top()
    yield from shot("19-german", over(sidebar.area))
    yield from fold_out(sidebar)
    yield from sidebar.describe(PROMPT)
    yield from sidebar.choose_provider(german("Offline Draft"))
    assert bpy.context.scene.gpt_image.provider == "offline"
    yield from sidebar.generate(german("Generate"))
    yield from until(lambda: bool(api.jobs()), "the job")
    (job,) = api.jobs()
    yield from until(lambda: job.done, "the draft")
    assert job.state.name == "APPLIED", job.message
    view = over(sidebar.area)
    yield from shot("21-german-draft", view)
    yield from press("S", view, ctrl=True)
    yield from until(lambda: not bpy.data.is_dirty, "the file to be saved")
    yield from quit_by_key(view)


run(script(), patience=300)
