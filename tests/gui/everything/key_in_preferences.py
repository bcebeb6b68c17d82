"""Fifth session: no key yet; one is pasted in the preferences, tested and deleted again."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import screen_reader
from bl_ext.user_default.gpt_image_addon.app import settings
from bl_ext.user_default.gpt_image_addon.ui.preferences import connection_test
from harness import Steps, click, press, quit_by_key, run, until, window
from user import click_text, open_sidebar, over, shot, wait_for

PASTE, FORGET = "Paste Key from Clipboard", "Forget Key"


def script() -> Steps:
    sidebar = yield from open_sidebar()
    assert not settings.has_key()
    yield from shot("22-no-key-yet", over(sidebar.area))
    yield from sidebar.click("Connect to OpenAI...")
    yield from until(lambda: len(bpy.context.window_manager.windows) == 2, "the preferences")
    preferences = bpy.context.window_manager.windows[-1]
    with screen_reader.at_window(preferences):
        yield from wait_for(PASTE)
        bpy.context.window_manager.clipboard = os.environ["KEY_TO_PASTE"]  # copied in another program
        yield from click_text(PASTE)
        yield from until(settings.has_key, "the key to be stored")
        yield from click_text("Test Connection")
        yield from until(lambda: connection_test.outcome().icon == "CHECKMARK", "the server to answer")
        yield from shot("23-connected", (preferences.width // 2, 4))
        (private,) = Path.home().rglob("api-key")
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
        bpy.ops.wm.save_userpref()  # at its most dangerous: while the key is known
        yield from click_text(FORGET)
        yield from wait_for("Cancel")
        yield from click((yield from wait_for(FORGET))[-1].middle)  # the lowest, below the title
        yield from until(lambda: not private.exists(), "the key to be deleted")
    view = over(sidebar.area)
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=view[0], y=view[1])
    yield
    yield from press("S", view, ctrl=True)
    yield from until(lambda: not bpy.data.is_dirty, "the file to be saved")
    yield from quit_by_key(view)


run(script(), patience=200)
