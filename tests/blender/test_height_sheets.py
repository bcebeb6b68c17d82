"""Image and height as one sheet, through the faces: what is priced, sent, split, judged and kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from PIL import Image

from gpt_image_addon import api
from gpt_image_addon.app import results
from gpt_image_addon.core.providers.offline.painter import paint
from gpt_image_addon.ui.request import maps, quote
from tests.api_server import ApiServer
from tests.blender.conftest import Command
from tests.blender.layouts import Layout
from tests.blender.scene_fixtures import cube

ROOT = Path(__file__).resolve().parents[2]
DYING = """
import os, signal, sys
from gpt_image_addon.__main__ import main
from gpt_image_addon.core.jobs import postprocess
postprocess.prepare = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
main(["generate", "cobblestone", *sys.argv[1:], "--json"])
"""
"""A program that is killed when the answer is stored and the journal knows it."""
SIDE = 576
SIZE = f"{SIDE}x{SIDE}"
SHEET = f"{2 * SIDE}x{SIDE}"
DRAFT = paint("cobblestone", 2 * SIDE + 64, 2 * SIDE)
COLOR = DRAFT.color[20 : 20 + SIDE, 33 : 33 + SIDE, :3]
HEIGHT = DRAFT.height[20 : 20 + SIDE, 33 : 33 + SIDE]
WISHES = {"target": "material", "quality": "low", "height_by_model": True, "height_sheet": True}
PAID = {**WISHES, "size": SIZE, "provider": "openai"}
FLAGS = ("--target", "material", "--quality", "low", "--size", SIZE, "--height-by-model", "--height-sheet")


@pytest.fixture(autouse=True)
def fresh(factory_file: None) -> Iterator[None]:
    api.close()
    cube()
    yield
    api.close()


def grey(plane: Any) -> Any:
    return np.repeat((np.clip(plane, 0, 1) * 255).astype(np.uint8)[..., None], 3, 2)


def warped(plane: Any) -> Any:
    """Moved by up to four pixels, here one way and there another, as models draw."""
    along = np.arange(SIDE)
    moved = np.rint(4 * np.sin(along * 2 * np.pi / SIDE)).astype(int)
    rows = np.clip(along[:, None] + moved[None, :], 0, SIDE - 1)
    return plane[rows, np.clip(along[None, :] + moved[:, None], 0, SIDE - 1)]


def sheet(right: Any) -> Image.Image:
    return Image.fromarray(np.concatenate([COLOR, right], 1))


def pixels(path: str) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def agreement(normal: str) -> float:
    """Correlation of a normal map's slopes with the true ones."""
    found = pixels(normal)[..., :2].astype(float) - 127.5
    down, right = np.gradient(HEIGHT.astype(float))
    true = np.stack([-right, down], -1)
    return float(np.corrcoef(found.ravel(), true.ravel())[0, 1])


RIGHT: dict[str, Callable[[], Any]] = {
    "exact": lambda: grey(HEIGHT),
    "shifted": lambda: grey(np.roll(HEIGHT, (4, -3), (0, 1))),
    "warped": lambda: grey(warped(HEIGHT)),
    "noise": lambda: grey(np.random.default_rng(1).random((SIDE, SIDE))),
    "brightness": lambda: grey(COLOR.mean(-1) / 255),
    "color": lambda: COLOR,
    "no sheet": lambda: DRAFT.color[20 : 20 + SIDE, 33 + SIDE : 33 + 2 * SIDE, :3],
}
"""What comes back as the right half."""
LEFT_OUT = {
    "noise": "does not fit",
    "brightness": "repeats the image",
    "color": "in colors",
    "no sheet": "in colors",
}


