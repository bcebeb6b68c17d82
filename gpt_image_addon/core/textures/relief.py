"""Relief: a height from brightness, and normals and occlusion from a height.

A height is a float32 plane in 0..1; `depth` is how many pixels high 1 stands above 0.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..raster.alpha import BLEED_FROM
from ..raster.arrays import Plane, blurred, halved, padded, parallel_rows, resized
from ..raster.push_pull import push_pull

Convention = Literal["OPENGL", "DIRECTX"]

LEVELS = 6  # octaves of brightness that become height; larger patches are the material's colour
OCTAVE_GAIN = 0.75  # power of the octave's size by which it rises
OCCLUSION_STEPS = (1, 2, 4, 8, 16, 32)  # pixels
OCCLUSION_AXES = ((0, 1), (1, 1), (1, 0), (1, -1))
OCCLUSION_SIZE = 2048  # pixels a side above which occlusion is found at reduced size
CAVITY_SIGMA = 12  # pixels
CAVITY_SHARE = 0.5  # how much being deeper than the surroundings darkens
EIGHT_BIT_STEP = 1 / 255


def estimate_height(log_light: Plane, wraps: bool) -> Plane:
    """A height that explains a logarithmic luminance in even light: dark is deep.

    Each octave of brightness counts by its size to the power OCTAVE_GAIN, and by the square root of its
    contrast only, so that neither grain nor large stains take over.
    """
    return stretch(_octaves(log_light, 0, wraps))


def _octaves(plane: Plane, level: int, wraps: bool) -> Plane:
    """Weighted sum of the octaves of `plane` from its finest on.

    An octave is plane - up(half). Its weight w leads to w plane + up(rest - w half): one resize an octave.
    """
    if level == LEVELS or min(plane.shape) < 8:
        return np.zeros_like(plane)
    half = halved(plane)
    contrast = max(float(plane.var(dtype=np.float64)) - float(half.var(dtype=np.float64)), 1e-8) ** 0.5
    weight = np.float32(2 ** (OCTAVE_GAIN * level) / contrast**0.5)
    rest = _octaves(half, level + 1, wraps)
    half *= weight
    rest -= half
    out = resized(rest, plane.shape[0], plane.shape[1], wraps)
    parallel_rows(plane.shape, lambda first, end: _add_scaled(out[first:end], plane[first:end], weight))
    return out


def _add_scaled(out: Plane, plane: Plane, weight: np.float32) -> None:
    out += plane * weight


def stretch(plane: Plane) -> Plane:
    """`plane` over 0..1, in place, with half a percent cut off at either end; 0.5 where it is flat."""
    low, high = np.percentile(plane[:: max(1, plane.shape[0] // 256)], (0.5, 99.5))
    if high - low < 1e-6:
        plane[:] = 0.5
        return plane
    plane -= np.float32(low)
    plane *= np.float32(1 / (high - low))
    return np.clip(plane, 0, 1, out=plane)


def cut_out_height(height: Plane, alpha: NDArray[np.uint8]) -> Plane:
    """The height of what shows in an image, over the whole of 0..1, and spread smoothly under the rest.

    So nothing rises or falls where the image ends: what lies beside it in the height says nothing.

    :param alpha: (height, width) uint8 of that image.
    :returns: a new plane; as it is where nothing shows.
    """
    shows = alpha >= BLEED_FROM
    if not shows.any():
        return height
    low, high = np.percentile(height[shows], (0.5, 99.5))
    if high - low < EIGHT_BIT_STEP:
        return np.full_like(height, 0.5)
    known = np.clip((height - np.float32(low)) / np.float32(high - low), 0, 1)
    return push_pull(known[..., None], shows.astype(np.float32))[..., 0]


def steepness(height: Plane) -> float:
    """Root mean square slope of `height` for a depth of one pixel, from every fourth row."""
    if min(height.shape) < 3:
        return 0.0
    across = height[::4, 2:] - height[::4, :-2]
    down = height[2::4] - height[: height.shape[0] - 2 : 4]
    return float(np.sqrt(np.mean(across * across) + np.mean(down * down)) / 2)


def normal_map(
    height: Plane,
    depth: float,
    wraps: bool,
    *,
    convention: Convention = "OPENGL",
    wide: bool = False,
    fine: bool = False,
    alpha: NDArray[np.uint8] | None = None,
) -> NDArray[Any]:
    """The (H, W, 3) normal map of a height, uint8 or, when `wide`, uint16.

    With slopes p = ∂h/∂column and q = ∂h/∂row, n = (-p, +q, 1) / √(1 + p² + q²) in OpenGL's convention; in
    DirectX's the second is -q. The slopes are Scharr's, which ride over the steps of an 8-bit height;
    those of a `fine` one are central differences. They count as much as `alpha`, (H, W) uint8, says.
    """
    around = padded(height, 1, wraps)
    top = 65535 if wide else 255
    out = np.empty((*height.shape, 3), np.uint16 if wide else np.uint8)
    green = depth if convention == "OPENGL" else -depth
    slope = _central if fine else _scharr

    def work(first: int, end: int) -> None:
        rows = around[first : end + 2]
        p = slope(rows.T, -depth).T
        q = slope(rows, green)
        if alpha is not None:
            shown = alpha[first:end] * np.float32(1 / 255)
            p *= shown
            q *= shown
        scale = p * p
        scale += q * q
        scale += 1
        np.sqrt(scale, out=scale)
        np.divide(top / 2, scale, out=scale)
        for i, component in enumerate((p, q)):
            component *= scale
            component += top / 2 + 0.5
            out[first:end, :, i] = component
        scale += top / 2 + 0.5
        out[first:end, :, 2] = np.minimum(scale, top, out=scale)

    parallel_rows(height.shape, work)
    return out


def _scharr(rows: Plane, factor: float) -> Plane:
    """Scharr's derivative down the rows, times `factor`; one pixel smaller on each side."""
    change = rows[2:] - rows[:-2]
    out = change[:, 1:-1] * np.float32(factor * 5 / 16)
    sides = change[:, :-2] + change[:, 2:]
    sides *= np.float32(factor * 3 / 32)
    out += sides
    return out


