"""The follow-up requests that the answer to a job needs: their images, and their prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..common.files import replace_file
from ..errors import InvalidRequestError
from ..imaging.formats import inspect_file
from ..imaging.pixels import eight_bit_color, read_pixels
from ..panorama.pole_repair import list_uneven_poles, pole_input
from ..panorama.poles import smooth_poles
from ..panorama.views import view_side
from ..panorama.world import close_and_level
from ..request.models import Registry
from ..request.normalize import CheckedRequest, tile_size
from ..request.request import GenerationRequest
from ..request.sizes import parse_size, same_aspect
from ..results.store import IMAGE_STEM, PIXEL_FORMATS, REPAIRS_FOLDER
from ..text.message import Message, message
from ..textures.seam_repair import Parcel, repair_input
from ..textures.tiling import Tile
from ..textures.writer import tile_of
from .estimates import price_crop, price_follow_up
from .follow_ups import (
    HEIGHT_JOB,
    MASK_END,
    REGION_JOB,
    SEAMS_JOB,
    asks_for_height,
    asks_for_poles,
    asks_for_repair,
    height_request,
    next_pole_kind,
    painted_size,
    pole_answers,
    pole_request,
    repair_request,
)
from .image_steps import number_of, process
from .job import Job
from .postprocess import usable_images

Requests = Iterator[tuple[str, CheckedRequest]]
"""Kinds of follow-up jobs, each with its request."""


def make_crop_requests(job: Job, folder: Path, registry: Registry) -> Requests:
    """For the further crops of a masked edit."""
    if job.checked is None:
        return
    for number, crop in enumerate(job.checked.crops[1:], 2):
        yield REGION_JOB.format(number=number), price_crop(job.checked, crop, registry)


def make_repair_requests(job: Job, folder: Path, registry: Registry) -> Requests:
    """For the seams of the images that do not tile well.

    :param folder: of the result; what is sent is written into it.
    :raises InvalidRequestError: an image can't be made a tile, or its tile not be repaired.
    """
    if not asks_for_repair(job.request, job.application):
        return
    for received in usable_images(folder, "", [], None):
        image, _ = process(received, job.request, job.application, folder)
        if image.format not in PIXEL_FORMATS:
            continue
        tile = tile_of(read_pixels(image.data, image.name), tile_size(job.request))
        if tile.seams is not None and not tile.scores.good:
            kind = SEAMS_JOB.format(number=number_of(image))
            request = sent_for_repair(tile, job.request, folder / REPAIRS_FOLDER, kind, registry)
            yield kind, price_follow_up(request, registry, parse_size(request.size))


def make_pole_requests(job: Job, folder: Path, registry: Registry) -> Requests:
    """For those poles of the image that becomes a world around which it shows more than an even slope.

    A pole that was repainted before is not asked for again.

    :param folder: of the result; what is sent is written into it.
    """
    if not asks_for_poles(job.request, job.application):
        return
    received = usable_images(folder, "", [], None)
    first = received[job.application.picture % len(received)]
    image, _ = process(first, job.request, job.application, folder)
    if image.format not in PIXEL_FORMATS:
        return
    smooth = smooth_poles(close_and_level(eight_bit_color(read_pixels(image.data, image.name))).pixels)
    number = number_of(image)
    known = pole_answers(folder, number)
    side = view_side(len(smooth))
    size = painted_size((side, side), job.request.model, registry)
    for pole in list_uneven_poles(smooth):
        if pole in known:
            continue
        kind = next_pole_kind(folder, pole, number)
        files = _write_repair(pole_input(smooth, pole, size[0]), folder / REPAIRS_FOLDER, kind)
        request = pole_request(job.request, pole, *files, size)
        yield kind, price_follow_up(request, registry, size)


def make_height_requests(job: Job, folder: Path, registry: Registry) -> Requests:
    """For the height of the first image.

    :raises InvalidRequestError: there is none that has pixels.
    """
    if not asks_for_height(job.request, job.application, registry):
        return
    image = min(folder.glob(f"{IMAGE_STEM}1.*"), default=None)
    info = inspect_file(image) if image else None
    if image is None or info is None or info.format not in PIXEL_FORMATS:
        raise InvalidRequestError("There is no image that it could be asked for.")
    request = height_request(job.request, str(image), info.size, registry)
    yield HEIGHT_JOB, price_follow_up(request, registry, info.size)


class FollowUp(NamedTuple):
    """A kind of follow-up requests."""

    make_requests: Callable[[Job, Path, Registry], Requests]
    doing: str
    """What the job says meanwhile."""
    failed: Message
    """What is told where one of them fails; the result is there without it."""


POLES_FOLLOW_UP = FollowUp(
    make_pole_requests,
    "Waiting for its poles",
    Message("The poles could not be repainted, so they stay smoothed: {reason}"),
)
FOLLOW_UPS = (
    FollowUp(
        make_crop_requests,
        "Waiting for the next part",
        Message("Not all parts that may change were edited: {reason}"),
    ),
    FollowUp(
        make_repair_requests,
        "Waiting for its seams",
        Message("The seams could not be repainted, so the cut is kept: {reason}"),
    ),
    POLES_FOLLOW_UP,
    FollowUp(
        make_height_requests,
        "Waiting for its height",
        Message("No height map could be generated, so relief is estimated: {reason}"),
    ),
)
"""In the order in which they are sent."""


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
    return repair_request(request, *_write_repair(repair_input(tile, size), folder, name), size)


def _write_repair(sent: Parcel, folder: Path, name: str) -> tuple[str, str]:
    """The paths of image and mask."""
    image, mask = folder / f"{name}.png", folder / f"{name}{MASK_END}.png"
    replace_file(mask, sent.mask)
    replace_file(image, sent.picture)
    return str(image), str(mask)
