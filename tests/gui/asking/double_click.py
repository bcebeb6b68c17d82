"""Two clicks on Generate in a row send one request; one more, later, asks. By true events of the X server.

Nearer to each other than these, Blender 5.2 drops the second one by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from harness import Point, Steps, open_sidebar, run, screenshot, until, window
from screen_reader import box_of
from user import wait_for

OUT = Path(os.environ["OUTPUT_FOLDER"])
BETWEEN = 0.3  # seconds from a click to the next move of the mouse, and from that to the next click
TWO_SECONDS = 14  # ticks


def click_truly(at: Point, *, times: int = 1) -> Steps:
    """Move the pointer of the X server there and press its button; a hand is never quite still."""
    where = [str(window().x + at[0]), str(window().height - at[1])]
    again = ["sleep", str(BETWEEN), "mousemove_relative", "1", "0", "sleep", str(BETWEEN), "click", "1"]
    hand = subprocess.Popen(
        ["xdotool", "mousemove", *where, "sleep", "0.3", "click", "1", *again * (times - 1)]
    )
    yield from until(lambda: hand.poll() is not None, "the clicks")  # meanwhile Blender handles the first


def script() -> Steps:
    area, region = yield from open_sidebar("GPT Image")
    values = bpy.context.scene.gpt_image
    values.provider, values.quality, values.target = "openai", "low", "image"
    values.prompt = "slow lava"
    area.tag_redraw()
    yield
    button = (yield from wait_for("Generate", box_of(region)))[0].middle

    yield from click_truly(button, times=2)
    yield from until(lambda: bool(api.jobs()), "the job")
    for _ in range(TWO_SECONDS):
        yield
    assert len(api.jobs()) == 1, "two clicks in a row sent two requests"
    assert not api.jobs()[0].done, "the server holds its answer back meanwhile"
    screenshot(OUT / "4-double-click.png")
    subprocess.run(["xdotool", "key", "Escape"], check=True)  # where it was so slow that it asks

    yield from click_truly(button)
    yield from wait_for("Send Again")
    screenshot(OUT / "5-equal-one-runs.png")
    subprocess.run(["xdotool", "key", "Escape"], check=True)
    for _ in range(TWO_SECONDS):
        yield
    print("RELEASE", flush=True)
    yield from until(lambda: api.jobs()[0].done, "the answer")
    assert len(api.jobs()) == 1 and api.jobs()[0].state.name == "APPLIED", api.jobs()[0].message


run(script(), patience=200)
