"""Poles repainted by a model: what it is shown of them, and what is taken of its answer.

A pole is seen as a flat view, straight up or straight down. The model may repaint the cap that was smoothed,
and of its answer only that cap is taken, brought back onto the sphere.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..editing.blending import blended, fit_edit
from ..imaging.formats import encode_png
from ..raster.arrays import resized
from ..raster.sampling import sample
from ..text.message import Message, message
from ..textures.seam_repair import CHANGED, Parcel
from .equirect import Floats, list_elevations, pixel_directions, sample_directions
from .poles import smooth_poles
from .views import DOWN, POLES, UP, view_side

AXES: Mapping[str, tuple[float, float]] = {UP: (-1.0, 1.0), DOWN: (1.0, -1.0)}
"""Of a view with azimuth 0 at its upper edge: x to its right, and z of the pole."""
EDGE = 60.0  # degrees of latitude from which on it may be repainted
CALM_FROM, CALM_TO = 80.0, 90.0  # degrees of latitude within which repainted rows become a point
SLOPE = 1  # waves around a pole of a color that rises evenly from one side to the other
MOST_OFF = 25.0  # levels of 255 by which an answer differs outside the mask, where no texture tells
UNEVEN = 1.0  # levels of 255 by which the rest deviates: less is not seen
WHERE = {UP: Message("straight up"), DOWN: Message("straight down")}


def see_pole(image: Floats, pole: str, side: int) -> Floats:
    """(side, side, channels): what a panorama shows 45° around a pole, and in the corners more."""
    right, z = AXES[pole]
    places = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(right * places, -places)
    return sample_directions(image, np.stack([x, y, np.full_like(x, z)], -1))


def cap_mask(side: int) -> NDArray[np.bool_]:
    """(side, side), true where a view may be repainted."""
    places = (np.arange(side) + 0.5) / side * 2 - 1
    return np.asarray(np.hypot(places, places[:, None]) < np.tan(np.radians(90 - EDGE)))


def pole_input(image: Floats, pole: str, side: int) -> Parcel:
    """The pictures that go to the model, of a smoothed panorama."""
    mask = np.asarray(np.repeat(cap_mask(side)[..., None], 3, 2) * 255, np.uint8)
    return Parcel(encode_png(_levels(see_pole(image, pole, side))), encode_png(mask))


def list_uneven_poles(image: Floats) -> tuple[str, ...]:
    """The poles around which a panorama shows more than an even slope of color."""
    found = []
    for pole in POLES:
        rows = image[_cap_rows(len(image), pole)]
        spectra = np.fft.rfft(rows, axis=1)
        spectra[:, : SLOPE + 1] = 0
        rest = np.fft.irfft(spectra, rows.shape[1], axis=1)
        if np.sqrt((rest**2).mean()) >= UNEVEN:
            found.append(pole)
    return tuple(found)


def _cap_rows(height: int, pole: str) -> slice:
    inside = np.flatnonzero(list_elevations(height) * AXES[pole][1] > EDGE)
    return slice(int(inside[0]), int(inside[-1]) + 1)


def repaint_poles(
    image: Floats, answers: Mapping[str, NDArray[np.uint8]]
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """A smoothed panorama with the repainted caps of answers, the poles that have one, and sentences.

    An answer is registered to what was sent, and taken only where it belongs to it and changes something.

    :param image: (height, width, 3) in 0..255.
    :param answers: by pole; each (H, W, 3 or 4) of any size.
    """
    repaired, told = [], []
    for pole, answer in answers.items():
        change, sentence = _find_change(image, pole, answer)
        told.append(sentence)
        if change is not None:
            repaired.append(pole)
            image = _lay_over(image, pole, change)
    if repaired:
        image = smooth_poles(image, CALM_FROM, CALM_TO)
    return image, tuple(repaired), tuple(told)


def _find_change(image: Floats, pole: str, answer: NDArray[np.uint8]) -> tuple[Floats | None, str]:
    """By how much each pixel of a pole's view changes; None where the answer is not used, and why."""
    side = view_side(len(image))
    shown, mask = _levels(see_pole(image, pole, side)), cap_mask(side)
    fitted = fit_edit(shown, answer[..., :3], mask)
    where = WHERE[pole]
    found = fitted.registration
    if not found.accepted or (found.plain and _compare_outside(shown, answer, mask) > MOST_OFF):
        return None, message(
            "What was repainted {where} does not fit the panorama ({score}) and is not used.",
            where=where,
            score=f"{found.agreement.share:.2f}",
        )
    change = blended(shown, fitted).astype(np.float32) - shown
    if np.abs(change[mask]).mean() < CHANGED:
        return None, message("The model changed nothing {where}; it stays smoothed.", where=where)
    return change, message("The model repainted what is {where}.", where=where)


def _compare_outside(shown: NDArray[np.uint8], answer: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    """Levels of 255 by which an answer differs outside the mask, on average."""
    planes = np.moveaxis(answer[..., :3], 2, 0).astype(np.float32)
    fitted = np.stack([resized(np.ascontiguousarray(plane), len(mask), len(mask)) for plane in planes], 2)
    return float(np.abs(fitted - shown)[~mask].mean())


def _lay_over(image: Floats, pole: str, change: Floats) -> Floats:
    """
    :param change: (side, side, 3) of the pole's view.
    """
    height, width = image.shape[:2]
    right, _ = AXES[pole]
    rows = _cap_rows(height, pole)
    x, y, depth = np.moveaxis(pixel_directions(height, width, rows), -1, 0)
    scale = len(change) / 2 / np.abs(depth)
    middle = len(change) / 2
    found = sample(change, (middle + right * x * scale).ravel(), (middle - y * scale).ravel())
    out = image.copy()
    out[rows] = np.clip(out[rows] + found.reshape(*x.shape, 3), 0, 255)
    return out


def _levels(view: Floats) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(view), 0, 255), np.uint8)
