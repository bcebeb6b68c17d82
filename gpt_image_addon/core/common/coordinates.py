"""Places and directions as they are written in flags and manifests."""

from __future__ import annotations

import math

from ..errors import InvalidRequestError
from ..text.message import message

Coordinates = tuple[float, float, float]
"""x, y and z of the world."""

SHOWN = 40  # characters of what can't be read that an error repeats


def parse_coordinates(text: str) -> Coordinates:
    """Three numbers, separated by commas.

    :raises InvalidRequestError: they are something else.
    """
    try:
        x, y, z = (float(part) for part in text.split(","))
        if not math.isfinite(x + y + z):
            raise ValueError
    except ValueError:
        raise InvalidRequestError(
            message("'{text}' is not three numbers.", text=ascii(text[:SHOWN])[1:-1]),
            code="invalid_value",
            next_step="Write them as X,Y,Z, such as 0.5,-1,2.",
        ) from None
    return x, y, z
