"""Masks as users have them, turned into masks as the API wants them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import InvalidRequestError
from .pictures import OPAQUE, UnusablePictureError, Upload, decode, encode_png, inspect_file

HALF = 128  # alpha below, or brightness above, means "may change"


def load_mask(path: Path, size: tuple[int, int]) -> Upload:
    """A mask as the API wants it: an RGBA picture of the reference's size, transparent where it may change.

    The file may have that form, or be black and white with white where the picture may change.

    :param size: width and height of the reference as it is sent.
    :raises InvalidRequestError: missing, broken, or nothing or everything may change.
    """
    inspect_file(path)
    try:
        pixels = decode(path.read_bytes())
    except UnusablePictureError as error:
        raise InvalidRequestError(f"The mask {path} {error}.", code="bad_picture", param="mask") from error
    editable = editable_part(pixels)
    notes = []
    if (editable.shape[1], editable.shape[0]) != size:
        before = f"{editable.shape[1]}x{editable.shape[0]}"
        editable = _resized(editable, size)
        notes.append(f"The mask was resized from {before} to the reference's {size[0]}x{size[1]}.")
    _check(editable, path)
    mask = np.zeros((size[1], size[0], 4), np.uint8)
    mask[..., 3] = np.where(editable, 0, OPAQUE)
    return Upload("mask.png", encode_png(mask), "image/png", *size, tuple(notes))


def editable_part(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a mask lets the picture change: its transparent part, or its white one where it has no alpha.

    :param pixels: (height, width, 3 or 4) uint8.
    :returns: (height, width) bool.
    """
    if pixels.shape[2] == 4:
        return np.asarray(pixels[..., 3] < HALF)
    return np.asarray(pixels.mean(-1) >= HALF)


def _resized(editable: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    picture = Image.fromarray(editable.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture) >= HALF


def _check(editable: NDArray[np.bool_], path: Path) -> None:
    if not editable.any():
        raise InvalidRequestError(
            f"The mask {path} lets nothing change: it has no transparent and no white part.",
            code="empty_mask",
            param="mask",
        )
    if editable.all():
        raise InvalidRequestError(
            f"The mask {path} lets everything change; leave it out.", code="full_mask", param="mask"
        )
