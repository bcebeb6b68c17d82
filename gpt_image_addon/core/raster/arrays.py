"""What maps and tiles are computed with: blocks of rows on two threads, borders, sizes, blurs.

A plane is a float32 array (H, W).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
Item = TypeVar("Item")
Made = TypeVar("Made")

THREADS = 2
BLOCK = 1 << 16  # pixels: a few temporaries of them stay in the processor's cache


def parallel_map(work: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """What `work` makes of each of `items`, in their order, on two threads, both gone afterwards.

    Items are drawn one after another, when they are wanted. numpy releases the interpreter lock meanwhile.
    The first exception raised is raised here.
    """
    numbered = enumerate(items)
    lock = threading.Lock()
    made: dict[int, Made] = {}
    failures: list[BaseException] = []

    def drain() -> None:
        while not failures:
            try:
                with lock:
                    drawn = next(numbered, None)
                if drawn is None:
                    return
                made[drawn[0]] = work(drawn[1])
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=drain, daemon=True) for _ in range(THREADS - 1)]
    for thread in threads:
        thread.start()
    drain()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [made[number] for number in sorted(made)]


def parallel_rows(shape: tuple[int, ...], work: Callable[[int, int], None]) -> None:
    """Call ``work(first, end)`` for blocks of rows that cover `shape`, see `parallel_map`.

    `work` writes into arrays of its caller.
    """
    rows = shape[0]
    size = max(8, BLOCK // max(1, shape[1]))
    if rows <= size:
        work(0, rows)
    else:
        parallel_map(lambda first: work(first, min(first + size, rows)), range(0, rows, size))


def padded(plane: NDArray[Any], halo: int, wraps: bool) -> NDArray[Any]:
    """`plane` with `halo` more pixels on every side: its own continuation when it wraps, else its border."""
    around = ((halo, halo), (halo, halo), *((0, 0),) * (plane.ndim - 2))
    return np.pad(plane, around, mode="wrap" if wraps else "edge")


def resized(plane: Plane, height: int, width: int, wraps: bool = False) -> Plane:
    """`plane` at another size: averaged when it shrinks, smoothly interpolated when it grows.

    A wrapping plane still wraps afterwards.
    """
    if plane.shape == (height, width):
        return plane
    if height <= plane.shape[0] and width <= plane.shape[1]:
        return np.array(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
    halo = 3 if wraps else 0
    wide = Image.fromarray(padded(plane, halo, wraps) if halo else plane)
    box = (halo, halo, halo + plane.shape[1], halo + plane.shape[0])
    return np.array(wide.resize((width, height), Image.Resampling.BICUBIC, box=box))


def halved(plane: Plane) -> Plane:
    """`plane` at half its size, rounded up, by averaging."""
    height, width = plane.shape
    if height % 2 or width % 2:
        return resized(plane, -(-height // 2), -(-width // 2))
    return np.array(Image.fromarray(plane).reduce(2))


def blurred(plane: Plane, sigma: float, wraps: bool) -> Plane:
    """Gaussian blur of standard deviation `sigma` pixels; a large one is done at reduced size."""
    height, width = plane.shape
    factor = max(1, int(sigma / 4))
    small = resized(plane, max(1, -(-height // factor)), max(1, -(-width // factor)), wraps)
    for axis in (0, 1):
        small = _blurred_along(small, sigma * small.shape[axis] / plane.shape[axis], axis, wraps)
    return resized(small, height, width, wraps)


def _blurred_along(plane: Plane, sigma: float, axis: int, wraps: bool) -> Plane:
    radius = max(1, round(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(sigma, 1e-3)) ** 2).astype(np.float32)
    taps /= taps.sum()
    length = plane.shape[axis]
    index = np.arange(-radius, length + radius)
    index = index % length if wraps else np.clip(index, 0, length - 1)
    wide = plane.take(index, axis)
    out = np.zeros_like(plane)
    part: list[slice] = [slice(None), slice(None)]
    for i, tap in enumerate(taps):
        part[axis] = slice(i, i + length)
        out += tap * wide[tuple(part)]
    return out
