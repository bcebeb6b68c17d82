"""What is done to a received image before it is imported, tiling included; the received bytes stay."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import read_file, replace_file
from ..errors import InvalidRequestError
from ..imaging import png_writer
from ..imaging.decoding import Pixels, UnusableImageError, narrowed, read_header
from ..imaging.formats import decode, encode_png
from ..imaging.masks import editable_part
from ..imaging.pixels import eight_bit_color, read_pixels
from ..raster.alpha import bleed, problem
from ..raster.arrays import Plane
from ..raster.masked_edit import composite, same_aspect
from ..request.normalize import is_cut, tile_size
from ..request.request import Application, GenerationRequest
from ..results.store import IMAGE_STEM, MASK_FILE, ORIGINAL_STEM, PIXEL_FORMATS, PROCESSED_FOLDER, ImageFile
from ..text.message import message
from ..textures.height_fusion import reestimated
from ..textures.seam_repair import repaint_seams
from ..textures.tiling import Tile, score
from ..textures.writer import score_facts, tile_of


def process(
    image: ImageFile, request: GenerationRequest, application: Application, folder: Path
) -> tuple[ImageFile, list[str]]:
    """The image as it is to be imported, and what the user should know.

    :param folder: the result's folder; a processed image is saved in it.
    :returns: the same image where nothing was to be done.
    :raises StorageError: the processed image can't be written.
    """
    if image.format == "gif":
        return _first_frame(image, folder)
    if image.format not in PIXEL_FORMATS:
        return image, [
            message(
                "Blender can't show an {format}; the drawing is {file}.",
                format=image.format,
                file=image.file,
            )
        ]
    if request.mask is not None and application.composite:
        return _composite_edit(image, folder)
    if request.background == "transparent":
        return _transparent(image, folder)
    return _plain(image, folder)


def _composite_edit(image: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    original_file = next(folder.glob(f"{ORIGINAL_STEM}.*"), folder / ORIGINAL_STEM)
    try:
        original = decode(read_file(original_file))
        editable = editable_part(decode(read_file(folder / MASK_FILE), as_data=True))
    except (OSError, UnusableImageError):  # a death left them out: the image is written before them
        plain, notes = _plain(image, folder)
        return plain, [*notes, "The original or its mask is missing, so the edit was not put back into it."]
    size = (original.shape[1], original.shape[0])
    edited = decode(image.data)
    height, width = edited.shape[:2]
    if not same_aspect(size, (width, height)):
        plain, notes = _plain(image, folder)
        return plain, [
            *notes,
            message(
                "The result's shape {width}x{height} is not that of the original "
                "{original_width}x{original_height}, so what lies outside the mask was not put back.",
                width=width,
                height=height,
                original_width=size[0],
                original_height=size[1],
            ),
        ]
    return _save_color(image, composite(original, edited, editable), folder), []


def _transparent(image: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    pixels = decode(image.data)
    trouble = problem(pixels)
    if trouble is not None:
        plain, notes = _plain(image, folder)
        return plain, [trouble, *notes]
    return _save_color(image, bleed(pixels), folder), []


def _plain(image: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    """The image as Blender shows it right, which heeds neither orientation nor colour profile."""
    header = read_header(image.data)
    if header.is_plain:
        return image, []
    return _save_color(image, decode(image.data), folder), list(header.notes(f"'{image.name}'"))


def _first_frame(image: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    note = message(
        "Blender can't hold a gif; its first frame is imported, the animation is {file}.", file=image.file
    )
    return _save_color(image, decode(image.data), folder), [note]


def _save_color(image: ImageFile, pixels: NDArray[np.uint8], folder: Path) -> ImageFile:
    return _save(image, pixels, encode_png(pixels), folder)


def _save(image: ImageFile, pixels: Pixels, data: bytes, folder: Path, suffix: str = "") -> ImageFile:
    """
    :param data: the pixels as a PNG file.
    """
    file = folder / PROCESSED_FOLDER / f"{Path(image.received_file).stem}{suffix}.png"
    replace_file(file, data)
    height, width = pixels.shape[:2]
    return dataclasses.replace(
        image,
        data=data,
        file=str(file),
        source=image.received_file,
        format="png",
        width=width,
        height=height,
    )


def number_of(image: ImageFile) -> str:
    """The number of a received image in its answer, from 1."""
    return Path(image.received_file).stem.removeprefix(IMAGE_STEM)


def cut_tile(
    image: ImageFile,
    request: GenerationRequest,
    folder: Path,
    height: Plane | None = None,
    repaint: bytes | None = None,
) -> tuple[ImageFile, Plane | None, list[str]]:
    """The image as a tile, saved in the result's folder; a height that lies over it is cut alike.

    :param height: (height, width) float32 in 0..1, of the image's size.
    :param repaint: the model's answer to `seam_repair_images.sent_for_repair`, encoded.
    :returns: image, height, and what the user should know.
    :raises StorageError: the tile can't be written.
    """
    try:
        pixels = read_pixels(image.data, image.name)
    except InvalidRequestError as error:
        return image, height, [message("{problem} It was not made seamless.", problem=error.message)]
    if not is_cut(request):
        scores = score(pixels)
        return dataclasses.replace(image, facts={**image.facts, **score_facts(scores)}), height, []
    notes = []
    if height is not None and pixels.shape[2] in (2, 4):
        height = None
        notes.append("The model's height can't be used for a tile with transparent parts.")
    tile = tile_of(pixels if height is None else _with_height(pixels, height), tile_size(request))
    cut = tile.pixels
    if repaint is not None and tile.seams is not None:
        tile, note = apply_repaint(tile, repaint)
        notes.append(note)
    found = tile.pixels
    if height is not None:
        if found is not cut:
            found = _with_height_anew(found, cut)
        height = found[..., -1].astype(np.float32) / np.float32(65535)
        found = narrowed(found[..., :-1]) if pixels.dtype == np.uint8 else found[..., :-1]
    notes += tile.notes
    facts = {**image.facts, **score_facts(tile.scores)}
    if tile.unchanged:
        return dataclasses.replace(image, facts=facts), height, notes
    image = dataclasses.replace(image, facts=facts)
    return _save(image, found, png_writer.encode_png(found), folder, "-tile"), height, notes


def apply_repaint(tile: Tile, repaint: bytes) -> tuple[Tile, str]:
    """A tile with its seams repainted where that is better, and a sentence about it.

    :param repaint: the model's answer, encoded.
    """
    try:
        return repaint_seams(tile, eight_bit_color(read_pixels(repaint, "of the seams")))
    except InvalidRequestError as error:
        return tile, message("The repainted seams are not used: {problem}", problem=error.message)


def _with_height_anew(pixels: Pixels, cut: Pixels) -> Pixels:
    """As `_with_height` made them, the height estimated where the seams were repainted since."""
    color = eight_bit_color(pixels[..., :-1])
    height = pixels[..., -1].astype(np.float32) / np.float32(65535)
    return _with_height(pixels[..., :-1], reestimated(height, color, (pixels != cut).any(-1)))


def _with_height(pixels: Pixels, height: Plane) -> Pixels:
    """16-bit pixels with the height where alpha would be: one cut for both."""
    wide = pixels.astype(np.uint16) * 257 if pixels.dtype == np.uint8 else pixels
    return np.dstack([wide, np.rint(height * 65535).astype(np.uint16)])
