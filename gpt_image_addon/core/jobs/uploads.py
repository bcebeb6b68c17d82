"""The files of a request: read, checked, and hashed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import GptImageError
from ..imaging.image_reader import read_image_file
from ..request.providers import find_provider
from ..request.request import GenerationRequest

if TYPE_CHECKING:
    from ..providers.base import Uploads


def load_uploads(request: GenerationRequest) -> Uploads:
    """Read, check and where necessary shrink the files of an edit.

    :raises InvalidRequestError: a file is missing, broken or too large.
    """
    from ..imaging.formats import load_upload, make_neutral
    from ..imaging.masks import load_mask
    from ..providers.base import Uploads

    references = tuple(
        make_neutral(load_upload(Path(path)), f"image-{number}")
        for number, path in enumerate(request.references, 1)
    )
    mask = markup = None
    if request.mask:
        mask = load_mask(Path(request.mask), (references[0].width, references[0].height))
    if request.markup:
        markup = make_neutral(load_upload(Path(request.markup)), "markup")
    return Uploads(references, mask, markup)


def with_points(uploads: Uploads, request: GenerationRequest, *, takes_markup: bool) -> Uploads:
    """The files with the numbered circles of the request's points, as `GenerationRequest.marked_as` says.

    A draft, which would paint over them, gets none.

    :param takes_markup: whether the request's model does.
    """
    way = request.marked_as(takes_markup=takes_markup)
    if not way or find_provider(request.provider).is_draft:
        return uploads
    from ..imaging.formats import decode, encode_upload
    from ..raster.markers import draw_markers, over

    first = uploads.references[0]
    layer = draw_markers([(x, y) for x, y, _ in request.points], first.width, first.height)
    if way == "markup":
        return dataclasses.replace(uploads, markup=encode_upload(layer, "markup"))
    copy = encode_upload(over(decode(first.data), layer), f"image-{len(uploads.references) + 1}")
    return dataclasses.replace(uploads, references=(*uploads.references, copy))


def load_unchanged(request: GenerationRequest, digest: str) -> Uploads:
    """As `load_uploads`; none where they are not what was sent any more."""
    from ..providers.base import Uploads

    with contextlib.suppress(GptImageError):
        if digest_request(request) == digest:
            return load_uploads(request)
    return Uploads()


def digest_request(request: GenerationRequest) -> str:
    """`GenerationRequest.digest`, with what its files hold now.

    :raises InvalidRequestError: a file can't be read.
    """
    return request.digest([hashlib.sha256(read_image_file(Path(path))).hexdigest() for path in request.files])