@pytest.mark.parametrize("kind", RIGHT)
def test_a_height_is_used_where_it_fits_and_computed_where_not(
    kind: str, run: Command, online: ApiServer
) -> None:
    online.options.image = sheet(RIGHT[kind]())
    code, output = run("generate", "cobblestone", *FLAGS)
    assert code == 0
    (record,) = online.image_requests
    assert record.fields["size"] == SHEET and "height map" in record.fields["prompt"]
    told = [text for text in output["warnings"] if "not used" in text]
    if kind in LEFT_OUT:
        assert len(told) == 1 and LEFT_OUT[kind] in told[0]
    else:
        assert not told
    (image,) = output["images"]
    assert (image["width"], image["height"]) == (SIDE, SIDE)
    assert pixels(image["file"]).shape == (SIDE, 2 * SIDE, 3)
    assert (pixels(image["processed"]) == COLOR).all()
    assert {pixels(file).shape[:2] for file in output["maps"].values()} == {(SIDE, SIDE)}
    assert agreement(output["maps"]["normal"]) > LEAST[kind], agreement(output["maps"]["normal"])


LEAST = dict.fromkeys(RIGHT, 0.75) | {"exact": 0.9, "shifted": 0.9, "warped": 0.85}
"""Correlation of slopes; .79 where they are computed."""


def test_one_request_is_priced_before_and_paid_once(run: Command, online: ApiServer) -> None:
    online.options.image = sheet(grey(HEIGHT))
    larger = ("estimate", "cobblestone", *FLAGS, "--size", "1024x1024")
    one, two = run(*larger)[1], run(*(word for word in larger if word != "--height-sheet"))[1]
    assert one["estimated_usd"] < two["estimated_usd"] / 2
    priced = run("generate", "cobblestone", *FLAGS, "--dry-run")[1]
    assert online.requests == []
    code, output = run("generate", "cobblestone", *FLAGS)
    assert code == 0 and output["cost_usd"] == pytest.approx(online.bill_usd)
    assert output["cost_usd"] <= output["estimated_usd"] == pytest.approx(priced["estimated_usd"])


@pytest.mark.parametrize("flags", [("--size", "2048x2048"), ("--size", "auto"), ("--partial-images", "1")])
def test_where_no_sheet_fits_two_requests_are_priced_and_it_is_said(
    flags: tuple[str, ...], run: Command, online: ApiServer
) -> None:
    base = ("generate", "oak", *FLAGS, "--size", "1024x1024", *flags, "--dry-run")
    one, two = (run(*(word for word in base if word not in left))[1] for left in ((), ("--height-sheet",)))
    assert one["estimated_usd"] == two["estimated_usd"] and one["prompt"] == two["prompt"]
    assert [text for text in one["warnings"] if "one sheet" in text]
    assert not [text for text in two["warnings"] if "one sheet" in text]


def test_the_panel_says_which_way_it_goes(online: ApiServer) -> None:
    values = bpy.context.scene.gpt_image
    values.prompt, values.target, values.provider = "oak", "material", "openai"

    def said() -> list[str]:
        quote.forget()
        layout = Layout()
        found = quote.price_now(bpy.context.scene)
        maps.draw_surface(layout, values, found)
        return [text for text in layout.said if "One Request" in text or "request" in text.lower()]

    assert said() == []
    values.height_by_model = True
    values.size = "1024x1024"
    assert said() == [
        "In One Request",
        "One request: 2688 × 1344" if values.seamless else "One request: 2048 × 1024",
    ]
    sheet_usd = quote.price_now(bpy.context.scene).high_usd
    values.height_sheet = False
    assert said() == ["In One Request", "Two requests"]
    assert sheet_usd < quote.price_now(bpy.context.scene).high_usd
    values.height_sheet, values.partial_images = True, 1
    assert said() == ["In One Request", "Two requests"]
    assert any("one sheet" in text for text in quote.price_now(bpy.context.scene).warnings)
    values.provider = "offline"
    assert said() == []


