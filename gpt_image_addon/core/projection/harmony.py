"""Colors of views made to agree where several show the same surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import parallel_map
from .viewpoints import SurfaceSamples
from .visibility import SeenView, find_visible

NODES = 3  # a side, between which a view's gain changes slowly
ROUNDS = 6
DARKEST = 4.0  # levels below which a sample says nothing about gains
STIFFNESS = 0.02  # share of a view's samples with which neighboring nodes hold together
CELLS = 32  # along the longest side of the surface
NEAR = 0.02  # how much a sample in the same cell counts against one that two views share
CLEAR = 0.4  # cosine from which on a view's color of a sample is trusted
EDGE = 6.0  # pixels from a jump of depth, for the same

Floats = NDArray[Any]


def measure_gains(seen: Sequence[SeenView], samples: SurfaceSamples) -> Floats:
    """By what each view is brighter than the views together.

    Least squares on the logarithm of the ratios of shared samples, robust by Huber's weights (1964): those
    that do not agree because of a shift count less. The mean over all views stays.

    :returns: (views, 3, 3, 3) factors: rows and columns of nodes from the upper left, and channels.
    """
    views = len(seen)
    grids = [_find_cells(samples.points, offset) for offset in (0.0, 0.5)]
    logs, bases, weights = zip(*(_add_cells(grids, *_look_at(one, samples)) for one in seen), strict=True)
    pairs = []
    for first in range(views):
        for second in range(first + 1, views):
            both = np.minimum(weights[first], weights[second])
            at = np.flatnonzero(both > 0)
            if len(at):
                ratio = logs[first][at] - logs[second][at]
                pairs.append(_Pair(first, second, both[at], bases[first][at], bases[second][at], ratio))
    solution = np.stack(parallel_map(lambda channel: _even(pairs, views, channel), range(3)))
    gains: Floats = np.exp(solution - solution.mean(axis=1, keepdims=True))
    return np.moveaxis(gains.reshape(3, views, NODES, NODES), 0, -1)


@dataclass(frozen=True)
class _Pair:
    """Samples that two views show."""

    first: int
    second: int
    weight: Floats
    """(N,)"""
    left: Floats
    """(N, nodes), what each node of the first view has in its gain there."""
    right: Floats
    """(N, nodes), of the second one."""
    ratio: Floats
    """(N, 3), logarithm of the first color by the second."""


def _even(pairs: Sequence[_Pair], views: int, channel: int) -> Floats:
    """Logarithms of the gains of a channel; (views * nodes,)."""
    per_view = NODES * NODES
    solution = np.zeros(views * per_view)
    for _ in range(ROUNDS):
        normal, wanted = np.zeros((views * per_view, views * per_view)), np.zeros(views * per_view)
        for pair in pairs:
            here, there = (slice(v * per_view, (v + 1) * per_view) for v in (pair.first, pair.second))
            ratio = pair.ratio[:, channel]
            away = np.abs(ratio - pair.left @ solution[here] + pair.right @ solution[there])
            scale = 1.345 * 1.4826 * float(np.median(away)) + 1e-4
            trust = pair.weight * np.minimum(1, scale / np.maximum(away, 1e-12))
            a, b = pair.left * trust[:, None], pair.right * trust[:, None]
            normal[here, here] += a.T @ pair.left
            normal[there, there] += b.T @ pair.right
            normal[here, there] -= a.T @ pair.right
            normal[there, here] -= b.T @ pair.left
            wanted[here] += a.T @ ratio
            wanted[there] -= b.T @ ratio
        solution = _solve(normal, wanted, views)
    return solution


def remove_gain(answer: NDArray[Any], gains: Floats) -> NDArray[np.float32]:
    """An answer without its gain.

    :param answer: (height, width, 3 or 4) in 0..255; alpha stays.
    :param gains: (3, 3, 3), see `measure_gains`.
    """
    height, width = answer.shape[:2]
    down, across = (_spread((np.arange(n) + 0.5) / n).astype(np.float32) for n in (height, width))
    out = answer.astype(np.float32)
    for channel in range(3):
        out[..., channel] *= down @ (1 / gains[..., channel]).astype(np.float32) @ across.T
    return out


def _find_cells(points: Floats, offset: float) -> NDArray[np.int64]:
    """For each point the number of the cell of space that it lies in; (N,).

    :param offset: of the grid, in cells.
    """
    if not len(points):
        return np.zeros(0, np.int64)
    low = points.min(axis=0)
    side = max(float((points.max(axis=0) - low).max()) / CELLS, 1e-9)
    places = np.floor((points - low) / side + offset).astype(np.int64)
    _, cells = np.unique(places, axis=0, return_inverse=True)
    return np.asarray(cells, np.int64).ravel()


def _add_cells(
    grids: Sequence[NDArray[np.int64]], logs: Floats, bases: Floats, weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """What a view shows of samples, and behind it the means of cells: they link views that share no sample.

    Sides that meet at an edge show nothing of each other, but much the same color beside it.
    """
    rows = [(logs, bases, weights)]
    for cells in grids:
        mass = np.bincount(cells, weights)
        share = np.maximum(mass, 1e-12)[:, None]
        means = [
            np.stack([np.bincount(cells, weights * column) for column in values.T], axis=-1) / share
            for values in (logs, bases)
        ]
        rows.append((means[0], means[1], NEAR * mass))
    logs, bases, weights = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return logs, bases, weights


def _look_at(one: SeenView, samples: SurfaceSamples) -> tuple[Floats, Floats, Floats]:
    """Logarithms of colors (N, 3), shares of the nodes (N, 9), and weights (N,)."""
    found = find_visible(one.view, one.depth, one.facing, samples.points, samples.triangle)
    width, height = one.view.size
    x, y = one.placement.find(found.x, found.y, one.view.size)
    column, row = (np.clip(at, 0, n - 1).astype(np.int64) for at, n in ((x, width), (y, height)))
    colors = one.answer[..., :3].reshape(-1, 3).take(row * width + column, axis=0).astype(np.float32)
    clear = (found.cosine > CLEAR) & (one.edges.take(found.pixel) > EDGE) & (colors.min(axis=1) > DARKEST)
    clear &= colors.max(axis=1) < 254
    shares = np.einsum("ni,nj->nij", _spread(found.y / height), _spread(found.x / width))
    return (
        np.log(np.maximum(colors, 1)).astype(np.float64),
        shares.reshape(len(colors), -1),
        np.where(clear, found.cosine, 0),
    )


def _spread(place: Floats) -> Floats:
    """Shares of nodes at 0, 1/2 and 1 along one side; (N, 3)."""
    return np.maximum(1 - np.abs(place[:, None] * (NODES - 1) - np.arange(NODES)), 0)


def _solve(normal: Floats, wanted: Floats, views: int) -> Floats:
    """Gains whose neighbors differ little, and whose mean is kept."""
    per_view = NODES * NODES
    rows, columns = np.divmod(np.arange(per_view), NODES)
    near = np.abs(rows[:, None] - rows) + np.abs(columns[:, None] - columns) == 1
    bend = np.diag(near.sum(axis=1)) - near.astype(float)
    mass = float(np.trace(normal)) / views
    held = normal + np.kron(np.eye(views), bend) * max(STIFFNESS * mass, 1e-9)
    return np.asarray(np.linalg.solve(held + np.eye(len(held)) * max(1e-6 * mass, 1e-9), wanted))
