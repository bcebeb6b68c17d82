"""Stored answers painted onto a surface: values in, values out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.push_pull import push_pull
from .depth import measure_distance
from .gaps import fill_gaps
from .harmony import measure_gains, remove_gain
from .outlines import Placement, move_back, place
from .paint import Gathered, SeenView, gather, locate_texels, measure_opacity, see
from .surface import NO_OWNER, Triangles
from .view import View
from .viewpoints import sample_surface

MARGIN = 6  # texels around faces that get colors, so that smaller copies show no seams


@dataclass(frozen=True)
class PaintOptions:
    """How answers are painted."""

    register: bool = True
    """Answers are aligned on the outlines of their guides."""
    accept: bool = False
    """Answers are used whose outlines do not match."""
    erosion: float = 2.0
    """Pixels beside a jump of depth that are not used."""
    feather: float = 8.0
    """Pixels more until a view counts fully."""
    replace_all: bool = False
    """What was there does not show through."""
    gains: bool = False
    """Colors of views are made to agree."""
    fill_gaps: bool = False
    """What no view shows gets colors from what lies near it."""
    chosen: tuple[str, ...] = ()
    """Names of the views that are used; all when empty."""


@dataclass(frozen=True)
class ViewReport:
    """What became of a view."""

    name: str
    placement: Placement
    used: bool
    coverage: float
    """Share of the texels that it painted."""


@dataclass(frozen=True)
class PaintedImages:
    """What was painted."""

    images: tuple[NDArray[np.uint8], ...]
    """As they came, changed where they were painted."""
    views: tuple[ViewReport, ...]
    coverage: float
    gap_share: float
    overlap_share: float


def paint_views(
    triangles: Triangles,
    images: Sequence[NDArray[np.uint8]],
    views: Sequence[View],
    answers: Sequence[NDArray[Any]],
    options: PaintOptions,
) -> PaintedImages:
    """Paint what answers show onto images.

    :param images: (height, width, 3 or 4), by the number that owners have.
    :param answers: (height, width, 3 or 4) of each view, of its size.
    """
    placements, seen = [], []
    for view, answer in zip(views, answers, strict=True):
        one = see(view, triangles, answer)
        placement = place(find_shapes(one, triangles), answer) if options.register else Placement()
        placements.append(placement)
        seen.append(SeenView(view, one.depth, one.edges, move_back(answer, placement)))
    used = [
        (placement.is_good or options.accept or not options.register)
        and (not options.chosen or view.name in options.chosen)
        for view, placement in zip(views, placements, strict=True)
    ]
    chosen = [one for one, is_used in zip(seen, used, strict=True) if is_used]
    if not chosen:
        reports = [ViewReport(view.name, at, False, 0.0) for view, at in zip(views, placements, strict=True)]
        return PaintedImages(tuple(images), tuple(reports), 0.0, 1.0, 0.0)
    if options.gains and len(chosen) > 1:
        chosen = harmonize(chosen, triangles)
    gathered = []
    for owner, image in enumerate(images):
        size = (image.shape[1], image.shape[0])
        found = gather(triangles, owner, size, chosen, erosion=options.erosion, feather=options.feather)
        gathered.append(found)
    tallies = [_count(found) for found in gathered]
    if options.fill_gaps:
        _fill_gaps(triangles, gathered)
    painted = [
        _lay_over(image, found, replace_all=options.replace_all)
        for image, found in zip(images, gathered, strict=True)
    ]
    owned, shown, overlap, *by_view = np.sum(tallies, axis=0)
    shares = iter(by_view)
    reports = [
        ViewReport(view.name, at, is_used, float(next(shares) / max(owned, 1)) if is_used else 0.0)
        for view, at, is_used in zip(views, placements, used, strict=True)
    ]
    covered = float(shown / max(owned, 1))
    return PaintedImages(tuple(painted), tuple(reports), covered, 1 - covered, float(overlap / max(owned, 1)))


def harmonize(seen: Sequence[SeenView], triangles: Triangles) -> list[SeenView]:
    """Views without what makes one brighter than the others."""
    gains = measure_gains(seen, sample_surface(triangles))
    return [
        dataclasses.replace(one, answer=remove_gain(one.answer, gain))
        for one, gain in zip(seen, gains, strict=True)
    ]


def _fill_gaps(triangles: Triangles, gathered: Sequence[Gathered]) -> None:
    """Colors for texels that no view shows, from all images together, in place."""
    places, known = [], []
    for owner, found in enumerate(gathered):
        pixel, points = locate_texels(triangles, owner, (found.weight.shape[1], found.weight.shape[0]))
        places.append((pixel, points))
        known.append((found.weight.ravel() > 0)[pixel])
    points = np.concatenate([at[is_known] for (_, at), is_known in zip(places, known, strict=True)])
    colors = np.concatenate(
        [
            found.colors.reshape(-1, 3)[pixel[is_known]]
            for found, (pixel, _), is_known in zip(gathered, places, known, strict=True)
        ]
    )
    for found, (pixel, at), is_known in zip(gathered, places, known, strict=True):
        gap = pixel[~is_known]
        found.colors.reshape(-1, 3)[gap] = fill_gaps(points, colors, at[~is_known])
        found.weight.reshape(-1)[gap] = 1


def _count(found: Gathered) -> list[float]:
    """Texels that may be painted, that are, that several faces lie on, and that each view paints."""
    counts = found.allowed & (found.owned > 0)
    shown = [float((counts & (plane > 0)).sum()) for plane in found.views]
    return [
        float(counts.sum()),
        float((counts & (found.weight > 0)).sum()),
        float((counts & (found.owned > 1)).sum()),
        *shown,
    ]


def _lay_over(image: NDArray[np.uint8], found: Gathered, *, replace_all: bool) -> NDArray[np.uint8]:
    share = (found.weight > 0).astype(np.float32) if replace_all else measure_opacity(found.weight)
    share = np.where(found.allowed, share, 0)[..., None]
    before = image[..., :3].astype(np.float32)
    colors = before + share * (found.colors - before)
    out = image.copy()
    changed = share[..., 0] > 0
    out[changed, :3] = np.clip(np.rint(colors[changed]), 0, 255).astype(np.uint8)
    return _continue(out, changed, found)


def _continue(image: NDArray[np.uint8], changed: NDArray[np.bool_], found: Gathered) -> NDArray[np.uint8]:
    """Colors continued into texels that no face owns, near those that were painted."""
    near = measure_distance(changed, MARGIN + 1) <= MARGIN
    free = near & (found.owned == 0) & ~changed
    if not free.any():
        return image
    spread = push_pull(image[..., :3].astype(np.float32), changed.astype(np.float32))
    out = image.copy()
    out[free, :3] = np.clip(np.rint(spread[free]), 0, 255).astype(np.uint8)
    return out


def find_shapes(seen: SeenView, triangles: Triangles) -> NDArray[np.bool_]:
    """(height, width), where a view shows an object that is painted."""
    return np.asarray(seen.depth.is_filled & triangles.shown[np.maximum(seen.depth.triangle, 0)])


def count_seen(seen: SeenView, triangles: Triangles) -> int:
    """How many pixels of a view show what may be painted."""
    shown = seen.depth.triangle[seen.depth.is_filled]
    return int(((triangles.owner[shown] != NO_OWNER) & triangles.allowed[shown]).sum())
