"""Cutting a subject out: where the model's transparent answer says it is, in the image's own pixels.

The answer is registered on the subject's interior alone. Its alpha is refined along the rim by what the image
shows there, and the colors of the rim are freed of the old backdrop; all that is surely the subject stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.decoding import Pixels
from ..raster.alpha import NEARLY_OPAQUE
from ..raster.arrays import Plane, resized
from ..raster.push_pull import push_pull
from .alignment import Registration, register
from .mask_regions import Flags
from .resampling import warped

SURE = 0.9  # alpha of what an answer is registered on
ERODED = 7  # pixels of the answer that the rim is kept out of that
CLEAR, SOLID = 0.02, 0.98  # alpha, between which lies the rim
RADIUS = 8  # pixels of the answer: of the filter, and how far the rim reaches to either side
EPSILON = 1e-5  # of the filter, for colors in 0..1
SETTLED = 1  # pixels of the answer from the rim: from there on colors are the subject's or the backdrop's own
TILE = 1024  # pixels a side that are refined at once

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CutOut:
    """A subject on transparent ground."""

    pixels: Pixels
    """(height, width, 2 or 4) of the image's own size and dtype."""
    registration: Registration
    share: float
    """Of the image that it covers, 0..1."""


def cut_out(original: Pixels, answer: NDArray[np.uint8]) -> CutOut:
    """The subject of an image, as an answer with transparency shows it.

    Whether the answer shows the same subject is in `registration.accepted`, and for the caller to heed.

    :param original: (H, W, 1 to 4) uint8 or uint16.
    :param answer: (h, w, 4) uint8 of about the same aspect.
    """
    top = np.float32(np.iinfo(original.dtype).max)
    colors = original.shape[2] - (original.shape[2] in (2, 4))
    height, width = original.shape[:2]
    found = _registered(answer, original)
    scale = max(1.0, max(width, height) / max(answer.shape[:2]))
    clear = answer[..., 3:].astype(np.float32)
    alpha = np.clip(warped(clear, found)[..., 0] / np.float32(NEARLY_OPAQUE), 0, 1)
    alpha = refined(alpha, original[..., :colors], scale)
    sure = _find_sure(alpha, scale)
    out = np.empty((height, width, colors + 1), original.dtype)
    for channel in range(colors):  # one at a time, for the memory of large images
        plane = original[..., channel]
        cleaned = unmixed(plane / top, alpha, *sure)
        out[..., channel] = np.where(alpha < 1, np.rint(cleaned * top), plane)
    own = original[..., colors].astype(np.float32) / top if colors < original.shape[2] else np.float32(1)
    out[..., colors] = np.rint(alpha * own * top)
    return CutOut(out, found, float(alpha.mean()))


def _registered(answer: NDArray[np.uint8], original: Pixels) -> Registration:
    """By the interior alone, both images continued beyond it: an answer is dark where it is transparent."""
    height, width = answer.shape[:2]
    inside = eroded(answer[..., 3] >= SURE * 255, ERODED)
    colors = original.shape[2] - (original.shape[2] in (2, 4))
    scale = np.float32(255 / np.iinfo(original.dtype).max)
    small = np.stack([resized(original[..., i] * scale, height, width) for i in range(colors)], -1)
    small = np.clip(small, 0, 255)  # a larger one overshoots
    filled = [_continued(pixels, inside) for pixels in (answer[..., :3].astype(np.float32), small)]
    found = register(filled[0], filled[1], inside)
    return _at_size(found, (original.shape[1], original.shape[0]))


def _continued(pixels: Floats, known: Flags) -> Floats:
    return push_pull(pixels, known.astype(np.float32))


def _at_size(found: Registration, size: tuple[int, int]) -> Registration:
    """The same for the original at another size of nearly the same shape."""
    across, down = size[0] / found.size[0], size[1] / found.size[1]
    factor = (across * down) ** 0.5
    field = found.field * np.array([across, down], np.float32)[:, None, None]
    return replace(found, size=size, similarity=found.similarity.at_scale(factor), field=field)


def eroded(mask: Flags, by: int) -> Flags:
    """`mask` without what lies within `by` pixels of its edge, along either axis; the border is no edge."""
    return ~dilated(~mask, by)


def dilated(mask: Flags, by: int) -> Flags:
    """`mask` and what lies within `by` pixels of it, along either axis."""
    return _dilated_along(_dilated_along(mask, by).T, by).T


def _dilated_along(mask: Flags, by: int) -> Flags:
    """Along the first axis; windows double, so that wide ones cost little more than narrow ones."""
    out = np.pad(mask, ((by, by), (0, 0)))
    window = 1
    while window < 2 * by + 1:
        step = min(window, 2 * by + 1 - window)
        out[step:] |= out[:-step]
        window += step
    return out[2 * by :]


