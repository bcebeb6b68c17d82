"""Which face each texel of an image lies on, and where in the world that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.sampling import scale_rows
from .scan import list_fragments
from .surface import Triangles, locate_corners, map_texels

BLOCK = 1 << 16  # texels at once: a few arrays of them stay in the processor's cache
MARGIN = 2  # texels around faces that their triangles are extended into
NONE = -1

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TexelMap:
    """The texels of one image."""

    size: tuple[int, int]
    """Width and height."""
    faces: Integers
    """(F,), the triangles whose texels these are."""
    face: NDArray[np.int32]
    """(height, width), place in `faces` of the face that a texel lies on; `NONE` where none."""
    rest: tuple[Integers, Integers]
    """Further faces on texels that have one: the pixel y width + x, and place in `faces`."""
    places: tuple[Floats, Floats, Floats]
    """(F, 4) each: by what x, y, z of the world change one texel to the right and one down, and what they are
    at texel 0, 0; with 0, 0 and 1 in fourth place."""

    def count_owners(self) -> NDArray[np.uint8]:
        """(height, width): 0 where no face lies, 1 where one does, 2 where several do."""
        owned: NDArray[np.uint8] = (self.face != NONE).astype(np.uint8)
        owned.reshape(-1)[self.rest[0]] = 2
        return owned

    def locate(self, pixel: NDArray[Any], face: NDArray[Any]) -> Floats:
        """Texels of faces in the world.

        :param pixel: (N,), y width + x.
        :param face: (N,), place in `faces`.
        :returns: (N, 4), x, y, z and 1.
        """
        right, down, base = self.places
        row = pixel // self.size[0]
        column = pixel - row * self.size[0]
        out: Floats = base.take(face, axis=0)
        for slopes, place in ((right, column), (down, row)):
            moved = slopes.take(face, axis=0)
            scale_rows(moved, place.astype(np.float32) + np.float32(0.5))
            out += moved
        return out


def map_faces(triangles: Triangles, owner: int, size: tuple[int, int]) -> TexelMap:
    """The texels of an image.

    :param owner: its number.
    :param size: its width and height.
    """
    mine = np.flatnonzero(triangles.owner == owner)
    texels = locate_corners(triangles.uvs[mine], size)
    slopes, origins = map_texels(triangles.corners[mine], texels)
    usable = np.isfinite(origins).all(axis=1)
    mine, texels, slopes, origins = mine[usable], texels[usable], slopes[usable], origins[usable]
    order = np.argsort(~triangles.allowed[mine], kind="stable")  # what may be painted comes first
    mine, texels, slopes, origins = mine[order], texels[order], slopes[order], origins[order]
    face = np.full(size[0] * size[1], NONE, np.int32)
    rest: list[tuple[Integers, Integers]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for pixel, number in list_fragments(texels, size):
        free = np.flatnonzero(face.take(pixel) == NONE)
        face[pixel.take(free)] = number.take(free)
        left = np.flatnonzero(face.take(pixel) != number)
        if len(left):
            rest.append((pixel.take(left), number.take(left)))
    return TexelMap(
        size,
        mine,
        face.reshape(size[1], size[0]),
        (np.concatenate([pixel for pixel, _ in rest]), np.concatenate([number for _, number in rest])),
        tuple(
            np.pad(values, ((0, 0), (0, 1)), constant_values=last).astype(np.float32)
            for values, last in ((slopes[..., 0], 0), (slopes[..., 1], 0), (origins, 1))
        ),  # type: ignore[arg-type]
    )


def extend_faces(face: NDArray[np.int32]) -> NDArray[np.int32]:
    """Faces continued into texels beside them, where none lies."""
    if (face != NONE).all():
        return face
    known = face
    for _ in range(MARGIN):
        grown = known.copy()
        for to, source in (
            (grown[1:], known[:-1]),
            (grown[:-1], known[1:]),
            (grown[:, 1:], known[:, :-1]),
            (grown[:, :-1], known[:, 1:]),
        ):
            np.copyto(to, source, where=(to == NONE))
        known = grown
    return known


def list_texels(face: NDArray[np.int32]) -> Iterator[tuple[Integers, NDArray[np.int32]]]:
    """In blocks of whole rows, the pixels y width + x that have a face, and which."""
    height, width = face.shape
    rows = max(1, BLOCK // width)
    flat = face.reshape(-1)
    for start in range(0, height * width, rows * width):
        part = flat[start : start + rows * width]
        at = np.flatnonzero(part != NONE)
        if len(at):
            yield at + start, part.take(at)
