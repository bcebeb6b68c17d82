"""Finds the sun in a panorama: first where the sky is brightest around, then a small white disc there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import resized
from .equirect import (
    Floats,
    Numbers,
    list_azimuths,
    list_cosines,
    list_elevations,
    luminance,
    solid_angles,
    to_angles,
    to_directions,
)

SURE, UNSURE, NONE, GIVEN = "sure", "unsure", "none", "given"
"""How far a sun can be trusted: found with its disc; guessed by the light of the sky; not there; said."""
FIT_SIZE = (64, 128)  # rows and columns of the image whose fall-off is fitted
SPREADS = (4.0, 12.0, 35.0)  # degrees of the exponentials whose sum is the light around the sun
STEP = 3.0  # degrees of elevation from one try to the next
LEAST_FIT = 0.2  # share of what is brighter on one side that the fall-off explains
WHITE = 0.95  # of the full value, which all channels of the disc have at least
LARGEST = 2.5  # degrees of its radius: the middle of a larger glow says nothing for sure
NEAREST = 6.0  # degrees around the fitted azimuth
LEAST_ROUND = 0.4  # share of the circle around it that the disc fills
MOST_RUNS = 20_000  # of white pixels: where there are more, none is a sun


@dataclass(frozen=True)
class Sun:
    """Where the sun is, and how sure that is."""

    confidence: str
    azimuth: float | None = None
    """Degrees clockwise from the middle of the image; None where nothing tells."""
    elevation: float | None = None
    """Degrees above the horizon."""
    radius: float = 0.0
    """Degrees of the white disc around it; 0 where none was found."""

    @property
    def lights(self) -> bool:
        """Whether it is known well enough to light with it."""
        return self.confidence in (SURE, GIVEN)


def find_sun(pixels: Floats) -> Sun:
    """
    :param pixels: (height, width, 3) sRGB in 0..255.
    """
    azimuth, elevation, fit = _fit_falloff(pixels)
    if fit < LEAST_FIT:
        return Sun(NONE)
    discs = [
        disc
        for disc in _list_discs(pixels)
        if abs((disc.azimuth - azimuth + 180) % 360 - 180) * np.cos(np.radians(disc.elevation)) <= NEAREST
    ]
    if not discs:
        return Sun(UNSURE, round(azimuth, 1), round(elevation, 1))
    disc = max(discs, key=lambda one: one.area)
    return Sun(SURE, round(disc.azimuth, 2), round(disc.elevation, 2), disc.radius)


def _fit_falloff(pixels: Floats) -> tuple[float, float, float]:
    """Azimuth and elevation around which the sky is brighter, and the share of that which is explained.

    What is the same all around says nothing of the azimuth, so the mean of each row is left out.
    """
    rows, columns = FIT_SIZE
    small = np.stack([resized(np.ascontiguousarray(pixels[..., c]), rows, columns) for c in range(3)], 2)
    sky = luminance(small[: rows // 2]).astype(np.float64)
    sky -= sky.mean(1, keepdims=True)
    elevations, weights = list_elevations(rows)[: rows // 2], list_cosines(rows)[: rows // 2, None]
    total = float((weights * sky**2).sum())
    if total <= 1e-6 * sky.size:
        return 0.0, 0.0, 0.0
    seen = np.fft.rfft(sky, axis=1)
    ways = to_directions(list_azimuths(columns), elevations[:, None])
    best = (0.0, 0.0, 0.0)
    for elevation in np.arange(STEP / 2, 90, STEP):
        found = _explain(seen, weights, ways @ to_directions(list_azimuths(columns)[0], elevation))
        at = int(found.argmax())
        if found[at] / total > best[2]:
            around = found[[at - 1, at, (at + 1) % columns]]
            curve = around[0] - 2 * around[1] + around[2]
            shift = 0.5 * (around[0] - around[2]) / curve if curve < 0 else 0.0
            azimuth = list_azimuths(columns)[at] + shift * 360 / columns
            best = ((azimuth + 180) % 360 - 180, float(elevation), float(found[at] / total))
    return best


def _explain(seen: NDArray[np.complex128], weights: Numbers, cosines: Numbers) -> Numbers:
    """(columns,) how much of the sky a sun in each of them explains.

    :param cosines: (rows, columns) of the angle to a sun in the first column.
    """
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    glows = np.exp(-angles / np.array(SPREADS)[:, None, None])
    glows -= glows.mean(2, keepdims=True)
    gram = np.einsum("aij,bij->ab", glows * weights, glows)
    spectra = np.fft.rfft(glows * weights, axis=2)
    shared = np.fft.irfft((seen * spectra.conj()).sum(1), angles.shape[1], axis=1)
    parts = np.linalg.solve(gram + 1e-9 * np.trace(gram) * np.eye(len(gram)), shared)
    explained = (parts * shared).sum(0)
    explained[parts.sum(0) <= 0] = 0  # darker around it
    return np.asarray(explained)


@dataclass(frozen=True)
class _Disc:
    azimuth: float
    elevation: float
    radius: float
    area: float


def _list_discs(pixels: Floats) -> Iterator[_Disc]:
    """White blobs above the horizon that are small and round enough for a sun."""
    height, width = pixels.shape[:2]
    white = (pixels[: height // 2] >= WHITE * 255).all(2)
    areas, azimuths, elevations = solid_angles(height, width), list_azimuths(width), list_elevations(height)
    for rows, columns in _list_blobs(white):
        area = float(areas[rows].sum())
        if area > _cap(np.radians(LARGEST)):
            continue
        members = to_directions(azimuths[columns], elevations[rows])
        middle = (members * areas[rows, None]).sum(0)
        middle /= np.linalg.norm(middle)
        pixel = np.pi / height
        reach = float(np.arccos(np.clip(members @ middle, -1, 1)).max()) + pixel / 2
        if area < LEAST_ROUND * _cap(reach):
            continue
        azimuth, elevation = to_angles(middle)
        yield _Disc(float(azimuth), float(elevation), float(np.degrees(reach)), area)


def _cap(radius: float) -> float:
    """Steradians of a circle on the sphere."""
    return float(2 * np.pi * (1 - np.cos(radius)))


def _list_blobs(white: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows and columns of the pixels of each connected blob, over the edges, too; none where there are many.

    :param white: (height, width).
    """
    height, width = white.shape
    padded = np.pad(white, ((0, 0), (1, 1))).astype(np.int8)
    changes = np.diff(padded, axis=1)
    rows, starts = np.nonzero(changes == 1)
    ends = np.nonzero(changes == -1)[1]
    if len(rows) > MOST_RUNS:
        return
    parents = list(range(len(rows)))

    def find(run: int) -> int:
        while parents[run] != run:
            parents[run] = parents[parents[run]]
            run = parents[run]
        return run

    first = np.searchsorted(rows, np.arange(height + 1))
    for row in range(height):
        own, above = range(first[row], first[row + 1]), range(first[max(row - 1, 0)], first[row])
        if own and starts[own[0]] == 0 and ends[own[-1]] == width:
            parents[find(own[-1])] = find(own[0])
        at = 0
        for run in own:
            while at < len(above) and ends[above[at]] < starts[run]:
                at += 1
            other = at
            while other < len(above) and starts[above[other]] <= ends[run]:
                parents[find(above[other])] = find(run)
                other += 1
            at = max(at, other - 1)
    groups: dict[int, list[int]] = {}
    for run in range(len(rows)):
        groups.setdefault(find(run), []).append(run)
    for members in groups.values():
        yield (
            np.concatenate([np.full(ends[run] - starts[run], rows[run]) for run in members]),
            np.concatenate([np.arange(starts[run], ends[run]) for run in members]),
        )
