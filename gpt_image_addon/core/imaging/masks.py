"""Masks as users have them, turned into masks as the API wants them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InvalidRequestError
from ..text.message import message
from .decoding import OPAQUE, UnusableImageError, decode_image, narrowed
from .formats import Upload, encode_png
from .image_reader import read_image_file

HALF = 128  # alpha below, or brightness above, means "may change"
WHITE = 240  # brightness from which a stroke counts as white
WHITE_SHARE = 0.99  # of what is not transparent in a layer of white strokes
STROKES = "The mask has white strokes on a transparent ground: the strokes are what may change."


def load_mask(path: Path, size: tuple[int, int]) -> Upload:
    """A mask as the API wants it: an RGBA image of the reference's size, transparent where it may change.

    The file may have that form, be black and white with white where the image may change, or be a layer
    with white strokes there.

    :param size: width and height of the reference as it is sent.
    :raises InvalidRequestError: missing, broken, or nothing or everything may change.
    """
    editable, notes = read_mask(path, size)
    return encode_mask(editable, notes)


def encode_mask(editable: NDArray[np.bool_], notes: Sequence[str] = ()) -> Upload:
    """As the API wants it.

    :param editable: (height, width), true where the image may change.
    """
    height, width = editable.shape
    made = np.zeros((height, width, 4), np.uint8)
    made[..., 3] = np.where(editable, 0, OPAQUE)
    return Upload("mask.png", encode_png(made), "image/png", width, height, tuple(notes))


def read_mask(path: Path, size: tuple[int, int]) -> tuple[NDArray[np.bool_], list[str]]:
    """Where a mask lets an image change, in any of the forms of `load_mask`.

    :param size: width and height of the image.
    :returns: (height, width) bool, and what the user should know.
    :raises InvalidRequestError: as `load_mask`.
    """
    data = read_image_file(path, "mask")
    try:
        mask = decode_image(data, as_data=True)
    except UnusableImageError as error:
        raise InvalidRequestError(
            message("The mask {path} {problem}.", path=path, problem=error.problem),
            code="bad_picture",
            param="mask",
        ) from error
    notes = list(mask.header.notes(path.name))
    pixels = narrowed(mask.pixels)
    if has_strokes(pixels):
        notes.append(STROKES)
    editable = editable_part(pixels)
    if (editable.shape[1], editable.shape[0]) != size:
        before = f"{editable.shape[1]}x{editable.shape[0]}"
        editable = _resize(editable, size)
        notes.append(
            message(
                "The mask was resized from {old_size} to the reference's {width}x{height}.",
                old_size=before,
                width=size[0],
                height=size[1],
            )
        )
    check_editable(editable, path)
    return editable, notes


def editable_part(pixels: NDArray[np.uint8], *, strokes: bool | None = None) -> NDArray[np.bool_]:
    """Where a mask lets the image change.

    That is its transparent part; where it has none, or is a layer of white strokes, its white one.

    :param pixels: (height, width, 1 to 4) uint8.
    :param strokes: whether it is such a layer, where that is known of a mask that this is a part of.
    :returns: (height, width) bool.
    """
    if pixels.shape[2] in (2, 4):
        clear = pixels[..., -1] < HALF
        return ~clear if (has_strokes(pixels) if strokes is None else strokes) else clear
    if pixels.shape[2] == 1:
        return pixels[..., 0] >= HALF
    bright = pixels[..., 0].astype(np.uint16)  # a channel at a time: numpy is slow along three neighbors
    for channel in (1, 2):
        bright += pixels[..., channel]
    return bright >= 3 * HALF


def has_strokes(pixels: NDArray[np.uint8]) -> bool:
    """Whether a mask is white paint on a transparent layer, rather than an image with holes.

    Both are white and transparent when somebody cuts holes into a white image. Paint lies on nothing, which
    programs store as black; where they store white, the smaller part is what was marked.

    :param pixels: (height, width, 1 to 4) uint8.
    """
    if pixels.shape[2] not in (2, 4):
        return False
    clear, colors = pixels[..., -1] < HALF, [pixels[..., channel] for channel in range(pixels.shape[2] - 1)]
    ground = int(np.count_nonzero(clear))
    paint = clear.size - ground
    if not paint or not ground:
        return False
    white = np.logical_and.reduce([color >= WHITE for color in colors])
    if np.count_nonzero(white & ~clear) < WHITE_SHARE * paint:
        return False
    if not (np.bitwise_or.reduce(colors)[clear]).any():
        return True
    return paint < ground and bool(white[clear].all())


def _resize(editable: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    image = Image.fromarray(editable.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image) >= HALF


def check_editable(editable: NDArray[np.bool_], path: Path) -> None:
    """:raises InvalidRequestError: nothing or everything may change."""
    if not editable.any():
        raise InvalidRequestError(
            message("The mask {path} is empty: it has no transparent and no white part.", path=path),
            code="empty_mask",
            param="mask",
        )
    if editable.all():
        raise InvalidRequestError(
            message("The mask {path} lets everything change; leave it out.", path=path),
            code="full_mask",
            param="mask",
        )
