"""What a model is shown of the next view of a sequence: the objects with what is painted of them so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.threads import FairLock
from ..imaging.png_writer import encode_png
from ..processes.subprocess_worker import SUBPROCESS
from ..projection import guides
from ..projection.depth import measure_distance
from ..projection.paint import show_painted
from ..projection.surface import NO_OWNER, Triangles
from ..projection.views import FADE, align_answers, find_shapes
from ..projection.visibility import SeenView, see
from .guides import CLAY, DRAWINGS, choose_background, make_view
from .projection import Projection
from .view_answers import make_options, read_views

Color = tuple[int, int, int]
CLEARLY = 0.2  # by how much more of a cosine a view is better than those before it
LEAST_OPEN = 0.005  # share of what a view shows of the objects, below which there is nothing to paint for it


@dataclass(frozen=True)
class NextGuide:
    """What is sent of the next view."""

    images: tuple[bytes, ...]
    """PNGs: the objects as they are painted so far, then the other guides."""
    mask: bytes | None
    """A PNG, white where it is to be painted; None where that is everywhere."""
    open_share: float
    """Share of what the view shows of what may be painted, that is not painted yet or seen better now."""

    @property
    def is_needed(self) -> bool:
        """Whether there is something to paint."""
        return self.open_share >= LEAST_OPEN


def draw_next(
    triangles: Triangles,
    projection: Projection,
    kinds: Sequence[str],
    results: Path,
    *,
    prompt: str = "",
    accept: bool = False,
) -> NextGuide:
    """Draw what the last view of a projection sees, with what the views before it painted.

    :param projection: all views but the last name the jobs that they are answered by.
    :param kinds: of `DRAWINGS`, beside the painted objects.
    :param results: the folder of all results.
    :param prompt: see `guides.draw_guides`.
    :param accept: answers count whose outlines do not match, too.
    """
    background = choose_background(prompt)
    if FairLock.enabled:
        return SUBPROCESS.call(_draw, triangles, projection, tuple(kinds), results, background, accept)
    return _draw(triangles, projection, tuple(kinds), results, background, accept)


def _draw(
    triangles: Triangles,
    projection: Projection,
    kinds: tuple[str, ...],
    results: Path,
    background: Color,
    accept: bool,
) -> NextGuide:
    before = dataclasses.replace(projection, views=projection.views[:-1], used_views=())
    answers, _ = read_views(before, results)
    options = make_options(projection, accept=accept)
    aligned = align_answers(triangles, answers, options)
    target = projection.views[-1]
    seen = see(make_view(target), triangles)
    colors, weight = show_painted(triangles, seen.view, seen.depth, aligned.chosen, options.weighting)
    shapes = find_shapes(seen, triangles)
    drawn = {
        kind: DRAWINGS[kind](seen.view, seen.depth, triangles.normals, shapes) for kind in (CLAY, *kinds)
    }
    for image in drawn.values():
        image[~shapes] = background
    shown = guides.lay_paint(drawn[CLAY], colors, weight > 0, background)
    images = [shown, *(drawn[kind] for kind in kinds)]
    may, wanted = _find_open(seen, triangles, weight, options.weighting.exponent)
    is_open = may & (measure_distance(wanted, FADE) < FADE)
    mask = None
    if (weight > 0).any():
        white = np.where(is_open, np.uint8(255), np.uint8(0))
        mask = encode_png(_place(projection, np.repeat(white[..., None], 3, axis=-1), (0, 0, 0)))
    return NextGuide(
        tuple(encode_png(_place(projection, image, background)) for image in images),
        mask,
        float(wanted.sum() / max(int(may.sum()), 1)),
    )


def _find_open(
    seen: SeenView, triangles: Triangles, weight: NDArray[np.float32], exponent: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a view shows what may be painted, and where that is to be painted; (height, width) each."""
    triangle = np.maximum(seen.depth.triangle, 0)
    may = (triangles.allowed & (triangles.owner != NO_OWNER))[triangle] & seen.depth.is_filled
    cosine = seen.facing.take(triangle)
    if not seen.view.is_orthographic:
        pixel = np.arange(cosine.size)
        nearness = np.where(seen.depth.is_filled, seen.depth.nearness, 1).reshape(-1)
        away = seen.view.locate(pixel, nearness)[:, :3] - seen.view.matrix_world[:3, 3]
        cosine = cosine / np.maximum(np.linalg.norm(away, axis=1), 1e-12).reshape(cosine.shape)
    known = weight > 0
    before = np.where(known, np.maximum(weight, 1e-12) ** (1 / exponent), 0) if exponent else 1.0 * known
    return may, may & (~known | (cosine > before + CLEARLY))


def _place(projection: Projection, tile: NDArray[np.uint8], around: Color) -> NDArray[np.uint8]:
    """A view's image where it lies in what is sent."""
    width, height = projection.sent_size
    left, top, wide, high = projection.views[-1].rectangle
    out = np.empty((height, width, 3), np.uint8)
    out[:] = around
    out[top : top + high, left : left + wide] = tile
    return out
