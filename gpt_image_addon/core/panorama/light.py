"""From a panorama of 8 bits to the light it stands for: a sun as bright as the sky around it tells.

The ratios are those of Cycles' Sky Texture with multiple scattering, rendered and integrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..imaging.color_spaces import linear_from_srgb
from .equirect import (
    Floats,
    Numbers,
    irradiance,
    luminance,
    pixel_directions,
    solid_angles,
    to_directions,
)
from .sun import Sun

ELEVATIONS = (0.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 75.0)
RATIOS = (0.0, 0.19, 0.79, 1.9, 2.9, 3.9, 5.5, 7.4, 8.6, 9.3)
"""Irradiance of a horizontal surface by the sun of a clear day over that by its sky, at the elevations."""
COLOR_ELEVATIONS = (5.0, 10.0, 30.0, 60.0)
COLORS = ((1.68, 0.88, 0.19), (1.42, 0.94, 0.41), (1.22, 0.97, 0.69), (1.17, 0.97, 0.77))
"""Linear colors of the sun at these elevations, of luminance 1."""
LEAST_ELEVATION = 0.5  # degrees: below, the sine says nothing
FACTORS: Mapping[str, float] = {"clear": 1.0, "hazy": 0.35, "overcast": 0.0, "night": 0.0, "indoor": 0.0}
"""By the kind of sky, how much of a clear day's sun there is."""
DISC_RADIUS = 0.265  # degrees
LEAST_ROWS = 1.2  # that the radius of a disc has in an image
RIM = 1.5  # radii of it around which its color is taken
HALO = 1.5  # radii of what is white around the sun that is taken for the sun itself


@dataclass(frozen=True)
class Light:
    """What a panorama stands for."""

    sky: Floats
    """(height, width, 3) linear radiance without the sun."""
    energy: float
    """Irradiance of a surface that faces the sun, as a lamp's strength has it; 0 without one."""
    color: tuple[float, float, float]
    """Linear, the largest 1."""
    total: float
    """Irradiance of a horizontal surface, as luminance, by sky and sun."""
    sun_share: float
    """Of that."""


def expand(
    pixels: Floats, sun: Sun, factor: float, seen: Sun | None = None, ratios: Sequence[float] = RATIOS
) -> Light:
    """
    :param pixels: (height, width, 3) sRGB in 0..255.
    :param sun: the one that lights.
    :param factor: share of a clear day's sun.
    :param seen: the one that the pixels show, which is taken out of them; `sun` without it.
    :param ratios: of a clear day, at `ELEVATIONS`.
    """
    seen = seen or sun
    sky = np.asarray(linear_from_srgb(pixels / np.float32(255)), np.float32)
    if seen.radius and seen.azimuth is not None and seen.elevation is not None:
        _take_out(sky, seen.azimuth, seen.elevation, seen.radius * HALO)
    of_sky = float(luminance(irradiance(sky)))
    if not sun.lights or sun.elevation is None or not factor:
        return Light(sky, 0.0, (1.0, 1.0, 1.0), of_sky, 0.0)
    elevation = max(sun.elevation, LEAST_ELEVATION)
    of_sun = float(np.interp(elevation, ELEVATIONS, ratios)) * factor * of_sky
    color = np.array([np.interp(elevation, COLOR_ELEVATIONS, column) for column in zip(*COLORS, strict=True)])
    energy = of_sun / np.sin(np.radians(elevation)) * color.max() / float(luminance(color))
    red, green, blue = map(float, color / color.max())
    total = of_sky + of_sun
    return Light(sky, float(energy), (red, green, blue), total, of_sun / total if total else 0.0)


def add_disc(light: Light, sun: Sun) -> Floats:
    """The radiance with the sun in it: a disc that has all the light of the lamp.

    It is at least some rows wide, with a soft border, and as bright as its own pixels have room.
    """
    if not light.energy or sun.azimuth is None or sun.elevation is None:
        return light.sky
    height, width = light.sky.shape[:2]
    row = 180 / height
    radius = max(DISC_RADIUS, LEAST_ROWS * row)
    rows = _rows_around(sun.elevation, radius + row, height)
    cosines = _cosines_to(sun.azimuth, sun.elevation, height, width, rows)
    share = np.clip((radius - _to_degrees(cosines)) / row + 0.5, 0, 1)
    covered = float((share * cosines * solid_angles(height, width)[rows, None]).sum())
    color = np.array(light.color, np.float32) * np.float32(light.energy / covered)
    radiance = light.sky.copy()
    radiance[rows] += share[..., None].astype(np.float32) * color
    return radiance


def _take_out(sky: Floats, azimuth: float, elevation: float, radius: float) -> None:
    """Fill a disc with the color around it, in place."""
    height, width = sky.shape[:2]
    reach = RIM * radius + 2 * 180 / height
    rows = _rows_around(elevation, reach, height)
    angles = _to_degrees(_cosines_to(azimuth, elevation, height, width, rows))
    around = (angles > radius) & (angles <= reach)
    areas = np.broadcast_to(solid_angles(height, width)[rows, None], around.shape)[around]
    sky[rows][angles <= radius] = np.average(sky[rows][around], axis=0, weights=areas)


def _rows_around(elevation: float, reach: float, height: int) -> slice:
    """The rows of an image that come as near as some degrees to an elevation."""
    first = int((90 - elevation - reach) / 180 * height)
    last = int((90 - elevation + reach) / 180 * height)
    return slice(max(first, 0), min(last + 1, height))


def _cosines_to(azimuth: float, elevation: float, height: int, width: int, rows: slice) -> Numbers:
    """(rows, width) of the angle from each pixel to a place."""
    return np.asarray(pixel_directions(height, width, rows) @ to_directions(azimuth, elevation))


def _to_degrees(cosines: Numbers) -> Numbers:
    return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1, 1))))
