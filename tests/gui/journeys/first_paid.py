"""From a key in the clipboard to the first paid image, in five actions."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import screen_reader
from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.app import settings
from bl_ext.user_default.gpt_image_addon.ui.request import quote
from harness import Steps, run, until
from user import Journey, Sidebar, click_text, open_sidebar, over, shot

PASTE, ALLOW = "Paste Key from Clipboard", "Allow Online Access"


def script() -> Steps:
    bpy.context.preferences.use_preferences_save = False
    settings.store_key("")  # what a session that failed has left
    try:
        yield from first_paid()
    finally:
        settings.store_key("")


def first_paid() -> Steps:
    sidebar = yield from open_sidebar()
    assert not settings.has_key() and not bpy.app.online_access
    bpy.context.window_manager.clipboard = os.environ["KEY_TO_PASTE"]  # copied in another program
    journey = Journey(actions=5)
    yield from journey.act("connect", connect(sidebar))
    yield from journey.act("paste the key", in_preferences(PASTE))
    yield from until(settings.has_key, "the key to be stored", 10)
    yield from shot("43-key-is-pasted", over(sidebar.area))
    yield from journey.act("allow online access", in_preferences(ALLOW))
    yield from until(lambda: bpy.app.online_access, "online access to be allowed", 10)
    os.environ["OPENAI_BASE_URL"] = os.environ["SERVER_LATER"]  # before anything is sent
    quote.forget()
    yield from journey.act("write what it is", sidebar.describe("a round oak table"))
    yield from until(lambda: "$" in price(), "a price", 20)
    yield from shot("44-price-before-the-click", over(sidebar.area))
    assert not api.jobs()
    yield from journey.act("generate it", sidebar.generate(f"Generate  ·  {price()}"))
    yield from until(lambda: bool(api.jobs()) and api.jobs()[0].done, "the image")
    journey.end()
    (job,) = api.jobs()
    assert job.state.name == "APPLIED" and job.cost_usd, job.message
    assert job.request.provider == "openai" and bpy.data.images.get(job.applied.images[0])
    yield from shot("45-first-paid-image", over(sidebar.area))


def price() -> str:
    return quote.current(bpy.context.scene).price


def connect(sidebar: Sidebar) -> Steps:
    yield from sidebar.click("Connect to OpenAI...")
    yield from until(lambda: len(bpy.context.window_manager.windows) == 2, "the preferences")


def in_preferences(text: str) -> Steps:
    """Click a button of the preferences' window."""
    with screen_reader.at_window(bpy.context.window_manager.windows[-1]):
        yield from click_text(text)


run(script(), patience=240)
