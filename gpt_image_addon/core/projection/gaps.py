"""Colors for texels that no view shows, from those near them in the world and not in the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS = 96  # along the longest side of the surface

Floats = NDArray[np.float32]


class GapGrid:
    """Known colors, spread through a grid by a push-pull pyramid (Gortler et al., 1996)."""

    def __init__(self, corners: NDArray[Any]) -> None:
        """:param corners: (N, 3), points in the world around all others; at least one."""
        self._low = corners.min(axis=0)
        span = corners.max(axis=0) - self._low
        self._cell = max(float(span.max()) / (CELLS - 2), 1e-9)
        self._shape = tuple(int(n) for n in np.ceil(span / self._cell) + 2)
        self._sums = np.zeros((4, *self._shape))
        self._filled: Floats = np.zeros((*self._shape, 3), np.float32)

    def add(self, points: NDArray[Any], colors: NDArray[Any]) -> None:
        """Take points whose colors are known.

        :param points: (N, 3) in the world.
        :param colors: (N, 3) in 0..255.
        """
        cells = np.rint((points - self._low) / self._cell).astype(np.int64)
        at = np.ravel_multi_index(tuple(cells.T), self._shape, mode="clip")
        least, most = (int(at.min()), int(at.max())) if len(at) else (0, 0)
        for plane, values in zip(self._sums, (*colors.T, None), strict=True):
            plane.reshape(-1)[least : most + 1] += np.bincount(at - least, values, most - least + 1)

    def spread(self) -> None:
        """Fill cells that hold no point."""
        mass = self._sums[3, ..., None]
        values = np.empty((*self._shape, 3), np.float32)
        values[:] = np.moveaxis(self._sums[:3], 0, -1) / np.maximum(mass, 1)
        self._filled = _push_pull(values, (mass > 0).astype(np.float32))

    def read(self, points: NDArray[Any]) -> Floats:
        """Colors at points; zero where nothing at all is known.

        :param points: (N, 3) in the world.
        :returns: (N, 3) in 0..255.
        """
        return _interpolate(self._filled, (points - self._low) / self._cell)


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
    shape = np.array(grid.shape[:3])
    base = np.clip(np.floor(places), 0, shape - 2).astype(np.int64)
    share = (places - base).astype(np.float32)
    first = np.ravel_multi_index(tuple(base.T), tuple(shape))
    out = np.zeros((len(places), 3), np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(np.array(corner), share, 1 - share).prod(axis=1)
        at = first + int(np.ravel_multi_index(corner, tuple(shape)))
        out += weight[:, None] * grid.reshape(-1, 3).take(at, axis=0)
    return out
