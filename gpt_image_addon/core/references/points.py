"""Points: numbered places in the first reference, each with a sentence about what should happen there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from ..errors import InvalidRequestError
from ..text.message import message

Point = tuple[float, float, str]
"""x and y from 0 to 1, from the lower left corner of the image, and a sentence."""

POINT_LIMIT = 20
SENTENCE_LIMIT = 300  # characters
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WRITTEN = re.compile(r"\s*([^,:]+),([^,:]+):(.*)", re.DOTALL)


def parse_point(text: str) -> Point:
    """A point as it is written in flags and manifests: ``0.3,0.6: make this handle brass``.

    :raises InvalidRequestError: it is written otherwise.
    """
    found = _WRITTEN.fullmatch(text)
    try:
        x, y = (float(found[1]), float(found[2])) if found else (math.nan, math.nan)
        if found is None or not math.isfinite(x + y):
            raise ValueError
        return x, y, found[3].strip()
    except ValueError:
        raise InvalidRequestError(
            message("The point '{text}' can't be read.", text=_CONTROLS.sub(" ", text[:40])),
            code="invalid_value",
            param="points",
            next_step="Write it as X,Y:TEXT, such as 0.3,0.6:make this handle brass.",
        ) from None


def write_point(point: Point) -> str:
    """The reverse of `parse_point`."""
    x, y, sentence = point
    return f"{x!r},{y!r}: {sentence}"


def find_faults(points: Sequence[Point], references: int) -> Iterator[tuple[bool, str, str]]:
    """What speaks against points: broken or not, the parameter, a sentence.

    :param references: how many references there are.
    """
    yield bool(points) and not references, "points", "Points need a reference: the image that they are on."
    yield (
        len(points) > POINT_LIMIT,
        "points",
        message("{count} points are too many; {limit} is the limit.", count=len(points), limit=POINT_LIMIT),
    )
    for number, (x, y, sentence) in enumerate(points, 1):
        yield (
            not all(math.isfinite(value) and 0 <= value <= 1 for value in (x, y)),
            "points",
            message("Point {number} is outside the image; x and y go from 0 to 1.", number=number),
        )
        yield (
            not sentence.strip(),
            "points",
            message("Point {number} has no text; write what should happen there.", number=number),
        )
        yield (
            len(sentence) > SENTENCE_LIMIT,
            "points",
            message(
                "The text of point {number} has {count} characters; {limit} is the limit.",
                number=number,
                count=len(sentence),
                limit=SENTENCE_LIMIT,
            ),
        )
        yield (
            _CONTROLS.search(sentence) is not None,
            "points",
            message("The text of point {number} holds a line break or control character.", number=number),
        )


def describe_points(points: Sequence[Point], copy: int = 0) -> list[str]:
    """The lines of the prompt about points; none where there are none.

    :param copy: number of the image that is a marked copy of the first one; 0 where a markup has the marks.
    """
    if not points:
        return []
    copied = f"Image {copy} is a copy of image 1 with numbered circles. " if copy else ""
    return [
        f"{copied}The numbered circles mark places in image 1; do not draw them:",
        *(f"{number}: {' '.join(sentence.split())}" for number, (_, _, sentence) in enumerate(points, 1)),
    ]
