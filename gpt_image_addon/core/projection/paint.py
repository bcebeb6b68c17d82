"""What views show of a surface, gathered texel by texel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import parallel_map
from ..raster.sampling import premultiply, sample, scale_rows
from .depth import DepthMap
from .surface import NO_OWNER, Triangles
from .texels import BLOCK, TexelMap, extend_faces, list_texels, map_faces
from .view import View
from .visibility import STEEPEST, SeenView, find_visible

FULL_AT = 65.0  # degrees up to which a single view covers what was there
EXPONENT = 4.0  # of the cosine in the weight

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Weighting:
    """How much a view counts at a texel."""

    erosion: float = 2.0
    """Pixels beside a jump of depth that are not used."""
    feather: float = 8.0
    """Pixels more until a view counts fully."""
    exponent: float = EXPONENT
    """Of the cosine between normal and ray."""
    steepest: float = STEEPEST
    """Degrees between normal and ray from which on nothing is used."""


@dataclass(frozen=True)
class Gathered:
    """What the views show of one image."""

    texels: TexelMap
    colors: NDArray[np.uint8]
    """(height, width, 4), the fourth without meaning: four bytes are written at once."""
    weight: Floats
    """(height, width), the best of the views; 0 where none shows it."""
    views: NDArray[np.uint16]
    """(height, width), a bit for each view that shows it, the first one lowest."""
    owned: NDArray[np.uint8]
    """(height, width): 0 where no face lies, 1 where one does, 2 where several do."""
    allowed: NDArray[np.bool_]
    """(height, width), whether it may be painted."""


@dataclass(frozen=True)
class _Source:
    """A view, and what is known of it for the faces of one image."""

    seen: SeenView
    pixels: Floats
    """(height, width, 4) of its answer, see `premultiply`."""
    is_usable: NDArray[np.bool_]
    """(F,), whether a face may be painted and is turned to the view."""


def gather(
    triangles: Triangles, owner: int, size: tuple[int, int], seen: list[SeenView], weighting: Weighting
) -> Gathered:
    """What views show of the texels of one image; where faces overlap, the one that is seen best counts.

    :param owner: number of the image.
    :param size: its width and height.
    :param seen: at most 16.
    """
    texels = map_faces(triangles, owner, size)
    may = triangles.allowed[texels.faces]
    extended = extend_faces(texels.face)
    allowed = np.append(may, False)[extended]
    allowed.reshape(-1)[texels.rest[0][may[texels.rest[1]]]] = True
    count = size[0] * size[1]
    out = Gathered(
        texels,
        np.zeros((count, 4), np.uint8),
        np.zeros(count, np.float32),
        np.zeros(count, np.uint16),
        texels.count_owners(),
        allowed,
    )
    sources = [_prepare(one, texels.faces, may, weighting) for one in seen]

    def paint(block: tuple[Integers, NDArray[np.int32]]) -> None:
        pixel, face = block  # each texel is in one block alone
        points, triangle = texels.locate(pixel, face), texels.faces.take(face)
        _write(out, pixel, *_mix(sources, points, face, triangle, weighting))

    parallel_map(paint, list_texels(extended))
    for start in range(0, len(texels.rest[0]), BLOCK):
        more, names = (values[start : start + BLOCK] for values in texels.rest)
        points, triangle = texels.locate(more, names), texels.faces.take(names)
        _keep_best(out, more, *_mix(sources, points, names, triangle, weighting))
    shape = (size[1], size[0])
    return Gathered(
        texels,
        out.colors.reshape(*shape, 4),
        out.weight.reshape(shape),
        out.views.reshape(shape),
        out.owned,
        out.allowed,
    )


def show_painted(
    triangles: Triangles, view: View, depth: DepthMap, seen: Sequence[SeenView], weighting: Weighting
) -> tuple[NDArray[np.uint8], Floats]:
    """What views show, as another view sees it.

    :param depth: of that other view.
    :returns: (height, width, 3) colors, and (height, width) the best weight of the views; 0 where none shows
        what may be painted.
    """
    width, height = view.size
    colors = np.zeros((height * width, 4), np.uint8)
    weight = np.zeros(height * width, np.float32)
    faces = np.arange(len(triangles.owner))
    may = triangles.allowed & (triangles.owner != NO_OWNER)
    sources = [_prepare(one, faces, may, weighting) for one in seen]
    for start in range(0, height * width, BLOCK):
        triangle = depth.triangle.reshape(-1)[start : start + BLOCK]
        at = np.flatnonzero((triangle >= 0) & may.take(np.maximum(triangle, 0)))
        face, pixel = triangle.take(at), at + start
        points = view.locate(pixel, depth.nearness.reshape(-1).take(pixel))
        found, best, _ = _mix(sources, points, face, face.astype(np.int64), weighting)
        colors[pixel], weight[pixel] = found, best
    return colors.reshape(height, width, 4)[..., :3], weight.reshape(height, width)


def _prepare(one: SeenView, faces: Integers, may: NDArray[np.bool_], weighting: Weighting) -> _Source:
    """
    :param faces: (F,), triangles that are looked at.
    :param may: (F,), whether they may be painted.
    """
    least = np.cos(np.radians(weighting.steepest)) if one.view.is_orthographic else 0
    return _Source(one, premultiply(one.answer), may & (one.facing[faces] > least))


def _mix(
    sources: list[_Source], points: Floats, face: NDArray[Any], triangles: Integers, weighting: Weighting
) -> tuple[NDArray[np.uint8], Floats, NDArray[np.uint16]]:
    """Colors of points (N, 4), the best weight of a view (N,), and bits of the views that show them (N,).

    :param face: (N,), place of their triangles among those that the sources were prepared for.
    :param triangles: (N,), those triangles.
    """
    mixed = np.zeros((len(points), 4), np.float32)
    best = np.zeros(len(points), np.float32)
    views = np.zeros(len(points), np.uint16)
    for number, source in enumerate(sources):
        at = np.flatnonzero(source.is_usable.take(face))
        triangle = triangles.take(at)
        chosen, weight, colors = _look(source, points.take(at, axis=0), triangle, weighting)
        at = at.take(chosen)
        colors += mixed.take(at, axis=0)
        _as_items(mixed)[at] = _as_items(colors)
        best[at] = np.maximum(best.take(at), weight)
        views[at] |= np.where(weight > 0, np.uint16(1 << number), np.uint16(0))
    scale_rows(mixed, 1 / np.maximum(mixed[:, 3], np.float32(1e-12)))
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8), best, views


def _as_items(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of four values as one item each, which numpy writes at once; (N,)."""
    return rows.view(np.dtype((np.void, 4 * rows.itemsize)))[:, 0]


