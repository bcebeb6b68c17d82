"""A subject with soft, hair-like edges before a backdrop, and answers that cut it out as models do."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gpt_image_addon.core.raster.arrays import blurred

from .simulated import Floats, cubic, smooth_noise

FINE = 4  # drawn so many times as large


@dataclass(frozen=True)
class Subject:
    image: NDArray[np.uint8]
    """(side, side, 3): the subject before its backdrop."""
    alpha: Floats
    """(side, side) in 0..1."""
    colors: Floats
    """(side, side, 3): its own, also beneath what is transparent."""


def texture(dice: np.random.Generator, side: int, low: float, high: float) -> Floats:
    levels = np.zeros((side, side, 3), np.float32)
    for cells in (5, 20, 80):
        coarse = dice.uniform(low, high, (cells, cells, 3)).astype(np.float32)
        planes = [
            Image.fromarray(coarse[..., i]).resize((side, side), Image.Resampling.BICUBIC) for i in range(3)
        ]
        levels += np.dstack([np.asarray(plane) for plane in planes]) / 3
    return np.clip(levels, 0, 255)


@functools.cache
def subject(side: int = 512, seed: int = 1, *, backdrop: tuple[float, float] = (140, 240)) -> Subject:
    """A round thing with strands of hair around it.

    :param backdrop: the darkest and the brightest level of its texture.
    """
    dice = np.random.default_rng(seed)
    fine = side * FINE
    drawn = Image.new("L", (fine, fine), 0)
    draw = ImageDraw.Draw(drawn)
    draw.ellipse((fine * 0.25, fine * 0.3, fine * 0.75, fine * 0.85), fill=255)
    for angle in np.linspace(np.pi * 1.05, np.pi * 1.95, 60):
        start = fine * (0.5 + 0.24 * np.cos(angle)), fine * (0.57 + 0.26 * np.sin(angle))
        length, bend = fine * dice.uniform(0.05, 0.12), dice.uniform(-0.5, 0.5)
        points = [
            (
                start[0] + t * length * np.cos(angle + bend * t),
                start[1] + t * length * np.sin(angle + bend * t),
            )
            for t in np.linspace(0, 1, 12)
        ]
        draw.line(points, fill=255, width=int(dice.uniform(3, 8)))
    alpha = np.asarray(drawn.reduce(FINE), np.float32) / 255
    alpha = np.maximum(alpha, blurred(alpha, 1.0, wraps=False))
    colors = texture(dice, side, 10, 130)
    behind = texture(dice, side, *backdrop)
    image = colors * alpha[..., None] + behind * (1 - alpha[..., None])
    return Subject(np.rint(image).astype(np.uint8), alpha, colors)


def cut(
    found: Subject,
    *,
    shift: tuple[float, float] = (4.0, -3.0),
    scale: float = 1.01,
    gain: float = 1.06,
    soft: float = 1.0,
    warp: float = 1.0,
    seed: int = 3,
) -> NDArray[np.uint8]:
    """(side, side, 4): what a model answers; dark where it is transparent, its alpha peaks at 254."""
    dice = np.random.default_rng(seed)
    side = len(found.alpha)
    ys, xs = np.mgrid[:side, :side] + 0.5
    u = (xs - side / 2 - shift[0]) / scale + side / 2 + smooth_noise(dice, (side, side), 3) * warp
    v = (ys - side / 2 - shift[1]) / scale + side / 2 + smooth_noise(dice, (side, side), 3) * warp
    moved = cubic(np.dstack([found.colors * gain, found.alpha * 255]), u - 0.5, v - 0.5)
    alpha = blurred(np.ascontiguousarray(moved[..., 3]), soft, wraps=False)
    colors = (moved[..., :3] + dice.normal(0, 2, moved[..., :3].shape)) * (alpha[..., None] > 2)
    return np.clip(np.rint(np.dstack([colors, np.minimum(alpha, 254)])), 0, 255).astype(np.uint8)
