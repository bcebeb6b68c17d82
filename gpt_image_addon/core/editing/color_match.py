"""What an answer's colors differ by from those of its original, told by the whole surround of an edit.

Not by the rim of the mask: models paint past it. Slopes are those of what is neither fine nor wide, so that
neither softness nor uneven light passes for a change of contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..raster.arrays import Plane, blurred, resized
from ..raster.push_pull import push_pull

SIDE = 512  # pixels a side that colors are compared at
FINE, COARSE = 6.0, 30.0  # pixels of the original: the band whose slope is the gain
WIDE = 24.0  # pixels: what is larger is uneven light
MOST_GAIN = 0.15
MOST_SHIFT = 64.0  # levels; what differs more is other content, not the same in other colors
USUAL = 0.4  # levels of contrast, below which a slope says little and the gain stays near 1
AGREES = 3.0  # times the median deviation
DARK = 16.0  # levels that keep a share of black within reason
CELL = 8  # pixels a side that the light is spread inward in
LEAST = 32  # pixels of a surround that says anything
PLATE = 10  # cells a side of the sheet that carries the light across what is not known
BENDING, SLOPE = 1e-4, 1e-5  # of that sheet: how stiff it is, and how flat it goes on past a border

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ColorMatch:
    """(answer * gain + offset) * (1 + light) is in the original's colors, in levels of 255."""

    gain: Floats
    """(C,)"""
    offset: Floats
    """(C,)"""
    light: Floats
    """(rows, columns, C): the smooth rest as a share of the brightness, over the whole image."""

    def applied(self, pixels: Floats, box: tuple[float, float, float, float]) -> Floats:
        """`pixels` (h, w, C) of `box`, which is in shares of the image, in the original's colors."""
        height, width = pixels.shape[:2]
        rows, columns = self.light.shape[:2]
        part = box[0] * columns, box[1] * rows, box[2] * columns, box[3] * rows
        out = pixels * self.gain + self.offset
        for channel in range(out.shape[2]):
            plane = Image.fromarray(np.ascontiguousarray(self.light[..., channel]))
            light = np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC, box=part))
            out[..., channel] += light * (out[..., channel] + DARK)
        return out


def match_colors(
    placed: Floats, original: Floats, valid: NDArray[np.bool_], *, gains: bool = True
) -> ColorMatch:
    """What brings `placed` to the colors of `original`.

    :param placed: (H, W, C) the registered answer, in levels of 255.
    :param original: (H, W, C) likewise.
    :param valid: (H, W), true where both should show the same.
    :param gains: whether the contrast can be told, which needs registered texture.
    """
    height, width, channels = original.shape
    factor = max(1.0, max(height, width) / SIDE)
    size = max(1, round(height / factor)), max(1, round(width / factor))
    known = resized(valid.astype(np.float32), *size) > 0.999
    wanted, found = (
        np.stack([resized(np.ascontiguousarray(p[..., i]), *size) for i in range(channels)], -1)
        for p in (original, placed)
    )
    same = known & (np.abs(wanted - found) <= MOST_SHIFT).all(-1)
    gain = np.ones(channels, np.float32)
    if int(same.sum()) < LEAST:
        return ColorMatch(gain, np.zeros_like(gain), np.zeros((1, 1, channels), np.float32))
    if gains:
        gain = _gains(found, wanted, same, factor)
    rest = wanted - found * gain
    offset = np.median(rest[same], axis=0).astype(np.float32)
    rest -= offset
    spread = AGREES * 1.4826 * np.median(np.abs(rest[same]), axis=0) + 1
    agreed = same & (np.abs(rest) <= spread).all(-1)
    return ColorMatch(gain, offset, _light(rest, found * gain + offset + DARK, agreed, WIDE / factor))


