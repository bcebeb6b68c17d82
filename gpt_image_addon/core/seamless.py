"""A seamless request: more pixels are asked for, and what comes is cut down to exactly the size wanted.

Offline drafts tile by nature and stay as they are.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from .errors import InvalidRequestError
from .files import replace_file
from .kernels import Plane
from .models import Registry
from .pixels import Pixels, narrowed, read_pixels
from .png16 import encode_png
from .request import GenerationRequest
from .results import PROCESSED_FOLDER, Picture
from .sizes import AUTO, format_size, parse_size
from .surface import check_tile_size, score_facts, tile_of
from .tiling import score, source_size


def as_sent(request: GenerationRequest, registry: Registry) -> tuple[GenerationRequest, tuple[str, ...]]:
    """The request that goes to the server, and what to tell about it beforehand.

    :raises InvalidRequestError: the size can't be read, or no tile of that size is made.
    """
    if not is_cut(request) or request.size == AUTO:
        return request, ()
    wanted = parse_size(request.size)
    check_tile_size(wanted)
    asked = source_size(*wanted)
    rule = registry.size_rule(registry.get(request.model))
    sent = asked if rule.problem(*asked) is None else rule.nearest(*asked)
    notes: tuple[str, ...] = ()
    if sent[0] < asked[0] or sent[1] < asked[1]:
        notes = (f"No tile of {request.size} can be cut from {format_size(*sent)}: it will be enlarged.",)
    return dataclasses.replace(request, size=format_size(*sent)), notes


def is_cut(request: GenerationRequest) -> bool:
    """Whether the result of a request is made seamless after it has arrived."""
    return request.seamless and request.provider != "offline"


def tiled(
    picture: Picture, request: GenerationRequest, folder: Path, height: Plane | None = None
) -> tuple[Picture, Plane | None, list[str]]:
    """The picture as a tile, saved in the result's folder; a height that lies over it is cut alike.

    :param height: (height, width) float32 in 0..1, of the picture's size.
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
    size = None if request.size == AUTO else parse_size(request.size)
    notes = []
    if height is not None and pixels.shape[2] in (2, 4):
        height = None
        notes.append("The model's height can't be used for a tile with transparent parts.")
    tile = tile_of(pixels if height is None else _with_height(pixels, height), size)
    found = tile.pixels
    if height is not None:
        height = found[..., -1].astype(np.float32) / np.float32(65535)
        found = narrowed(found[..., :-1]) if pixels.dtype == np.uint8 else found[..., :-1]
    notes += tile.notes
    facts = {**picture.facts, **score_facts(tile.scores)}
    if tile.unchanged:
        return dataclasses.replace(picture, facts=facts), height, notes
    return _saved(dataclasses.replace(picture, facts=facts), found, folder), height, notes


def _with_height(pixels: Pixels, height: Plane) -> Pixels:
    """16-bit pixels with the height where alpha would be: one cut for both."""
    wide = pixels.astype(np.uint16) * 257 if pixels.dtype == np.uint8 else pixels
    return np.dstack([wide, np.rint(height * 65535).astype(np.uint16)])


def _saved(picture: Picture, pixels: Pixels, folder: Path) -> Picture:
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
