"""What a person does in a sidebar: reads, scrolls, unfolds, chooses from menus, types, drags.

Built on `harness`, which moves the mouse and presses keys, and `sight`, which reads. A search that finds
nothing ends in an error that says what was looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import bpy
import harness
import screen_reader
from bl_ext.user_default.gpt_image_addon.core.request import targets
from harness import (
    Point,
    Search,
    Steps,
    click,
    event,
    find_icon,
    find_property,
    press,
    until,
    window,
    write,
)
from screen_reader import Box, box_of

STARTED = time.monotonic()
TAB = "GPT Image"
PAGES = 12  # turns of the wheel from one end of a sidebar to the other, at most
NOTCHES = 6  # of the wheel in a turn
PROVIDER = 101  # units from the right end of a sidebar to the icon of the provider
MARGIN = 28  # pixels beside the rows of the panel, at most
FIELD = 0.7  # of the width of a sidebar: there the fields are, and the labels left of them
COMPILING = "Compiling EEVEE engine shaders"  # stands in the view while it does
SETTLING = 60  # looks until everything is drawn; what moves all the time is photographed then
PATIENCE = 60.0  # seconds for what one click changes, beside all else that the machine does


class Sidebar:
    """The tab of the extension in the sidebar of an editor, as a person uses it."""

    def __init__(self, area: bpy.types.Area) -> None:
        self.area = area
        self.region = next(region for region in area.regions if region.type == "UI")

    @property
    def box(self) -> Box:
        return box_of(self.region)

    def shows(self, text: str) -> bool:
        return bool(screen_reader.find(text, self.box))

    def bring(self, text: str) -> Search[Box]:
        """Scroll until `text` shows; LookupError where there is none."""
        yield
        found = screen_reader.find(text, self.box)
        for key in ("WHEELDOWNMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE"):
            if found:
                break
            found = yield from self._scroll(key, text)
        if not found:
            raise LookupError(f"{text!r} stands nowhere in the sidebar")
        return found[0]

    def _scroll(self, key: str, text: str) -> Search[list[Box]]:
        """Turn the wheel one way until `text` shows or nothing moves any more."""
        before = None
        for _ in range(PAGES):
            yield from self._turn(key)
            seen = screen_reader.look()
            found = screen_reader.find(text, self.box, seen=seen)
            left, bottom, right, top = self.box
            now = seen[bottom:top, left:right].tobytes()
            if found or now == before:
                return found
            before = now
        return []

    def _turn(self, key: str) -> Steps:
        """Turn the wheel once, where no number lies under the mouse that it would change."""
        at = (self.box.left + 3, self.box.middle[1])
        event("MOUSEMOVE", "NOTHING", at)
        for _ in range(NOTCHES):
            event(key, "PRESS", at)
            yield
        yield

    def click(self, text: str) -> Steps:
        yield from click((yield from self.bring(text)).middle)

    def unfold(self, title: str) -> Search[Box]:
        """Open the part under `title`, if it is folded; returns where the title is."""
        yield from self._set_unfolded(title, True)
        found = yield from self.bring(title)
        if found.bottom < self.box.bottom + self.region.height // 2:
            yield from self._turn("WHEELDOWNMOUSE")
            found = yield from self.bring(title)
        return found

    def fold(self, title: str) -> Steps:
        """Close the part under `title`."""
        yield from self._set_unfolded(title, False)

    def _set_unfolded(self, title: str, wanted: bool) -> Steps:
        """Click the arrow where it is otherwise; what is below moves only when the arrow has turned."""

        def is_so() -> bool:
            found = screen_reader.find(title, self.box)
            return bool(found) and screen_reader.is_unfolded(found[0]) == wanted

        yield from self.bring(title)
        if not is_so():
            yield from self.click(title)
            yield from until(is_so, f"{title} to {'unfold' if wanted else 'fold'}", PATIENCE)

    def to_top(self) -> Steps:
        """Scroll to the first panel."""
        yield
        if not self.shows(TAB):
            yield from self._scroll("WHEELUPMOUSE", TAB)

    def generate(self, label: str = "Generate") -> Steps:
        """Click the large button, which is near the top."""
        yield from self.to_top()
        yield from self.click(label)

    def describe(self, prompt: str) -> Steps:
        """Paste into the large field at the top in place of what it holds."""
        yield from self.to_top()
        field = yield from find_property(self.area, self.region, "gpt_image.prompt", 0.3)
        yield from click(field)
        yield from press("A", field, ctrl=True)
        bpy.context.window_manager.clipboard = prompt
        yield from press("V", field, ctrl=True)
        yield from click((self.box.left + 4, field[1]))  # beside it: what was typed is taken

    def choose_provider(self, label: str) -> Steps:
        """Open the first icon of the header and click a provider there."""
        yield from self.to_top()
        title = yield from self.bring(TAB)
        scale = bpy.context.preferences.system.ui_scale
        yield from click((self.box.right - round(PROVIDER * scale), title.middle[1]))
        yield from click_text(label)
        yield from press("ESC", title.middle)  # a choice does not close it
        yield from until(lambda: not screen_reader.find(label), "the popover to close", PATIENCE)

    def choose_target(self, number: int) -> Steps:
        """Click one of the icons below the prompt; 0 is the first."""
        yield from self.to_top()
        row = yield from find_property(self.area, self.region, "gpt_image.target", 0.3)
        count = sum(not info.parent for _, info in targets.list_targets())
        left, right = self.box.left + MARGIN, self.box.right - MARGIN
        yield from click((left + round((number + 0.5) / count * (right - left)), row[1]))

    def field(self, label: str) -> Search[Point]:
        """Where the field beside its label is; a title of the same name is above."""
        yield from self.bring(label)
        found = screen_reader.find(label, self.box)[-1]
        return self.box.left + round(FIELD * self.region.width), found.middle[1]

    def choose(self, label: str, entry: str) -> Steps:
        """Click the menu beside `label` and its entry."""
        field = yield from self.field(label)
        yield from click(field)
        yield from click_text(entry, near=field)

    def enter(self, label: str, text: str) -> Steps:
        """Click the field beside `label`, replace what is in it and confirm."""
        field = yield from self.field(label)
        yield from fill(field, text)

    def icon(self, command: str, beside: Box) -> Search[Point]:
        """Where the button without a text is that runs `command`, in the rows of `beside`."""
        box = Box(self.box.left, beside.bottom, self.box.right, beside.top)
        return (yield from find_icon(self.area, self.region, command, box))


def open_sidebar(area_type: str = "VIEW_3D", tab: str = TAB) -> Search[Sidebar]:
    """N over the editor opens the sidebar, a click its tab."""
    area = next(area for area in window().screen.areas if area.type == area_type)
    sidebar = Sidebar(area)
    if sidebar.region.width <= 1:
        yield from press("N", over(area))
        yield from until(lambda: sidebar.region.width > 1, "the sidebar to open", PATIENCE)
    found: list[Box] = []

    def shown() -> bool:
        found[:] = screen_reader.find(tab, sidebar.box, upright=True)
        return bool(found)

    yield from until(shown, f"the tab {tab}", PATIENCE)
    if not sidebar.shows(tab):  # a click on the open tab would close it
        yield from click(found[0].middle)
        yield from until(lambda: sidebar.shows(tab), f"the panel {tab}", PATIENCE)
    return sidebar


def over(area: bpy.types.Area, x: float = 0.35, y: float = 0.2) -> Point:
    """A point of an editor's main region, as a share of it: by default where the factory scene is empty."""
    region = next(region for region in area.regions if region.type == "WINDOW")
    return region.x + round(x * region.width), region.y + round(y * region.height)


