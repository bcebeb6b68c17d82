"""Stored answers painted onto a surface: values in, values out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import parallel_map
from ..raster.push_pull import spread_into
from .depth import measure_distance
from .gaps import GapGrid
from .harmony import measure_gains, remove_gain
from .outlines import Placement, move_back, place
from .paint import Gathered, Weighting, gather, measure_opacity
from .surface import NO_OWNER, Triangles
from .texels import BLOCK, list_texels
from .view import View
from .viewpoints import sample_surface
from .visibility import SeenView, see

FADE = 12  # pixels of a view's answer over which it fades into what earlier views painted
KNOWN = 1 << 20  # texels of an image that gaps are filled from: of more than so many a part is enough
MARGIN = 6  # texels around faces that get colors, so that smaller copies show no seams


@dataclass(frozen=True)
class PaintOptions:
    """How answers are painted."""

    register: bool = True
    """Answers are aligned on the outlines of their guides."""
    accept: bool = False
    """Answers are used whose outlines do not match."""
    weighting: Weighting = field(default_factory=Weighting)
    replace_all: bool = False
    """What was there does not show through."""
    gains: bool = False
    """Colors of views are made to agree."""
    fill_gaps: bool = False
    """What no view shows gets colors from what lies near it."""
    chosen: tuple[str, ...] = ()
    """Names of the views that are used; all when empty."""


@dataclass(frozen=True)
class ViewAnswer:
    """What an answer shows of a view."""

    view: View
    pixels: NDArray[Any]
    """(height, width, 3 or 4), of the view's size."""
    is_open: NDArray[np.bool_] | None = None
    """(height, width), where it counts; None for everywhere."""
    placement: Placement | None = None
    """How it lies on its guide, where that is known."""


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
    """`paint_answers` of answers that are to be aligned.

    :param answers: (height, width, 3 or 4) of each view, of its size.
    """
    pairs = [ViewAnswer(view, answer) for view, answer in zip(views, answers, strict=True)]
    return paint_answers(triangles, images, pairs, options)


def paint_answers(
    triangles: Triangles,
    images: Sequence[NDArray[np.uint8]],
    answers: Sequence[ViewAnswer],
    options: PaintOptions,
) -> PaintedImages:
    """Paint what answers show onto images.

    :param images: (height, width, 3 or 4), by the number that owners have.
    """
    views = [one.view for one in answers]
    aligned = align_answers(triangles, answers, options)
    placements, used, chosen = aligned.placements, aligned.used, aligned.chosen
    if not chosen:
        reports = [ViewReport(view.name, at, False, 0.0) for view, at in zip(views, placements, strict=True)]
        return PaintedImages(tuple(images), tuple(reports), 0.0, 1.0, 0.0)
    painted, tallies = paint_seen(triangles, images, chosen, options)
    owned, shown, overlap, *by_view = np.sum(tallies, axis=0)
    shares = iter(by_view)
    reports = [
        ViewReport(view.name, at, is_used, float(next(shares) / max(owned, 1)) if is_used else 0.0)
        for view, at, is_used in zip(views, placements, used, strict=True)
    ]
    covered = float(shown / max(owned, 1))
    return PaintedImages(tuple(painted), tuple(reports), covered, 1 - covered, float(overlap / max(owned, 1)))


def paint_seen(
    triangles: Triangles,
    images: Sequence[NDArray[np.uint8]],
    seen: list[SeenView],
    options: PaintOptions,
) -> tuple[list[NDArray[np.uint8]], list[list[float]]]:
    """Paint what views show, as they lie.

    :param images: (height, width, 3 or 4), by the number that owners have.
    :returns: the images, and of each how many texels may be painted, are, have several faces on them, and are
        painted by each view.
    """
    gathered = [
        gather(triangles, owner, (image.shape[1], image.shape[0]), seen, options.weighting)
        for owner, image in enumerate(images)
    ]
    for found, mask in zip(gathered, triangles.masks, strict=False):
        np.logical_and(found.allowed, mask > 0, out=found.allowed)
    tallies = [_count(found, len(seen)) for found in gathered]
    if options.fill_gaps:
        _fill_gaps(triangles, gathered)
    masks = triangles.masks or [None] * len(gathered)
    laid = [_lay_over(*one, options) for one in zip(images, gathered, masks, strict=True)]
    return laid, tallies


@dataclass(frozen=True)
class AlignedViews:
    """Views whose answers lie on their guides."""

    placements: tuple[Placement, ...]
    used: tuple[bool, ...]
    """Whether each is used."""
    chosen: list[SeenView]
    """Those that are, their colors made to agree where that is wanted."""


def align_answers(triangles: Triangles, answers: Sequence[ViewAnswer], options: PaintOptions) -> AlignedViews:
    """Lay answers on the outlines of their guides, and even their colors."""
    aligned = parallel_map(lambda answer: _align(triangles, answer, options), answers)
    seen, placements = [one for one, _ in aligned], [placement for _, placement in aligned]
    used = tuple(
        (placement.is_good or options.accept or not options.register)
        and (not options.chosen or one.view.name in options.chosen)
        for one, placement in zip(answers, placements, strict=True)
    )
    chosen = [one for one, is_used in zip(seen, used, strict=True) if is_used]
    if options.gains and len(chosen) > 1:
        chosen = harmonize(chosen, triangles)
    return AlignedViews(tuple(placements), used, chosen)


