"""What a panorama shows at its poles: no finer than the sphere has room for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .equirect import Floats, list_elevations

FROM, TO = 45.0, 75.0  # degrees of latitude between which the limit sinks
AT_POLES = 0.5  # of the frequencies that a sphere has room for
SOFT = 0.35  # of the limit over which it fades out


def smooth_poles(pixels: Floats, start: float = FROM, end: float = TO) -> Floats:
    """Take the frequencies out of each row for which its circle has no room; half of them at the poles.

    :param pixels: (height, width, 3).
    :param start: degrees of latitude up to which all of them stay; to `end` the limit sinks.
    """
    height, width = pixels.shape[:2]
    latitudes = np.abs(list_elevations(height))
    share = 1 - (1 - AT_POLES) * np.clip((latitudes - start) / (end - start), 0, 1)
    limits = share * width / 2 * np.cos(np.radians(latitudes))
    frequencies = np.arange(width // 2 + 1)
    smooth = pixels.copy()
    for row in np.flatnonzero(latitudes > start):
        kept = np.clip((limits[row] - frequencies) / (SOFT * limits[row]) + 0.5, 0, 1)
        kept[0] = 1
        smooth[row] = np.fft.irfft(np.fft.rfft(pixels[row], axis=0) * kept[:, None], width, axis=0)
    return smooth


def pole_spread(pixels: NDArray[Any]) -> float:
    """How far the colors of the first and the last row, which are a point each, lie apart: 0 to 1.

    :param pixels: (height, width, channels) in 0..255.
    """
    rows = np.stack([pixels[0], pixels[-1]]).astype(np.float32) / 255
    return float((rows.max(1) - rows.min(1)).max())
