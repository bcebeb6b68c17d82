"""The numeric kernels under maps and tiles: blocks on two threads, blurs, normals, occlusion.

All take and give float32 planes (H, W) unless they say otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]
Convention = Literal["OPENGL", "DIRECTX"]

THREADS = 2
BLOCK = 64  # rows: a few of them, with their temporaries, stay in the processor's cache
OCCLUSION_STEPS = (1, 2, 4, 8, 16, 32)  # pixels
OCCLUSION_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def in_blocks(rows: int, work: Callable[[int, int], None], block: int = BLOCK) -> None:
    """Call ``work(first, end)`` for all blocks of rows, on two threads that are gone when this returns.

    `work` writes into arrays of its caller; numpy releases the interpreter lock meanwhile. The first
    exception raised in a block is raised here.
    """
    starts = iter(range(0, rows, block))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def drain() -> None:
        while not failures:
            with lock:
                first = next(starts, None)
            if first is None:
                return
            try:
                work(first, min(first + block, rows))
            except BaseException as error:
                failures.append(error)

    helpers = [threading.Thread(target=drain, daemon=True) for _ in range(THREADS - 1 if rows > block else 0)]
    for helper in helpers:
        helper.start()
    drain()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]


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
    shrinks = height <= plane.shape[0]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    if not wraps or shrinks:
        return np.array(Image.fromarray(plane).resize((width, height), method))
    halo = 3
    wide = np.pad(plane, halo, mode="wrap")
    box = (halo, halo, halo + plane.shape[1], halo + plane.shape[0])
    return np.array(Image.fromarray(wide).resize((width, height), method, box=box))


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


def slopes(height: Plane, depth: float, wraps: bool, smooth: bool = True) -> tuple[Plane, Plane]:
    """Slopes (∂h/∂column, ∂h/∂row) of `height` times `depth` pixels.

    `smooth` takes Scharr's kernel, which rides over the steps of an 8-bit height; without it the central
    difference keeps all of a finer height's detail.
    """
    side, middle = (3 / 16, 10 / 16) if smooth else (0.0, 1.0)
    wide = padded(height, 1, wraps)
    across, down = np.empty_like(height), np.empty_like(height)

    def work(first: int, end: int) -> None:
        rows = wide[first : end + 2]
        mixed = side * (rows[:-2] + rows[2:]) + middle * rows[1:-1]
        np.subtract(mixed[:, 2:], mixed[:, :-2], out=across[first:end])
        across[first:end] *= depth / 2
        mixed = side * (rows[:, :-2] + rows[:, 2:]) + middle * rows[:, 1:-1]
        np.subtract(mixed[2:], mixed[:-2], out=down[first:end])
        down[first:end] *= depth / 2

    in_blocks(height.shape[0], work)
    return across, down


def encoded_normals(
    across: Plane, down: Plane, strength: float, convention: Convention, wide: bool
) -> NDArray[Any]:
    """The (H, W, 3) normal map of a surface with these slopes: n = (-across, +down, 1) / length in OpenGL.

    `wide` gives uint16, else uint8.
    """
    top = 65535 if wide else 255
    out = np.empty((*across.shape, 3), np.uint16 if wide else np.uint8)
    sign = 1.0 if convention == "OPENGL" else -1.0

    def work(first: int, end: int) -> None:
        p, q = across[first:end] * -strength, down[first:end] * (sign * strength)
        scale = p * p
        scale += q * q
        scale += 1
        np.sqrt(scale, out=scale)
        np.divide(top / 2, scale, out=scale)
        for i, component in enumerate((p, q, None)):
            value = scale if component is None else np.multiply(component, scale, out=component)
            out[first:end, :, i] = value + (top / 2 + 0.5)

    in_blocks(across.shape[0], work)
    return out


def ambient_occlusion(height: Plane, depth: float, wraps: bool) -> Plane:
    """How open the sky is over each point, 0..1, from the horizons in eight directions.

    Per direction the steepest rise m over all steps covers m / √(1 + m²) of it. `depth` is the pixels that
    height 0..1 stands for.
    """
    reach = min(OCCLUSION_STEPS[-1], *(max(1, n // 2) for n in height.shape))
    steps = [r for r in OCCLUSION_STEPS if r <= reach]
    wide = padded(height, reach, wraps)
    out = np.empty_like(height)
    columns = height.shape[1]

    def work(first: int, end: int) -> None:
        here = height[first:end]
        total, rise, steepest = np.zeros_like(here), np.empty_like(here), np.empty_like(here)
        for dy, dx in OCCLUSION_DIRECTIONS:
            steepest[:] = 0
            for r in steps:
                y, x = first + reach + dy * r, reach + dx * r
                np.subtract(wide[y : y + end - first, x : x + columns], here, out=rise)
                rise *= depth / (r * float(np.hypot(dy, dx)))
                np.maximum(steepest, rise, out=steepest)
            np.multiply(steepest, steepest, out=rise)
            rise += 1
            np.sqrt(rise, out=rise)
            steepest /= rise
            total += steepest
        np.multiply(total, -1 / len(OCCLUSION_DIRECTIONS), out=out[first:end])
        out[first:end] += 1

    in_blocks(height.shape[0], work)
    return out
