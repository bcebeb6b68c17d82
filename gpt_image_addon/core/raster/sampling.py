"""Colors between the pixels of an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def premultiply(image: NDArray[Any]) -> Floats:
    """Colors multiplied by alpha, and alpha from 0 to 1: what is to be sampled of an image.

    :param image: (height, width, 3 or 4) in 0..255.
    :returns: (height, width, 4).
    """
    out = np.empty((*image.shape[:2], 4), np.float32)
    out[..., 3] = image[..., 3] / np.float32(255) if image.shape[2] == 4 else 1
    for channel in range(3):
        np.multiply(image[..., channel], out[..., 3], out=out[..., channel])
    return out


def sample(pixels: Floats, x: NDArray[Any], y: NDArray[Any]) -> Floats:
    """Values between pixels, whose centers are at + 0.5, by bilinear interpolation; the border is continued.

    :param pixels: (height, width, channels).
    :param x: (N,) in pixels.
    :returns: (N, channels).
    """
    height, width, channels = pixels.shape
    flat = pixels.reshape(-1, channels)
    x = np.clip(x - np.float32(0.5), 0, width - 1)
    y = np.clip(y - np.float32(0.5), 0, height - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right = np.minimum(left + 1, width - 1) - left
    below = (np.minimum(top + 1, height - 1) - top) * width
    dx, dy = (np.asarray(at - cell, np.float32) for at, cell in ((x, left), (y, top)))
    at = top * width + left
    upper, lower = (
        _blend(flat.take(first, axis=0), flat.take(first + right, axis=0), dx) for first in (at, at + below)
    )
    return _blend(upper, lower, dy)


def _blend(first: Floats, second: Floats, share: Floats) -> Floats:
    """Into the first array; (N, 4)."""
    second -= first
    scale_rows(second, share)
    first += second
    return first


def scale_rows(rows: Floats, factor: Floats) -> None:
    """Multiply the rows of an array of a few columns, in place.

    Column by column: numpy would make a loop of each row.

    :param rows: (N, columns).
    :param factor: (N,).
    """
    for column in rows.T:
        column *= factor


def scale_bilinear(image: NDArray[Any], columns: NDArray[Any], rows: NDArray[Any]) -> Floats:
    """An image resampled along both axes by bilinear interpolation; the border is continued.

    :param image: (height, width, channels).
    :param columns: where each new column lies in the image, in pixels from the left.
    :param rows: likewise from the top.
    """
    channels = image.shape[2]
    out: Any = image
    for axis, places in ((0, rows), (1, columns)):
        length = image.shape[axis]
        place = np.clip(places - 0.5, 0, length - 1)
        first = place.astype(np.int64)
        share = (place - first).astype(np.float32)
        share = share[:, None] if axis == 0 else np.repeat(share, channels)
        before, after = (
            out.take(at, axis).reshape(len(rows), -1).astype(np.float32)
            for at in (first, np.minimum(first + 1, length - 1))
        )
        after -= before
        after *= share
        before += after
        out = before.reshape(len(rows), -1, channels)
    return np.asarray(out, np.float32)
