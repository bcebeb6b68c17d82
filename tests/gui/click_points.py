"""A person's way: mark places in a view and in an image, move and remove marks, write what should happen.

``.ci/blender-in-chroot.sh --window sid --enable-event-simulate --python tests/gui/click_points.py``, where
the extension is installed. Drafts alone are made. Look at out/gui/points-*.png.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bl_ext.user_default.gpt_image_addon import api
from bl_ext.user_default.gpt_image_addon.ui.points import overlay
from harness import Point, Steps, click, event, press, run, until
from user import drag, fill, open_sidebar, over, shot

EMPTY = "What should happen here"


def values() -> Any:
    return bpy.context.scene.gpt_image


def main_region(area: bpy.types.Area) -> bpy.types.Region:
    return next(region for region in area.regions if region.type == "WINDOW")


def place(area: bpy.types.Area, at: Point) -> tuple[float, float]:
    return overlay.share(area, main_region(area), at)


def is_at(number: int, wanted: tuple[float, float]) -> bool:
    point = values().points[number]
    return abs(point.x - wanted[0]) < 0.004 and abs(point.y - wanted[1]) < 0.004


def ctrl_click(at: Point) -> Steps:
    event("MOUSEMOVE", "NOTHING", at)
    yield
    for value in ("PRESS", "RELEASE"):
        event("LEFTMOUSE", value, at, ctrl=True)
        yield


def mark(area: bpy.types.Area, name: str) -> Steps:
    """Three points, one of them moved, one removed by Ctrl-click, one more and removed by X."""
    first, second, third = over(area, 0.4, 0.5), over(area, 0.55, 0.62), over(area, 0.5, 0.4)
    for number, at in enumerate((first, second, third), 1):
        yield from click(at)
        yield from until(lambda number=number: len(values().points) == number, f"point {number}")
        assert is_at(number - 1, place(area, at)), (number, at)
    goal = over(area, 0.45, 0.3)
    yield from drag([third, over(area, 0.48, 0.35), goal])
    yield from until(lambda: is_at(2, place(area, goal)), "the third point to move")
    yield from shot(f"points-{name}-three", over(area, 0.5, 0.8))
    yield from ctrl_click(second)
    yield from until(lambda: len(values().points) == 2, "the second point to go")
    assert is_at(0, place(area, first)) and is_at(1, place(area, goal))
    yield from click(second)
    yield from until(lambda: len(values().points) == 3, "a third point again")
    yield from press("X", second)
    yield from until(lambda: len(values().points) == 2, "it to go by a key")
    yield from press("ESC", over(area, 0.5, 0.8))
    yield from until(lambda: not overlay.state.part(overlay.Overlay).is_placing, "the tool to end")


def script() -> Steps:
    sidebar = yield from open_sidebar()
    yield from sidebar.describe("a timber pavilion")
    yield from sidebar.choose_provider("Offline Draft")
    yield from sidebar.unfold("References")
    yield from sidebar.click("Add Points")
    yield from until(lambda: len(values().references) == 1, "the view to be a reference")
    assert values().references[0].kind == "viewport"
    yield from mark(sidebar.area, "view")
    for text in ("make this corner brass", "add a door"):
        found = yield from sidebar.bring(EMPTY)
        yield from fill(found.middle, text)
    assert [point.text for point in values().points] == ["make this corner brass", "add a door"]
    yield from sidebar.to_top()
    yield from shot("points-panel-top", over(sidebar.area))
    yield from sidebar.bring("add a door")
    yield from shot("points-panel-rows", over(sidebar.area))
    yield from sidebar.generate()
    yield from until(lambda: bool(api.jobs()) and api.jobs()[-1].done, "the draft", seconds=120)
    sent = api.jobs()[-1].request
    assert [text for _, _, text in sent.points] == ["make this corner brass", "add a door"]
    assert sent.markup is None and len(sent.references) == 1
    yield from press("Z", over(sidebar.area), ctrl=True)  # an undo takes what is drawn along
    yield from shot("points-undone", over(sidebar.area))
    bpy.ops.gpt_image.clear_references()
    image = bpy.data.images.new("Grid", 1200, 500)
    image.generated_type = "COLOR_GRID"
    sidebar.area.type = "IMAGE_EDITOR"
    sidebar.area.spaces.active.image = image
    yield
    sidebar = yield from open_sidebar("IMAGE_EDITOR")
    yield from sidebar.unfold("References")
    yield from sidebar.click("Add Points")
    yield from until(lambda: len(values().references) == 1, "the image to be a reference")
    assert values().references[0].image == image
    yield from mark(sidebar.area, "image")
    yield from sidebar.to_top()
    yield from shot("points-image", over(sidebar.area))


run(script(), patience=500)
