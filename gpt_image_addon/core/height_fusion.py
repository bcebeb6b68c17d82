"""A height picture made by a model, laid over the picture it was made for, and joined with its fine detail.

Such a picture shows the right relief but rarely lies on the pixel: shifted by two pixels it is worth half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .kernels import Plane, blurred, in_blocks, resized
from .light import light_ramp, log_luminance, remove_ramp
from .relief import estimated_height, steepness, stretched

REGISTERED_AT = 1024  # pixels a side at most
BLOCKS = 4  # a side, each registered on its own
FARTHEST = 0.06  # of a side: a shift beyond that is a mistake
EDGE_SIGMA = 1.5  # pixels
ACCEPTED = (
    0.06  # edge correlation; measured on scanned materials: 8 true pairs 0.06 to 0.63, 32 others below 0.042
)
FINE_SIGMA = 3.0  # pixels below which the detail comes from the picture
FINE_SHARE = 0.5  # slope of that detail, as a share of the height's


@dataclass(frozen=True)
class Registration:
    """A model's height picture laid over the picture it was made for."""

    height: Plane
    """(H, W) float32 in 0..1, warped to lie on the picture."""
    score: float
    """Correlation of the edges of both, -1..1."""
    accepted: bool
    """The two belong together; otherwise the height is not to be used."""
    shift: tuple[float, float]
    """(rows, columns) in pixels that the answer was moved by as a whole."""


def register_height(color: NDArray[np.uint8], answer: NDArray[Any]) -> Registration:
    """`answer`, a grey or RGB height picture of any size, uint8 or uint16, laid over `color` (H, W, 3 or 4).

    Phase correlation of the edge magnitudes (Kuglin and Hines, 1975) as a whole, then in 4 x 4 blocks whose
    shifts are interpolated; the blocks are kept only where they make the edges agree better.
    """
    height, width = color.shape[:2]
    plane = resized(_grey(answer), height, width)
    factor = max(1.0, max(height, width) / REGISTERED_AT)
    small = max(8, round(height / factor)), max(8, round(width / factor))
    wanted = _edges(resized(log_luminance(color), *small))
    found = resized(plane, *small)
    whole = _phase_shift(wanted, _edges(found))
    field = np.empty((2, BLOCKS, BLOCKS), np.float32)
    field[:] = np.array(whole, np.float32)[:, None, None]
    best, score = field, -1.0
    for shifts in (np.zeros_like(field), field, _block_shifts(wanted, _edges(_warped(found, field)), field)):
        agreement = _correlation(wanted, _edges(_warped(found, shifts)))
        if agreement > score:
            best, score = shifts, agreement
    scale = np.array([height / small[0], width / small[1]], np.float32)[:, None, None]
    moved = (float(best[0].mean() * scale[0, 0, 0]), float(best[1].mean() * scale[1, 0, 0]))
    return Registration(_warped(plane, best * scale), score, score >= ACCEPTED, moved)


def fuse(height: Plane, color: NDArray[np.uint8], wraps: bool = False) -> Plane:
    """`height` (H, W) in 0..1 with the fine detail of `color` (H, W, 3 or 4) added, in 0..1.

    A model's height is smooth; what is finer than FINE_SIGMA pixels comes from the picture: dark is deep.
    """
    light = log_luminance(color)
    remove_ramp(light, light_ramp(light))
    detail = estimated_height(light, wraps)
    detail -= blurred(detail, FINE_SIGMA, wraps)
    detail *= FINE_SHARE * steepness(height) / max(steepness(detail), 1e-6)
    detail += height
    return stretched(detail)


def _grey(answer: NDArray[Any]) -> Plane:
    plane = answer if answer.ndim == 2 else answer[..., :3].mean(-1)
    scaled: Plane = np.divide(plane, 65535 if answer.dtype == np.uint16 else 255, dtype=np.float32)
    return scaled


def _edges(plane: Plane) -> Plane:
    """Gradient magnitude of a lightly blurred plane, levelled so that strong edges do not decide alone."""
    smooth = blurred(plane, EDGE_SIGMA, wraps=False)
    down, across = np.gradient(smooth)
    edges: Plane = np.hypot(down, across).astype(np.float32)
    edges /= np.float32(max(float(edges.mean()), 1e-9))
    return np.sqrt(edges, out=edges)


