"""The outlines of SVG elements as cubic curves, and the transforms that they go through."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..text.message import Message, message
from .elements import UnusableDrawingError

Matrix = NDArray[np.float64]
"""(3, 3): what a column (x, y, 1) is multiplied with."""
Point = tuple[float, float]

MOST_SEGMENTS = 3000
"""Of one path: Blender's importer takes the square of their number."""
FARTHEST = 1e7
KAPPA = 4 / 3 * (math.sqrt(2) - 1)
"""How far the handles of a quarter circle reach, of its radius."""
UNITS = {
    "": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "q": 96 / 101.6,
    "in": 96.0, "em": 16.0, "ex": 8.0, "rem": 16.0,
}  # fmt: skip
"""Pixels of each; those of a font by the usual one."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_LENGTH = re.compile(rf"\s*({_NUMBER.pattern})\s*([a-zA-Z]*|%)\s*$")
_TRANSFORM = re.compile(r"\s*,?\s*([a-zA-Z]+)\s*\(([^()]*)\)")
_ARITY = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}


@dataclass
class Outline:
    """One line of a path: where it begins, then cubic curves or straight lines from point to point."""

    start: Point
    segments: list[tuple[Point, ...]] = field(default_factory=list)
    """(end,) of a straight line, or (handle, handle, end)."""
    is_closed: bool = False

    def transformed(self, matrix: Matrix) -> Outline:
        """The same after a transform."""
        move = mover(matrix)
        return Outline(
            move(self.start),
            [tuple(map(move, segment)) for segment in self.segments],
            self.is_closed,
        )


def mover(matrix: Matrix) -> Callable[[Point], Point]:
    """What a transform makes of points; plain numbers, as it is called for every one."""
    (a, c, e), (b, d, f) = matrix[:2].tolist()
    return lambda point: (a * point[0] + c * point[1] + e, b * point[0] + d * point[1] + f)


def read_length(text: str, whole: float = 0.0, default: float = 0.0) -> float:
    """Pixels of a length.

    :param whole: pixels of what percents are of.
    :raises UnusableDrawingError: it is no number, or out of all bounds.
    """
    if not text or text.strip() == "auto":
        return default
    found = _LENGTH.match(text)
    unit = found[2].lower() if found else ""
    if found is None or (unit not in UNITS and unit != "%"):
        raise UnusableDrawingError(message("holds the length '{text}', which is none", text=f"{text:.40}"))
    return _bounded(float(found[1]) * (whole / 100 if unit == "%" else UNITS[unit]))


def _bounded(value: float) -> float:
    if not abs(value) <= FARTHEST:
        raise UnusableDrawingError(Message("holds a number that is out of all bounds"))
    return value


def read_numbers(text: str) -> list[float]:
    """
    :raises UnusableDrawingError: something in it is no number.
    """
    rest = _NUMBER.sub("", text).replace(",", "").strip()
    if rest:
        raise UnusableDrawingError(
            message("holds '{text}' where numbers belong", text=f"{' '.join(text.split()):.40}")
        )
    return [_bounded(float(found)) for found in _NUMBER.findall(text)]


def read_transform(text: str) -> Matrix:
    """The matrix of a ``transform``.

    :raises UnusableDrawingError: it is none.
    """
    matrix, end = np.eye(3), 0
    for found in _TRANSFORM.finditer(text):
        if found.start() != end:
            break
        matrix = matrix @ _transform(found[1], read_numbers(found[2]))
        end = found.end()
    if text[end:].strip():
        raise UnusableDrawingError(
            message("holds the transform '{text}', which is none", text=f"{' '.join(text.split()):.40}")
        )
    if not np.all(np.abs(matrix) <= FARTHEST):
        raise UnusableDrawingError(Message("holds a number that is out of all bounds"))
    return matrix


def _transform(name: str, values: list[float]) -> Matrix:
    count = len(values)
    if name == "matrix" and count == 6:
        a, b, c, d, e, f = values
        return np.array([[a, c, e], [b, d, f], [0, 0, 1]])
    if name == "translate" and count in (1, 2):
        return np.array([[1, 0, values[0]], [0, 1, values[1] if count == 2 else 0], [0, 0, 1]])
    if name == "scale" and count in (1, 2):
        return np.diag([values[0], values[-1], 1.0])
    if name == "rotate" and count in (1, 3):
        angle = math.radians(values[0])
        x, y = values[1:] if count == 3 else (0.0, 0.0)
        turn = np.array(
            [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
        )
        there, back = np.eye(3), np.eye(3)
        there[:2, 2], back[:2, 2] = (x, y), (-x, -y)
        around: Matrix = there @ turn @ back
        return around
    if name in ("skewX", "skewY") and count == 1:
        matrix = np.eye(3)
        matrix[(0, 1) if name == "skewX" else (1, 0)] = math.tan(math.radians(values[0]))
        return matrix
    raise UnusableDrawingError(message("holds the transform '{text}', which is none", text=f"{name:.40}"))


def outlines_of(tag: str, values: Mapping[str, str], size: Point) -> list[Outline]:
    """The lines that an element draws, in its own coordinates; none where it has no extent.

    :param values: its attributes.
    :param size: pixels of what percents are of.
    :raises UnusableDrawingError: its values can't be read, or are too many.
    """
    width, height = size

    def length(name: str, whole: float, default: float = 0.0) -> float:
        return read_length(values.get(name, ""), whole, default)

    if tag == "path":
        return read_path(values.get("d", ""))
    if tag == "rect":
        return _rectangle(
            (length("x", width), length("y", height)),
            (length("width", width), length("height", height)),
            (length("rx", width, -1.0), length("ry", height, -1.0)),
        )
    if tag in ("circle", "ellipse"):
        center = length("cx", width), length("cy", height)
        radius = length("r", math.hypot(width, height) / math.sqrt(2))
        radii = (radius, radius)
        if tag == "ellipse":
            rx, ry = length("rx", width, -1.0), length("ry", height, -1.0)
            radii = (ry if rx < 0 else rx, rx if ry < 0 else ry)
        return _ellipse(center, radii)
    if tag == "line":
        start = length("x1", width), length("y1", height)
        return [Outline(start, [((length("x2", width), length("y2", height)),)])]
    numbers = read_numbers(values.get("points", ""))
    points = list(zip(numbers[0::2], numbers[1::2], strict=False))
    _check_count(len(points))
    if len(points) < 2:
        return []
    return [Outline(points[0], [(point,) for point in points[1:]], is_closed=tag == "polygon")]


def _check_count(count: int) -> None:
    if count > MOST_SEGMENTS:
        raise UnusableDrawingError(
            message("has a path of more than {limit} segments", limit=f"{MOST_SEGMENTS:,}")
        )


def _rectangle(corner: Point, size: Point, radii: Point) -> list[Outline]:
    (x, y), (width, height) = corner, size
    if width <= 0 or height <= 0:
        return []
    rx, ry = radii
    rx, ry = (ry if rx < 0 else rx), (rx if ry < 0 else ry)
    rx, ry = min(max(rx, 0.0), width / 2), min(max(ry, 0.0), height / 2)
    right, bottom = x + width, y + height
    if not rx or not ry:
        corners = ((right, y), (right, bottom), (x, bottom))
        return [Outline((x, y), [(point,) for point in corners], is_closed=True)]
    kx, ky = rx * (1 - KAPPA), ry * (1 - KAPPA)
    segments: list[tuple[Point, ...]] = [
        ((right - rx, y),),
        ((right - kx, y), (right, y + ky), (right, y + ry)),
        ((right, bottom - ry),),
        ((right, bottom - ky), (right - kx, bottom), (right - rx, bottom)),
        ((x + rx, bottom),),
        ((x + kx, bottom), (x, bottom - ky), (x, bottom - ry)),
        ((x, y + ry),),
        ((x, y + ky), (x + kx, y), (x + rx, y)),
    ]
    return [Outline((x + rx, y), segments, is_closed=True)]


def _ellipse(center: Point, radii: Point) -> list[Outline]:
    (x, y), (rx, ry) = center, radii
    if rx <= 0 or ry <= 0:
        return []
    kx, ky = rx * KAPPA, ry * KAPPA
    segments: list[tuple[Point, ...]] = [
        ((x + rx, y + ky), (x + kx, y + ry), (x, y + ry)),
        ((x - kx, y + ry), (x - rx, y + ky), (x - rx, y)),
        ((x - rx, y - ky), (x - kx, y - ry), (x, y - ry)),
        ((x + kx, y - ry), (x + rx, y - ky), (x + rx, y)),
    ]
    return [Outline((x + rx, y), segments, is_closed=True)]


def read_path(text: str) -> list[Outline]:
    """The lines of a path's ``d``.

    :raises UnusableDrawingError: it can't be read, or has too many segments.
    """
    reader = _PathReader()
    for count, (command, values) in enumerate(_commands(text), 1):
        _check_count(count)
        reader.add(command, values)
    return [line for line in reader.lines if line.segments]


def _commands(text: str) -> Iterator[tuple[str, list[float]]]:
    """Each command of a path with its values, those that only repeat among them."""
    place, command = 0, ""
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place >= len(text):
            return
        if text[place].isalpha():
            command = text[place]
            place += 1
            if command.upper() not in _ARITY:
                raise _bad_path(text, place - 1)
            if command in "Zz":
                yield command, []
                continue
        elif not command or command in "Zz":
            raise _bad_path(text, place)
        values, place = _read_values(text, place, command.upper())
        yield command, values
        command = {"M": "L", "m": "l"}.get(command, command)


def _read_values(text: str, place: int, command: str) -> tuple[list[float], int]:
    values: list[float] = []
    while len(values) < _ARITY[command]:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if command == "A" and len(values) in (3, 4):  # flags need no space behind them
            if place >= len(text) or text[place] not in "01":
                raise _bad_path(text, place)
            values.append(float(text[place]))
            place += 1
            continue
        found = _NUMBER.match(text, place)
        if found is None:
            raise _bad_path(text, place)
        values.append(_bounded(float(found[0])))
        place = found.end()
    return values, place


def _bad_path(text: str, place: int) -> UnusableDrawingError:
    near = " ".join(text[place : place + 20].split())
    return UnusableDrawingError(message("has a path that can't be read at '{near}'", near=near))


class _PathReader:
    """Turns commands into lines; all in absolute coordinates, with cubic curves alone."""

    def __init__(self) -> None:
        self.lines: list[Outline] = []
        self._at: Point = (0.0, 0.0)
        self._handle: Point | None = None
        self._handle_of = ""

    def add(self, command: str, values: list[float]) -> None:
        kind, relative = command.upper(), command.islower()
        if not self.lines and kind != "M":
            raise UnusableDrawingError(Message("has a path that does not begin with a move"))
        x, y = self._at if relative else (0.0, 0.0)
        if kind == "Z":
            self.lines[-1].is_closed = True
            self._at = self.lines[-1].start
        elif kind == "M":
            self._at = (x + values[0], y + values[1])
            self.lines.append(Outline(self._at))
        elif kind == "H":
            self._line((x + values[0], self._at[1]))
        elif kind == "V":
            self._line((self._at[0], y + values[0]))
        elif kind == "L":
            self._line((x + values[0], y + values[1]))
        elif kind == "A":
            for segment in arc(self._at, values, (x + values[5], y + values[6])):
                self._append(segment)
        else:
            points = [(x + u, y + v) for u, v in zip(values[0::2], values[1::2], strict=True)]
            self._curve(kind, points)
            return
        self._handle_of = ""

    def _line(self, end: Point) -> None:
        self._append((end,))

    def _append(self, segment: tuple[Point, ...]) -> None:
        if self.lines[-1].is_closed:  # what follows a closed line begins where that one did
            self.lines.append(Outline(self._at))
        self.lines[-1].segments.append(segment)
        self._at = segment[-1]

    def _curve(self, kind: str, points: list[Point]) -> None:
        family = "C" if kind in "CS" else "Q"
        if kind in "ST":
            first = self._at
            if self._handle is not None and self._handle_of == family:
                first = (2 * self._at[0] - self._handle[0], 2 * self._at[1] - self._handle[1])
            points = [first, *points]
        start, end = self._at, points[-1]
        if family == "C":
            self._append((points[0], points[1], end))
            handle = points[1]
        else:
            handle = points[0]
            self._append((_between(start, handle), _between(end, handle), end))
        self._handle, self._handle_of = handle, family


def _between(end: Point, handle: Point) -> Point:
    """The handle of a cubic curve that is the quadratic one with this handle."""
    return (end[0] + 2 / 3 * (handle[0] - end[0]), end[1] + 2 / 3 * (handle[1] - end[1]))


def arc(start: Point, values: list[float], end: Point) -> list[tuple[Point, ...]]:
    """An elliptical arc as cubic curves, as SVG 1.1 says in its appendix F.6.

    :param values: radii, degrees, and the flags of the longer way and of the direction.
    """
    rx, ry, degrees, large, sweep = abs(values[0]), abs(values[1]), values[2], values[3], values[4]
    if start == end:
        return []
    if not rx or not ry:
        return [(end,)]
    turn = math.radians(degrees)
    cos, sin = math.cos(turn), math.sin(turn)
    dx, dy = (start[0] - end[0]) / 2, (start[1] - end[1]) / 2
    px, py = cos * dx + sin * dy, -sin * dx + cos * dy
    grow = math.sqrt(max(1.0, (px / rx) ** 2 + (py / ry) ** 2))
    rx, ry = rx * grow, ry * grow
    rest = max(0.0, (rx * ry) ** 2 - (rx * py) ** 2 - (ry * px) ** 2)
    root = math.sqrt(rest / ((rx * py) ** 2 + (ry * px) ** 2)) * (-1 if large == sweep else 1)
    qx, qy = root * rx * py / ry, -root * ry * px / rx
    first = math.atan2((py - qy) / ry, (px - qx) / rx)
    last = math.atan2((-py - qy) / ry, (-px - qx) / rx)
    span = last - first
    if sweep and span < 0:
        span += 2 * math.pi
    elif not sweep and span > 0:
        span -= 2 * math.pi
    center = (
        cos * qx - sin * qy + (start[0] + end[0]) / 2,
        sin * qx + cos * qy + (start[1] + end[1]) / 2,
    )
    matrix = np.array([[cos * rx, -sin * ry, center[0]], [sin * rx, cos * ry, center[1]], [0, 0, 1]])
    count = max(1, math.ceil(abs(span) / (math.pi / 2) - 1e-9))
    step = span / count
    reach = 4 / 3 * math.tan(step / 4)
    move = mover(matrix)
    segments: list[tuple[Point, ...]] = []
    for number in range(count):
        one, two = first + number * step, first + (number + 1) * step
        handles = (
            (math.cos(one) - reach * math.sin(one), math.sin(one) + reach * math.cos(one)),
            (math.cos(two) + reach * math.sin(two), math.sin(two) - reach * math.cos(two)),
        )
        stop = end if number == count - 1 else move((math.cos(two), math.sin(two)))
        segments.append((*map(move, handles), stop))
    return segments