def _align(triangles: Triangles, answer: ViewAnswer, options: PaintOptions) -> tuple[SeenView, Placement]:
    """One view with its answer, and how that lies on its guide."""
    one = see(answer.view, triangles, answer.pixels)
    shapes = find_shapes(one, triangles)
    placement = Placement()
    if options.register:
        placement = answer.placement or place(shapes, answer.pixels)
    if answer.is_open is None:
        return dataclasses.replace(one, placement=placement), placement
    moved = move_back(answer.pixels, placement)[..., :3]
    return dataclasses.replace(one, answer=np.dstack((moved, _fade(answer.is_open, shapes)))), placement


def _fade(is_open: NDArray[np.bool_], shapes: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much an answer counts, 0 to 255: less the nearer its shapes are to what is not open."""
    away = measure_distance(shapes & ~is_open, FADE + 1)
    return np.asarray(np.minimum(away, FADE) * np.float32(255 / FADE), np.float32)


def harmonize(seen: Sequence[SeenView], triangles: Triangles) -> list[SeenView]:
    """Views without what makes one brighter than the others."""
    gains = measure_gains(seen, sample_surface(triangles))
    return [
        dataclasses.replace(one, answer=remove_gain(one.answer, gain))
        for one, gain in zip(seen, gains, strict=True)
    ]


def _fill_gaps(triangles: Triangles, gathered: Sequence[Gathered]) -> None:
    """Colors for texels that no view shows, from all images together, in place."""
    grid = GapGrid(triangles.corners[triangles.allowed & (triangles.owner != NO_OWNER)].reshape(-1, 3))
    for found in gathered:
        step = max(1, found.weight.size // KNOWN)
        for pixel, face in _list_allowed(triangles, found):
            shown = np.flatnonzero(found.weight.reshape(-1).take(pixel) > 0)[::step]
            pixel = pixel.take(shown)
            points = found.texels.locate(pixel, face.take(shown))
            grid.add(points[:, :3], found.colors.reshape(-1, 4).take(pixel, axis=0)[:, :3])
    grid.spread()
    for found in gathered:
        for pixel, face in _list_allowed(triangles, found):
            gap = np.flatnonzero(found.weight.reshape(-1).take(pixel) == 0)
            pixel = pixel.take(gap)
            points = found.texels.locate(pixel, face.take(gap))
            found.colors.reshape(-1, 4)[pixel, :3] = np.clip(np.rint(grid.read(points[:, :3])), 0, 255)
            found.weight.reshape(-1)[pixel] = 1


def _list_allowed(
    triangles: Triangles, found: Gathered
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """In blocks, the texels that may be painted, and their faces."""
    may = triangles.allowed[found.texels.faces]
    for pixel, face in list_texels(found.texels.face):
        at = np.flatnonzero(may.take(face))
        yield pixel.take(at), face.take(at)


def _count(found: Gathered, views: int) -> list[float]:
    """Texels that may be painted, that are, that several faces lie on, and that each view paints."""
    counts = found.allowed & (found.owned > 0)
    shown = np.bincount(found.views[counts], minlength=1 << views)
    return [
        float(counts.sum()),
        float(shown[1:].sum()),
        float((counts & (found.owned > 1)).sum()),
        *(float(shown[np.arange(len(shown)) >> number & 1 == 1].sum()) for number in range(views)),
    ]


def _lay_over(
    image: NDArray[np.uint8], found: Gathered, mask: NDArray[np.uint8] | None, options: PaintOptions
) -> NDArray[np.uint8]:
    out = image.copy()
    changed = found.allowed & (found.weight > 0)
    if options.replace_all and mask is None:
        for channel in range(3):
            np.copyto(out[..., channel], found.colors[..., channel], where=changed)
        return _continue(out, changed, found)
    for at in _list_blocks(changed):
        opacity = _measure_opacity(found, mask, at, options)
        for channel in range(3):
            before = image[..., channel].reshape(-1).take(at).astype(np.float32)
            colors = found.colors[..., channel].reshape(-1).take(at)
            out.reshape(-1, out.shape[2])[at, channel] = np.rint(before + opacity * (colors - before))
    return _continue(out, changed, found)


def _measure_opacity(
    found: Gathered, mask: NDArray[np.uint8] | None, at: NDArray[np.int64], options: PaintOptions
) -> NDArray[np.float32]:
    """How much of what was there is covered at pixels."""
    if options.replace_all:
        opacity = np.ones(len(at), np.float32)
    else:
        opacity = measure_opacity(found.weight.reshape(-1).take(at), options.weighting.exponent)
    if mask is not None:
        opacity = opacity * mask.reshape(-1).take(at).astype(np.float32) * np.float32(1 / 255)
    return opacity


def _list_blocks(marked: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """In blocks, the pixels y width + x that are marked."""
    flat = marked.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        at = np.flatnonzero(flat[start : start + BLOCK])
        if len(at):
            yield at + start


def _continue(image: NDArray[np.uint8], changed: NDArray[np.bool_], found: Gathered) -> NDArray[np.uint8]:
    """Colors continued into texels that no face owns, near those that were painted; in place."""
    free = (found.owned == 0) & ~changed
    if free.any():
        free &= measure_distance(changed, MARGIN + 1) <= MARGIN
        image[free, :3] = np.clip(np.rint(spread_into(image[..., :3], changed, free)), 0, 255)
    return image


def find_shapes(seen: SeenView, triangles: Triangles) -> NDArray[np.bool_]:
    """(height, width), where a view shows an object that is painted."""
    return np.asarray(seen.depth.is_filled & triangles.shown[np.maximum(seen.depth.triangle, 0)])


def count_seen(seen: SeenView, triangles: Triangles) -> int:
    """How many pixels of a view show what may be painted."""
    shown = seen.depth.triangle[seen.depth.is_filled]
    return int(((triangles.owner[shown] != NO_OWNER) & triangles.allowed[shown]).sum())
