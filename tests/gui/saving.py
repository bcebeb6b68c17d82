"""Files of a result, as a person has them written: its menu, and the file browser that opens."""

from __future__ import annotations

from pathlib import Path

import bpy
import screen_reader
from harness import Steps, click, until
from user import Sidebar, shot

MENU = 31  # pixels from the text in a card's title to its menu, over the star


def open_menu(sidebar: Sidebar) -> Steps:
    """Of the card, in whose title stands that it is a draft."""
    yield from sidebar.bring("draft")  # it is also said below
    title = max(screen_reader.find("draft", sidebar.box), key=lambda box: box.bottom)
    yield from click((title.right + MENU, title.middle[1]))


def browser() -> bpy.types.Area | None:
    """The file browser, which opens in a window of its own."""
    areas = (area for window in bpy.context.window_manager.windows for area in window.screen.areas)
    return next((area for area in areas if area.type == "FILE_BROWSER"), None)


def choose_folder(folder: Path, name: str, **settings: str) -> Steps:
    """Take a new folder and what the operator is set to, once the file browser is there; shown as `name`."""
    folder.mkdir()
    yield from until(lambda: browser() is not None, "the file browser", 20)
    found = browser()
    found.spaces.active.params.directory = str(folder).encode()
    for setting, value in settings.items():
        setattr(found.spaces.active.active_operator, setting, value)
    for _ in range(8):
        yield
    yield from shot(name, (40, 40))
    holding = next(w for w in bpy.context.window_manager.windows if found in list(w.screen.areas))
    region = next(region for region in found.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=holding, area=found, region=region):
        bpy.ops.file.execute()
