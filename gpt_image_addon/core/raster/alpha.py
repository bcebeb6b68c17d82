"""Transparent results: whether they are transparent at all, and colour under what is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .push_pull import push_pull

NEARLY_OPAQUE = 250  # the API's alpha peaks at 254 at times; from here on a pixel counts as opaque
BLEED_FROM = 8  # alpha from which a pixel's colour can be trusted
CHECKER_EDGE = 256  # pixels of the longer edge at which a checkerboard is looked for
CHECKER_MIN_PERIODS = 4  # a painted checkerboard repeats at least this often along an edge
CHECKER_SHARE = 0.12  # of the border's energy in one checker frequency
NEUTRAL = 14  # levels between channels up to which a colour counts as grey

Pixels = NDArray[np.uint8]


def problem(pixels: Pixels) -> str | None:
    """What is wrong with an image that should be transparent, as a sentence; None where nothing is.

    :param pixels: (height, width, 3 or 4) uint8 sRGB.
    """
    if pixels.shape[2] == 4 and pixels[..., 3].min() < NEARLY_OPAQUE:
        return None
    if has_checkerboard(pixels):
        return "The image is not transparent: the model painted a checkerboard instead."
    return "The image came back without transparency."


def has_checkerboard(pixels: Pixels) -> bool:
    """Whether the border shows the grey checkerboard that stands for transparency in image editors."""
    image = Image.fromarray(pixels[..., :3])
    scale = min(1.0, CHECKER_EDGE / max(image.size))
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BOX)
    small = np.asarray(image, np.float32)
    grey = small.mean(-1)
    neutral = (small.max(-1) - small.min(-1) <= NEUTRAL) & _border(grey.shape)
    if neutral.sum() < 0.6 * _border(grey.shape).sum():
        return False
    signal = np.where(neutral, grey - grey[neutral].mean(), 0)
    energy = np.asarray(np.abs(np.fft.fft2(signal)) ** 2, np.float64)
    return bool(_diagonal_peak(energy) > CHECKER_SHARE * energy.sum())


def _border(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """An eighth of the image along each edge, where the subject seldom is."""
    border = np.ones(shape, bool)
    rows, columns = shape[0] // 8, shape[1] // 8
    border[rows : shape[0] - rows, columns : shape[1] - columns] = False
    return border


def _diagonal_peak(energy: NDArray[np.float64]) -> float:
    """The most energy that a checkerboard of one field size could have made.

    Fields of p pixels put their energy at the frequency (1/2p, 1/2p) and its mirror images.
    """
    height, width = energy.shape
    best = 0.0
    for rows in range(CHECKER_MIN_PERIODS, height // 4):
        columns = round(rows * width / height)
        window = [(rows + i, columns + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        found = sum(energy[r % height, c % width] + energy[r % height, -c % width] for r, c in window)
        best = max(best, 2 * float(found))  # each has its conjugate
    return best


def clear_border(pixels: Pixels, width: int) -> Pixels:
    """Clear what is nearest to the edges; the colour there stays.

    :param pixels: (height, width, 4) uint8.
    :param width: pixels; of 0 the image is left as it is.
    :returns: a new array.
    """
    cleared = pixels.copy()
    inner = cleared[width : cleared.shape[0] - width, width : cleared.shape[1] - width, 3].copy()
    cleared[..., 3] = 0
    cleared[width : cleared.shape[0] - width, width : cleared.shape[1] - width, 3] = inner
    return cleared


def bleed(pixels: Pixels) -> Pixels:
    """Spread colour under what is transparent, so that no halo shows when the image is scaled or filtered.

    :param pixels: (height, width, 4) uint8 sRGB; alpha stays as it is.
    :returns: a new array; the same where nothing is transparent.
    """
    alpha = pixels[..., 3]
    if alpha.min() >= BLEED_FROM:
        return pixels
    trusted = (alpha >= BLEED_FROM).astype(np.float32)
    spread = push_pull(pixels[..., :3].astype(np.float32), trusted)
    return np.dstack([np.rint(np.clip(spread, 0, 255)).astype(np.uint8), alpha])
