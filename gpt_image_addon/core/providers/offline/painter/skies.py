"""Drafts of panoramas: a sky with its sun over rolling ground, which closes all around."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .primitives.canvas import Field


class _Sky(NamedTuple):
    zenith: tuple[float, float, float]
    """Linear colors."""
    horizon: tuple[float, float, float]
    glow: tuple[float, float, float]
    """Around the sun."""
    disc: bool
    """Whether the sun is seen."""


SKIES: Mapping[str, _Sky] = {
    "clear": _Sky((0.05, 0.14, 0.4), (0.32, 0.43, 0.58), (0.5, 0.45, 0.36), disc=True),
    "hazy": _Sky((0.2, 0.26, 0.36), (0.42, 0.44, 0.46), (0.4, 0.37, 0.32), disc=True),
    "overcast": _Sky((0.3, 0.32, 0.35), (0.42, 0.43, 0.45), (0.0, 0.0, 0.0), disc=False),
    "night": _Sky((0.002, 0.004, 0.012), (0.01, 0.014, 0.03), (0.0, 0.0, 0.0), disc=False),
    "indoor": _Sky((0.3, 0.28, 0.25), (0.2, 0.19, 0.17), (0.0, 0.0, 0.0), disc=False),
}
GROUND = (0.16, 0.14, 0.1)
SPREADS = (4.0, 12.0, 35.0)  # degrees of the light around the sun
RADIUS = 0.6  # degrees of the disc
LEAST_ROWS = 1.5  # that it has as its radius
WAVES = 9  # of the horizon, around the whole
BLOCK = 128  # rows that are painted at once
HILLS = 2.5  # degrees that it rises at most


def paint_sky(prompt: str, width: int, height: int, sky: str, index: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB, equirectangular; the same prompt, size and index give the same bytes.

    :param sky: one of `SKIES`.
    """
    dice = np.random.Generator(np.random.PCG64(zlib.crc32(f"{index} {prompt}".encode())))
    row = SKIES[sky]
    azimuth, elevation = np.radians(dice.uniform(-150, 150)), np.radians(dice.uniform(18, 55))
    columns = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    rows = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    hills = _list_hills(dice, columns)
    image = np.empty((height, width, 3), np.uint8)
    for first in range(0, height, BLOCK):
        block = slice(first, first + BLOCK)
        above = _paint_sky(row, rows[block, None], columns, (azimuth, elevation), 180 / height)
        below = np.clip((hills - np.degrees(rows[block, None])) / (180 / height) + 0.5, 0, 1)[..., None]
        far = np.clip(np.degrees(-rows[block, None]) / 60, 0, 1)[..., None]
        shade = np.asarray(GROUND) * (0.6 + 0.4 * far) * (np.mean(row.horizon) / 0.45)
        image[block] = _encode(above * (1 - below) + shade * below)
    return image


def _paint_sky(
    row: _Sky,
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    sun: tuple[float, float],
    step: float,
) -> NDArray[np.float64]:
    """(rows, columns, 3) linear.

    :param rows: (rows, 1) elevations in radians.
    :param columns: (columns,) azimuths in radians.
    :param sun: azimuth and elevation in radians.
    :param step: degrees of a row.
    """
    azimuth, elevation = sun
    cosines = np.sin(rows) * np.sin(elevation) + np.cos(rows) * np.cos(elevation) * np.cos(columns - azimuth)
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    up = np.clip(np.sin(rows), 0, 1)[..., None] ** 0.45
    glow = sum(np.exp(-angles / spread) for spread in SPREADS) / len(SPREADS)
    color = np.asarray(row.horizon) * (1 - up) + np.asarray(row.zenith) * up + glow[..., None] * row.glow
    color = np.minimum(color, 0.75)
    if row.disc:
        disc = np.clip((max(RADIUS, LEAST_ROWS * step) - angles) / step + 0.5, 0, 1)[..., None]
        color = color * (1 - disc) + disc
    return np.asarray(color)


def _list_hills(dice: np.random.Generator, columns: Field) -> NDArray[np.float64]:
    """(width,) degrees of the horizon."""
    waves = np.arange(1, WAVES + 1)
    heights, phases = dice.uniform(0.3, 1, WAVES) / waves, dice.uniform(0, 2 * np.pi, WAVES)
    hills = (heights[:, None] * np.sin(waves[:, None] * columns + phases[:, None])).sum(0)
    return np.asarray(hills / np.abs(hills).max() * HILLS)


def _encode(linear: NDArray[np.float64]) -> NDArray[np.uint8]:
    low, high = linear * 12.92, 1.055 * np.maximum(linear, 1e-4) ** (1 / 2.4) - 0.055
    return np.asarray(np.rint(np.clip(np.where(linear <= 0.0031308, low, high), 0, 1) * 255), np.uint8)
