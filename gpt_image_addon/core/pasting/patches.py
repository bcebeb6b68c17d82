"""Edited parts of an image: how one is laid into pixels, and kept in files of its own.

Weights are whole numbers of as many bits as the pixels, and the arithmetic is that of whole numbers: from the
same parent and the same patch come the same bits on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import PRIVATE_FILE, read_file, replace_file
from ..errors import InvalidRequestError
from ..imaging.decoding import Pixels, UnusableImageError, check_pixels, narrowed
from ..imaging.image_reader import MAX_FILE_BYTES
from ..imaging.png_bands import LONGEST_EDGE
from ..imaging.png_writer import encode_png
from ..imaging.stored_pixels import read_png
from ..raster.arrays import parallel_rows
from ..text.json_reader import read_json
from ..text.message import Message, message
from .boxes import Box, Size

INDEX, PATCH, ALPHA = "patches.json", "patch_{}.png", "patch_{}_alpha.png"
VERSION = 1
MOST_PATCHES = 1000
MOST_INDEX_BYTES = 2**20
LUMA = (299, 587, 114)
"""Thousandths of red, green and blue in a gray (ITU-R BT.601)."""

Weight = NDArray[Any]
"""(height, width) of the pixels' dtype; 0 is the image as it was, the greatest number is the patch."""


@dataclass(frozen=True)
class Patch:
    """New pixels for a part of an image."""

    box: Box
    """In the upright image; across its border where it tiles."""
    pixels: Pixels
    """(height, width, 1 to 4) uint8 or uint16 of the box, in the numbers of the image's own colors."""
    weight: Weight
    """How much of them is taken; nothing is where it is 0."""

    def __post_init__(self) -> None:
        shape = (self.box.height, self.box.width)
        pixels, weight = self.pixels, self.weight
        if pixels.ndim != 3 or pixels.shape[:2] != shape or weight.shape != shape:
            raise ValueError(shape, pixels.shape, weight.shape)
        if pixels.dtype not in (np.uint8, np.uint16) or weight.dtype != pixels.dtype:
            raise ValueError(pixels.dtype, weight.dtype)

    @property
    def has_alpha(self) -> bool:
        """Whether it brings an alpha of its own; without one the image's stays."""
        return self.pixels.shape[2] in (2, 4)


def make_patch(box: Box, pixels: Pixels, weight: NDArray[Any]) -> Patch:
    """
    :param pixels: (height, width, 1 to 4) uint8 or uint16; with an alpha, that of the image is replaced, too.
    :param weight: (height, width) float from 0 to 1, or bool.
    """
    top = np.iinfo(pixels.dtype).max
    whole = np.rint(np.clip(np.nan_to_num(weight.astype(np.float32)), 0, 1) * top).astype(pixels.dtype)
    return Patch(box, np.ascontiguousarray(pixels), whole)


