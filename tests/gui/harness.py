"""A hand at Blender's window: real mouse events, buttons found by what they do, true screenshots.

For scripts run as ``blender --enable-event-simulate --python tests/gui/click_SOMETHING.py`` in a real window
(``.ci/blender-in-chroot.sh --window``). A script is a generator: it yields where a person would wait, and
``run`` advances it from a timer, so that Blender handles the events in between.

    def script() -> Steps:
        area, region = yield from open_sidebar("GPT Image")
        button = yield from find_button(area, region, "gpt_image.generate")
        yield from click(button)
        yield from until(lambda: len(bpy.data.images) == 1, "an image to arrive")
        screenshot(OUT / "shot.png")

    run(script())

A button is found by moving the mouse over the region and asking Blender what it would copy as the Python
command of the button under it: that holds for any theme, layout, scale and version.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

import bpy
from screen_reader import Box, photograph, window

Answer = TypeVar("Answer")
Steps = Generator[None, None, None]
Search = Generator[None, None, Answer]
Point = tuple[int, int]
"""Pixels of the window from its lower left corner."""

ADDON = "bl_ext.user_default.gpt_image_addon"
OUT = Path(os.environ.get("OUTPUT_FOLDER", "out/gui"))
"""Where screenshots go."""
TICK = 0.15  # seconds between two events: two clicks in a row must be no double click
SLEEP = 0.005  # seconds, as long as Blender sleeps where no events are simulated
HOVER = 0.02  # seconds between two moves of a search, or two keys: each is handled before the next
STRIDE = 9  # pixels between two places of a search: less than half a button at scale 1
QUITTING = 20.0  # seconds that Blender may take to do so
PATIENCE = 120.0  # seconds that a script may take; software GL takes its time
_DIGITS = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"]
KEYS = {" ": "SPACE", ",": "COMMA", ".": "PERIOD", **dict(zip("0123456789", _DIGITS, strict=True))}
"""Blender's names of keys that are no letters."""

_pause = TICK


def run(script: Steps, patience: float = PATIENCE, *, shows_first: bool = False) -> None:
    """Advance `script` to its end and leave Blender: exit code 0, or 1 with a traceback and a screenshot.

    :param patience: seconds that it may take.
    :param shows_first: turn Solid views for the first material, which takes a minute without a graphics card.
    """
    addon = bpy.context.preferences.addons.get(ADDON)
    if addon is not None:
        addon.preferences.show_first = shows_first
    bpy.context.preferences.view.show_splash = False
    # Without a graphics card, half of a session would be smoothing of what is drawn.
    bpy.context.preferences.system.viewport_aa = "OFF"
    for scene in bpy.data.scenes:
        scene.eevee.taa_samples = 1
    deadline = time.monotonic() + patience

    def advance() -> float | None:
        try:
            next(script)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the script took more than {patience:.0f} s")
        except StopIteration:
            leave(0)
            return None
        except Exception:
            traceback.print_exc()
            screenshot(OUT / "failure.png")
            leave(1)
        return _pause

    def sleep() -> float:
        """Where events are simulated, Blender never sleeps by itself and takes up a processor."""
        time.sleep(SLEEP)
        return 0.0

    bpy.app.timers.register(advance, first_interval=1.0, persistent=True)
    if "--enable-event-simulate" in sys.argv:
        bpy.app.timers.register(sleep, persistent=True)


def quit_by_key(at: Point) -> Steps:
    """Ctrl Q, where everything is saved: Blender must go by itself."""
    print("1 passed, 0 failed", flush=True)
    yield from press("Q", at, ctrl=True)
    yield from until(lambda: False, "Blender to quit")


def leave(code: int) -> None:
    """The plain closing line, and out: nothing is saved and nobody asked."""
    print(f"{1 - code} passed, {code} failed", flush=True)
    sys.stderr.flush()
    if code:
        os._exit(code)
    bpy.ops.wm.quit_blender()
    bpy.app.timers.register(_go, first_interval=QUITTING, persistent=True)


def _go() -> None:
    """Where something of the window still took the event with which Blender quits."""
    print("Blender was told to quit, and did not: see not-quit.png", flush=True)
    screenshot(OUT / "not-quit.png")
    os._exit(0)


