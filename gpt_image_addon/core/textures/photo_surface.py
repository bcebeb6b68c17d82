"""From a surface that is marked in a photo to the pixels of its material: rectified, and made a tile."""

from __future__ import annotations

from dataclasses import dataclass

from ..editing.homography import SOFT, Point, Surface, rectify
from ..errors import InvalidRequestError
from ..imaging.decoding import Pixels
from ..request.normalize import check_tile_size
from ..request.sizes import OVERLAP_ASKED, format_size
from ..text.message import message
from .tiling import Tile
from .writer import SAME_ASPECT, tile_of

LARGEST_UNASKED = 4096  # pixels an edge, where no size is named


@dataclass(frozen=True)
class PhotoSurface:
    """What a material is made of."""

    pixels: Pixels
    """(height, width, 1 to 4) uint8 or uint16, as of the photo."""
    tile: Tile | None
    """None where the whole marked area is shown."""
    share: float
    """Of the marked area's width that it shows."""
    notes: tuple[str, ...]
    """Sentences for people."""


def cut_surface(
    pixels: Pixels, surface: Surface, size: tuple[int, int] | None, *, seamless: bool
) -> PhotoSurface:
    """The marked surface seen straight on, as a tile or as a whole.

    :param pixels: of the upright photo.
    :param size: width and height of the result. Without it a tile is a square, the whole is as the marked
        area, and neither has more pixels than the photo shows, or an edge over `LARGEST_UNASKED`.
    :raises InvalidRequestError: the size can't be made.
    """
    natural = surface.natural_size
    if size is not None:
        check_tile_size(size)
    if seamless:
        size = size or _square(natural)
        needed = [asked / (1 - OVERLAP_ASKED) / there for asked, there in zip(size, natural, strict=True)]
        rectified = _scaled(natural, min(1.0, max(needed)))
        tile = tile_of(rectify(pixels, surface.corners, rectified), size)
        notes = (*_soft(surface, rectified), *tile.notes)
        return PhotoSurface(tile.pixels, tile, tile.shares[0], notes)
    if size is None:
        size = _scaled(natural, min(1.0, LARGEST_UNASKED / max(natural)))
    elif abs(size[0] / size[1] / surface.aspect - 1) > SAME_ASPECT:
        raise InvalidRequestError(
            message(
                "{size} would stretch the marked area, which is {aspect} times as wide as high.",
                size=format_size(*size),
                aspect=f"{surface.aspect:.3g}",
            ),
            code="invalid_value",
            param="size",
        )
    whole = rectify(pixels, surface.corners, size)
    return PhotoSurface(whole, None, 1.0, _soft(surface, size))


def metres_wide(surface: Surface, length: float, between: tuple[Point, Point] | None) -> float:
    """What the marked area's width is in metres.

    :param length: metres between two points of the photo that lie on the surface; of its width without them.
    :raises InvalidRequestError: the points are the same.
    """
    if between is None:
        return length
    share = surface.distance(*between)
    if not share > 1e-3:
        raise InvalidRequestError(
            "The two points of the known length are too close to each other.",
            code="invalid_value",
            param="between",
            next_step="Mark two points that are farther apart.",
        )
    return length / share


def _square(natural: tuple[int, int]) -> tuple[int, int]:
    edge = min(LARGEST_UNASKED, int(min(natural) * (1 - OVERLAP_ASKED)))
    return edge, edge


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _soft(surface: Surface, size: tuple[int, int]) -> tuple[str, ...]:
    times = surface.enlargement(size)
    if times < SOFT:
        return ()
    told = message(
        "The surface is seen steeply: its far side is enlarged {times} times and looks soft.",
        times=f"{times:.1f}",
    )
    return (told,)
