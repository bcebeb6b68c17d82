"""Colors for texels that no view shows, from those near them in the world and not in the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS = 96  # along the longest side of the surface

Floats = NDArray[np.float32]


def fill_gaps(points: NDArray[Any], colors: NDArray[Any], missing: NDArray[Any]) -> Floats:
    """Colors at places, spread from known ones through a grid by a push-pull pyramid (Gortler et al., 1996).

    :param points: (N, 3) in the world, where colors are known.
    :param colors: (N, 3) in 0..255.
    :param missing: (M, 3) in the world.
    :returns: (M, 3) float32 in 0..255; zero where nothing at all is known.
    """
    if not len(points) or not len(missing):
        return np.zeros((len(missing), 3), np.float32)
    low = np.minimum(points.min(axis=0), missing.min(axis=0))
    span = np.maximum(points.max(axis=0), missing.max(axis=0)) - low
    cell = max(float(span.max()) / (CELLS - 2), 1e-9)
    shape = np.ceil(span / cell).astype(np.int64) + 2
    known = np.ravel_multi_index(tuple(np.round((points - low) / cell).astype(np.int64).T), tuple(shape))
    planes = [
        np.bincount(known, weights=values, minlength=int(np.prod(shape)))
        for values in (*colors.astype(np.float64).T, np.ones(len(known)))
    ]
    mass = planes[3]
    values = np.stack(planes[:3], axis=-1) / np.maximum(mass, 1)[:, None]
    filled = _push_pull(
        values.reshape(*shape, 3).astype(np.float32), (mass > 0).reshape(*shape, 1).astype(np.float32)
    )
    return _interpolate(filled, (missing - low) / cell)


def _push_pull(values: Floats, weight: Floats) -> Floats:
    if weight.size == 1:
        return values * weight
    padding = [(0, n % 2) for n in weight.shape[:3]] + [(0, 0)]
    total, mass = (_halve(np.pad(layer, padding)) for layer in (values * weight, weight))
    coarse = _push_pull(total / np.maximum(mass, 1e-6), np.minimum(mass, 1))
    smooth = coarse
    for axis, length in enumerate(weight.shape[:3]):
        smooth = _double(smooth, axis).take(range(length), axis)
    return np.asarray(values * weight + smooth * (1 - weight), np.float32)


def _halve(layer: Floats) -> Floats:
    """Sums of 2x2x2 blocks."""
    x, y, z = (n // 2 for n in layer.shape[:3])
    return np.asarray(layer.reshape(x, 2, y, 2, z, 2, -1).sum(axis=(1, 3, 5)), np.float32)


def _double(layer: Floats, axis: int) -> Floats:
    """Twice as long by linear interpolation between the middles of cells; the ends are repeated."""
    last = layer.shape[axis] - 1
    index = np.arange(last + 1)
    before, after = (layer.take(np.clip(index + step, 0, last), axis) for step in (-1, 1))
    pair = np.stack((0.75 * layer + 0.25 * before, 0.75 * layer + 0.25 * after), axis + 1)
    shape = list(layer.shape)
    shape[axis] *= 2
    return np.asarray(pair.reshape(shape), np.float32)


def _interpolate(grid: Floats, places: NDArray[Any]) -> Floats:
    base = np.clip(np.floor(places), 0, np.array(grid.shape[:3]) - 2).astype(np.int64)
    share = (places - base).astype(np.float32)
    out = np.zeros((len(places), 3), np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(np.array(corner), share, 1 - share).prod(axis=1)
        out += weight[:, None] * grid[tuple((base + corner).T)]
    return out
