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
    list_elevations,
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
CLEAR_SKY = (-1.0, -0.32, 10.0, -3.0, 0.45)
"""a and b of the gradation, c, d and e of the indicatrix; see `clear_sky`."""
SURE = 0.5  # of white, up to which an image is believed; of white itself it says nothing
LEAST_LIGHT = 0.01  # of white, from which on a pixel tells how bright the sky is


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
    if sun.lights and sun.azimuth is not None and sun.elevation is not None and factor == FACTORS["clear"]:
        _brighten(sky, sun.azimuth, sun.elevation)
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


def _brighten(sky: Floats, azimuth: float, elevation: float) -> None:
    """Give what is too bright for 8 bits around the sun of a clear day the light that it has, in place.

    The glow around a sun is many times brighter than the rest, and is white in an image, or compressed to
    nearly white. How bright it is follows from the rest, by the standard's distribution; an image's own
    value counts the less, the nearer it is to white. Nothing gets darker.
    """
    height, width = sky.shape[:2]
    above = height // 2
    part = sky[:above]
    usual = clear_sky(azimuth, elevation, height, width)
    shown = luminance(part)
    told = (shown > LEAST_LIGHT) & (shown < SURE)
    if not told.any():
        return
    areas = np.broadcast_to(solid_angles(height, width)[:above, None], shown.shape)[told]
    level = np.exp(np.average(np.log(shown[told] / usual[told]), weights=areas))
    doubt = np.clip((shown - SURE) / (1 - SURE), 0, 1)
    lit = shown + doubt * np.maximum(usual * level - shown, 0)
    part *= np.where(doubt > 0, lit / np.maximum(shown, SURE), 1).astype(np.float32)[..., None]


def clear_sky(azimuth: float, elevation: float, height: int, width: int) -> Numbers:
    """How bright a clear sky is in each direction, in any unit; (height // 2, width), the part above.

    The CIE Standard General Sky (ISO 15469:2004, CIE S 011), type 12: clear, of low turbidity.
    """
    rows = slice(0, height // 2)
    apart = np.arccos(np.clip(_cosines_to(azimuth, elevation, height, width, rows), -1, 1))
    up = np.sin(np.radians(list_elevations(height)[rows, None]))
    a, b, c, d, e = CLEAR_SKY
    gradation = 1 + a * np.exp(b / up)
    indicatrix = 1 + c * (np.exp(d * apart) - np.exp(d * np.pi / 2)) + e * np.cos(apart) ** 2
    return np.asarray(gradation * indicatrix)


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
