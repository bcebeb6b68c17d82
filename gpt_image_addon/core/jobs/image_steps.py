"""What is done to a received image before it is imported, tiling included; the received bytes stay."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import read_file, replace_file
from ..editing.blending import blended, fit_edit, is_hidden
from ..editing.edit_files import KeptCrop, apply_edit, read_edit
from ..errors import InvalidRequestError, InvalidResponseError
from ..imaging import png_writer
from ..imaging.decoding import Pixels, UnusableImageError, narrowed, read_header
from ..imaging.formats import decode, encode_png
from ..imaging.masks import editable_part
from ..imaging.pixels import eight_bit_color, fit_color, read_pixels
from ..raster.alpha import bleed, clear_border, problem
from ..raster.arrays import Plane
from ..request.normalize import is_cut, tile_size
from ..request.parameters import ANIMATED, DRAWING
from ..request.request import Application, GenerationRequest
from ..request.sizes import format_size, is_frame, is_open, parse_size, same_aspect
from ..request.targets import find_target
from ..results.folders import PATCHES_FOLDER
from ..results.store import (
    IMAGE_STEM,
    MASK_FILE,
    ORIGINAL_STEM,
    PIXEL_FORMATS,
    PROCESSED_FOLDER,
    ImageFile,
    read_answer,
)
from ..text.message import message
from ..textures.height_fusion import reestimate
from ..textures.height_sheet import Sheet, has_shape_of_sheet, split_sheet
from ..textures.seam_repair import repaint_seams
from ..textures.tiling import Tile, score
from ..textures.writer import score_facts, tile_of
from ..vector.elements import UnusableDrawingError
from ..vector.flatten import read_drawing
from .follow_ups import follow_up_folder, region_kinds

DECAL_BORDER = 2  # pixels; engines repeat the outermost ones and mix them into smaller copies
NOT_PUT_BACK = "The answer was not put into the image; to try again, paint a mask that leaves more of it."


def process(
    image: ImageFile, request: GenerationRequest, application: Application, folder: Path
) -> tuple[ImageFile, list[str]]:
    """The image as it is to be imported, and what the user should know.

    Of a sheet it is the left half. One of the camera's view is fitted to the camera's frame, unless it is
    put back into its original, or has maps, whose pixels are the model's own.

    :param folder: the result's folder; a processed image is saved in it.
    :returns: the same image where nothing was to be done.
    :raises StorageError: the processed image can't be written.
    """
    sheet = read_sheet(image, request)
    if sheet is not None:
        image = _save_color(image, sheet.color, folder, "-color")
    image, notes = _clean(image, request, application, folder)
    frame = application.camera_frame
    is_own = request.seamless or application.map_kinds
    is_put_back = request.mask is not None and application.composite
    if frame is None or not is_frame(frame):  # it may come from another machine's journal
        return image, notes
    if is_own or is_put_back or image.format not in PIXEL_FORMATS:
        return image, notes
    image, more = _fit(image, (frame[0], frame[1]), request.size, folder)
    return image, [*notes, *more]


def read_sheet(image: ImageFile, request: GenerationRequest) -> Sheet | None:
    """A received image and its height where both came as one sheet.

    A model that paints none of that size was asked for one image; its shape tells.
    """
    if not request.height_sheet or image.format not in PIXEL_FORMATS or is_open(request.size):
        return None
    if not has_shape_of_sheet((image.width, image.height), parse_size(request.size)):
        return None
    return split_sheet(decode(image.data))


def _clean(
    image: ImageFile, request: GenerationRequest, application: Application, folder: Path
) -> tuple[ImageFile, list[str]]:
    """The image at its own size."""
    if image.format in ANIMATED and find_target(application.target).is_animated:
        return image, []
    if image.format in ANIMATED:
        return _first_frame(image, folder)
    if image.format == DRAWING and find_target(application.target).is_drawing:
        return _flatten(image, folder)
    if image.format not in PIXEL_FORMATS:
        return image, [
            message(
                "Blender can't show an {format}; the drawing is {file}.",
                format=image.format,
                file=image.file,
            )
        ]
    if request.mask is not None and application.composite:
        return _edit(image, request, application, folder)
    if find_target(application.target).is_decal and (request.background == "transparent" or image.has_alpha):
        return _transparent(image, folder, border=DECAL_BORDER)
    if request.background == "transparent":
        return _transparent(image, folder)
    return _plain(image, folder)


def _edit(
    image: ImageFile, request: GenerationRequest, application: Application, folder: Path
) -> tuple[ImageFile, list[str]]:
    """The image that was edited, with the answer in it.

    :raises EditMismatchError: the answer does not show what was sent, and nobody said to use it all the same.
    """
    transparent = request.background == "transparent"
    kept = read_edit(folder, read_answer(folder) or {})
    if kept is None:
        return _composite_edit(image, folder, alpha=transparent)
    number = number_of(image)
    parts = [(kept, image.data), *_further_parts(folder, number)]
    try:
        edited = apply_edit(
            parts,
            Path(request.references[0]),
            folder / PROCESSED_FOLDER / Path(image.received_file).stem,
            folder / PATCHES_FOLDER / f"{number}-",
            transparent=transparent,
            accept=application.accept,
        )
    except InvalidRequestError as error:
        plain, notes = _plain(image, folder)
        told = message("The answer was not put back into its image: {problem}", problem=error.text)
        return plain, [*notes, told]
    return dataclasses.replace(
        image,
        data=read_file(edited.file),
        file=str(edited.file),
        source=image.received_file,
        format=edited.format,
        width=edited.size[0],
        height=edited.size[1],
        has_alpha=edited.has_alpha,
    ), list(edited.notes)


def _further_parts(folder: Path, number: str) -> Iterator[tuple[KeptCrop, bytes]]:
    """The further crops of an edit that were answered, each with its image of a number."""
    for kind in region_kinds(folder):
        found = follow_up_folder(folder, kind)
        if found is None:
            continue
        part = read_edit(found, read_answer(found) or {})
        answer = next(found.glob(f"{IMAGE_STEM}{number}.*"), None)
        if part is not None and answer is not None:
            yield part, read_file(answer)


def _composite_edit(image: ImageFile, folder: Path, *, alpha: bool) -> tuple[ImageFile, list[str]]:
    """
    :param alpha: whether transparency was asked for, and that of the answer is to be taken.
    """
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
    fitted = fit_edit(original, edited, editable, alpha=alpha or is_hidden(original, editable))
    if not fitted.registration.accepted:
        plain, notes = _plain(image, folder)
        return plain, [
            *notes,
            message("{reason} {what}", reason=fitted.registration.reason, what=NOT_PUT_BACK),
        ]
    notes = [fitted.registration.reason] if fitted.registration.plain else []
    return _save_color(image, blended(original, fitted), folder), notes


def _fit(image: ImageFile, frame: tuple[int, int], asked: str, folder: Path) -> tuple[ImageFile, list[str]]:
    """The image at the size of the camera's frame, whose pixels need not be square.

    :param asked: the size that was asked for, which has the frame's shape.
    """
    size = image.width, image.height
    if size == frame:
        return image, []
    if is_open(asked) or not same_aspect(size, parse_size(asked)):
        return image, [
            message(
                "The result has {size}, which is not the shape that was asked for, so it was not fitted to "
                "the camera's frame.",
                size=format_size(*size),
            )
        ]
    return _save_color(image, fit_color(decode(image.data), frame), folder, "-frame"), []


def _transparent(image: ImageFile, folder: Path, *, border: int = 0) -> tuple[ImageFile, list[str]]:
    """
    :param border: pixels at its edges that are cleared.
    """
    pixels = decode(image.data)
    trouble = problem(pixels)
    if trouble is not None:
        plain, notes = _plain(image, folder)
        return plain, [trouble, *notes]
    return _save_color(image, clear_border(bleed(pixels), border), folder, "-decal" if border else ""), []


def _plain(image: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    """The image as Blender shows it right, which heeds neither orientation nor colour profile."""
    header = read_header(image.data)
    if header.is_plain:
        return image, []
    return _save_color(image, decode(image.data), folder), list(header.notes(f"'{image.name}'"))


def _flatten(image: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    """The drawing as plain paths, which are all that is read of it.

    :raises InvalidResponseError: it is not let in, or draws nothing.
    """
    try:
        drawing = read_drawing(image.data)
    except UnusableDrawingError as error:
        raise InvalidResponseError(
            message("The drawing {problem}.", problem=error.problem),
            code="bad_drawing",
            billed="yes",
            next_step=message("It is kept as {file}.", file=image.file),
        ) from error
    data = drawing.to_svg()
    file = folder / PROCESSED_FOLDER / f"{Path(image.received_file).stem}-paths.svg"
    replace_file(file, data)
    flat = dataclasses.replace(image, data=data, file=str(file), source=image.received_file)
    return flat, list(drawing.notes)


def _first_frame(image: ImageFile, folder: Path) -> tuple[ImageFile, list[str]]:
    note = message(
        "Blender can't hold a gif; its first frame is imported, the animation is {file}.", file=image.file
    )
    return _save_color(image, decode(image.data), folder), [note]


def _save_color(image: ImageFile, pixels: NDArray[np.uint8], folder: Path, suffix: str = "") -> ImageFile:
    return _save(image, pixels, encode_png(pixels), folder, suffix)


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
    :param repaint: the model's answer to `follow_up_requests.sent_for_repair`, encoded.
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
    tile = tile_of(pixels if height is None else _join_height(pixels, height), tile_size(request))
    cut = tile.pixels
    if repaint is not None and tile.seams is not None:
        tile, note = apply_repaint(tile, repaint)
        notes.append(note)
    found = tile.pixels
    if height is not None:
        if found is not cut:
            found = _reestimate_height(found, cut)
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


def _reestimate_height(pixels: Pixels, cut: Pixels) -> Pixels:
    """As `_join_height` made them, the height estimated where the seams were repainted since."""
    color = eight_bit_color(pixels[..., :-1])
    height = pixels[..., -1].astype(np.float32) / np.float32(65535)
    return _join_height(pixels[..., :-1], reestimate(height, color, (pixels != cut).any(-1)))


def _join_height(pixels: Pixels, height: Plane) -> Pixels:
    """16-bit pixels with the height where alpha would be: one cut for both."""
    wide = pixels.astype(np.uint16) * 257 if pixels.dtype == np.uint8 else pixels
    return np.dstack([wide, np.rint(height * 65535).astype(np.uint16)])
