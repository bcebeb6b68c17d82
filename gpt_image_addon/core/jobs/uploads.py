"""The files of a request: read, checked, and hashed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import GptImageError
from ..imaging.image_reader import hash_image_file
from ..request.normalize import CheckedRequest
from ..request.providers import find_provider
from ..request.request import GenerationRequest

if TYPE_CHECKING:
    from ..editing.crops import Crop
    from ..imaging.formats import Upload
    from ..providers.base import KeptEdit, Uploads


def first_crop(checked: CheckedRequest) -> Crop | None:
    """What is sent of the edited image with a request itself; None for all of it."""
    from ..editing.crops import Crop

    crop = checked.crops[0] if checked.crops else None
    assert crop is None or isinstance(crop, Crop)
    return crop


def load_uploads(request: GenerationRequest, crop: Crop | None = None) -> Uploads:
    """Read, check and where necessary shrink the files of an edit.

    :param crop: the part of the first reference that is sent, and of its mask; all of both without.
    :raises InvalidRequestError: a file is missing, broken or too large.
    """
    from ..imaging.formats import load_upload, make_neutral
    from ..imaging.masks import load_mask
    from ..providers.base import Uploads

    mask = markup = edit = None
    references: list[Upload] = []
    if crop is not None:
        edited, mask, edit = _load_crop(request, crop)
        references.append(edited)
    for number, path in enumerate(request.references[len(references) :], len(references) + 1):
        references.append(make_neutral(load_upload(Path(path)), f"image-{number}"))
    if request.mask and mask is None:
        mask = load_mask(Path(request.mask), (references[0].width, references[0].height))
    if request.markup:
        markup = make_neutral(load_upload(Path(request.markup)), "markup")
    return Uploads(tuple(references), mask, markup, edit)


def add_points(uploads: Uploads, checked: CheckedRequest) -> Uploads:
    """The files with the numbered circles of a request's points, as `GenerationRequest.marked_as` says.

    A draft, which would paint over them, gets none.
    """
    sent = checked.sent
    way = sent.marked_as(takes_markup=checked.model.markup)
    if not way or find_provider(sent.provider).is_draft:
        return uploads
    from ..imaging.formats import decode, encode_upload
    from ..raster.markers import draw_markers, over

    first = uploads.references[0]
    layer = draw_markers([(x, y) for x, y, _ in sent.points], first.width, first.height)
    if way == "markup":
        return dataclasses.replace(uploads, markup=encode_upload(layer, "markup"))
    copy = encode_upload(over(decode(first.data), layer), f"image-{len(uploads.references) + 1}")
    return dataclasses.replace(uploads, references=(*uploads.references, copy))


def _load_crop(request: GenerationRequest, crop: Crop) -> tuple[Upload, Upload, KeptEdit]:
    """The part of the first reference and of its mask, and what is kept of both."""
    from ..editing.edit_files import describe_edit
    from ..editing.region_edit import cut_crop
    from ..imaging.formats import Upload, encode_png
    from ..imaging.masks import encode_mask
    from ..providers.base import KeptEdit

    cut = cut_crop(request, crop)
    edited = Upload("image-1.png", encode_png(cut.pixels), "image/png", *crop.sent)
    files, facts = describe_edit(Path(request.references[0]), crop, cut)
    return edited, encode_mask(cut.sent_mask), KeptEdit(files, facts)


def load_unchanged(request: GenerationRequest, digest: str, crop: Callable[[], Crop | None]) -> Uploads:
    """As `load_uploads`; none where they are not what was sent any more.

    :param crop: what was sent of the first reference.
    """
    from ..providers.base import Uploads

    with contextlib.suppress(GptImageError):
        if digest_request(request) == digest:
            return load_uploads(request, crop())
    return Uploads()


def digest_request(request: GenerationRequest) -> str:
    """`GenerationRequest.digest`, with what its files hold now.

    :raises InvalidRequestError: a file can't be read.
    """
    named = (("references", path) for path in request.references)
    extra = (("mask", request.mask), ("markup", request.markup), ("workflow", request.workflow))
    files = (*named, *((param, path) for param, path in extra if path))
    return request.digest([hash_image_file(Path(path), param) for param, path in files])
