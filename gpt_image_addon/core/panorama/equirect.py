"""Directions and light of equirectangular images: the middle is azimuth 0, the upper edge straight up.

Azimuths are degrees clockwise as seen from above, elevations degrees above the horizon.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.sampling import sample

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
MARGIN = 2  # columns that continue an image at its sides while it is sampled


def list_azimuths(width: int) -> Numbers:
    """(width,) of the columns, from -180 to 180."""
    return ((np.arange(width) + 0.5) / width - 0.5) * 360


def list_elevations(height: int) -> Numbers:
    """(height,) of the rows, from 90 to -90."""
    return 90 - (np.arange(height) + 0.5) / height * 180


def list_cosines(height: int) -> Numbers:
    """(height,) of the elevations: how much of the sphere a row covers."""
    cosines: Numbers = np.cos(np.radians(list_elevations(height)))
    return cosines


def solid_angles(height: int, width: int) -> Numbers:
    """(height,) steradians of a pixel of each row; all pixels together have the whole sphere."""
    edges = np.sin(np.radians(np.linspace(90, -90, height + 1)))
    areas: Numbers = 2 * np.pi / width * -np.diff(edges)
    return areas


def to_directions(azimuth: Any, elevation: Any) -> Numbers:
    """(…, 3) of length 1: x to azimuth 90, y to azimuth 0, z up."""
    azimuth, elevation = np.radians(azimuth), np.radians(elevation)
    flat = np.cos(elevation)
    return np.stack(
        np.broadcast_arrays(np.sin(azimuth) * flat, np.cos(azimuth) * flat, np.sin(elevation)), -1
    )


def to_angles(directions: NDArray[Any]) -> tuple[Numbers, Numbers]:
    """Azimuths and elevations of (…, 3) directions of any length."""
    x, y, z = np.moveaxis(directions, -1, 0)
    return np.degrees(np.arctan2(x, y)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def pixel_directions(height: int, width: int, rows: slice = slice(None)) -> Numbers:
    """(rows, width, 3) of the pixels of some rows of an image."""
    return to_directions(list_azimuths(width), list_elevations(height)[rows, None])


def sample_directions(image: Floats, directions: NDArray[Any]) -> Floats:
    """What an image shows in directions, by bilinear interpolation.

    :param image: (height, width, channels).
    :param directions: (…, 3).
    :returns: (…, channels).
    """
    height, width, channels = image.shape
    azimuths, elevations = to_angles(directions)
    wide = np.concatenate([image[:, -MARGIN:], image, image[:, :MARGIN]], 1)
    x = (azimuths / 360 + 0.5) % 1 * width + MARGIN
    y = (0.5 - elevations / 180) * height
    shown = sample(wide, x.ravel(), y.ravel())
    return shown.reshape(*azimuths.shape, channels)


def luminance(colors: NDArray[Any]) -> NDArray[Any]:
    """(…) of linear Rec.709 colors (…, 3)."""
    found: NDArray[Any] = colors[..., :3] @ LUMINANCE
    return found


def irradiance(radiance: NDArray[Any]) -> Numbers:
    """(channels,) of a horizontal surface that looks up.

    :param radiance: (height, width, channels) linear.
    """
    height, width = radiance.shape[:2]
    above = np.clip(np.sin(np.radians(list_elevations(height))), 0, None)
    rows = radiance.mean(1, dtype=np.float64) * width
    return np.asarray((solid_angles(height, width) * above) @ rows)