def _correlation(a: Plane, b: Plane) -> float:
    """Correlation of two planes, without the border that warping repeats."""
    margin = max(1, min(a.shape) // 32)
    inner = (slice(margin, -margin), slice(margin, -margin))
    p, q = a[inner] - a[inner].mean(), b[inner] - b[inner].mean()
    return float((p * q).sum() / max(float(np.sqrt((p * p).sum() * (q * q).sum())), 1e-9))


def _phase_shift(wanted: Plane, found: Plane) -> tuple[float, float]:
    """(rows, columns) to move `found` by so that it lies on `wanted`, to a fraction of a pixel."""
    height, width = wanted.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    cross = np.fft.rfft2((wanted - wanted.mean()) * window)
    cross *= np.conj(np.fft.rfft2((found - found.mean()) * window))
    cross /= np.abs(cross) + 1e-6 * float(np.abs(cross).max()) + 1e-12
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    cross *= np.exp(-2 * np.pi**2 * (rows**2 + columns**2))  # a peak one pixel wide, to be interpolated
    peaks = np.fft.irfft2(cross, s=(height, width))
    reach = [max(1, int(n * FARTHEST)) for n in (height, width)]
    near = np.roll(peaks, reach, (0, 1))[: 2 * reach[0] + 1, : 2 * reach[1] + 1]
    y, x = np.unravel_index(int(near.argmax()), near.shape)
    return _refined(near[:, x], int(y)) - reach[0], _refined(near[y], int(x)) - reach[1]


def _refined(line: NDArray[Any], at: int) -> float:
    """The top of the parabola through a peak and its neighbours."""
    if not 0 < at < len(line) - 1:
        return float(at)
    before, here, after = (float(v) for v in line[at - 1 : at + 2])
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _block_shifts(wanted: Plane, found: Plane, field: NDArray[np.float32]) -> NDArray[np.float32]:
    """`field` plus the shift of each block, those that stand out among their neighbours replaced."""
    out = field.copy()
    size = [n // BLOCKS for n in wanted.shape]
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            # Each block is seen with half a block around it, so that the window does not hide its own edges.
            part = tuple(
                slice(max(0, int((i - 0.5) * n)), int((i + 1.5) * n))
                for i, n in zip((row, column), size, strict=True)
            )
            out[:, row, column] += _phase_shift(wanted[part], found[part])
    for i, plane in enumerate(out):
        wide = np.pad(plane, 1, mode="edge")
        around = np.lib.stride_tricks.sliding_window_view(wide, (3, 3)).reshape(BLOCKS, BLOCKS, 9)
        middle = np.median(around, axis=-1)
        out[i] = np.where(np.abs(plane - middle) > 3, middle, plane)
    return out


def _warped(plane: Plane, shifts: NDArray[np.float32]) -> Plane:
    """`plane` moved by `shifts` (2, blocks, blocks) of rows and columns, interpolated in between."""
    height, width = plane.shape
    down, across = (_spread(shift, height, width) for shift in shifts)
    out = np.empty_like(plane)
    columns = np.arange(width, dtype=np.float32)

    def work(first: int, end: int) -> None:
        y = np.arange(first, end, dtype=np.float32)[:, None] - down[first:end]
        x = columns - across[first:end]
        np.clip(y, 0, height - 1, out=y)
        np.clip(x, 0, width - 1, out=x)
        y0, x0 = (np.floor(v).astype(np.intp) for v in (y, x))
        y1, x1 = np.minimum(y0 + 1, height - 1), np.minimum(x0 + 1, width - 1)
        y -= y0
        x -= x0
        upper = plane[y0, x0] * (1 - x) + plane[y0, x1] * x
        lower = plane[y1, x0] * (1 - x) + plane[y1, x1] * x
        out[first:end] = upper * (1 - y) + lower * y

    in_blocks(plane.shape, work)
    return out


def _spread(shift: NDArray[np.float32], height: int, width: int) -> Plane:
    grown = Image.fromarray(np.ascontiguousarray(shift)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(grown)
