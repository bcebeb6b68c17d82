"""The points of the panel, as parameters and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...core.errors import InvalidRequestError
from ...core.references.points import POINT_LIMIT, Point, find_faults
from ...core.text.message import message

MISSING_TEXT = "missing_point_text"
UNWRITTEN = "-"
"""Stands for a text that is still to be written, where only the price is asked for."""


def read(values: Any) -> tuple[Point, ...]:
    """The points that are sent; none without a reference. Quick enough for drawing."""
    if not len(values.references):
        return ()
    return tuple((point.x, point.y, " ".join(point.text.split())) for point in values.points)


def parameters(values: Any) -> dict[str, Any]:
    """Points as parameters of `api.submit`."""
    points = read(values)
    return {"points": points} if points else {}


def priced(values: Any) -> dict[str, Any]:
    """As `parameters`, with a word where a text is still to be written."""
    points = tuple((x, y, text or UNWRITTEN) for x, y, text in read(values))
    return {"points": points} if points else {}


def find_problem(values: Any) -> InvalidRequestError | None:
    """Why the points can't be sent; None where they can. Quick enough for drawing."""
    points = read(values)
    for number, (_, _, text) in enumerate(points, 1):
        if not text:
            return InvalidRequestError(
                message("Write what should happen at point {number}.", number=number),
                code=MISSING_TEXT,
                param="points",
            )
    found = next((text for broken, _, text in find_faults(points, len(values.references)) if broken), None)
    return None if found is None else InvalidRequestError(found, param="points")


def add(values: Any, x: float, y: float, text: str = "") -> Any:
    """One more point.

    :raises InvalidRequestError: there are as many as there may be.
    """
    if len(values.points) >= POINT_LIMIT:
        raise InvalidRequestError(message("{limit} points are the limit.", limit=POINT_LIMIT), param="points")
    point = values.points.add()
    point.x, point.y, point.text = x, y, text
    return point


def recall(values: Any, points: Iterable[Point]) -> None:
    """Put the points of a job in place of the panel's."""
    values.points.clear()
    for x, y, text in list(points)[:POINT_LIMIT]:
        add(values, x, y, text)
