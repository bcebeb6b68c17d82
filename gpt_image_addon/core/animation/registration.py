"""Frames laid over each other: separate images of one thing stand a little off from one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .frames import Pixels

LARGEST_SHIFT = 0.25
"""Of a frame's sides: what is further off is another picture."""
LEAST_PEAK = 0.03
"""Of a correlation that is 1 for the same image; below it there is nothing alike."""
EDGE = 512
"""Pixels of the longer side at which frames are compared, at most."""


def register(frames: Sequence[Pixels]) -> tuple[list[Pixels], list[tuple[int, int]]]:
    """The frames shifted onto the first one, and by how many pixels each was, to the right and down.

    :param frames: of one size.
    """
    step = max(1, -(-max(frames[0].shape[:2]) // EDGE))
    first = np.fft.rfft2(_edges(frames[0][::step, ::step]))
    shifts = [(0, 0)]
    for frame in frames[1:]:
        x, y = _shift(first, np.fft.rfft2(_edges(frame[::step, ::step])), frame[::step, ::step].shape[:2])
        shifts.append((x * step, y * step))
    return [_moved(frame, *shift) for frame, shift in zip(frames, shifts, strict=True)], shifts


def _edges(frame: Pixels) -> NDArray[np.float64]:
    """How much alpha changes; of an opaque frame how much its brightness does. (height, width)."""
    plane = frame[..., 3].astype(np.float64)
    if plane.min() == plane.max():
        plane = frame[..., :3].astype(np.float64).mean(axis=2)
    edges = np.zeros_like(plane)
    edges[:, 1:] += np.abs(np.diff(plane, axis=1))
    edges[1:] += np.abs(np.diff(plane, axis=0))
    return edges


def _shift(
    first: NDArray[np.complex128], other: NDArray[np.complex128], shape: tuple[int, ...]
) -> tuple[int, int]:
    """By how many pixels the other is to be moved to the right and down; (0, 0) where nothing is alike."""
    product = first * np.conj(other)
    size = np.abs(product)
    peak = np.fft.irfft2(product / np.maximum(size, 1e-9 * max(float(size.max()), 1e-30)), shape)
    place = np.unravel_index(int(peak.argmax()), peak.shape)
    y, x = (int(at) if at <= side // 2 else int(at) - side for at, side in zip(place, shape, strict=True))
    is_far = abs(y) > LARGEST_SHIFT * shape[0] or abs(x) > LARGEST_SHIFT * shape[1]
    return (0, 0) if is_far or float(peak.max()) < LEAST_PEAK else (x, y)


def _moved(frame: Pixels, x: int, y: int) -> Pixels:
    """Shifted to the right and down; what comes in is clear, or of an opaque frame its border."""
    if (x, y) == (0, 0):
        return frame
    height, width = frame.shape[:2]
    rows, columns = np.arange(height) - y, np.arange(width) - x
    moved = frame[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    if frame[..., 3].min() < 255:
        inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
        moved[..., 3] *= inside
    return moved
