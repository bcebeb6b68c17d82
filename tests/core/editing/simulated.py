"""Answers to masked edits as models give them: moved, scaled, in other colors, softer, painted too far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon.core.raster.arrays import blurred

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Wrong:
    """What is wrong about an answer; lengths in pixels of the image."""

    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    soft: float = 0.0
    """Deviation of the blur, half of which is sharpened back."""
    noise: float = 0.0
    past: int = 0
    """Pixels around the mask that are painted, too."""
    blobs: int = 0
    """Changed spots elsewhere."""
    shading: float = 0.0
    """Uneven light, as a share of the brightness."""
    warp: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Answer:
    pixels: NDArray[np.uint8]
    truth: Floats
    """What the answer would be if nothing was wrong, (H, W, 3)."""
    located: Any
    """Function of (x, y) of the original, centers at +0.5: where it is in the answer."""


def wrong(seed: int, *, hard: bool) -> Wrong:
    """The mistakes of the simple case, or those of the hard one, thrown by `seed`."""
    dice = np.random.default_rng(seed)
    angle = dice.uniform(0, 2 * np.pi)
    length = dice.uniform(2, 6)
    more = {"past": 8, "blobs": 3, "shading": 0.03, "warp": 1.0} if hard else {}
    return Wrong(
        shift=(length * np.cos(angle), length * np.sin(angle)),
        scale=dice.uniform(0.98, 1.02),
        gain=tuple(dice.uniform(0.9, 1.1, 3)),
        offset=tuple(dice.uniform(-7.6, 7.6, 3)),
        soft=0.8,
        noise=2.0,
        seed=seed,
        **more,
    )


def block(side: int, share: float = 0.4) -> NDArray[np.bool_]:
    """A mask whose side is `share` of the image's, a little off its middle."""
    mask = np.zeros((side, side), bool)
    length = round(side * share)
    top, left = (side - length) // 2, (side - length) * 2 // 5
    mask[top : top + length, left : left + length] = True
    return mask


def answer(original: NDArray[np.uint8], mask: NDArray[np.bool_], mistakes: Wrong) -> Answer:
    """What a model answers to an edit of `original` (H, W, 3) where `mask` is true."""
    dice = np.random.default_rng(mistakes.seed + 1000)
    height, width = mask.shape
    truth = original.astype(np.float32)
    other = np.roll(truth, (height // 3, width // 4), (0, 1))[::-1, :, [2, 0, 1]] * 0.8 + 25
    painted = grown(mask, mistakes.past)
    truth = np.where(painted[..., None], other, truth)
    shown = truth.copy()
    for _ in range(mistakes.blobs):
        y, x = dice.uniform(0.1, 0.9, 2) * (height, width)
        radius = dice.uniform(0.03, 0.06) * height
        ys, xs = np.mgrid[:height, :width]
        spot = ((ys - y) ** 2 + (xs - x) ** 2 < radius**2) & ~grown(mask, 24)
        shown[spot] = dice.uniform(30, 220, 3) + dice.normal(0, 12, (int(spot.sum()), 1))
    waves = [smooth_noise(dice, mask.shape, 3) * mistakes.warp for _ in range(2)]

    def located(x: Any, y: Any) -> tuple[Any, Any]:
        """Forwards, by a few rounds of the inverse of `source`."""
        u, v = np.array(x, float), np.array(y, float)
        for _ in range(8):
            a, b = source(u, v)
            u, v = u + (x - a), v + (y - b)
        return u, v

    def source(x: Any, y: Any) -> tuple[Any, Any]:
        """Which position of the original the answer shows at (x, y)."""
        u = (x - width / 2 - mistakes.shift[0]) / mistakes.scale + width / 2
        v = (y - height / 2 - mistakes.shift[1]) / mistakes.scale + height / 2
        if mistakes.warp:
            du, dv = (cubic(wave[..., None], u - 0.5, v - 0.5)[..., 0] for wave in waves)
            return u + du, v + dv
        return u, v

    ys, xs = np.mgrid[:height, :width] + 0.5
    u, v = source(xs, ys)
    out = cubic(shown, u - 0.5, v - 0.5)
    if mistakes.soft:
        soft = np.stack([blurred(out[..., i], mistakes.soft, wraps=False) for i in range(3)], -1)
        wide = np.stack([blurred(soft[..., i], 1.5, wraps=False) for i in range(3)], -1)
        out = soft + 0.5 * (soft - wide)
    light = 1 + mistakes.shading * smooth_noise(dice, mask.shape, 1)
    out = (out * mistakes.gain + mistakes.offset) * light[..., None]
    out += dice.normal(0, mistakes.noise, out.shape) if mistakes.noise else 0
    return Answer(np.clip(np.rint(out), 0, 255).astype(np.uint8), truth, located)


def grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """A mask with all pixels that are at most `by` away, across and down."""
    for axis in (0, 1):
        sums = np.cumsum(
            np.pad(mask, [(by + 1, by) if i == axis else (0, 0) for i in (0, 1)]), axis, np.int32
        )
        length = mask.shape[axis]
        first, last = (np.take(sums, range(at, at + length), axis) for at in (0, 2 * by + 1))
        mask = last > first
    return mask


def smooth_noise(dice: np.random.Generator, shape: tuple[int, int], cells: int) -> Floats:
    """Waves of `cells` or so across the image, in -1..1."""
    coarse = dice.normal(0, 1, (cells + 2, cells + 2)).astype(np.float32)
    fine = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))
    return (fine - fine.mean()) / np.abs(fine - fine.mean()).max()


def cubic(pixels: Floats, x: Any, y: Any) -> Floats:
    """Values (…, C) between pixels, whose centers are whole numbers: Catmull-Rom, reflected at borders."""
    height, width = pixels.shape[:2]
    out = 0.0
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)

    def weights(t: Any) -> list[Any]:
        return [
            ((-0.5 * t + 1) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1,
            ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        ]

    def inside(at: Any, n: int) -> Any:
        at = np.abs(at)
        return np.where(at >= n, 2 * n - 2 - at, at).clip(0, n - 1)

    across, columns = weights(x - x0), [inside(x0 + i - 1, width) for i in range(4)]
    flat = pixels.reshape(height * width, -1)
    for j, down in enumerate(weights(y - y0)):
        row = inside(y0 + j - 1, height) * width
        for weight, column in zip(across, columns, strict=True):
            out = out + (down * weight)[..., None] * flat.take(row + column, axis=0)
    return np.asarray(out, np.float32)


def elsewhere(original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Another part of the same texture."""
    height, width = original.shape[:2]
    return np.roll(original, (round(height * 0.37), round(width * 0.29)), (0, 1))


def other_detail(original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same colors, with the detail of elsewhere."""
    low, high = (
        np.stack([blurred(p[..., i].astype(np.float32), 8, wraps=False) for i in range(3)], -1)
        for p in (original, elsewhere(original))
    )
    return np.clip(np.rint(low + elsewhere(original) - high), 0, 255).astype(np.uint8)


def reframed(original: NDArray[np.uint8], by: float = 0.2) -> NDArray[np.uint8]:
    """The middle of it, at the size of the whole."""
    height, width = original.shape[:2]
    edge = round(width * by / 2), round(height * by / 2)
    inner = Image.fromarray(original).crop((edge[0], edge[1], width - edge[0], height - edge[1]))
    return np.asarray(inner.resize((width, height), Image.Resampling.BICUBIC))
