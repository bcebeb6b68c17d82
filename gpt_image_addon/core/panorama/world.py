"""From a picture of all around to what lights a scene: the steps in their order. Runs in any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import resized
from ..text.message import message
from ..text.sky_words import read_sky
from .equirect import Floats
from .horizon import Tilt, find_tilt, level
from .light import FACTORS, add_disc, expand
from .pole_repair import repaint_poles
from .poles import pole_spread, smooth_poles
from .sun import GIVEN, NONE, UNSURE, Sun, find_sun
from .wrap import Closed, close

AUTO = "auto"
DISC, NO_SUN = "disc", "none"
DIGITS = 4


@dataclass(frozen=True)
class Options:
    """What of a world is said rather than found; see `Application`."""

    sun: str
    sky: str
    azimuth: float | None = None
    elevation: float | None = None


@dataclass(frozen=True)
class World:
    """What lights a scene."""

    radiance: Floats
    """(height, width, 3) linear, twice as wide as high."""
    report: dict[str, Any]
    """Plain JSON values, see `api.Result.world`."""
    notes: tuple[str, ...]
    """Sentences that the user should read."""


@dataclass(frozen=True)
class Panorama:
    """An image of all around, as it is before its poles are smoothed."""

    pixels: Floats
    """(height, width, 3) in 0..255, twice as wide as high, closed and levelled."""
    wrap_step: float
    """See `Closed.step`."""
    tilt: Tilt
    """As it was found; it is levelled where that is sure."""


def close_and_level(pixels: NDArray[np.uint8]) -> Panorama:
    """
    :param pixels: (height, width, 3) sRGB.
    """
    closed = close(pixels[..., :3].astype(np.float32))
    image = _resize(closed, len(pixels))
    tilt = find_tilt(image)
    return Panorama(level(image, tilt) if tilt.is_sure else image, closed.step, tilt)


def make_world(
    pixels: NDArray[np.uint8],
    prompt: str,
    options: Options,
    answers: Mapping[str, NDArray[np.uint8]] = MappingProxyType({}),
) -> World:
    """
    :param pixels: (height, width, 3) sRGB.
    :param prompt: whose words say what sky it is.
    :param answers: the views of the poles as they were repainted, see `pole_repair.repaint_poles`.
    """
    panorama = close_and_level(pixels)
    sharp, smooth, tilt = panorama.pixels, smooth_poles(panorama.pixels), panorama.tilt
    image, repaired, told = repaint_poles(smooth, answers)
    if repaired:
        sharp = np.where(image != smooth, image, sharp)
    sky = read_sky(prompt) if options.sky == AUTO else options.sky
    factor = FACTORS[sky]
    found = find_sun(sharp) if factor or options.elevation is not None else Sun(NONE)
    sun = _choose_sun(found, options)
    light = expand(image, sun, 0.0 if options.sun == NO_SUN else factor, found)
    radiance = add_disc(light, sun) if options.sun == DISC else light.sky
    report = {
        "sun": {
            "confidence": sun.confidence,
            "azimuth": sun.azimuth,
            "elevation": sun.elevation,
            "energy": _round(light.energy),
            "color": [_round(value) for value in light.color],
        },
        "sky": sky,
        "factor": factor,
        "irradiance": _round(light.total),
        "sun_share": _round(light.sun_share),
        "wrap_step": _round(panorama.wrap_step),
        "tilt": round(tilt.degrees, 2) if tilt.is_sure else 0.0,
        "pole_spread": _round(pole_spread(image)),
        "repaired_poles": list(repaired),
    }
    return World(radiance, report, (*told, *_tell(sun, options, factor)))


def _resize(closed: Closed, height: int) -> Floats:
    """Twice as wide as high; what was cut is as wide as before."""
    width = 2 * height
    if closed.pixels.shape[1] == width:
        return closed.pixels
    planes = np.moveaxis(closed.pixels, 2, 0)
    return np.stack([resized(np.ascontiguousarray(one), height, width, wraps=True) for one in planes], 2)


def _choose_sun(found: Sun, options: Options) -> Sun:
    """What was said goes over what is found."""
    azimuth = found.azimuth if options.azimuth is None else options.azimuth
    elevation = found.elevation if options.elevation is None else options.elevation
    if options.azimuth is None and options.elevation is None:
        return found
    if azimuth is None or elevation is None or (options.elevation is None and not found.lights):
        return found
    return Sun(GIVEN, azimuth, elevation)


def _round(value: float) -> float:
    return round(float(value), DIGITS)


def _tell(sun: Sun, options: Options, factor: float) -> tuple[str, ...]:
    if options.sun == NO_SUN:
        return ()
    if not factor:
        told = "The sky has no sun, by the prompt or your choice; to have one, choose another sky."
        return (told,) if sun.confidence == GIVEN else ()
    if sun.lights:
        return ()
    if sun.confidence == UNSURE:
        return (
            message(
                "The sun is near azimuth {azimuth}°, but no disc was found there, so none was made; to have "
                "one, say its elevation (about {elevation}°).",
                azimuth=f"{sun.azimuth:.0f}",
                elevation=f"{sun.elevation:.0f}",
            ),
        )
    return ("No sun was found, so none was made; to have one, say its azimuth and elevation.",)
