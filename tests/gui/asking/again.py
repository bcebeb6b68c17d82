"""The same request twice, by clicks and keys: asked about, taken from the store, sent again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.request import quote
from harness import Steps, click, find_button, open_sidebar, press, run, screenshot, until, window
from user import click_text, wait_for

OUT = Path(os.environ["OUTPUT_FOLDER"])


def script() -> Steps:
    area, region = yield from open_sidebar("GPT Image")
    values = bpy.context.scene.gpt_image
    values.provider, values.quality, values.target = "openai", "low", "image"
    values.prompt = "mossy stones"
    area.tag_redraw()
    yield
    button = yield from find_button(area, region, "gpt_image.generate")

    def newest(number: int) -> Steps:
        yield from until(lambda: len(api.jobs()) == number and api.jobs()[-1].done, f"job {number}", 60)

    yield from click(button)
    yield from newest(1)
    first = api.jobs()[0]
    assert first.state.name == "APPLIED", first.message
    yield from click(button)
    yield
    yield
    screenshot(OUT / "1-made-before.png")
    yield from press("ESC", button)
    yield
    assert len(api.jobs()) == 1, "left, and yet something was done"
    yield from click(button)
    yield from click_text("Use Stored")
    yield from newest(2)
    assert api.jobs()[-1].id == first.id and "nothing was sent" in api.jobs()[-1].warnings[0]

    values.prompt = "grey slate"
    area.tag_redraw()
    yield
    yield from click(button)
    yield from until(lambda: len(api.jobs()) == 3 and api.jobs()[-1].state.name == "SENDING", "the third job")
    for _ in range(4):
        yield
    api.cancel()
    yield from newest(3)
    assert api.unknown(), "a request that was stopped after it had left may have been billed"
    yield from click(button)
    yield
    yield
    screenshot(OUT / "2-unknown.png")
    yield from press("RET", button)
    yield from newest(4)
    assert api.jobs()[-1].state.name == "APPLIED", api.jobs()[-1].message

    with bpy.context.temp_override(window=window(), area=area):
        bpy.ops.gpt_image.generate("INVOKE_DEFAULT", target="image", ask=True)  # as Add > Image does
    price = quote.price_now(bpy.context.scene, {"target": "image"}).price
    yield from wait_for(f"OpenAI  ·  {price}")
    screenshot(OUT / "3-dialog.png")
    yield from press("ESC", button)
    assert "$" in price and len(api.jobs()) == 4

    bpy.ops.gpt_image.edit_prompt()
    yield from until(lambda: len(bpy.context.window_manager.windows) == 2, "the window of the text", 10)
    yield
    assert values.prompt_text.as_string() == "grey slate"
    screenshot(OUT / "3-text.png")


run(script(), patience=200)
