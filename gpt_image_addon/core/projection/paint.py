"""What views show of a surface, gathered texel by texel and blended over what was there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .depth import DepthMap, draw_depth, measure_edges
from .scan import list_fragments
from .surface import Triangles, locate_corners, map_texels
from .view import View

BLOCK = 1 << 17  # texels at once
SLACK = 5e-4  # share of the nearness, or of the frame where rays are parallel, that a texel may lie behind
LEAST_SLACK = 1e-6  # of clip space, well above what float32 rounds off
STEEPEST = 75.0  # degrees between ray and normal
FULL_AT = 65.0  # degrees up to which a single view covers what was there
EXPONENT = 4  # of the cosine in the weight
MARGIN = 2  # texels around faces that their triangles are extended into


@dataclass(frozen=True)
class SeenView:
    """A view with its answer, ready to be gathered from."""

    view: View
    depth: DepthMap
    edges: NDArray[np.float32]
    """(height, width), see `depth.edge_distance`."""
    answer: NDArray[np.float32]
    """(height, width, 3), of the view's size."""


def see(view: View, triangles: Triangles, answer: NDArray[Any] | None = None) -> SeenView:
    """A view of all triangles.

    :param answer: (height, width, 3 or 4) of its size.
    """
    depth = draw_depth(triangles.corners, view)
    edges = measure_edges(depth, is_orthographic=view.is_orthographic)
    pixels = (
        np.zeros((*view.size[::-1], 3), np.float32) if answer is None else answer[..., :3].astype(np.float32)
    )
    return SeenView(view, depth, edges, pixels)


@dataclass(frozen=True)
class Gathered:
    """What the views show of one image."""

    colors: NDArray[np.float32]
    """(height, width, 3) in 0..255."""
    weight: NDArray[np.float32]
    """(height, width), the best of the views; 0 where none shows it."""
    views: NDArray[np.float32]
    """(views, height, width) of each."""
    owned: NDArray[np.int32]
    """(height, width), how many faces lie on a texel."""
    allowed: NDArray[np.bool_]
    """(height, width), whether it may be painted."""


def gather(
    triangles: Triangles,
    owner: int,
    size: tuple[int, int],
    seen: list[SeenView],
    *,
    erosion: float,
    feather: float,
) -> Gathered:
    """What views show of the texels of one image; where faces overlap, the one that is seen best counts.

    :param owner: number of the image.
    :param size: its width and height.
    :param erosion: pixels beside a jump of depth that are not used.
    :param feather: pixels more until a view counts fully.
    """
    width, height = size
    mine = np.flatnonzero(triangles.owner == owner)
    texels = locate_corners(triangles.uvs[mine], size)
    slopes, origins = map_texels(triangles.corners[mine], texels)
    normals = triangles.normals[mine]
    out = Gathered(
        np.zeros((height * width, 3), np.float32),
        np.zeros(height * width, np.float32),
        np.zeros((len(seen), height * width), np.float32),
        np.zeros(height * width, np.int32),
        np.zeros(height * width, bool),
    )
    ids = np.full(height * width, -1, np.int64)
    for pixel, local in list_fragments(texels, size):
        out.owned[:] += np.bincount(pixel, minlength=width * height).astype(np.int32)
        usable = np.isfinite(origins[local]).all(axis=1)
        pixel, local = pixel[usable], local[usable]
        ids[pixel] = local
        _gather_block(
            out, pixel, local, (slopes, origins, normals), mine, triangles, width, seen, erosion, feather
        )
    for pixel, local in _list_margin(ids.reshape(height, width)):
        _gather_block(
            out, pixel, local, (slopes, origins, normals), mine, triangles, width, seen, erosion, feather
        )
    shape = (height, width)
    return Gathered(
        out.colors.reshape(*shape, 3),
        out.weight.reshape(shape),
        out.views.reshape(len(seen), *shape),
        out.owned.reshape(shape),
        out.allowed.reshape(shape),
    )


