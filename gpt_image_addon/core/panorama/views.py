"""How a pole of a panorama is seen: as a flat view, straight up or straight down. Loads nothing."""

from __future__ import annotations

import math

UP, DOWN = "up", "down"
POLES = (UP, DOWN)
FINE = 1.25  # pixels of a view's middle in one of the panorama
SMALLEST = 8  # pixels


def view_side(height: int) -> int:
    """Pixels a side of a pole's view, about as fine as a panorama of this height."""
    return max(SMALLEST, round(FINE * 2 * height / math.pi))
