"""How large a tile may be, and how large a picture it is cut from. Known before there are any pixels."""

from __future__ import annotations

SMALLEST = 8  # pixels a side: below that there is nothing to cut
OVERLAP_ASKED = 0.2375  # share that source_size() allows for: 1344 pixels for a tile of 1024


def source_size(width: int, height: int) -> tuple[int, int]:
    """The (width, height) to ask for, in multiples of 16, so that a tile of `width` x `height` can be cut."""
    asked_width, asked_height = (-(-side / (1 - OVERLAP_ASKED) // 16) * 16 for side in (width, height))
    return int(asked_width), int(asked_height)
