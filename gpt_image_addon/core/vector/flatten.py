"""From an SVG file to a drawing: classes, groups, transforms and ``use`` worked into each path."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ..text.message import Message, message
from .drawing import DIGITS, LONGER_SIDE, Drawing, Paint, Shape, box_of, find_levels
from .elements import DEEPEST, DRAWN, GROUPS, TEXTS, Element, UnusableDrawingError, read_elements
from .fill import drop_inner
from .geometry import Matrix, Outline, outlines_of, read_length, read_numbers, read_transform
from .styles import (
    GRADIENTS,
    LEFT_OUT_EFFECTS,
    LEFT_OUT_RULES,
    LEFT_OUT_TEXT,
    Color,
    Sheet,
    inherit,
    read_color,
    read_share,
    reference_of,
)

MOST_SHAPES = 5000
MOST_SEGMENTS = 20_000
"""Of all paths together: Blender is busy with them for some seconds."""
MOST_STEPS = 10_000
"""Elements that are drawn, those that ``use`` repeats among them."""
MOST_LINKS = 10
"""Gradients that take each other's stops."""
FAINTEST = 1 / 255


def read_drawing(data: bytes) -> Drawing:
    """The shapes of an SVG file.

    :raises UnusableDrawingError: it is not let in, can't be read, or draws nothing.
    """
    root = read_elements(data)
    reader = _Flattener(root)
    reader.run()
    if not reader.shapes:
        raise UnusableDrawingError(Message("draws nothing that could become a curve"))
    boxes = np.array([box_of(outlines) for outlines, _ in reader.shapes])
    corner = boxes[:, :2].min(0)
    size = boxes[:, 2:].max(0) - corner
    if max(size) <= 0:
        raise UnusableDrawingError(Message("draws nothing that could become a curve"))
    scale = LONGER_SIDE / max(size)
    fit = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale], [0, 0, 1]])
    shapes = tuple(
        Shape(
            tuple(line.transformed(fit) for line in outlines),
            Paint(color, opacity, round(stroke * float(scale), DIGITS), level),
        )
        for (outlines, (color, opacity, stroke)), level in zip(reader.shapes, find_levels(boxes), strict=True)
    )
    width, height = (size * scale).tolist()
    return Drawing(shapes, (width, height), tuple(dict.fromkeys(reader.notes)))


