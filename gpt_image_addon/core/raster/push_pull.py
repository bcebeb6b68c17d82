"""Filling unknown pixels smoothly from known ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sampling import sample

Floats = NDArray[np.float32]


def push_pull(values: Floats, weight: Floats) -> Floats:
    """Spread known values into the unknown by the push-pull pyramid (Gortler et al., The Lumigraph, 1996).

    :param values: (height, width, channels) float32.
    :param weight: (height, width) float32 in 0..1; 0 is unknown, 1 stays as it is.
    :returns: as ``values``, known everywhere; zero where nothing at all is known.
    """
    height, width = weight.shape
    if height * width == 1:
        return values * (weight > 0)[..., None].astype(np.float32)
    padded = _padded(values * weight[..., None]), _padded(weight[..., None])
    total, mass = (np.asarray(_halved(layer), np.float32) for layer in padded)
    known = np.minimum(mass, 1)
    coarse = push_pull(total / np.maximum(mass, 1e-6), known[..., 0])
    smooth = _doubled(coarse)[:height, :width]
    return np.asarray(values * weight[..., None] + smooth * (1 - weight[..., None]), np.float32)


def spread_into(image: NDArray[np.uint8], known: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> Floats:
    """What `push_pull` makes of some pixels that are not known, without making the others.

    :param image: (height, width, channels).
    :param known: (height, width).
    :param wanted: (height, width), none of them known.
    :returns: (N, channels) float32, in the order of `wanted`.
    """
    mass = _sum_blocks(known.astype(np.uint8))
    channels = (image[..., channel] * known for channel in range(image.shape[2]))
    mean = np.stack([_sum_blocks(plane) / np.maximum(mass, 1) for plane in channels], axis=-1)
    coarse = push_pull(mean, np.minimum(mass, 1))
    row, column = np.nonzero(wanted)
    return sample(coarse, (column + np.float32(0.5)) / 2, (row + np.float32(0.5)) / 2)


def _sum_blocks(plane: NDArray[np.uint8]) -> Floats:
    """Sums of 2x2 blocks of bytes; beyond the border lies nothing."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, height % 2), (0, width % 2)))
    rows = padded[::2].astype(np.uint16) + padded[1::2]
    return np.asarray(rows[:, ::2] + rows[:, 1::2], np.float32)


def _padded(layer: Floats) -> Floats:
    return np.pad(layer, ((0, layer.shape[0] % 2), (0, layer.shape[1] % 2), (0, 0)))


def _halved(layer: Floats) -> Floats:
    """Sums of 2x2 blocks."""
    return np.asarray(layer[::2, ::2] + layer[1::2, ::2] + layer[::2, 1::2] + layer[1::2, 1::2], np.float32)


def _doubled(layer: Floats) -> Floats:
    """Twice the size by bilinear interpolation between pixel centres; edges are repeated."""
    for axis in (0, 1):
        before = np.concatenate([layer.take([0], axis), layer.take(range(layer.shape[axis] - 1), axis)], axis)
        after = np.concatenate([layer.take(range(1, layer.shape[axis]), axis), layer.take([-1], axis)], axis)
        pair = np.stack([0.75 * layer + 0.25 * before, 0.75 * layer + 0.25 * after], axis + 1)
        shape = list(layer.shape)
        shape[axis] *= 2
        layer = pair.reshape(shape).astype(np.float32)
    return layer