def _central(rows: Plane, factor: float) -> Plane:
    """The central difference down the rows, times `factor`; one pixel smaller on each side."""
    change: Plane = (rows[2:, 1:-1] - rows[:-2, 1:-1]) * np.float32(factor / 2)
    return change


def remove_steps(height: Plane, wraps: bool) -> Plane:
    """`height` smoothed by at most half a step of 8 bits: steps are cliffs to ambient_occlusion()."""
    smooth = blurred(height, 1.0, wraps)
    return np.clip(smooth, height - EIGHT_BIT_STEP / 2, height + EIGHT_BIT_STEP / 2, out=smooth)


def ambient_occlusion(height: Plane, depth: float, wraps: bool) -> Plane:
    """How open the sky is over each point of a height, 0..1.

    Along four axes the sines of the two horizons above the surface's own slope are added, so that an even
    slope is as open as a plain (horizon-based ambient occlusion: Bavoil, Sainz, Dimitrov 2008). What lies
    deeper than its surroundings is darkened besides. Large planes are done at OCCLUSION_SIZE.
    """
    factor = max(1.0, max(height.shape) / OCCLUSION_SIZE)
    rows, columns = height.shape
    small = resized(height, max(1, round(rows / factor)), max(1, round(columns / factor)))
    closed = _closure(small, depth / factor, wraps)
    cavity = blurred(small, CAVITY_SIGMA, wraps)
    cavity -= small
    cavity -= EIGHT_BIT_STEP
    np.maximum(cavity, 0, out=cavity)
    cavity *= CAVITY_SHARE * depth / factor / CAVITY_SIGMA
    closed += cavity
    np.subtract(1, closed, out=closed)
    np.clip(closed, 0, 1, out=closed)
    return resized(closed, rows, columns, wraps)


def _closure(height: Plane, depth: float, wraps: bool) -> Plane:
    """The share of the sky that the horizons along OCCLUSION_AXES cover.

    A horizon of slope a over a surface of slope s stands sin(atan a - atan s) = (a - s) / √((1 + a²)(1 + s²))
    above it.
    """
    reach = min(OCCLUSION_STEPS[-1], *(max(1, n // 2) for n in height.shape))
    steps = [r for r in OCCLUSION_STEPS if r <= reach]
    around = padded(height, reach, wraps)
    out = np.empty_like(height)

    def work(first: int, end: int) -> None:
        here = height[first:end]
        total, rise, slope = np.zeros_like(here), np.empty_like(here), np.empty_like(here)
        horizons = np.empty_like(here), np.empty_like(here)

        def beside(axis: tuple[int, int], r: int) -> Plane:
            y, x = first + reach + axis[0] * r, reach + axis[1] * r
            return around[y : y + len(here), x : x + here.shape[1]]

        for axis in OCCLUSION_AXES:
            scale = depth / float(np.hypot(*axis))
            np.subtract(beside(axis, 1), beside(axis, -1), out=slope)
            slope *= scale / 2
            for sign, horizon in zip((1, -1), horizons, strict=True):
                for r in steps:
                    np.subtract(beside(axis, sign * r), here, out=rise)
                    rise -= EIGHT_BIT_STEP  # a rise of one step of an 8-bit height is noise
                    rise *= scale / r
                    np.maximum(horizon, rise, out=horizon) if r > steps[0] else np.copyto(horizon, rise)
                np.multiply(horizon, horizon, out=rise)
                rise += 1
                np.sqrt(rise, out=rise)
                (np.subtract if sign > 0 else np.add)(horizon, slope, out=horizon)
                np.maximum(horizon, 0, out=horizon)
                horizon /= rise
            np.multiply(slope, slope, out=slope)
            slope += 1
            np.sqrt(slope, out=slope)
            np.add(*horizons, out=rise)
            rise /= slope
            total += rise
        np.multiply(total, 1 / (2 * len(OCCLUSION_AXES)), out=out[first:end])

    parallel_rows(height.shape, work)
    return out
