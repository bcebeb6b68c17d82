"""What elements look like: attributes, ``style`` and simple rules of style sheets, as SVG inherits them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from PIL import ImageColor

from ..text.message import Message
from .elements import Element, check_loads

Color = tuple[int, int, int]
"""sRGB, 0 to 255."""

INHERITED = frozenset(
    {
        "fill",
        "fill-rule",
        "stroke",
        "stroke-width",
        "fill-opacity",
        "stroke-opacity",
        "color",
        "visibility",
        "stop-color",
    }
)
PROPERTIES = INHERITED | {"opacity", "display", "stop-opacity", "clip-path", "mask", "filter"}
BLACK: Color = (0, 0, 0)
MOST_RULES = 2000
LONGEST_COLOR = 60
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SELECTOR = re.compile(r"(\*|[a-zA-Z][\w-]*)?((?:[.#][\w-]+)*)$")
_PART = re.compile(r"([.#])([\w-]+)")
_REFERENCE = re.compile(r"\s*url\(\s*[\"']?#([^\"')]+)[\"']?\s*\)\s*(.*)$", re.DOTALL)
_RGBA = re.compile(r"\s*(rgb|hsl)a?\(([^()]*)\)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """A rule of a style sheet whose selector is simple: a tag, classes, an id."""

    tag: str
    classes: frozenset[str]
    ids: frozenset[str]
    values: Mapping[str, str]

    @property
    def weight(self) -> tuple[int, int, int]:
        """Of two rules the heavier one counts, and of equal ones the later."""
        return len(self.ids), len(self.classes), int(bool(self.tag))

    def fits(self, tag: str, classes: frozenset[str], name: str) -> bool:
        """Whether it is about an element."""
        return (
            (not self.tag or self.tag == tag)
            and self.classes <= classes
            and (not self.ids or self.ids == {name})
        )


@dataclass
class Sheet:
    """The rules of a drawing's style sheets."""

    rules: list[Rule] = field(default_factory=list)
    is_partial: bool = False
    """Some of it can't be read here, such as selectors of several elements or media."""

    @classmethod
    def of(cls, elements: Iterable[Element]) -> Sheet:
        """
        :raises UnusableDrawingError: it would load something.
        """
        sheet = cls()
        for element in elements:
            if element.tag == "style":
                check_loads(element.text)
                sheet._read(_COMMENT.sub("", element.text))
        sheet.rules.sort(key=lambda rule: rule.weight)
        return sheet

    def _read(self, text: str) -> None:
        place = 0
        while (opened := text.find("{", place)) >= 0:
            head = text[place:opened].strip()
            closed = _closing(text, opened)
            if head.startswith("@"):
                self.is_partial = True
            else:
                values = dict(_declarations(text[opened + 1 : closed]))
                for selector in head.split(","):
                    self._add(selector.strip(), values)
            place = closed + 1

    def _add(self, selector: str, values: Mapping[str, str]) -> None:
        found = _SELECTOR.match(selector)
        if found is None or not selector or len(self.rules) >= MOST_RULES:
            self.is_partial = True
            return
        parts = _PART.findall(found[2])
        tag = "" if found[1] in (None, "*") else found[1]
        classes = frozenset(name for sign, name in parts if sign == ".")
        ids = frozenset(name for sign, name in parts if sign == "#")
        self.rules.append(Rule(tag, classes, ids, values))

    def values_of(self, element: Element) -> dict[str, str]:
        """The properties that an element has of its own, by their precedence."""
        attributes = element.attributes
        found = {name: value for name, value in attributes.items() if name in PROPERTIES}
        classes = frozenset(attributes.get("class", "").split())
        name = attributes.get("id", "")
        for rule in self.rules:
            if rule.fits(element.tag, classes, name):
                found.update(rule.values)
        found.update(_declarations(attributes.get("style", "")))
        return found


def _closing(text: str, opened: int) -> int:
    """The place of the brace that closes another one."""
    depth = 0
    for place in range(opened, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place
    return len(text)


def _declarations(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(";"):
        name, colon, value = part.partition(":")
        name = name.strip().lower()
        if colon and name in PROPERTIES:
            yield name, value.replace("!important", "").strip()


def inherit(above: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The properties of an element below another one."""
    found = {name: value for name, value in above.items() if name in INHERITED}
    found.update((name, value) for name, value in own.items() if value != "inherit")
    return found


def read_share(text: str | None) -> float:
    """An opacity, 0 to 1; 1 where it is none."""
    if not text:
        return 1.0
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return 1.0
    return min(max(share, 0.0), 1.0) if share == share else 1.0


def reference_of(text: str) -> tuple[str, str] | None:
    """The id that a paint such as ``url(#gold) red`` names, and what stands in for it; None for others."""
    found = _REFERENCE.match(text)
    return (found[1].strip(), found[2].strip()) if found else None


def read_color(text: str, current: str = "") -> tuple[Color, float] | None:
    """A color and its opacity; black where it can't be read, None where nothing is drawn.

    :param current: what ``currentColor`` stands for.
    """
    text = text.strip()
    small = text.lower()
    if small in ("none", "transparent"):
        return None
    if small == "currentcolor":
        return read_color(current) if current.lower() != "currentcolor" and current else (BLACK, 1.0)
    if len(text) > LONGEST_COLOR:
        return BLACK, 1.0
    if small.startswith(("rgb", "hsl")):
        return _read_function(text)
    try:
        found = ImageColor.getrgb(small)
    except ValueError:
        return BLACK, 1.0
    return found[:3], found[3] / 255 if len(found) == 4 else 1.0


def _read_function(text: str) -> tuple[Color, float]:
    """``rgb()`` and ``hsl()`` with commas or spaces, and with an opacity or without."""
    found = _RGBA.match(text)
    parts = found[2].replace("/", " ").replace(",", " ").split() if found else []
    if found is None or len(parts) not in (3, 4):
        return BLACK, 1.0
    numbers = [part.removesuffix("deg") for part in parts[:3]]
    try:
        if found[1].lower() == "rgb" and not any(part.endswith("%") for part in numbers):
            numbers = [str(round(min(max(float(part), 0), 255))) for part in numbers]
        color = ImageColor.getrgb(f"{found[1].lower()}({','.join(numbers)})")[:3]
    except (ValueError, OverflowError):
        return BLACK, 1.0
    red, green, blue = (min(max(value, 0), 255) for value in color)
    return (red, green, blue), read_share(parts[3]) if len(parts) == 4 else 1.0


LEFT_OUT_TEXT = Message("Text is left out of curves; turn it into paths first.")
LEFT_OUT_EFFECTS = Message("Clip paths, masks and filters have no effect on curves.")
LEFT_OUT_RULES = Message("Some rules of the drawing's style sheet can't be read and are left out.")
GRADIENTS = Message("Gradients and patterns become their mean color.")
