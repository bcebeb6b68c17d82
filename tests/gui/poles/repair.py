"""*Repair Poles...* by clicks: its price is asked, a no sends nothing, and one undo takes it back."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.core.request.targets import list_targets
from bl_ext.user_default.gpt_image_addon.ui.request import quote
from harness import Steps, click, find_icon, press, run, until
from screen_reader import Box
from user import Sidebar, click_text, open_sidebar, over, shot, wait_for

WORLD = [name for name, info in list_targets() if not info.parent].index("world")
ROW = 40  # pixels below a button, in which the next one is


def world() -> bpy.types.World:
    return bpy.context.scene.world


def is_done(count: int) -> bool:
    """Whether so many jobs are there, and done."""
    return len(api.jobs()) == count and all(job.done for job in api.jobs())


def make(sidebar: Sidebar) -> Steps:
    values = bpy.context.scene.gpt_image
    values.provider, values.quality, values.sky = "openai", "low", "night"
    values.size, values.width, values.height = "custom", 1280, 640
    yield from sidebar.choose_target(WORLD)
    assert values.target == "world"
    yield from sidebar.describe("spots")
    yield from sidebar.generate()
    yield from until(lambda: is_done(1), "the world", 120)
    yield
    assert api.jobs()[0].error is None, api.jobs()[0].error


def ask(sidebar: Sidebar) -> Steps:
    above = yield from sidebar.bring("Correct World...")
    row = Box(above.left, above.bottom - ROW, above.right, above.bottom)
    yield from click((yield from find_icon(sidebar.area, sidebar.region, "gpt_image.repair_poles", row)))
    high = api.estimate_pole_repair(api.jobs()[0].id).high_usd
    yield from wait_for(f"Requests: 2, up to {quote.usd(high)} together")


def script() -> Steps:
    sidebar = yield from open_sidebar()
    rest = over(sidebar.area)
    yield from make(sidebar)
    before = world().session_uid
    yield from sidebar.unfold("World")
    yield from ask(sidebar)
    yield from shot("1-asked", over(sidebar.area, 0.9, 0.9))
    yield from click_text("Cancel")
    yield
    assert is_done(1) and world().session_uid == before
    yield from ask(sidebar)
    yield from click_text("Repair")
    yield from until(lambda: is_done(2), "the poles", 300)
    yield
    job = next(job for job in api.jobs() if job.result_of)
    assert job.error is None, job.error
    assert api.result_of(job).world["repaired_poles"] == ["up", "down"]
    assert world().session_uid != before
    yield from shot("2-repaired", rest)
    yield from press("Z", rest, ctrl=True)
    yield from until(lambda: world().session_uid == before, "the world before, by one undo", 20)
    yield from shot("3-taken-back", rest)


run(script(), patience=380)