def wait_for(text: str, within: Box | None = None, seconds: float = PATIENCE) -> Search[list[Box]]:
    """Wait until `text` stands on the screen; all places, from the top down."""
    found: list[Box] = []

    def shown() -> bool:
        found[:] = screen_reader.find(text, within)
        return bool(found)

    yield from until(shown, f"the text {text!r}", seconds)
    return found


def click_text(text: str, within: Box | None = None, near: Point | None = None) -> Steps:
    """Click a text when it appears; where it stands several times, the one nearest to a point."""
    yield
    yield
    found = yield from wait_for(text, within)
    if near:
        found.sort(key=lambda box: abs(box.middle[0] - near[0]) + abs(box.middle[1] - near[1]))
    yield from click(found[0].middle)


def fill(field: Point, text: str) -> Steps:
    """Type into a field of one line in place of what it holds, and confirm."""
    yield from click(field)
    yield from press("A", field, ctrl=True)
    yield from write(text, field)
    yield from press("RET", field)


def drag(points: Sequence[Point], before_release: Callable[[], Steps] = lambda: iter(())) -> Steps:
    """Press at the first point, move over the others, release at the last.

    :param before_release: what to do with the button held down.
    """
    event("MOUSEMOVE", "NOTHING", points[0])
    yield
    event("LEFTMOUSE", "PRESS", points[0])
    yield
    for point in points[1:]:
        event("MOUSEMOVE", "NOTHING", point)
        yield
    yield from before_release()
    event("LEFTMOUSE", "RELEASE", points[-1])
    yield


def shot(name: str, rest: Point) -> Steps:
    """A screenshot of what is shown once the mouse is out of the way and everything is drawn."""
    event("MOUSEMOVE", "NOTHING", rest)
    before = None
    for _ in range(SETTLING):
        yield
        seen = screen_reader.look()
        now = seen.tobytes()
        if now == before and not screen_reader.stands_in_view(COMPILING, seen):
            break
        before = now
    harness.screenshot(harness.OUT / f"{name}.png")
    print(f"{time.monotonic() - STARTED:5.0f} s  {name}", flush=True)


class Journey:
    """From a wish to what was wished for, in a number of actions: each is a step of a person, such as a click
    or the writing of a text."""

    def __init__(self, actions: int) -> None:
        self.actions, self.taken = actions, list[str]()

    def act(self, what: str, steps: Steps) -> Steps:
        """Take one action."""
        yield from steps
        self.taken.append(what)
        print(f"{len(self.taken)}. {what}", flush=True)

    def end(self) -> None:
        """AssertionError where it took another number of actions."""
        assert len(self.taken) == self.actions, self.taken