def _gains(found: Floats, wanted: Floats, same: NDArray[np.bool_], factor: float) -> Floats:
    """Slope of each channel of `wanted` over `found`, by weighted regression with weights common to all."""
    weight = same.astype(np.float32)
    bands = [_band(pixels, weight, factor)[same] for pixels in (found, wanted)]
    gain = np.ones(found.shape[2], np.float32)
    trust = np.ones(len(bands[0]), np.float32)
    for _ in range(6):
        gain = (trust @ (bands[0] * bands[1]) + USUAL**2 * trust.sum()) / (
            trust @ np.square(bands[0]) + USUAL**2 * trust.sum()
        )
        gain = np.clip(gain, 1 / (1 + MOST_GAIN), 1 + MOST_GAIN)
        rest = np.abs(bands[1] - bands[0] * gain).max(-1)
        trust = 1 / (1 + np.square(rest / max(1.5 * float(np.median(rest)), 1e-3)))
    return gain.astype(np.float32)


def _band(pixels: Floats, weight: Plane, factor: float) -> Floats:
    fine, coarse = (_masked_blur(pixels, weight, sigma / factor) for sigma in (FINE, COARSE))
    return fine - coarse


def _masked_blur(pixels: Floats, weight: Plane, sigma: float) -> Floats:
    """Blur of the weighted pixels alone."""
    mass = np.maximum(blurred(weight, sigma, wraps=False), 1e-3)
    blurs = [blurred(pixels[..., i] * weight, sigma, wraps=False) / mass for i in range(pixels.shape[2])]
    return np.stack(blurs, -1)


def _light(rest: Floats, base: Floats, agreed: NDArray[np.bool_], sigma: float) -> Floats:
    """Smooth part of `rest` where it agrees, as a share of `base`, spread over everything, in cells.

    Uneven light is stronger on what is brighter, and what is painted need not be as bright as its surround.
    """
    height, width = agreed.shape
    weight = agreed.astype(np.float32)
    smooth = _masked_blur(rest, weight, sigma) / np.maximum(_masked_blur(base, weight, sigma), DARK)
    size = -(-height // CELL), -(-width // CELL)
    share = resized(weight, *size)
    cells = [resized(smooth[..., i] * weight, *size) / np.maximum(share, 1e-3) for i in range(rest.shape[2])]
    light = np.stack(cells, -1)
    known = np.where(share > 0.25, share, 0).astype(np.float32)
    plate = _plate(light, known)
    return plate + push_pull(light - plate, (known > 0).astype(np.float32))


def _plate(values: Floats, weight: Plane) -> Floats:
    """A stiff sheet through `values` (rows, columns, C) by their weights, over all cells.

    The mean of a rim says nothing of a slope that goes on inside it; the sheet of least bending does
    (Duchon's thin plate, 1976), here on a coarse grid of corners with straight lines between them.
    """
    across, down = (_shares(length) for length in reversed(weight.shape))
    shares = np.einsum("yi,xj->yxij", down, across).reshape(weight.size, -1)
    flat = weight.reshape(-1, 1).astype(np.float64)
    steps = [np.diff(np.eye(PLATE + 1), n, axis=0) for n in (1, 2)]
    still = np.eye(PLATE + 1)
    bending = [np.kron(steps[1], still), np.kron(still, steps[1]), np.sqrt(2) * np.kron(steps[0], steps[0])]
    slopes = [np.kron(steps[0], still), np.kron(still, steps[0])]
    total = max(float(flat.sum()), 1.0)
    normal = (shares * flat).T @ shares / total
    normal += BENDING / PLATE * sum(part.T @ part for part in bending)
    normal += SLOPE / PLATE * sum(part.T @ part for part in slopes)
    normal[np.diag_indices_from(normal)] += 1e-9
    right = (shares * flat).T @ values.reshape(weight.size, -1) / total
    out: NDArray[np.float64] = shares @ np.linalg.solve(normal, right)
    return out.reshape(values.shape).astype(np.float32)


def _shares(length: int) -> NDArray[np.float64]:
    """(length, PLATE + 1): what each corner of the sheet has in each cell along one side."""
    at = (np.arange(length) + 0.5) * (PLATE / length)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(PLATE + 1)))