def fit_patch(pixels: Pixels, weight: Weight, channels: int, dtype: Any) -> tuple[Pixels, Weight]:
    """A patch as an image takes it: its depth, colors or grays; alpha only where both have one.

    :param channels: of the image, 1 to 4.
    """
    if pixels.dtype != dtype:
        if dtype == np.uint8:
            pixels, weight = narrowed(pixels), narrowed(weight)
        else:
            pixels, weight = pixels.astype(np.uint16) * 257, weight.astype(np.uint16) * 257
    colors = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    if channels < 3 and colors.shape[2] == 3:
        grays = (colors.astype(np.uint32) * np.array(LUMA, np.uint32)).sum(axis=2, keepdims=True)
        colors = ((grays + 500) // 1000).astype(pixels.dtype)
    elif channels > 2 and colors.shape[2] == 1:
        colors = colors.repeat(3, axis=2)
    if channels in (2, 4) and pixels.shape[2] in (2, 4):
        colors = np.concatenate([colors, pixels[..., -1:]], axis=2)
    return colors, weight


def blend(image: Pixels, pixels: Pixels, weight: Weight) -> None:
    """Lay a fitted patch into the pixels of its box, in place.

    Where the weight is 0 no bit changes. Straight colors are mixed by their alpha where the patch brings one.

    :param image: (height, width, channels): the part of the image under the patch, writable.
    :param pixels: (height, width, channels) of a patch from `fit_patch`; without alpha the image's stays.
    """

    def work(first: int, end: int) -> None:
        part = slice(first, end)
        _blend_rows(image[part], pixels[part], weight[part])

    parallel_rows(image.shape, work)


def _blend_rows(image: Pixels, pixels: Pixels, weight: Weight) -> None:
    top = int(np.iinfo(weight.dtype).max)
    target = image[..., : pixels.shape[2]]
    whole = weight == top
    if whole.all():
        target[...] = pixels
        return
    for channel in range(target.shape[2]):  # numpy is slow along three neighbors
        np.copyto(target[..., channel], pixels[..., channel], where=whole)
    # Places of a few pixels are found quicker in one line of numbers.
    soft = np.unravel_index(np.flatnonzero((weight > 0) & ~whole), weight.shape)
    before, after = target[soft].astype(np.uint64), pixels[soft].astype(np.uint64)
    share = weight[soft].astype(np.uint64)[:, None]
    if pixels.shape[2] in (2, 4):
        target[soft] = _mixed_by_alpha(before, after, share, top)
    else:
        target[soft] = (before * (top - share) + after * share + top // 2) // top


def _mixed_by_alpha(before: Any, after: Any, share: Any, top: int) -> Any:
    """Colors weighted by their alphas, so that what is transparent lends nothing of its color."""
    old, new = before[:, -1:] * (top - share), after[:, -1:] * share
    alpha = (old + new + top // 2) // top
    both = np.maximum(old + new, 1)
    colors = (before[:, :-1] * old + after[:, :-1] * new + both // 2) // both
    clear = (old + new) == 0
    plain = (before[:, :-1] * (top - share) + after[:, :-1] * share + top // 2) // top
    return np.concatenate([np.where(clear, plain, colors), alpha], axis=1)


def write_patches(folder: Path, patches: Sequence[Patch], size: Size, prefix: str = "") -> None:
    """Keep patches in a folder: with the image that they were made for, the edit can be made again.

    Each is a PNG with its weight as alpha, where it brings an alpha of its own that is a second one;
    ``patches.json`` says where they lie.

    :param size: of the whole upright image.
    :param prefix: of the files' names.
    :raises StorageError: a file can't be written.
    """
    rows = []
    for number, patch in enumerate(patches, 1):
        colors = patch.pixels[..., :-1] if patch.has_alpha else patch.pixels
        shown = np.concatenate([colors, patch.weight[..., None]], axis=2)
        replace_file(
            folder / f"{prefix}{PATCH.format(number)}", encode_png(shown, compression=1), PRIVATE_FILE
        )
        if patch.has_alpha:
            alpha = encode_png(patch.pixels[..., -1], compression=1)
            replace_file(folder / f"{prefix}{ALPHA.format(number)}", alpha, PRIVATE_FILE)
        box = patch.box
        rows.append({"box": [box.left, box.top, box.width, box.height], "alpha": patch.has_alpha})
    index = {"version": VERSION, "size": list(size), "patches": rows}
    replace_file(folder / f"{prefix}{INDEX}", json.dumps(index).encode(), PRIVATE_FILE)


def read_patches(folder: Path, prefix: str = "") -> tuple[tuple[Patch, ...], Size]:
    """The patches of a folder, and the size of the image that they are for.

    :raises InvalidRequestError: a file is missing or is not what `write_patches` writes.
    """
    try:
        index = read_json(read_file(folder / f"{prefix}{INDEX}", MOST_INDEX_BYTES))
        size, rows = _checked(index)
        return tuple(_read(folder, prefix, number, *row) for number, row in enumerate(rows, 1)), size
    except UnusableImageError as error:
        raise _unusable(folder, message("an image of it {problem}", problem=error.problem)) from error
    except OSError as error:
        raise _unusable(folder, Message(error.strerror or str(error))) from error
    except (ValueError, TypeError, KeyError) as error:
        raise _unusable(folder, Message("its files are not as they were written")) from error


def _unusable(folder: Path, reason: Message) -> InvalidRequestError:
    return InvalidRequestError(
        message("The edit in {folder} can't be used: {reason}.", folder=folder, reason=reason),
        code="bad_patch",
        param="patch",
    )


def _checked(index: Any) -> tuple[Size, list[tuple[Box, bool]]]:
    """:raises ValueError: what another program wrote there has no meaning here."""
    width, height = map(_whole, index["size"])
    found = index["patches"]
    if index["version"] != VERSION or not isinstance(found, list) or len(found) > MOST_PATCHES:
        raise ValueError("not of this version")
    if not (0 < width <= LONGEST_EDGE and 0 < height <= LONGEST_EDGE):
        raise ValueError("no size of an image")
    rows = []
    for row in found:
        box = Box(*map(_whole, row["box"]))
        if not (0 <= box.left < width and 0 <= box.top < height):
            raise ValueError("outside the image")
        if not (0 < box.width <= width and 0 < box.height <= height):
            raise ValueError("larger than the image")
        check_pixels(box.area, f"{box.width} x {box.height} pixels")
        rows.append((box, row["alpha"] is True))
    return (width, height), rows


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number")
    return value


def _read(folder: Path, prefix: str, number: int, box: Box, has_alpha: bool) -> Patch:
    shown = _read_png(folder / f"{prefix}{PATCH.format(number)}", box)
    if shown.shape[2] not in (2, 4):
        raise ValueError("without weights")
    pixels, weight = shown[..., :-1], shown[..., -1]
    if has_alpha:
        alpha = _read_png(folder / f"{prefix}{ALPHA.format(number)}", box)
        if alpha.shape[2] != 1:
            raise ValueError("not one alpha")
        pixels = np.concatenate([pixels, alpha], axis=2)
    return Patch(box, np.ascontiguousarray(pixels), np.ascontiguousarray(weight))


def _read_png(path: Path, box: Box) -> Pixels:
    return read_png(read_file(path, MAX_FILE_BYTES), (box.width, box.height))