class _Flattener:
    """Walks through a drawing as a renderer does."""

    def __init__(self, root: Element) -> None:
        self.shapes: list[tuple[tuple[Outline, ...], tuple[Color, float, float]]] = []
        self.notes: list[str] = []
        self._root = root
        elements = list(root.walk())
        self._by_id: dict[str, Element] = {}
        for element in elements:
            self._by_id.setdefault(element.attributes.get("id", ""), element)
        self._sheet = Sheet.of(elements)
        if self._sheet.is_partial:
            self.notes.append(LEFT_OUT_RULES)
        self._segments = 0

    def run(self) -> None:
        """Fill `shapes` and `notes`."""
        self._measure(self._root, {}, 0)
        box = read_numbers(self._root.attributes.get("viewBox", ""))
        size = (box[2], box[3]) if len(box) == 4 else (100.0, 100.0)
        own = inherit({}, self._sheet.values_of(self._root))
        self._children(self._root, np.eye(3), own, read_share(own.get("opacity")), size)

    def _used(self, element: Element) -> Element | None:
        """What a ``use`` repeats."""
        found = self._by_id.get(element.attributes.get("href", "#").strip()[1:])
        return found if found is not None and found.tag in DRAWN | GROUPS | {"use", "symbol"} else None

    def _measure(
        self, element: Element, known: dict[int, tuple[int, int] | None], above: int
    ) -> tuple[int, int]:
        """How many elements are drawn for one, itself among them, and how deep they go.

        :param known: of elements that were measured, by `id`; None for those that are just being measured.
        :param above: how many elements lead to it.
        """
        if id(element) in known and known[id(element)] is None:
            raise UnusableDrawingError(Message("repeats an element within itself"))
        found = known.get(id(element))
        if found is None:
            known[id(element)] = None
            if above > DEEPEST:
                raise UnusableDrawingError(message("is nested deeper than {limit} elements", limit=DEEPEST))
            below = element.children if element.tag in GROUPS | {"symbol"} else []
            used = self._used(element) if element.tag == "use" else None
            parts = [
                self._measure(child, known, above + 1)
                for child in (*below, *((used,) if used is not None else ()))
                if child.tag in DRAWN | GROUPS | {"use"} or child is used
            ]
            found = 1 + sum(count for count, _ in parts), 1 + max((depth for _, depth in parts), default=0)
            known[id(element)] = found
        if found[0] > MOST_STEPS:
            raise UnusableDrawingError(Message("repeats its elements too often"))
        if above + found[1] > DEEPEST:
            raise UnusableDrawingError(message("is nested deeper than {limit} elements", limit=DEEPEST))
        return found

    def _children(
        self,
        element: Element,
        matrix: Matrix,
        above: Mapping[str, str],
        opacity: float,
        size: tuple[float, float],
    ) -> None:
        for child in element.children:
            self._draw(child, matrix, above, opacity, size)

    def _draw(
        self,
        element: Element,
        matrix: Matrix,
        above: Mapping[str, str],
        opacity: float,
        size: tuple[float, float],
    ) -> None:
        if element.tag in TEXTS:
            self.notes.append(LEFT_OUT_TEXT)
        if element.tag not in DRAWN | GROUPS | {"use"}:
            return
        own = self._sheet.values_of(element)
        values = inherit(above, own)
        if values.get("display") == "none":
            return
        if any(values.get(name, "none") != "none" for name in ("clip-path", "mask", "filter")):
            self.notes.append(LEFT_OUT_EFFECTS)
        opacity *= read_share(values.get("opacity"))
        transform = element.attributes.get("transform")
        if transform:
            matrix = matrix @ read_transform(transform)
        if element.tag == "use":
            self._use(element, matrix, values, opacity, size)
        elif element.tag in GROUPS:
            if element.tag == "svg":
                matrix, size = self._nest(element, matrix, size)
            self._children(element, matrix, values, opacity, size)
        elif values.get("visibility", "visible") == "visible":
            self._add(element, matrix, values, opacity, size)

    def _use(
        self,
        element: Element,
        matrix: Matrix,
        values: Mapping[str, str],
        opacity: float,
        size: tuple[float, float],
    ) -> None:
        used = self._used(element)
        if used is None:
            return
        x = read_length(element.attributes.get("x", ""), size[0])
        y = read_length(element.attributes.get("y", ""), size[1])
        moved = matrix @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
        if used.tag != "symbol":
            self._draw(used, moved, values, opacity, size)
            return
        frame = {name: element.attributes[name] for name in ("width", "height") if name in element.attributes}
        shown = Element("svg", {**used.attributes, **frame}, used.children)
        moved, size = self._nest(shown, moved, size)
        own = inherit(values, self._sheet.values_of(used))
        self._children(used, moved, own, opacity * read_share(own.get("opacity")), size)

    def _nest(
        self, element: Element, matrix: Matrix, size: tuple[float, float]
    ) -> tuple[Matrix, tuple[float, float]]:
        """Into the coordinates of an svg or symbol within another one."""
        values = element.attributes
        x, y = read_length(values.get("x", ""), size[0]), read_length(values.get("y", ""), size[1])
        width = read_length(values.get("width", ""), size[0], size[0])
        height = read_length(values.get("height", ""), size[1], size[1])
        matrix = matrix @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
        box = read_numbers(values.get("viewBox", ""))
        if len(box) != 4 or min(box[2:]) <= 0:
            return matrix, (width, height)
        scale = min(width / box[2], height / box[3])
        left, top = (width - box[2] * scale) / 2, (height - box[3] * scale) / 2
        fit = np.array([[scale, 0, left - box[0] * scale], [0, scale, top - box[1] * scale], [0, 0, 1]])
        return matrix @ fit, (box[2], box[3])

    def _add(
        self,
        element: Element,
        matrix: Matrix,
        values: Mapping[str, str],
        opacity: float,
        size: tuple[float, float],
    ) -> None:
        lines = outlines_of(element.tag, element.attributes, size)
        if not lines:
            return
        fill = self._paint(values, "fill", "black")
        stroke = self._paint(values, "stroke", "none")
        scale = math.sqrt(abs(float(np.linalg.det(matrix[:2, :2]))))
        width = read_length(values.get("stroke-width", ""), math.hypot(*size) / math.sqrt(2), 1.0) * scale
        moved = tuple(line.transformed(matrix) for line in lines)
        if fill is not None and element.tag != "line":
            closed = tuple(Outline(line.start, line.segments, is_closed=True) for line in moved)
            if values.get("fill-rule") != "evenodd":
                closed = drop_inner(closed)
            self._append(closed, fill[0], fill[1] * opacity, 0.0)
        if stroke is not None and width > 0:
            self._append(moved, stroke[0], stroke[1] * opacity, width)

    def _append(self, lines: tuple[Outline, ...], color: Color, opacity: float, stroke: float) -> None:
        if opacity < FAINTEST:
            return
        self._segments += sum(len(line.segments) for line in lines)
        if len(self.shapes) >= MOST_SHAPES or self._segments > MOST_SEGMENTS:
            raise UnusableDrawingError(
                message(
                    "draws more than {shapes} shapes or {segments} segments",
                    shapes=f"{MOST_SHAPES:,}",
                    segments=f"{MOST_SEGMENTS:,}",
                )
            )
        self.shapes.append((lines, (color, round(opacity, 4), stroke)))

    def _paint(self, values: Mapping[str, str], kind: str, default: str) -> tuple[Color, float] | None:
        """The color and opacity of fill or stroke; None where it is not drawn."""
        text = values.get(kind, default)
        share = read_share(values.get(f"{kind}-opacity"))
        reference = reference_of(text)
        if reference is None:
            found = read_color(text, values.get("color", ""))
            return None if found is None else (found[0], found[1] * share)
        name, instead = reference
        mean = self._mean_color(name)
        if mean is None:
            found = read_color(instead or "none", values.get("color", ""))
            return None if found is None else (found[0], found[1] * share)
        self.notes.append(GRADIENTS)
        return mean[0], mean[1] * share

    def _mean_color(self, name: str) -> tuple[Color, float] | None:
        """Of the stops of a gradient, or of the shapes of a pattern; None where there is no such thing."""
        element, seen = self._by_id.get(name), 0
        while element is not None and seen < MOST_LINKS:
            found = [
                (color, share * read_share(own.get("stop-opacity")))
                for color, share, own in self._stops(element)
            ]
            if found:
                red, green, blue = (
                    round(sum(color[axis] for color, _ in found) / len(found)) for axis in range(3)
                )
                return (red, green, blue), sum(share for _, share in found) / len(found)
            element = self._by_id.get(element.attributes.get("href", "#").strip()[1:] or "-")
            seen += 1
        return None

    def _stops(self, element: Element) -> Iterator[tuple[Color, float, dict[str, str]]]:
        for child in element.children:
            own = self._sheet.values_of(child)
            wanted = "stop-color" if child.tag == "stop" else "fill"
            found = read_color(own.get(wanted, "black"), own.get("color", ""))
            if (child.tag == "stop" or child.tag in DRAWN) and found is not None:
                yield (*found, own)
