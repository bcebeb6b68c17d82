"""The repair of a tile's seams on its way to the model and back: files and requests around `seam_repair`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..common.files import replace_file
from ..errors import InvalidRequestError
from ..imaging.pixels import read_pixels
from ..request.models import Registry
from ..request.normalize import tile_size
from ..request.request import Application, GenerationRequest
from ..request.sizes import same_aspect
from ..results.store import PIXEL_FORMATS, REPAIRS_FOLDER
from ..text.message import message
from ..textures.seam_repair import repair_input
from ..textures.tiling import Tile
from ..textures.writer import tile_of
from .follow_ups import SEAMS_JOB, painted_size, repair_request
from .image_steps import number_of, process
from .postprocess import usable_images


def repairs(
    request: GenerationRequest, application: Application, folder: Path, registry: Registry
) -> Iterator[tuple[str, GenerationRequest]]:
    """The repairs that the images of a result need: the kind of the follow-up job, and its request.

    :param request: that of the result, for a tile.
    :param folder: of the result; what is sent is written into it.
    :raises InvalidRequestError: an image can't be made a tile, or its tile not be repaired.
    """
    for received in usable_images(folder, "", [], None):
        image, _ = process(received, request, application, folder)
        if image.format not in PIXEL_FORMATS:
            continue
        tile = tile_of(read_pixels(image.data, image.name), tile_size(request))
        if tile.seams is not None and not tile.scores.good:
            kind = SEAMS_JOB.format(number=number_of(image))
            yield kind, sent_for_repair(tile, request, folder / REPAIRS_FOLDER, kind, registry)


def sent_for_repair(
    tile: Tile, request: GenerationRequest, folder: Path, name: str, registry: Registry
) -> GenerationRequest:
    """Write what the model is to see of a tile, and make the request that it goes with.

    :param request: names provider, model and quality; its prompt says what the tile shows.
    :param name: start of the files' names.
    :raises InvalidRequestError: no model paints an image of this shape.
    :raises StorageError: the files can't be written.
    """
    height, width = tile.pixels.shape[:2]
    size = painted_size((width, height), request.model, registry)
    if not same_aspect(size, (width, height)):
        raise InvalidRequestError(
            message("The model paints no image of the shape {width}x{height}.", width=width, height=height),
            code="bad_size",
            param="size",
        )
    sent = repair_input(tile, size)
    image, mask = folder / f"{name}.png", folder / f"{name}-mask.png"
    replace_file(image, sent.picture)
    replace_file(mask, sent.mask)
    return repair_request(request, str(image), str(mask), size)
