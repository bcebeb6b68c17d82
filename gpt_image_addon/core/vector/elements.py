"""The gate: an SVG file as a tree of harmless elements, or a sentence why it is none.

Nothing that a file names is ever loaded: it is read by expat alone, without a document type, and every
element has to be one of a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from ..text.message import Message, message

MOST_BYTES = 2 * 1024 * 1024
MOST_ELEMENTS = 5000
DEEPEST = 100
DRAWN = frozenset({"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"})
GROUPS = frozenset({"svg", "g", "switch"})
UNSEEN = frozenset(
    {
        "defs", "symbol", "title", "desc", "metadata", "style", "stop", "linearGradient", "radialGradient",
        "clipPath", "mask", "pattern", "marker", "filter", "view", "hatch", "meshgradient",
    }
)  # fmt: skip
"""What is never drawn where it stands."""
TEXTS = frozenset({"text", "tspan", "textPath"})
FOREIGN = frozenset({"metadata", "filter", "title", "desc"})
"""What holds elements that are none of a drawing: they are skipped, whatever they are."""
FORBIDDEN = frozenset(
    {
        "script", "foreignObject", "a", "image", "iframe", "audio", "video", "canvas", "object", "embed",
        "handler", "listener", "animate", "animateTransform", "animateMotion", "animateColor", "set",
        "discard", "font", "font-face", "cursor", "feImage", "tref",
    }
)  # fmt: skip
SVG = "http://www.w3.org/2000/svg"
LINKS = ("href", "src")
LOADERS = ("url(", "@import", "image-set(", "expression(", "javascript:")


class UnusableDrawingError(ValueError):
    """A drawing that can't be used."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = Message.of(problem)
        """The end of a sentence about it."""


@dataclass
class Element:
    """An element of a drawing, without its name spaces."""

    tag: str
    attributes: Mapping[str, str]
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def walk(self) -> Iterator[Element]:
        """Itself and everything below, in the order of the file."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += reversed(element.children)


def read_elements(data: bytes) -> Element:
    """The root of a drawing.

    :raises UnusableDrawingError: it is no drawing, too large, or holds what is not let in.
    """
    if len(data) > MOST_BYTES:
        raise UnusableDrawingError(
            message("has {size} bytes; {limit} is the limit", size=f"{len(data):,}", limit=f"{MOST_BYTES:,}")
        )
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UnusableDrawingError(
            message(
                "is no whole XML: {reason} in line {line}",
                reason=expat.ErrorString(error.code),
                line=error.lineno,
            )
        ) from error
    except (ValueError, LookupError) as error:
        if isinstance(error, UnusableDrawingError):
            raise
        raise UnusableDrawingError(Message("is written in an unknown encoding")) from error
    if reader.root is None:
        raise UnusableDrawingError(Message("holds no svg element"))
    return reader.root


class _Reader:
    """Builds the tree while expat reads."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._add_text
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.ProcessingInstructionHandler = self._refuse_instruction
        self._stack: list[Element] = []
        self._skipped = 0
        self._count = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise UnusableDrawingError(message("has more than {limit} elements", limit=f"{MOST_ELEMENTS:,}"))
        space, _, tag = name.rpartition(" ")
        if tag in FORBIDDEN:
            raise UnusableDrawingError(message("holds the element '{tag}', which is not let in", tag=tag))
        own = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        _check_attributes(tag, own)
        if len(self._stack) + self._skipped >= DEEPEST:
            raise UnusableDrawingError(message("is nested deeper than {limit} elements", limit=DEEPEST))
        if self._skipped or (space not in ("", SVG)):
            if self.root is None:
                raise UnusableDrawingError(Message("holds no svg element"))
            self._skipped += 1
            return
        if self.root is None and tag != "svg":
            raise UnusableDrawingError(Message("holds no svg element"))
        if tag not in DRAWN | GROUPS | UNSEEN | TEXTS | {"use"}:
            raise UnusableDrawingError(
                message("holds the element '{tag}', which is not let in", tag=f"{tag:.40}")
            )
        element = Element(tag, own)
        if self.root is None:
            self.root = element
        else:
            self._stack[-1].children.append(element)
        self._stack.append(element)
        if tag in FOREIGN:
            self._skipped = 1

    def _end(self, name: str) -> None:
        if self._skipped > 1 or (self._skipped and self._stack[-1].tag not in FOREIGN):
            self._skipped -= 1
            return
        self._skipped = 0
        self._stack.pop()

    def _add_text(self, text: str) -> None:
        if self._stack and self._stack[-1].tag == "style" and not self._skipped:
            self._stack[-1].text += text

    def _refuse_doctype(self, *_: object) -> None:
        raise UnusableDrawingError(Message("declares a document type, which is not let in"))

    def _refuse_instruction(self, target: str, _: str) -> None:
        raise UnusableDrawingError(
            message("holds the processing instruction '{name}', which is not let in", name=f"{target:.40}")
        )


def _check_attributes(tag: str, attributes: Mapping[str, str]) -> None:
    """
    :raises UnusableDrawingError: one would run or load something.
    """
    for name, value in attributes.items():
        if name.lower().startswith("on"):
            raise UnusableDrawingError(
                message("holds the attribute '{name}', which is not let in", name=f"{name:.40}")
            )
        if name in LINKS and not value.strip().startswith("#"):
            raise UnusableDrawingError(
                message("links from '{tag}' to something outside, which is not let in", tag=f"{tag:.40}")
            )
        check_loads(value)


def check_loads(text: str) -> None:
    """
    :raises UnusableDrawingError: a value or a style sheet would load something.
    """
    small = "".join(text.lower().split()).replace("\\", "")
    for loader in LOADERS:
        place = small.find(loader)
        while place >= 0:
            rest = small[place + len(loader) :].lstrip("\"'")
            if loader != "url(" or not rest.startswith("#"):
                raise UnusableDrawingError(Message("loads something from outside, which is not let in"))
            place = small.find(loader, place + 1)
