"""What is done to a received image before it is imported, tiling included; the received bytes stay."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import read_file, replace_file
from ..editing.blending import blended, fit_edit, is_hidden
from ..editing.resampling import same_aspect
from ..errors import InvalidRequestError
from ..imaging import png_writer
from ..imaging.decoding import Pixels, UnusablePictureError, narrowed, read_header
from ..imaging.formats import decode, encode_png
from ..imaging.masks import editable_part
from ..imaging.pixels import eight_bit_color, read_pixels
from ..raster.alpha import bleed, problem
from ..raster.arrays import Plane
from ..request.normalize import is_cut, tile_size
from ..request.request import Application, GenerationRequest
from ..results.store import MASK_FILE, ORIGINAL_STEM, PICTURE_STEM, PIXEL_FORMATS, PROCESSED_FOLDER, ImageFile
from ..text.message import message
from ..textures.height_fusion import reestimated
from ..textures.seam_repair import repaint_seams
from ..textures.tiling import Tile, score
from ..textures.writer import score_facts, tile_of

NOT_PUT_BACK = "The answer was not put into the image; to try again, paint a mask that leaves more of it."


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
        return picture, [
            message(
                "Blender can't show an {format}; the drawing is {file}.",
                format=picture.format,
                file=picture.file,
            )
        ]
    if request.mask is not None and application.composite:
        return _composited(picture, folder, alpha=request.background == "transparent")
    if request.background == "transparent":
        return _transparent(picture, folder)
    return _plain(picture, folder)


def _composited(picture: ImageFile, folder: Path, *, alpha: bool) -> tuple[ImageFile, list[str]]:
    """
    :param alpha: whether transparency was asked for, and that of the answer is to be taken.
    """
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
            message(
                "The result's shape {width}x{height} is not that of the original "
                "{original_width}x{original_height}, so what lies outside the mask was not put back.",
                width=width,
                height=height,
                original_width=size[0],
                original_height=size[1],
            ),
        ]
    fitted = fit_edit(original, edited, editable, alpha=alpha or is_hidden(original, editable))
    if not fitted.registration.accepted:
        plain, notes = _plain(picture, folder)
        return plain, [
            *notes,
            message("{reason} {what}", reason=fitted.registration.reason, what=NOT_PUT_BACK),
        ]
    notes = [fitted.registration.reason] if fitted.registration.plain else []
    return _save_color(picture, blended(original, fitted), folder), notes


def _transparent(picture: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    pixels = decode(picture.data)
    trouble = problem(pixels)
    if trouble is not None:
        plain, notes = _plain(picture, folder)
        return plain, [trouble, *notes]
    return _save_color(picture, bleed(pixels), folder), []


def _plain(picture: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    """The picture as Blender shows it right, which heeds neither orientation nor colour profile."""
    header = read_header(picture.data)
    if header.is_plain:
        return picture, []
    return _save_color(picture, decode(picture.data), folder), list(header.notes(f"'{picture.name}'"))


def _first_frame(picture: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    note = message(
        "Blender can't hold a gif; its first frame is imported, the animation is {file}.", file=picture.file
    )
    return _save_color(picture, decode(picture.data), folder), [note]


def _save_color(picture: ImageFile, pixels: NDArray[np.uint8], folder: Path) -> ImageFile:
    return _save(picture, pixels, encode_png(pixels), folder)


def _save(picture: ImageFile, pixels: Pixels, data: bytes, folder: Path, suffix: str = "") -> ImageFile:
    """
    :param data: the pixels as a PNG file.
    """
    file = folder / PROCESSED_FOLDER / f"{Path(picture.received_file).stem}{suffix}.png"
    replace_file(file, data)
    height, width = pixels.shape[:2]
    return dataclasses.replace(
        picture,
        data=data,
        file=str(file),
        source=picture.received_file,
        format="png",
        width=width,
        height=height,
    )


def number_of(picture: ImageFile) -> str:
    """The number of a received picture in its answer, from 1."""
    return Path(picture.received_file).stem.removeprefix(PICTURE_STEM)


def tiled(
    picture: ImageFile,
    request: GenerationRequest,
    folder: Path,
    height: Plane | None = None,
    repaint: bytes | None = None,
) -> tuple[ImageFile, Plane | None, list[str]]:
    """The picture as a tile, saved in the result's folder; a height that lies over it is cut alike.

    :param height: (height, width) float32 in 0..1, of the picture's size.
    :param repaint: the model's answer to `seam_repair_images.sent_for_repair`, encoded.
    :returns: picture, height, and what the user should know.
    :raises StorageError: the tile can't be written.
    """
    try:
        pixels = read_pixels(picture.data, picture.name)
    except InvalidRequestError as error:
        return picture, height, [message("{problem} It was not made seamless.", problem=error.message)]
    if not is_cut(request):
        scores = score(pixels)
        return dataclasses.replace(picture, facts={**picture.facts, **score_facts(scores)}), height, []
    notes = []
    if height is not None and pixels.shape[2] in (2, 4):
        height = None
        notes.append("The model's height can't be used for a tile with transparent parts.")
    tile = tile_of(pixels if height is None else _with_height(pixels, height), tile_size(request))
    cut = tile.pixels
    if repaint is not None and tile.seams is not None:
        tile, note = repaired(tile, repaint)
        notes.append(note)
    found = tile.pixels
    if height is not None:
        if found is not cut:
            found = _with_height_anew(found, cut)
        height = found[..., -1].astype(np.float32) / np.float32(65535)
        found = narrowed(found[..., :-1]) if pixels.dtype == np.uint8 else found[..., :-1]
    notes += tile.notes
    facts = {**picture.facts, **score_facts(tile.scores)}
    if tile.unchanged:
        return dataclasses.replace(picture, facts=facts), height, notes
    picture = dataclasses.replace(picture, facts=facts)
    return _save(picture, found, png_writer.encode_png(found), folder, "-tile"), height, notes


def repaired(tile: Tile, repaint: bytes) -> tuple[Tile, str]:
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