def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> Steps:
    """Wait for `condition`; TimeoutError names `what` did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        yield


def event(kind: str, value: str, at: Point, **keys: Any) -> None:
    """`keys`: ctrl, shift, alt, and the unicode that a key gives."""
    window().event_simulate(type=kind, value=value, x=at[0], y=at[1], **keys)


def click(at: Point) -> Steps:
    """Move there, press, release; each is handled before the next."""
    for kind, value in (("MOUSEMOVE", "NOTHING"), ("LEFTMOUSE", "PRESS"), ("LEFTMOUSE", "RELEASE")):
        event(kind, value, at)
        yield


def press(key: str, at: Point, **keys: Any) -> Steps:
    """Press and release a key ("RET", "A", …) with the mouse there; `keys` as for `event`."""
    for value in ("PRESS", "RELEASE"):
        if value == "RELEASE":
            keys.pop("unicode", None)
        event(key, value, at, **keys)
        yield


def write(text: str, at: Point) -> Steps:
    """Type into the field that is being edited."""
    global _pause
    _pause = HOVER
    for letter in text:
        yield from press(KEYS.get(letter, letter.upper()), at, unicode=letter)
    _pause = TICK


def open_sidebar(tab: str, area_type: str = "VIEW_3D") -> Search[tuple[bpy.types.Area, bpy.types.Region]]:
    """Open the sidebar of the first such editor at `tab`; returns the area and its sidebar region."""
    area = next(area for area in window().screen.areas if area.type == area_type)
    region = next(region for region in area.regions if region.type == "UI")
    area.spaces.active.show_region_ui = True
    yield from until(lambda: region.width > 1, "the sidebar to open")
    yield
    region.active_panel_category = tab
    area.tag_redraw()
    yield
    yield
    return area, region


def find_button(
    area: bpy.types.Area, region: bpy.types.Region, operator: str, across: float = 2 / 3
) -> Search[Point]:
    """Where in the window the button of `operator` ("gpt_image.generate") is; LookupError if nowhere.

    :param across: where in the width of the region to look: small buttons stand side by side.
    """
    copy = bpy.ops.ui.copy_python_command_button
    return (yield from _find(area, region, copy, f"bpy.ops.{operator}(", across))


def find_property(
    area: bpy.types.Area, region: bpy.types.Region, path: str, across: float = 2 / 3
) -> Search[Point]:
    """Where in the window the field of a property is, by the end of its data path ("gpt_image.prompt").

    :param across: where in the width of the region to look.
    """
    return (yield from _find(area, region, bpy.ops.ui.copy_data_path_button, path, across))


def find_icon(area: bpy.types.Area, region: bpy.types.Region, command: str, within: Box) -> Search[Point]:
    """Where in a part of the window the button is whose Python command begins with `command`
    ("gpt_image.cancel(job="); LookupError if nowhere."""
    global _pause
    copy = bpy.ops.ui.copy_python_command_button
    stale = _copied(area, region, copy)
    _pause = HOVER
    try:
        for y in range(within.top - STRIDE // 2, within.bottom, -STRIDE):
            for x in range(within.left + STRIDE, within.right, STRIDE):
                event("MOUSEMOVE", "NOTHING", (x, y))
                yield
                found = _copied(area, region, copy)
                if stale and found == stale:
                    continue
                stale = ""
                if found.startswith(f"bpy.ops.{command}") and (yield from _stays(area, region, copy, found)):
                    return x, y
    finally:
        _pause = TICK
    raise LookupError(f"no button for {command} in {within}")


def _stays(area: bpy.types.Area, region: bpy.types.Region, copy: Any, found: str) -> Search[bool]:
    """Whether the button is still the same a moment later: on a slow machine it lags behind the mouse."""
    for _ in range(5):
        yield
    return _copied(area, region, copy) == found


def _find(
    area: bpy.types.Area, region: bpy.types.Region, copy: Any, text: str, across: float = 2 / 3
) -> Search[Point]:
    """The middle row of the first run of rows whose button copies something with `text` in it."""
    global _pause
    x = region.x + round(region.width * across)  # by default right of the labels where the layout is split
    hits: list[int] = []
    # The button clicked last stays highlighted until the mouse has been over another one.
    stale = _copied(area, region, copy)
    _pause = HOVER
    try:
        for y in range(region.y + region.height - STRIDE, region.y, -STRIDE):
            event("MOUSEMOVE", "NOTHING", (x, y))
            yield
            found = _copied(area, region, copy)
            if stale and found == stale:
                continue
            stale = ""
            if text in found:
                hits.append(y)
            elif hits:
                break
    finally:
        _pause = TICK
    if not hits:
        raise LookupError(f"no button with {text!r} in the region at {region.x}, {region.y}")
    return x, (hits[0] + hits[-1]) // 2


def _copied(area: bpy.types.Area, region: bpy.types.Region, copy: Any) -> str:
    """What `copy` puts on the clipboard for the button under the mouse; empty where there is none."""
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with bpy.context.temp_override(window=window(), area=area, region=region):
        if copy.poll():
            copy()
    return str(manager.clipboard)


def screenshot(path: Path) -> None:
    """The window as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    photograph(str(path))
