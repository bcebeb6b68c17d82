"""Extend and Cut Out in the Image Editor: price, result, the same again, an answer that does not match."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.results.outcomes import REST
from harness import Point, Steps, click, event, press, run, until, window
from user import click_text, shot, wait_for

EXTEND, CUT_OUT = "Extend with GPT Image...", "Cut Out with GPT Image..."
STORED, ANYWAY = "Use Stored", "Use Anyway"
NEW = 200  # pixels from the middle of that button to the one beside it, which shows a price
TITLE = {EXTEND: "Extend Image", CUT_OUT: "Cut Out Subject"}


def editor() -> bpy.types.Area:
    return max(window().screen.areas, key=lambda area: area.width * area.height)


def rest() -> Point:
    return editor().x + 60, editor().y + 60


def shown() -> bpy.types.Image:
    return editor().spaces.active.image


def show(name: str) -> Steps:
    editor().spaces.active.image = bpy.data.images[name]
    editor().tag_redraw()
    yield
    yield


def send(entry: str, picture: str = "") -> Steps:
    """Open the dialog from the menu, look at it and send."""
    header = next(region for region in editor().regions if region.type == "HEADER")
    event("MOUSEMOVE", "NOTHING", (header.x + header.width // 2, header.y + header.height // 2))
    yield
    with bpy.context.temp_override(window=window(), area=editor(), region=header):
        bpy.ops.wm.call_menu(name="IMAGE_MT_image")
    yield from click_text(entry)
    title = (yield from wait_for(TITLE[entry]))[0].middle
    if picture:
        yield from shot(picture, title)
    yield from press("RET", title)
    event("MOUSEMOVE", "NOTHING", rest())
    yield


def made(name: str, count: int) -> Steps:
    """Wait until so many images have such a name, and the newest is shown."""

    def is_there() -> bool:
        return sum(name in image.name for image in bpy.data.images) == count and name in shown().name

    yield from until(is_there, f"image {count} that is {name}")
    yield


def answer(text: str, picture: str, beside: int = 0) -> Steps:
    """Click a button when it appears, or the one so many pixels right of it."""
    found = (yield from wait_for(text))[0]
    yield from shot(picture, (found.middle[0], found.top + 30))
    x, y = (yield from wait_for(text))[0].middle
    yield from click((x + beside, y))
    event("MOUSEMOVE", "NOTHING", rest())
    yield


def extend() -> Steps:
    yield from show("wall.png")
    yield from send(EXTEND, "1-price")
    yield from made("extended", 1)
    assert tuple(shown().size) == (960, 512) and tuple(bpy.data.images["wall.png"].size) == (704, 512)
    yield from shot("2-extended", rest())
    yield from show("wall.png")
    yield from send(EXTEND)
    yield from answer(STORED, "3-same-again")
    yield from made("extended", 2)
    yield from show("wall.png")
    yield from send(EXTEND)  # again, and this time it does not match
    yield from answer(STORED, "4-new-one", NEW)
    yield from answer(ANYWAY, "5-no-match")
    yield from made("extended", 3)
    yield from shot("6-used-anyway", rest())


def cut_out() -> Steps:
    yield from show("thing.png")
    closed = time.monotonic()
    yield from until(lambda: time.monotonic() - closed > REST, "the next question to be no nuisance")
    yield from send(CUT_OUT, "7-price")
    yield from answer(ANYWAY, "8-another-subject")
    yield from made("cut out", 1)
    yield from shot("9-cut-out", rest())


def script() -> Steps:
    editor().type = "IMAGE_EDITOR"
    for _ in range(4):
        yield
    values = bpy.context.scene.gpt_image
    values.provider, values.quality = "openai", "low"
    for name in ("wall.png", "thing.png"):
        bpy.data.images.load(str(Path(os.environ["IMAGES_FOLDER"]) / name))
    yield from extend()
    yield from cut_out()
    assert {job.state.name for job in api.jobs()} == {"APPLIED"}, "no failure is left in the list"


run(script(), patience=300)
