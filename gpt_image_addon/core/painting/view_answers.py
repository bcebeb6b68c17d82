"""The answers that show views: those of a job itself, and of the jobs before it in a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.files import read_file
from ..errors import GptImageError
from ..imaging.decoding import UnusableImageError
from ..imaging.formats import decode
from ..imaging.masks import editable_part
from ..imaging.pixels import eight_bit_color, read_pixels
from ..projection.outlines import Placement
from ..projection.paint import Weighting
from ..projection.views import PaintOptions, ViewAnswer
from ..results.store import IMAGE_STEM, MASK_FILE, find_result
from ..text.message import message
from .guides import make_view
from .projection import ProjectedView, Projection


def read_views(
    projection: Projection, results: Path, own: tuple[Path, NDArray[np.uint8]] | None = None
) -> tuple[list[ViewAnswer], list[str]]:
    """The views of a projection that are used, each with its answer.

    :param results: the folder of all results.
    :param own: the folder of the job's own result, and its answer, (height, width, 3 or 4); without it only
        views of other jobs are read.
    :returns: also a sentence for each view whose answer is gone.
    """
    found: list[ViewAnswer] = []
    told: list[str] = []
    for view in projection.views:
        if projection.used_views and view.name not in projection.used_views:
            continue
        if not view.job:
            if own is not None:
                found.append(_make_answer(view, own[1], own[0], projection.sent_size))
            continue
        try:
            place = find_result(results, view.job)
            pixels = _read_answer(place) if place is not None else None
        except (OSError, GptImageError):
            pixels = None
        if place is None or pixels is None:
            told.append(
                message(
                    "The answer of job {job} for the view '{view}' is gone.", job=view.job, view=view.name
                )
            )
            continue
        found.append(_make_answer(view, pixels, place, projection.sent_size))
    return found, told


def _read_answer(folder: Path) -> NDArray[np.uint8] | None:
    file = next(iter(sorted(folder.glob(f"{IMAGE_STEM}1.*"))), None)
    return None if file is None else eight_bit_color(read_pixels(read_file(file), file.name))


def _make_answer(
    view: ProjectedView, answer: NDArray[np.uint8], folder: Path, sent: tuple[int, int]
) -> ViewAnswer:
    is_open = None
    mask = _read_mask(folder)
    if mask is not None:
        shown = cut_view(np.repeat(mask[..., None], 3, axis=-1), sent, view.rectangle, view.size)
        is_open = shown[..., 0] > 127
    placement = None
    if len(view.placed) == 4:
        right, down, scale, score = view.placed
        placement = Placement((right, down), scale, score)
    pixels = cut_view(answer, sent, view.rectangle, view.size)
    return ViewAnswer(make_view(view), pixels, is_open, placement)


def _read_mask(folder: Path) -> NDArray[np.uint8] | None:
    """(height, width), 255 where what was sent was to be painted; None where all of it was."""
    file = folder / MASK_FILE
    if not file.is_file():
        return None
    try:
        return np.where(editable_part(decode(read_file(file), as_data=True)), np.uint8(255), np.uint8(0))
    except (GptImageError, UnusableImageError):
        return None


def cut_view(
    answer: NDArray[np.uint8],
    sent: tuple[int, int],
    rectangle: tuple[int, int, int, int],
    size: tuple[int, int],
) -> NDArray[np.uint8]:
    """The part of an answer that shows a view, at the view's size; the answer may be of any size.

    :param sent: width and height of the guide, in whose pixels the rectangle is.
    """
    height, width = answer.shape[:2]
    left, top, wide, high = rectangle
    across, down = width / sent[0], height / sent[1]
    box = (left * across, top * down, (left + wide) * across, (top + high) * down)
    if box == (0, 0, *size) and (width, height) == size:
        return answer
    return np.asarray(Image.fromarray(answer).resize(size, Image.Resampling.BICUBIC, box=box))


def make_options(projection: Projection, *, accept: bool) -> PaintOptions:
    """How the answers of a projection are painted.

    :param accept: views whose outlines do not match, too.
    """
    return PaintOptions(
        register=projection.aligned,
        accept=accept,
        weighting=Weighting(projection.erosion, projection.feather, projection.exponent, projection.steepest),
        replace_all=projection.replace_all,
        gains=projection.match_colors and projection.aligned,
        fill_gaps=projection.fill_gaps,
    )


def list_jobs(projection: Projection) -> Iterator[str]:
    """The jobs whose answers a projection shows beside its own."""
    yield from filter(None, dict.fromkeys(view.job for view in projection.views))