def locate_texels(
    triangles: Triangles, owner: int, size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Texels of an image that may be painted, each once, and where in the world they are.

    :returns: the pixel y width + x, (N,), and (N, 3).
    """
    mine = np.flatnonzero((triangles.owner == owner) & triangles.allowed)
    texels = locate_corners(triangles.uvs[mine], size)
    slopes, origins = map_texels(triangles.corners[mine], texels)
    ids = np.full(size[0] * size[1], -1, np.int64)
    for pixel, local in list_fragments(texels, size):
        usable = np.isfinite(origins[local]).all(axis=1)
        ids[pixel[usable]] = local[usable]
    found = np.flatnonzero(ids >= 0)
    points = np.empty((len(found), 3), np.float32)
    for start in range(0, len(found), BLOCK):
        block = slice(start, start + BLOCK)
        at, of = found[block], ids[found[block]]
        place = np.stack((at % size[0] + 0.5, at // size[0] + 0.5), axis=-1)
        points[block] = origins[of] + np.einsum("nkj,nj->nk", slopes[of], place)
    return found, points


def _list_margin(ids: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Texels beside faces, with the triangle beside them."""
    found = []
    known = ids.copy()
    for _ in range(MARGIN):
        grown = known.copy()
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            moved = np.roll(known, step, axis)
            edge = [slice(None), slice(None)]
            edge[axis] = slice(0, 1) if step > 0 else slice(-1, None)
            moved[tuple(edge)] = -1
            grown = np.where((grown < 0) & (moved >= 0), moved, grown)
        new = np.flatnonzero((known < 0) & (grown >= 0))
        found.append((new, grown.ravel()[new]))
        known = grown
    return found


def _gather_block(
    out: Gathered,
    pixel: NDArray[np.int64],
    local: NDArray[np.int64],
    tables: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    mine: NDArray[np.int64],
    triangles: Triangles,
    width: int,
    seen: list[SeenView],
    erosion: float,
    feather: float,
) -> None:
    slopes, origins, normals = tables
    for start in range(0, len(pixel), BLOCK):
        at, of = pixel[start : start + BLOCK], local[start : start + BLOCK]
        place = np.stack((at % width + 0.5, at // width + 0.5), axis=-1)
        points = origins[of] + np.einsum("nkj,nj->nk", slopes[of], place)
        weights, colors = [], []
        for one in seen:
            weight, color = look(one, points, normals[of], mine[of], erosion, feather)
            weights.append(weight)
            colors.append(color)
        share = np.stack(weights)
        total = share.sum(axis=0)
        mixed = np.einsum("vn,vnc->nc", share, np.stack(colors)) / np.maximum(total, 1e-12)[:, None]
        best = share.max(axis=0)
        allowed = triangles.allowed[mine[of]]
        _keep_best(out, at, best, mixed, share, allowed)


def _keep_best(
    out: Gathered,
    pixel: NDArray[np.int64],
    weight: NDArray[Any],
    colors: NDArray[Any],
    views: NDArray[Any],
    allowed: NDArray[np.bool_],
) -> None:
    """Write what is seen better than what is there; of several in one texel the best."""
    out.allowed[pixel[allowed]] = True
    order = np.argsort(weight, kind="stable")  # the last one written stays
    pixel, weight = pixel[order], weight[order]
    wins = (weight > out.weight[pixel]) & allowed[order]
    pixel, order = pixel[wins], order[wins]
    out.weight[pixel] = weight[wins]
    out.colors[pixel] = colors[order]
    out.views[:, pixel] = views[:, order]


def look(
    one: SeenView,
    points: NDArray[Any],
    normals: NDArray[Any],
    triangle: NDArray[np.int64],
    erosion: float,
    feather: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How well a view shows points, (N,), and their colors, (N, 3)."""
    found = find_visible(one.view, one.depth, points, normals, triangle)
    row, column = found.y.astype(np.int64), found.x.astype(np.int64)
    ramp = np.clip((one.edges[row, column] - erosion) / max(feather, 1e-6), 0, 1)
    weight = (found.cosine**EXPONENT * ramp).astype(np.float32)
    return weight, sample(one.answer, found.x, found.y)


@dataclass(frozen=True)
class VisiblePoints:
    """Where a view shows points of triangles."""

    cosine: NDArray[Any]
    """(N,), between the normal and the ray; 0 where the view does not show the point."""
    x: NDArray[Any]
    """(N,), pixels from the left; 0 outside the image."""
    y: NDArray[Any]
    """(N,), pixels from the top; 0 outside the image."""


def find_visible(
    view: View,
    depth: DepthMap,
    points: NDArray[Any],
    normals: NDArray[Any],
    triangle: NDArray[np.int64],
) -> VisiblePoints:
    """Which points of triangles a view shows, and where.

    :param points: (N, 3) in the world.
    :param normals: (N, 3).
    :param triangle: (N,), on which they lie.
    """
    width, height = view.size
    place = view.homogeneous(points)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = place[:, 0] / place[:, 2], place[:, 1] / place[:, 2]
    inside = (place[:, 2] > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    column, row = x.astype(np.int64), y.astype(np.int64)
    nearest = depth.nearness[row, column].astype(np.float64)
    a, b, c = depth.planes[triangle].T
    own = a * (column + 0.5) + b * (row + 0.5) + c
    slack = _measure_slack(view, nearest)
    cosine = np.einsum("ni,ni->n", normals, view.toward_eye(points))
    visible = inside & (own >= nearest - slack) & (cosine > np.cos(np.radians(STEEPEST)))
    return VisiblePoints(np.where(visible, np.minimum(cosine, 1), 0), x, y)


def _measure_slack(view: View, nearest: NDArray[Any]) -> NDArray[Any] | float:
    """How much less near than its pixel a point may be, and still be seen."""
    if not view.is_orthographic:
        return SLACK * np.where(np.isfinite(nearest), np.abs(nearest), 0)
    # The depth of clip space spans the camera's clip range, which says nothing about the scene: measure
    # against the frame, in world units.
    frame = 2 / min(abs(view.projection[0, 0]), abs(view.projection[1, 1]))
    return float(max(SLACK * frame * abs(view.projection[2, 2]), LEAST_SLACK))


def sample(pixels: NDArray[np.float32], x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float32]:
    """Values between pixels, whose centers are at + 0.5; the border is continued."""
    height, width = pixels.shape[:2]
    x, y = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    dx, dy = (x - left).astype(np.float32)[:, None], (y - top).astype(np.float32)[:, None]
    upper = pixels[top, left] * (1 - dx) + pixels[top, right] * dx
    lower = pixels[below, left] * (1 - dx) + pixels[below, right] * dx
    return np.asarray(upper * (1 - dy) + lower * dy, np.float32)


def measure_opacity(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of what was there a single view covers."""
    return np.minimum(weight / np.float32(np.cos(np.radians(FULL_AT)) ** EXPONENT), 1)
