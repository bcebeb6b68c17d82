"""What happens to a received picture before it is imported; the received bytes stay as they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import read_file, replace_file
from ..imaging.decoding import UnusablePictureError, read_header
from ..imaging.formats import decode, encode_png
from ..imaging.masks import editable_part
from ..raster.alpha import bleed, problem
from ..raster.masked_edit import composite, same_aspect
from ..request.request import Application, GenerationRequest
from ..results.store import MASK_FILE, ORIGINAL_STEM, PIXEL_FORMATS, PROCESSED_FOLDER, ImageFile


def process(
    picture: ImageFile, request: GenerationRequest, application: Application, folder: Path
) -> tuple[ImageFile, list[str]]:
    """The picture as it is to be imported, and what the user should know.

    :param folder: the result's folder; a processed picture is saved in it.
    :returns: the same picture where nothing was to be done.
    :raises StorageError: the processed picture can't be written.
    """
    if picture.format == "gif":
        return _first_frame(picture, folder)
    if picture.format not in PIXEL_FORMATS:
        return picture, [f"Blender can't show an {picture.format}; the drawing is {picture.file}."]
    if request.mask is not None and application.composite:
        return _composited(picture, folder)
    if request.background == "transparent":
        return _transparent(picture, folder)
    return _plain(picture, folder)


def _composited(picture: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    original_file = next(folder.glob(f"{ORIGINAL_STEM}.*"), folder / ORIGINAL_STEM)
    try:
        original = decode(read_file(original_file))
        editable = editable_part(decode(read_file(folder / MASK_FILE), as_data=True))
    except (OSError, UnusablePictureError):  # a death left them out: the picture is written before them
        plain, notes = _plain(picture, folder)
        return plain, [*notes, "The original or its mask is missing, so the edit was not put back into it."]
    size = (original.shape[1], original.shape[0])
    edited = decode(picture.data)
    height, width = edited.shape[:2]
    if not same_aspect(size, (width, height)):
        plain, notes = _plain(picture, folder)
        return plain, [
            *notes,
            f"The result's shape {width}x{height} is not that of the original "
            f"{size[0]}x{size[1]}, so what lies outside the mask was not put back.",
        ]
    return _saved(picture, composite(original, edited, editable), folder), []


def _transparent(picture: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    pixels = decode(picture.data)
    trouble = problem(pixels)
    if trouble is not None:
        plain, notes = _plain(picture, folder)
        return plain, [trouble, *notes]
    return _saved(picture, bleed(pixels), folder), []


def _plain(picture: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    """The picture as Blender shows it right, which heeds neither orientation nor colour profile."""
    header = read_header(picture.data)
    if header.is_plain:
        return picture, []
    return _saved(picture, decode(picture.data), folder), list(header.notes(f"'{picture.name}'"))


def _first_frame(picture: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    note = f"Blender can't hold a gif; its first frame is imported, the animation is {picture.file}."
    return _saved(picture, decode(picture.data), folder), [note]


def _saved(picture: ImageFile, pixels: NDArray[np.uint8], folder: Path) -> ImageFile:
    file = folder / PROCESSED_FOLDER / (Path(picture.file).stem + ".png")
    data = encode_png(pixels)
    replace_file(file, data)
    height, width = pixels.shape[:2]
    return dataclasses.replace(
        picture, data=data, file=str(file), source=picture.file, format="png", width=width, height=height
    )
