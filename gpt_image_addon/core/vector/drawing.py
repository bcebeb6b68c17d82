"""Drawings as flat lists of filled or stroked paths, and back as files that hold nothing else.

What an SVG says by classes, groups, transforms and ``use`` is worked into each path, so that importers draw
it alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from ..text.message import Message
from .elements import SVG, UnusableDrawingError, read_elements
from .geometry import Outline, read_length
from .styles import BLACK, Color, read_color, read_share

LEVEL = "data-level"
LONGER_SIDE = 1000.0
MOST_JOINED = 100
"""Segments of paths that are joined: importers take long for many objects, and for long paths."""
DIGITS = 4
"""Of a coordinate behind the point."""


@dataclass(frozen=True)
class Paint:
    """How a path is drawn."""

    color: Color
    opacity: float = 1.0
    stroke_width: float = 0.0
    """0 for a filled path; else the width of its line."""
    level: int = 0
    """Paths of one level do not overlap; a higher one lies above."""


@dataclass(frozen=True)
class Shape:
    """A path with how it is drawn."""

    outlines: tuple[Outline, ...]
    paint: Paint


@dataclass(frozen=True)
class Drawing:
    """The shapes of a drawing, from the lowest to the uppermost; x to the right, y down."""

    shapes: tuple[Shape, ...]
    size: tuple[float, float]
    """Width and height of what is drawn; the longer one is `LONGER_SIDE`."""
    notes: tuple[str, ...] = ()
    """What is not drawn as the file has it."""

    def to_svg(self) -> bytes:
        """A file that holds nothing but these paths; those that look alike on a level are joined."""
        frame = " ".join(_number(value) for value in (0, 0, *self.size))
        lines = [f'<svg xmlns="{SVG}" viewBox="{frame}">']
        lines += [_path_text(number, shape) for number, shape in enumerate(_join(self.shapes))]
        return "\n".join([*lines, "</svg>\n"]).encode()


def read_paints(data: bytes) -> list[Paint]:
    """How the paths of a file of `Drawing.to_svg` are drawn, in their order.

    :raises UnusableDrawingError: it is none.
    """
    found = []
    for element in read_elements(data).children:
        values = element.attributes
        kind = "stroke" if "stroke" in values else "fill"
        color = read_color(values.get(kind, ""))
        try:
            level = int(values.get(LEVEL, "0"))
        except ValueError as error:
            raise UnusableDrawingError(Message("is no flattened drawing")) from error
        width = read_length(values.get("stroke-width", ""))
        opacity = read_share(values.get(f"{kind}-opacity"))
        found.append(Paint(color[0] if color else BLACK, opacity, width, level))
    return found


def find_levels(boxes: NDArray[np.float64]) -> list[int]:
    """How many overlapping layers lie below each shape.

    :param boxes: (count, 4) left, top, right, bottom, from the lowest shape to the uppermost.
    """
    levels = np.zeros(len(boxes), np.int64)
    for number in range(1, len(boxes)):
        left, top, right, bottom = boxes[number]
        before = boxes[:number]
        meets = (
            (before[:, 0] < right) & (before[:, 2] > left) & (before[:, 1] < bottom) & (before[:, 3] > top)
        )
        if meets.any():
            levels[number] = levels[:number][meets].max() + 1
    return [int(level) for level in levels]


def box_of(outlines: Sequence[Outline]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of lines, as their curves run."""
    corners, curves = [], []
    for line in outlines:
        at = line.start
        corners.append(at)
        for segment in line.segments:
            corners.append(segment[-1])
            if len(segment) == 3:
                curves.append((at, *segment))
            at = segment[-1]
    points = np.array(corners)
    if curves:
        along = np.einsum("cpk,ps->csk", np.array(curves), _WEIGHTS).reshape(-1, 2)
        points = np.concatenate((points, along))
    (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
    return left, top, right, bottom


_STEPS = np.linspace(0, 1, 9)[1:-1]
_WEIGHTS = np.stack(
    [(1 - _STEPS) ** 3, 3 * (1 - _STEPS) ** 2 * _STEPS, 3 * (1 - _STEPS) * _STEPS**2, _STEPS**3]
)
"""(4, steps): how much each point of a cubic curve counts on its way."""


def _join(shapes: Sequence[Shape]) -> list[Shape]:
    """Shapes with those together that have the same paint, and so do not overlap."""
    lines: dict[Paint, list[list[Outline]]] = {}
    counts: dict[Paint, int] = {}
    for shape in shapes:
        count = sum(len(line.segments) for line in shape.outlines)
        parts = lines.setdefault(shape.paint, [])
        if not parts or counts[shape.paint] + count > MOST_JOINED:
            parts.append([])
            counts[shape.paint] = 0
        parts[-1].extend(shape.outlines)
        counts[shape.paint] += count
    return [Shape(tuple(part), paint) for paint, parts in lines.items() for part in parts]


def _number(value: float) -> str:
    return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".") or "0"


def _path_text(number: int, shape: Shape) -> str:
    parts = []
    for line in shape.outlines:
        parts.append("M " + " ".join(map(_number, line.start)))
        for segment in line.segments:
            letter = "L" if len(segment) == 1 else "C"
            parts.append(f"{letter} " + " ".join(_number(value) for point in segment for value in point))
        if line.is_closed:
            parts.append("Z")
    paint = shape.paint
    color = "#{:02x}{:02x}{:02x}".format(*paint.color)
    look = f'fill="{color}" fill-opacity="{_number(paint.opacity)}"'
    if paint.stroke_width:
        look = (
            f'fill="none" stroke="{color}" stroke-opacity="{_number(paint.opacity)}"'
            f' stroke-width="{_number(paint.stroke_width)}"'
        )
    return f'<path id="shape-{number}" {look} {LEVEL}="{paint.level}" d={quoteattr(" ".join(parts))}/>'
