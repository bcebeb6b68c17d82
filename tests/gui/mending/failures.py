"""No key, no online access, no credit: each is said in one sentence and mended by one click."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import screen_reader
from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.app import settings
from bl_ext.user_default.gpt_image_addon.ui.results import outcomes
from harness import Steps, click, press, run, until, window
from user import Sidebar, click_text, open_sidebar, over, shot, wait_for

PASTE, ALLOW = "Paste Key", "Allow"
FORGET = "Forget Key"
PASTE_FROM = "Paste Key from Clipboard"
CHEVRON = 44  # pixels from the edge of the sidebar to the middle of the menu at the end of a title
NO_CREDIT = "Out of credit at OpenAI."


def script() -> Steps:
    bpy.context.preferences.use_preferences_save = False
    settings.store_key("")  # what a session that failed has left
    sidebar = yield from open_sidebar()
    values = bpy.context.scene.gpt_image
    values.provider, values.quality, values.target = "openai", "low", "image"
    values.prompt = "an oak table"
    rest = over(sidebar.area)
    yield from key_and_access(sidebar)
    os.environ["OPENAI_BASE_URL"] = os.environ["SERVER_LATER"]  # before anything is sent
    sidebar.area.tag_redraw()
    yield
    yield from failed_row(sidebar)
    outcomes.GATHERED = 6.0  # more than lies between two clicks here
    yield from popup(sidebar, values)
    outcomes.GATHERED, outcomes.REST = 0.3, 0.0
    yield from popup_after_the_tool(sidebar, values)
    yield from open_sidebar()
    yield from whole_file(rest)
    yield from preferences()


def key_and_access(sidebar: Sidebar) -> Steps:
    """Each click shows in the panel at once."""
    assert not settings.has_key() and not bpy.app.online_access
    yield from wait_for(PASTE, sidebar.box)
    yield from shot("1-no-key", over(sidebar.area))
    bpy.context.window_manager.clipboard = os.environ["KEY_TO_PASTE"]  # copied in another program
    yield from sidebar.click(PASTE)
    yield from until(settings.has_key, "the key to be stored", 10)
    yield from wait_for(ALLOW, sidebar.box, 5)
    yield from shot("2-online-access-off", over(sidebar.area))
    yield from sidebar.click(ALLOW)
    yield from until(lambda: bpy.app.online_access, "online access to be allowed", 10)
    yield from until(lambda: not sidebar.shows(ALLOW), "the panel to know", 5)
    yield from shot("3-allowed", over(sidebar.area))


def failed_row(sidebar: Sidebar) -> Steps:
    """A red sentence, a button, a menu."""
    yield from generate(sidebar)
    yield from ended(1)
    yield from sidebar.bring(NO_CREDIT)
    assert sidebar.shows("Open Billing") and sidebar.shows("Nothing was billed.")
    yield from shot("4-no-credit", over(sidebar.area))
    yield from sidebar.bring("Billing")  # in the cell of Results
    yield from shot("4-no-credit-in-results", over(sidebar.area))
    yield from sidebar.to_top()
    title = screen_reader.find("an oak table", sidebar.box)[-1]
    chevron = (sidebar.box.right - CHEVRON, title.middle[1])
    yield from click(chevron)
    yield from wait_for("Copy Error")
    yield from shot("5-menu", chevron)
    yield from press("ESC", chevron)


def popup(sidebar: Sidebar, values: bpy.types.PropertyGroup) -> Steps:
    """With the sidebar closed: one popup for two failures, with the button."""
    yield from generate(sidebar)
    yield
    values.prompt = "a pine table"
    yield from generate(sidebar)
    middle = over(sidebar.area, 0.5, 0.6)
    yield from close(sidebar)
    yield from ended(3)
    (found,) = yield from wait_for(NO_CREDIT, seconds=15)
    yield from wait_for("Open Billing")
    yield from wait_for("More jobs failed: 1. The sidebar (N) lists them.")
    yield from shot("6-popup", found.middle)
    yield from press("ESC", middle)
    yield from until(lambda: not screen_reader.find(NO_CREDIT), "the popup to close", 5)


def popup_after_the_tool(sidebar: Sidebar, values: bpy.types.PropertyGroup) -> Steps:
    """What is being moved is moved to the end; then the popup comes."""
    sidebar = yield from open_sidebar()
    values.prompt = "a birch table"
    yield from generate(sidebar)
    yield from close(sidebar)
    view = over(sidebar.area, 0.5, 0.6)
    yield from press("G", view)
    yield from until(lambda: len(window().modal_operators) == 1, "the cube to be moved", 5)
    yield from ended(4)
    until_later = time.monotonic() + 1.5
    yield from until(lambda: time.monotonic() > until_later, "a while")
    assert len(window().modal_operators) == 1 and not screen_reader.find(NO_CREDIT)
    yield from shot("7-tool-runs-on", (view[0] + 60, view[1]))
    assert len(window().modal_operators) == 1
    yield from press("RET", (view[0] + 60, view[1]))
    assert bpy.context.scene.objects["Cube"].location.length > 0.1
    yield from wait_for(NO_CREDIT, seconds=10)
    yield from shot("8-popup-after-it", (view[0] + 60, view[1]))
    yield from press("ESC", view)


def whole_file(view: tuple[int, int]) -> Steps:
    """File > Clean Up: it asks, and Enter does nothing."""
    screen_reader.window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=view[0], y=view[1])
    yield
    with bpy.context.temp_override(window=window()):
        bpy.ops.wm.call_menu(name="TOPBAR_MT_file_cleanup")
    yield from click_text("Remove GPT Image Metadata...")
    yield from wait_for("Cancel")
    yield from shot("9-remove-metadata", view)
    yield from press("ESC", view)


def preferences() -> Steps:
    """Forget Key asks; Enter keeps the key, the button deletes it."""
    bpy.ops.gpt_image.open_preferences()
    yield from until(lambda: len(bpy.context.window_manager.windows) == 2, "the preferences")
    shown = bpy.context.window_manager.windows[-1]
    rest = (shown.width // 2, 4)
    with screen_reader.at_window(shown):
        yield from wait_for(PASTE_FROM)
        yield from shot("10-preferences", rest)
        (button,) = yield from wait_for(FORGET)
        yield from click(button.middle)
        yield from wait_for("Cancel")
        yield from shot("11-forget-key", button.middle)
        yield from press("RET", button.middle)
        yield from until(lambda: not screen_reader.find("Cancel"), "the question to close", 5)
        assert settings.has_key(), "Enter keeps the key"
        yield from click(button.middle)
        yield from wait_for("Cancel")
        yield from click((yield from wait_for(FORGET))[-1].middle)  # the lowest, below the title
        yield from until(lambda: not settings.has_key(), "the key to be deleted", 5)
        yield from shot("12-forgotten", rest)


def generate(sidebar: Sidebar) -> Steps:
    """Click the large button; it has the price on it."""
    before = len(api.jobs())
    yield from sidebar.to_top()
    price = None
    for _ in range(60):
        price = next((text for text in prices(sidebar) if sidebar.shows(text)), None)
        if price:
            break
        yield
    assert price, "no price on the button"
    yield from sidebar.click(price)
    yield from until(lambda: len(api.jobs()) == before + 1, "the job to begin", 10)


def prices(sidebar: Sidebar) -> list[str]:
    """What the button may say."""
    from bl_ext.user_default.gpt_image_addon.ui.request import quote

    price = quote.current(bpy.context.scene).price
    return [f"Generate  ·  {price}"] if price else []


def close(sidebar: Sidebar) -> Steps:
    """N over the editor."""
    yield from press("N", over(sidebar.area))
    yield from until(lambda: sidebar.region.width <= 1, "the sidebar to close", 10)


def ended(count: int) -> Steps:
    """Wait until so many jobs have failed."""
    yield from until(
        lambda: len(api.jobs()) == count and all(job.done for job in api.jobs()), f"job {count}", 30
    )
    assert all(job.error is not None for job in api.jobs()), [job.message for job in api.jobs()]
    yield


run(script(), patience=300)
