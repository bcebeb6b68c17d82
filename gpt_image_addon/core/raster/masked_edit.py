"""Masked edits: the model follows a mask only loosely, so what lies outside is put back here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .push_pull import push_pull

FEATHER = 8  # pixels from the mask's edge inward over which the edit fades in
RING = 12  # pixels outside the mask whose colours the edit is matched to
MATCH_MOST = 64  # levels; what differs more is other content, not the same in other colours
MATCH_STEP = 8  # the colour match is smooth, so it is computed on every so many pixels

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def composite(
    original: Pixels, edited: Pixels, editable: NDArray[np.bool_], *, feather: int = FEATHER
) -> Pixels:
    """Put the edit into the original, only where it was allowed.

    :param original: (height, width, 3 or 4) uint8 sRGB.
    :param edited: the model's answer, of any size with the same aspect.
    :param editable: (height, width), true where the picture may change.
    :param feather: pixels over which the edit fades in, inside the editable part.
    :returns: as ``original``; bit-identical to it wherever ``editable`` is false.
    """
    height, width = editable.shape
    channels = original.shape[2]
    answer = _with_channels(_resized(edited, (width, height)), channels).astype(np.float32)
    answer += _colour_match(original.astype(np.float32), answer, editable)
    weight = _weight(editable, feather)[..., None]
    blended = original * (1 - weight) + np.clip(answer, 0, 255) * weight
    return np.where(weight > 0, np.rint(blended), original).astype(np.uint8)


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def _with_channels(pixels: Pixels, channels: int) -> Pixels:
    if pixels.shape[2] < channels:
        return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return pixels[..., :channels]


def _weight(editable: NDArray[np.bool_], feather: int) -> Floats:
    """1 deep inside, 0 outside and on the edge."""
    if feather <= 0:
        return editable.astype(np.float32)
    mask = Image.fromarray(editable.astype(np.uint8) * 255)
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(feather / 2)), np.float32) / 255
    return np.where(editable, np.clip(2 * soft - 1, 0, 1), 0).astype(np.float32)


def _colour_match(original: Floats, answer: Floats, editable: NDArray[np.bool_]) -> Floats:
    """What to add to the answer so that its colours meet the original's around the mask.

    The difference in a ring outside the mask, where the model should have changed nothing, is spread smoothly
    inward. Differences far from the usual one are changes of content and do not count.
    """
    size = 2 * RING + 1
    mask = Image.fromarray(editable.astype(np.uint8) * 255)
    grown = np.asarray(mask.filter(ImageFilter.BoxBlur(RING))) > 0
    difference = original - answer
    ring = grown & ~editable & (np.abs(difference) <= MATCH_MOST).all(axis=-1)
    if ring.sum() < size:
        return np.zeros_like(answer)
    usual = np.median(difference[ring], axis=0)
    spread = 1.5 * np.median(np.abs(difference[ring] - usual), axis=0) + 8
    trusted = ring & (np.abs(difference - usual) <= spread).all(axis=-1)
    coarse = push_pull(*_reduced(difference, trusted))
    height, width = editable.shape
    layers = [
        Image.fromarray(layer).resize((width, height), Image.Resampling.BILINEAR)
        for layer in np.moveaxis(coarse, -1, 0)
    ]
    return np.stack([np.asarray(layer, np.float32) for layer in layers], axis=-1)


def _reduced(values: Floats, known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Means of the known values in blocks, and 1 where a block has any."""
    height, width = known.shape
    pad = ((0, -height % MATCH_STEP), (0, -width % MATCH_STEP))
    weight = np.pad(known.astype(np.float32), pad)
    total = np.pad(values * known[..., None], (*pad, (0, 0)))
    shape = (weight.shape[0] // MATCH_STEP, MATCH_STEP, weight.shape[1] // MATCH_STEP, MATCH_STEP)
    mass = weight.reshape(shape).sum((1, 3))
    sums = total.reshape(*shape, -1).sum((1, 3))
    return (sums / np.maximum(mass, 1)[..., None]).astype(np.float32), (mass > 0).astype(np.float32)