def _look(
    source: _Source, points: Floats, triangle: Integers, weighting: Weighting
) -> tuple[Integers, Floats, Floats]:
    """Which points a view shows (M,), how well (M,), and their colors times that, and that (M, 4)."""
    seen = source.seen
    found = find_visible(seen.view, seen.depth, seen.facing, points, triangle, weighting.steepest)
    ramp = (seen.edges.take(found.pixel) - np.float32(weighting.erosion)) * np.float32(
        1 / max(weighting.feather, 1e-6)
    )
    chosen = np.flatnonzero((ramp > 0) & (found.cosine > 0))
    weight = np.exp(np.float32(weighting.exponent) * np.log(found.cosine.take(chosen)))
    weight *= np.minimum(ramp.take(chosen), 1)
    places = seen.placement.find(found.x.take(chosen), found.y.take(chosen), seen.view.size)
    colors = sample(source.pixels, *places)
    scale_rows(colors, weight)
    return chosen, colors[:, 3].copy(), colors


def _keep_best(
    out: Gathered, pixel: Integers, colors: NDArray[np.uint8], weight: Floats, views: NDArray[np.uint16]
) -> None:
    """Write what is seen better than what is there; of several in one texel the best."""
    order = np.argsort(weight, kind="stable")  # the last one written stays
    wins = order[weight[order] > out.weight[pixel[order]]]
    _write(out, pixel[wins], colors[wins], weight[wins], views[wins])


def _write(
    out: Gathered, pixel: Integers, colors: NDArray[np.uint8], weight: Floats, views: NDArray[np.uint16]
) -> None:
    _as_items(out.colors)[pixel] = _as_items(colors)
    out.weight[pixel], out.views[pixel] = weight, views


def measure_opacity(weight: Floats, exponent: float = EXPONENT) -> Floats:
    """How much of what was there a single view covers."""
    return np.minimum(weight / np.float32(np.cos(np.radians(FULL_AT)) ** exponent), 1)
