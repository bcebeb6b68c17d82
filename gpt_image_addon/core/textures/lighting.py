"""Colour and light: logarithmic luminance, and the uneven light that an image was taken in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import Plane, parallel_rows, resized

LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear sRGB, ITU-R BT.709
DARKEST = 1 / 255  # keeps the logarithm of black within reason
USUAL_RAMP = 0.25  # standard deviation of how much light changes across an image, in natural log units
GRIDS = (512, 256, 128, 64, 32, 16)  # sizes at which opposite edges are compared
PLANE_GRID = 3  # index in GRIDS
MODES = 8  # periods: waves across the image that can pass for a ramp


def log_luminance(pixels: NDArray[Any]) -> Plane:
    """Natural logarithm of the linear luminance of an (H, W, 1 to 4) sRGB image, uint8 or uint16."""
    encoded = np.arange(256) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    shares = LUMINANCE if pixels.shape[2] >= 3 else (1.0,)
    tables = [(share * linear).astype(np.float32) for share in shares]
    out = np.empty(pixels.shape[:2], np.float32)

    def work(first: int, end: int) -> None:
        rows = pixels[first:end] if pixels.dtype == np.uint8 else pixels[first:end] >> 8
        total = tables[0].take(rows[..., 0])
        for channel, table in enumerate(tables[1:], 1):
            total += table.take(rows[..., channel])
        np.maximum(total, DARKEST, out=total)
        np.log(total, out=out[first:end])

    parallel_rows(out.shape, work)
    return out


def light_ramp(log_light: Plane) -> tuple[float, float]:
    """How much the light changes down and across an image, in natural log units from edge to edge.

    Two measurements are weighed with each other and with what is usual, by their variances: the step between
    opposite edges, which is all light where the material itself tiles, and the plane through the image,
    which is all light where the material has no large features.
    """
    height, width = log_light.shape
    grids, grid = [], log_light
    for n in GRIDS:
        grid = resized(grid, min(n, height), min(n, width))
        grids.append(grid)
    return _ramp_along(grids), _ramp_along([grid.T for grid in grids])


def _ramp_along(grids: list[Plane]) -> float:
    edges = min((found for grid in grids for found in _edge_steps(grid)), key=lambda found: found[1])
    found = (edges, _plane_fit(grids[PLANE_GRID]), (0.0, USUAL_RAMP**2))
    weights = [1 / max(variance, 1e-6) for _, variance in found]
    return float(sum(w * value for w, (value, _) in zip(weights, found, strict=True)) / sum(weights))


def _edge_steps(grid: Plane) -> Iterator[tuple[float, float]]:
    """Two measures of the ramp, with variances: the step from the last row around to the first, and its bend.

    The bend is the step less the mean of the steps beside it: on smooth images it tells more. Variances are
    those of the same measure inside the image, or what the blocks of the edge say.
    """
    steps = grid - np.roll(grid, 1, 0)
    bends = steps - (np.roll(steps, 1, 0) + np.roll(steps, -1, 0)) / 2
    for measure, inside, scale in ((steps, slice(1, None), 1 - 1 / len(grid)), (bends, slice(2, -1), 1.0)):
        if len(measure[inside]) > 1:
            blocks = np.array([b.mean() for b in np.array_split(measure[0], min(8, measure.shape[1]))])
            variance = max(float(measure[inside].mean(1).var()), float(blocks.var()) / len(blocks))
            yield -float(measure[0].mean()) / scale, variance


def _plane_fit(grid: Plane) -> tuple[float, float]:
    """Ramp and its variance from the slope of the row means.

    Its variance is what the material's own largest waves, seen in what the fit leaves over, add to a slope:
    a wave of amplitude a and k periods adds up to 6 a / (π k).
    """
    profile = grid.mean(1)
    x = (np.arange(len(profile)) + 0.5) / len(profile) - 0.5
    ramp = float((x * (profile - profile.mean())).sum() / (x * x).sum())
    amplitudes = np.abs(np.fft.rfft(profile - ramp * x))[1 : MODES + 1] * 2 / len(profile)
    modes = np.arange(1, len(amplitudes) + 1)
    return ramp, float(((6 * amplitudes / (np.pi * modes)) ** 2).sum() / 2)


def remove_ramp(log_light: Plane, ramp: tuple[float, float]) -> None:
    """Take `ramp` out of `log_light`, in place."""
    down, across = (_line(amount, n) for amount, n in zip(ramp, log_light.shape, strict=True))
    log_light -= down[:, None]
    log_light -= across


def flatten_lighting(pixels: NDArray[Any], ramp: tuple[float, float]) -> NDArray[Any]:
    """`pixels`, an (H, W, 1 to 4) sRGB image, uint8 or uint16, in even light; alpha stays as it is."""
    # sRGB is close to ((v + 0.055) / 1.055) ^ 2.4, in which a factor on the light is a factor on v + 0.055.
    top = full_scale(pixels)
    offset = np.float32(0.055 * top)
    colors = 3 if pixels.shape[2] >= 3 else 1
    down, across = (np.exp(-_line(amount, n) / 2.4) for amount, n in zip(ramp, pixels.shape, strict=False))
    columns = np.repeat(across, colors).reshape(1, -1, colors)
    out = np.empty_like(pixels)

    def work(first: int, end: int) -> None:
        rows = pixels[first:end, :, :colors] + offset
        rows *= columns
        rows *= down[first:end, None, None]
        rows -= offset - np.float32(0.5)
        np.clip(rows, 0, top + 0.5, out=rows)
        out[first:end, :, :colors] = rows
        out[first:end, :, colors:] = pixels[first:end, :, colors:]

    parallel_rows(out.shape, work)
    return out


def remove_occlusion(pixels: NDArray[np.uint8], occlusion: Plane, share: float) -> NDArray[np.uint8]:
    """`pixels`, an (H, W, 3) sRGB image, without `share` of the shade that `occlusion` (H, W) in 0..1 leaves.

    Half of the light is taken to come from everywhere; the image stays as bright on the whole.
    """
    offset = np.float32(0.055 * 255)
    sample = occlusion[:: max(1, occlusion.shape[0] // 256)]
    usual = np.float32(np.log(0.5 + 0.5 * sample).mean())
    out = np.empty_like(pixels)

    def work(first: int, end: int) -> None:
        factor = occlusion[first:end] * np.float32(0.5)
        factor += np.float32(0.5)
        np.log(factor, out=factor)
        factor -= usual
        factor *= np.float32(-share / 2.4)
        np.exp(factor, out=factor)
        rows = pixels[first:end] + offset
        rows *= factor[..., None]
        rows -= offset - np.float32(0.5)
        np.clip(rows, 0, 255.5, out=rows)
        out[first:end] = rows

    parallel_rows(occlusion.shape, work)
    return out


def _line(amount: float, length: int) -> NDArray[np.float32]:
    """`amount` from end to end, 0 in the middle."""
    return np.linspace(-amount / 2, amount / 2, length, dtype=np.float32)


def full_scale(pixels: NDArray[Any]) -> int:
    """The value of white: 255 or 65535. Raises ValueError for pixels that are neither 8- nor 16-bit."""
    if pixels.dtype == np.uint8:
        return 255
    if pixels.dtype == np.uint16:
        return 65535
    raise ValueError(f"Images have 8 or 16 bits a channel here, not {pixels.dtype}.")
