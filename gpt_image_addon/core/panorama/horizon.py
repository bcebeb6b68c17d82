"""Finds how a panorama is tilted, by its horizon, and levels it where that is sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .equirect import Floats, Numbers, list_azimuths, list_elevations, pixel_directions, sample_directions

REACH = 30.0  # degrees around the middle in which the horizon is looked for
AROUND = 3  # rows to both sides of a step whose middle is taken
ROUNDS = 20  # of the fit, each with weights by the residuals before
NEAR = 0.7  # degrees around the fit in which a column agrees with it
LEAST_SHARE = 0.6  # of the columns that agree
LEAST_TILT, MOST_TILT = 0.7, 20.0  # degrees: less is not seen, more is no tilt
BLOCK = 128  # rows that are turned at once


@dataclass(frozen=True)
class Tilt:
    """How the horizon lies: its elevation is a · sin(azimuth) + b · cos(azimuth) + c degrees."""

    a: float
    b: float
    c: float
    share: float
    """Of the columns whose strongest step lies on it."""

    @property
    def degrees(self) -> float:
        """How far it is tilted."""
        return float(np.hypot(self.a, self.b))

    @property
    def is_sure(self) -> bool:
        """Whether it is a horizon, and tilted."""
        return self.share >= LEAST_SHARE and LEAST_TILT <= self.degrees <= MOST_TILT


def find_tilt(pixels: Floats) -> Tilt:
    """The tilt by the strongest step down each column, around the middle.

    :param pixels: (height, width, 3) in 0..255.
    """
    height, width = pixels.shape[:2]
    elevations = list_elevations(height)
    rows = np.flatnonzero(np.abs(elevations) <= REACH)
    grey = pixels[rows].mean(2)
    grey = grey[:-2] + grey[1:-1] + grey[2:]
    steps = np.abs(grey[2:] - grey[:-2])
    found = _find_middles(steps, elevations[rows][2:-2])
    azimuths = np.radians(list_azimuths(width))
    terms = np.stack([np.sin(azimuths), np.cos(azimuths), np.ones(width)], 1)
    weights = np.ones(width)
    fit = np.array([0.0, 0.0, float(np.median(found))])
    for _ in range(ROUNDS):
        residuals = found - terms @ fit
        weights = 1 / np.maximum(np.abs(residuals), NEAR / 4)
        fit = np.linalg.solve(terms.T * weights @ terms, terms.T * weights @ found)
    share = float((np.abs(found - terms @ fit) <= NEAR).mean())
    return Tilt(float(fit[0]), float(fit[1]), float(fit[2]), share)


def _find_middles(steps: Floats, elevations: Numbers) -> Numbers:
    """(columns,) elevations of the strongest steps, between rows by what lies around them.

    :param steps: (rows, columns).
    """
    around = np.clip(steps.argmax(0) + np.arange(-AROUND, AROUND + 1)[:, None], 0, len(steps) - 1)
    weights = np.take_along_axis(steps, around, 0) + 1e-6
    return np.asarray((weights * elevations[around]).sum(0) / weights.sum(0))


def level(pixels: Floats, tilt: Tilt) -> Floats:
    """The panorama turned so that its horizon lies straight.

    :param pixels: (height, width, 3).
    """
    turn = _rotation(tilt)
    height, width = pixels.shape[:2]
    levelled = np.empty_like(pixels)
    for first in range(0, height, BLOCK):
        rows = slice(first, min(first + BLOCK, height))
        levelled[rows] = sample_directions(pixels, pixel_directions(height, width, rows) @ turn)
    return levelled


def _rotation(tilt: Tilt) -> Numbers:
    """(3, 3) by which a row of a level direction is multiplied to get the tilted one."""
    up = np.array([-np.tan(np.radians(tilt.a)), -np.tan(np.radians(tilt.b)), 1.0])
    up /= np.linalg.norm(up)
    axis = np.cross(up, [0.0, 0.0, 1.0])
    sine, cosine = float(np.linalg.norm(axis)), float(up[2])
    if sine < 1e-9:
        return np.eye(3)
    x, y, z = axis / sine
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + sine * cross + (1 - cosine) * cross @ cross)
