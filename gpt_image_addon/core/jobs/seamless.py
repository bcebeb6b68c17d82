"""A seamless request: what came larger than asked for is cut down to exactly the size wanted.

Offline drafts tile by nature and stay as they are.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ..common.files import replace_file
from ..errors import InvalidRequestError
from ..imaging.decoding import Pixels, narrowed
from ..imaging.pixels import eight_bit_color, read_pixels
from ..imaging.png_writer import encode_png
from ..raster.arrays import Plane
from ..request.normalize import is_cut, tile_size
from ..request.request import GenerationRequest
from ..results.store import PICTURE_STEM, PROCESSED_FOLDER, ImageFile
from ..textures.height_fusion import reestimated
from ..textures.seam_repair import repaint_seams
from ..textures.tiling import Tile, score
from ..textures.writer import score_facts, tile_of


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
        return picture, height, [f"{error.message[:-1]}, so it was not made seamless."]
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
    return _saved(dataclasses.replace(picture, facts=facts), found, folder), height, notes


def repaired(tile: Tile, repaint: bytes) -> tuple[Tile, str]:
    """A tile with its seams repainted where that is better, and a sentence about it.

    :param repaint: the model's answer, encoded.
    """
    try:
        return repaint_seams(tile, eight_bit_color(read_pixels(repaint, "of the seams")))
    except InvalidRequestError as error:
        return tile, f"The repainted seams are not used: {error.message}"


def _with_height_anew(pixels: Pixels, cut: Pixels) -> Pixels:
    """As `_with_height` made them, the height estimated where the seams were repainted since."""
    color = eight_bit_color(pixels[..., :-1])
    height = pixels[..., -1].astype(np.float32) / np.float32(65535)
    return _with_height(pixels[..., :-1], reestimated(height, color, (pixels != cut).any(-1)))


def _with_height(pixels: Pixels, height: Plane) -> Pixels:
    """16-bit pixels with the height where alpha would be: one cut for both."""
    wide = pixels.astype(np.uint16) * 257 if pixels.dtype == np.uint8 else pixels
    return np.dstack([wide, np.rint(height * 65535).astype(np.uint16)])


def _saved(picture: ImageFile, pixels: Pixels, folder: Path) -> ImageFile:
    data = encode_png(pixels)
    file = folder / PROCESSED_FOLDER / (Path(picture.received_file).stem + "-tile.png")
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