def refined(alpha: Plane, image: Pixels, scale: float = 1.0) -> Plane:
    """Alpha as the colors beneath say, in a band along the rim: a guided filter (He, Sun and Tang, 2010).

    :param alpha: (H, W) in 0..1.
    :param image: (H, W, 1 or 3) uint8 or uint16.
    :param scale: pixels of the image for one of the answer that alpha is from.
    :returns: a new plane; 0 or 1 outside of the band.
    """
    top = np.float32(np.iinfo(image.dtype).max)
    radius = max(1, round(RADIUS * scale))
    band = dilated((alpha > CLEAR) & (alpha < SOLID), radius)
    out = np.where(alpha > 0.5, np.float32(1), np.float32(0))
    for part, wide in _tiles(alpha.shape, 2 * radius):
        if not band[part].any():
            continue
        filtered = _guided(alpha[wide], image[wide] / top, radius)
        inner = tuple(slice(p.start - w.start, p.stop - w.start) for p, w in zip(part, wide, strict=True))
        values = np.clip((filtered[inner] - CLEAR) / (SOLID - CLEAR), 0, 1)
        out[part] = np.where(band[part], values, out[part])
    return out


def _tiles(shape: tuple[int, ...], halo: int) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Parts that cover a plane, and the same with a halo as far as the plane goes."""
    for top, left in product(range(0, shape[0], TILE), range(0, shape[1], TILE)):
        ends = min(shape[0], top + TILE), min(shape[1], left + TILE)
        part = slice(top, ends[0]), slice(left, ends[1])
        yield (
            part,
            (
                slice(max(0, top - halo), min(shape[0], ends[0] + halo)),
                slice(max(0, left - halo), min(shape[1], ends[1] + halo)),
            ),
        )


def _guided(plane: Plane, guide: Floats, radius: int) -> Plane:
    """The guided filter with a guide of one or three channels."""
    channels = guide.shape[2]
    mean = np.stack([_box_mean(guide[..., i], radius) for i in range(channels)], -1)
    mean_plane = _box_mean(plane, radius)
    cross = np.stack([_box_mean(guide[..., i] * plane, radius) for i in range(channels)], -1)
    cross -= mean * mean_plane[..., None]
    spread = np.empty((*plane.shape, channels, channels), np.float32)
    for i in range(channels):
        for j in range(i, channels):
            product_mean = _box_mean(guide[..., i] * guide[..., j], radius)
            spread[..., i, j] = spread[..., j, i] = product_mean - mean[..., i] * mean[..., j]
    spread[..., range(channels), range(channels)] += EPSILON
    slopes = np.linalg.solve(spread, cross[..., None])[..., 0]
    rest = mean_plane - (slopes * mean).sum(-1)
    slopes = np.stack([_box_mean(slopes[..., i], radius) for i in range(channels)], -1)
    return np.asarray((slopes * guide).sum(-1) + _box_mean(rest, radius), np.float32)


def _box_mean(plane: NDArray[Any], radius: int) -> Plane:
    """Mean of the square around each pixel, as far as the plane goes."""
    height, width = plane.shape
    sums = np.pad(np.cumsum(np.cumsum(plane, 0, np.float64), 1), ((1, 0), (1, 0)))
    top, bottom = (np.clip(np.arange(height) + by, 0, height) for by in (-radius, radius + 1))
    left, right = (np.clip(np.arange(width) + by, 0, width) for by in (-radius, radius + 1))
    total = sums[bottom][:, right] - sums[top][:, right] - sums[bottom][:, left] + sums[top][:, left]
    return np.asarray(total / np.outer(bottom - top, right - left), np.float32)


def _find_sure(alpha: Plane, scale: float) -> tuple[Plane, Plane]:
    """What is surely the subject, and what the backdrop: 1 there, else 0."""
    reach = max(1, round(SETTLED * scale))
    solid = alpha >= SOLID
    subject = eroded(solid, reach) if solid.any() else np.ones_like(solid)
    return subject.astype(np.float32), eroded(alpha <= CLEAR, reach).astype(np.float32)


def unmixed(plane: Plane, alpha: Plane, subject: Plane, backdrop: Plane) -> Plane:
    """The subject's own color, without the backdrop that shines through its rim.

    Both are continued from where they are sure; where the image is mostly the subject, what is left of it
    after the backdrop's share counts, and elsewhere the subject's colors nearby.

    :param plane: (H, W) in 0..1, one channel of the image.
    :param alpha: (H, W) in 0..1.
    :param subject: (H, W), 1 where the image surely shows the subject, else 0.
    :param backdrop: (H, W), the same of the backdrop.
    """
    own = push_pull(plane[..., None], backdrop)[..., 0]
    own *= alpha - 1
    own += plane
    own /= np.maximum(alpha, 0.1)
    trust = np.square(alpha)
    nearby = push_pull(plane[..., None], subject)[..., 0]
    return np.asarray(np.clip(own, 0, 1) * trust + nearby * (1 - trust), np.float32)
