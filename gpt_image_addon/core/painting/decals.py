"""Decals painted into the images of what they lie on. Runs in any thread or process."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.threads import FairLock
from ..imaging.pixels import eight_bit_color
from ..pasting.boxes import Box
from ..pasting.edited_files import cut
from ..pasting.image_source import Source, inspect_source
from ..processes.subprocess_worker import SUBPROCESS
from ..projection.paint import Weighting
from ..projection.surface import NO_OWNER, Triangles, locate_corners
from ..projection.view import View
from ..projection.views import PaintOptions, paint_seen
from ..projection.visibility import see_through
from .canvas_files import CanvasFile, open_canvas

STEEPEST = 89.9  # degrees; which faces it lies on is known already
OPTIONS = PaintOptions(weighting=Weighting(erosion=0.0, feather=1.0, exponent=0.0, steepest=STEEPEST))
SHARED = 0.01  # of the texels of its faces that other faces have too, from which on it is said


@dataclass(frozen=True)
class PaintedDecal:
    """A decal as a part of the images below it."""

    images: tuple[bytes, ...]
    """PNGs, in the order of the images."""
    is_shared: bool
    """Other faces have the same texels, and show it, too."""


def paint_decal(
    source: Source,
    label: str,
    view: View,
    triangles: Triangles,
    canvases: Sequence[CanvasFile],
    *,
    is_clear: bool,
) -> PaintedDecal:
    """Paint the image of a decal, as a view shows it, into the images of faces; all else stays bit for bit.

    Nothing hides anything: the triangles that may be painted are those that it lies on.

    :param source: its encoded file.
    :param label: what to call it in messages.
    :param view: whose frame is its image; its size has no meaning.
    :param is_clear: its alpha counts.
    :raises InvalidRequestError: an image can't be read.
    """
    work = (source, label, view, triangles, canvases, is_clear)
    return SUBPROCESS.call(_paint, *work) if FairLock.enabled else _paint(*work)


def _paint(
    source: Source,
    label: str,
    view: View,
    triangles: Triangles,
    canvases: Sequence[CanvasFile],
    is_clear: bool,
) -> PaintedDecal:
    opened = [open_canvas(canvas) for canvas in canvases]
    pixels = _read(source, label)
    if not is_clear:
        pixels = pixels[..., :3]
    pixels = _fit(pixels, measure_detail(view, triangles, [canvas.size for canvas in canvases]))
    view = dataclasses.replace(view, size=(pixels.shape[1], pixels.shape[0]))
    seen = see_through(view, triangles, pixels)
    painted, tallies = paint_seen(triangles, [one.colors for one in opened], [seen], OPTIONS)
    owned, _, shared, _ = np.sum(tallies, axis=0)
    images = (one.encode(colors) for one, colors in zip(opened, painted, strict=True))
    return PaintedDecal(tuple(images), bool(shared > SHARED * owned))


def _read(source: Source, label: str) -> NDArray[np.uint8]:
    """(height, width, 3 or 4)."""
    opened = inspect_source(source, label, turns=False)
    (stored,) = cut(opened, [Box(0, 0, *opened.size)])
    return eight_bit_color(stored)


def measure_detail(view: View, triangles: Triangles, sizes: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """How many texels the width and the height of a view span on the faces that may be painted, on average.

    What its image has beyond that could only alias.

    :param sizes: width and height of the images, by the number that owners have.
    """
    may = triangles.allowed & (triangles.owner != NO_OWNER)
    frame = dataclasses.replace(view, size=(1, 1))
    x, y, w, _ = np.moveaxis(frame.homogeneous(triangles.corners[may]), -1, 0)
    shown = np.stack((x / w, y / w), axis=-1)
    owners, texels = triangles.owner[may], np.zeros(shown.shape)
    for owner, size in enumerate(sizes):
        here = owners == owner
        texels[here] = locate_corners(triangles.uvs[may][here], size)
    edges, across = shown[:, 1:] - shown[:, :1], texels[:, 1:] - texels[:, :1]
    weight = np.abs(np.linalg.det(edges))
    usable = weight > 1e-12
    if not usable.any():
        return 1.0, 1.0
    slopes = np.linalg.solve(edges[usable], across[usable])  # texels for the width, and for the height
    width, height = np.average(np.linalg.norm(slopes, axis=2), axis=0, weights=weight[usable])
    return float(width), float(height)


def _fit(pixels: NDArray[np.uint8], most: tuple[float, float]) -> NDArray[np.uint8]:
    """An image with at most so many pixels in width and height."""
    height, width = pixels.shape[:2]
    size = tuple(max(1, min(edge, round(limit))) for edge, limit in zip((width, height), most, strict=True))
    if size == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), Image.Resampling.BOX))