def test_a_result_is_used_again_and_made_again(online: ApiServer) -> None:
    online.options.image = sheet(grey(HEIGHT))
    first = api.submit("cobblestone", **PAID)
    assert first.wait(60) and first.error is None
    received = results.files(first.id)[0]
    assert pixels(received).shape == (SIDE, 2 * SIDE, 3)
    assert pixels(results.reference_file(first.id)).shape == (SIDE, SIDE, 3)
    for wanted in ({}, {"target": "plane"}, {"height_by_model": False}):
        used = results.apply(first.id, **wanted)
        assert used.wait(60) and used.error is None, wanted
        assert (used.cost_usd, used.prepared.images[0].width) == (0.0, SIDE)
    assert len(online.image_requests) == 1
    price = results.price_again(first.id)
    other = results.again(first.id)
    assert other.wait(60) and other.error is None
    assert len(online.image_requests) == 2 and other.cost_usd <= price < 1.1 * first.estimated_usd
    assert other.prepared.images[0].width == SIDE
    rows = api.history().jobs
    assert len(rows) == 2 and {row.state for row in rows} == {"APPLIED"}
    assert api.history().spent_usd == pytest.approx(online.bill_usd)


@pytest.mark.bpy_module
def test_a_sheet_that_was_stored_before_a_death_is_recovered(
    run: Command, online: ApiServer, tmp_path: Path
) -> None:
    online.options.image = sheet(grey(HEIGHT))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.run([sys.executable, "-c", DYING, *FLAGS], env=environment, timeout=120, check=False)
    assert process.returncode == -signal.SIGKILL and len(online.image_requests) == 1
    (row,) = run("history")[1]["jobs"]
    assert row["state"] == "RECEIVED" and row["cost_usd"] == pytest.approx(online.bill_usd)
    code, output = run("recover", row["job"])
    assert code == 0, output
    (found,) = output["recovered"]
    assert pixels(found["images"][0]["file"]).shape == (SIDE, 2 * SIDE, 3)
    assert (pixels(found["images"][0]["processed"]) == COLOR).all()
    assert agreement(found["maps"]["normal"]) > LEAST["exact"]
    again = run("generate", "cobblestone", *FLAGS, "--reuse")[1]
    assert again["job"] == row["job"] and len(online.image_requests) == 1
    assert run("history")[1]["spent_usd"] == pytest.approx(online.bill_usd)


def test_rows_ask_for_sheets(run: Command, online: ApiServer, tmp_path: Path) -> None:
    online.options.image = sheet(grey(HEIGHT))
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": "cobblestone", "id": "a", **WISHES, "size": SIZE}, {"prompt": "oak", "id": "b"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ("--quality", "low", "--provider", "openai")
    priced = run("batch", path, *flags, "--dry-run")[1]
    code, output = run("batch", path, *flags)
    assert (code, output["succeeded"]) == (0, 2) and len(online.image_requests) == 2
    assert output["cost_usd"] == pytest.approx(online.bill_usd) and online.bill_usd <= priced["high_usd"]
    assert pixels(str(tmp_path / "rows-pictures" / "a.png")).shape == (SIDE, SIDE, 3)


def test_the_batch_api_takes_sheets_and_no_second_requests(
    run: Command, online: ApiServer, tmp_path: Path
) -> None:
    online.options.image = sheet(grey(HEIGHT))
    path = tmp_path / "rows.jsonl"
    flags = ("--quality", "low", "--via", "batch-api")
    row = {"prompt": "cobblestone", "id": "a", **WISHES, "size": SIZE}
    path.write_text(json.dumps({**row, "size": "2048x2048"}) + "\n")
    code, output = run("batch", path, *flags)
    assert code and output["failed"] == 1, output
    path.write_text(json.dumps(row) + "\n")
    assert run("batch", path, *flags)[1]["running"] == 1
    while True:
        code, output = run("batch", path, *flags, "--collect")
        if not output["running"]:
            break
    assert (code, output["succeeded"]) == (0, 1), output
    assert output["cost_usd"] == pytest.approx(online.bill_usd)
    assert pixels(str(tmp_path / "rows-pictures" / "a.png")).shape == (SIDE, SIDE, 3)
