"""Masked edits: what of an image is sent, and how the answer becomes a part of it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidRequestError
from ..imaging import pillow_settings
from ..imaging.decoding import Pixels, narrowed
from ..imaging.masks import HALF, STROKES, check_editable, editable_part, has_strokes, read_mask
from ..imaging.pixels import eight_bit_color, resized
from ..pasting.boxes import Box, Size
from ..pasting.edited_files import cut
from ..pasting.image_source import ImageSource, inspect_source
from ..pasting.patches import Patch, make_patch
from ..request.models import Registry
from ..request.parameters import MOST_CROPS
from ..request.request import GenerationRequest
from ..request.sizes import AUTO, LIKE, LIKE_DETAIL, SizeRule, is_like, like_detail, parse_size
from ..text.message import message
from .blending import FEATHER, FittedEdit, box_of, fit_edit, is_hidden
from .crops import MOST_PIXELS, Crop, plan_crops
from .mask_regions import Flags

WORDS = 257  # of 16 bits for a level of 8
BAND_ROWS = 256  # of a large mask, read at once
SPARSE = 8  # pixels between those that tell what kind of mask a large one is


@dataclass(frozen=True)
class EditPlan:
    """What of an image is sent for a masked edit."""

    crops: tuple[Crop, ...]
    """A request each."""
    notes: tuple[str, ...]
    """What the user should know before anything is sent."""


def plan_edit(
    request: GenerationRequest, registry: Registry, tiles: Callable[[ImageSource], bool]
) -> EditPlan:
    """The crops of a request with a mask; all of the image where that is asked for.

    :param request: names its model; its size is that of each crop, where it names one.
    :param tiles: whether an image tiles; asked only where a crop could go across its border.
    :raises InvalidRequestError: the image or its mask can't be read, or can't be written back.
    """
    assert request.mask is not None
    path = Path(request.references[0])
    source = inspect_source(path, path.name)
    mask, mask_notes = _read_mask(Path(request.mask), source.size)
    crops = plan_mask(mask, request, registry, lambda: tiles(source))
    notes = (*source.notes, *mask_notes, *(note for crop in crops for note in crop.notes()))
    return EditPlan(crops, tuple(dict.fromkeys(notes)))


def plan_mask(
    mask: Flags, request: GenerationRequest, registry: Registry, tiles: Callable[[], bool] = lambda: False
) -> tuple[Crop, ...]:
    """As `plan_edit`, of a mask alone.

    :param mask: (height, width) bool, true where the upright image may change.
    :raises InvalidRequestError: it is empty.
    """
    rule, height, width = registry.likely_size_rule(request.model), *mask.shape
    if request.whole_image:
        return (_whole(mask, rule, request.size, (width, height)),)
    crops = _plan(mask, rule, request.size, wraps=False)
    if any(_is_pushed(crop) for crop in crops) and tiles():
        crops = _plan(mask, rule, request.size, wraps=True)
    return crops


def read_mask_of(path: Path, size: Size) -> Flags:
    """Where a mask lets an image change.

    :param size: width and height of the upright image.
    :returns: (height, width) bool.
    :raises InvalidRequestError: it can't be read, or nothing or everything may change.
    """
    return _read_mask(path, size)[0]


def _read_mask(path: Path, size: Size) -> tuple[Flags, list[str]]:
    """As `read_mask`; one with more pixels than an answer may have is read in bands.

    :param size: of the upright image.
    """
    if size[0] * size[1] <= pillow_settings.MAX_PIXELS:
        return read_mask(path, size)
    source = inspect_source(path, path.name)
    if source.size != size:
        raise InvalidRequestError(
            message(
                "The mask {path} has another size than its image, which has {width}x{height}.",
                path=path,
                width=size[0],
                height=size[1],
            ),
            code="bad_picture",
            param="mask",
        )
    width, height = size
    tops = range(0, height, BAND_ROWS)
    bands = cut(source, [Box(0, top, width, min(BAND_ROWS, height - top)) for top in tops])
    strokes = has_strokes(narrowed(np.concatenate([band[::SPARSE, ::SPARSE] for band in bands])))
    mask = np.empty((height, width), bool)
    for top in tops:
        band = bands.pop(0)
        mask[top : top + len(band)] = editable_part(narrowed(band), strokes=strokes)
    check_editable(mask, path)
    return mask, [STROKES] if strokes else []


def _plan(mask: Flags, rule: SizeRule, size: str, *, wraps: bool) -> tuple[Crop, ...]:
    crops = _plan_regions(mask, rule, size, wraps=wraps)
    if len(crops) <= MOST_CROPS:
        return crops
    joint = np.zeros_like(mask)
    box = _box_of(mask)
    joint[box.top : box.bottom, box.left : box.right] = True
    return _plan_regions(joint, rule, size, wraps=False)


def _box_of(mask: Flags) -> Box:
    left, top, right, bottom = box_of(mask)
    return Box(left, top, right - left, bottom - top)


def _plan_regions(mask: Flags, rule: SizeRule, size: str, *, wraps: bool) -> tuple[Crop, ...]:
    if size == AUTO or is_like(size):
        most = MOST_PIXELS if size in (AUTO, LIKE) else like_detail(size)
        return plan_crops(mask, rule, wraps=wraps, most=most)
    return plan_crops(mask, rule, wraps=wraps, size=parse_size(size))


def _whole(mask: Flags, rule: SizeRule, size: str, image: Size) -> Crop:
    if size == AUTO or is_like(size):
        detail = LIKE_DETAIL if size == AUTO else like_detail(size)
        sent = rule.like(*image, min(detail, max(image[0] * image[1], LIKE_DETAIL)))
    else:
        sent = parse_size(size)
    return Crop(Box(0, 0, *image), _box_of(mask), sent, image)


def _is_pushed(crop: Crop) -> bool:
    """Whether the image's border is in the way of its context."""
    box, (width, height) = crop.box, crop.image
    across = box.width < width and (box.left == 0 or box.right == width)
    return across or (box.height < height and (box.top == 0 or box.bottom == height))


@dataclass(frozen=True)
class SentCrop:
    """The pixels of a crop."""

    pixels: NDArray[np.uint8]
    """(height, width, channels) as they are sent."""
    sent_mask: Flags
    """(height, width) of what is sent, true where it may change."""
    mask: Flags
    """The same at the size of the crop's box."""


def cut_crop(request: GenerationRequest, crop: Crop) -> SentCrop:
    """What is sent of a crop.

    :raises InvalidRequestError: the image or the mask is gone, or was changed since the crop was planned.
    """
    assert request.mask is not None
    path = Path(request.references[0])
    source = inspect_source(path, path.name)
    if source.size != crop.image:
        raise InvalidRequestError(
            message("The image {path} was changed meanwhile.", path=path),
            code="changed_file",
            param="references",
            next_step="Ask for the edit again.",
        )
    mask = crop.editable(_read_mask(Path(request.mask), source.size)[0])
    if not mask.any():
        raise InvalidRequestError("The mask was changed meanwhile.", code="changed_file", param="mask")
    pixels = eight_bit_color(cut(source, [crop.box])[0])
    return SentCrop(_resized(pixels, crop.sent), _resized_mask(mask, crop.sent), mask)


def _resized(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """At another size; colors under transparency lend nothing to their neighbors."""
    if pixels.shape[2] not in (2, 4):
        return np.asarray(resized(pixels, size, wraps=False), np.uint8)
    share = pixels[..., -1:].astype(np.float32) / 255
    alpha = resized(pixels[..., -1:], size, wraps=False)
    weighted = resized(np.rint(pixels[..., :-1] * share * WORDS).astype(np.uint16), size, wraps=False)
    colors = weighted / (np.maximum(alpha, 1).astype(np.float32) / 255 * WORDS)
    return np.dstack([np.clip(np.rint(colors), 0, 255).astype(np.uint8), alpha])


def fit_answer(
    sent: NDArray[np.uint8], answer: Pixels, mask: Flags, crop: Crop, *, transparent: bool = False
) -> FittedEdit:
    """The answer to a crop as it is to be put into the image.

    :param sent: (height, width, channels): what was sent.
    :param answer: (h, w, channels) uint8 or uint16.
    :param mask: (height, width) of the crop's box, true where it may change.
    :param transparent: whether transparency was asked for.
    """
    alpha = transparent or is_hidden(sent, _resized_mask(mask, (sent.shape[1], sent.shape[0])))
    return fit_edit(sent, answer, mask, feather=FEATHER, alpha=alpha)


def _resized_mask(mask: Flags, size: Size) -> Flags:
    """At another size, where at least one pixel stays true."""
    levels = resized(mask[..., None].astype(np.uint8) * 255, size, wraps=False)[..., 0]
    return levels >= min(HALF, int(levels.max()))


def make_edit_patch(fitted: FittedEdit, crop: Crop, *, deep: bool) -> Patch:
    """A fitted edit as a patch of the image.

    :param deep: whether the image has 16 bits a channel.
    """
    left, top, right, bottom = fitted.box
    width, height = crop.image
    box = Box((crop.box.left + left) % width, (crop.box.top + top) % height, right - left, bottom - top)
    levels = fitted.pixels * WORDS if deep else fitted.pixels
    pixels = np.rint(levels).astype(np.uint16 if deep else np.uint8)
    return make_patch(box, pixels, fitted.weight)


def crop_facts(crop: Crop) -> dict[str, Any]:
    """A crop as JSON keeps it."""
    boxes = {name: [*_numbers(getattr(crop, name))] for name in ("box", "region")}
    return {**boxes, "sent": list(crop.sent), "image": list(crop.image)}


def read_crop(facts: object) -> Crop | None:
    """The inverse of `crop_facts`; None for whatever is no crop."""
    if not isinstance(facts, Mapping):
        return None
    try:
        box, region = (Box(*_whole_numbers(facts[name], 4)) for name in ("box", "region"))
        sent, image = (_size(facts[name]) for name in ("sent", "image"))
    except (KeyError, TypeError, ValueError):
        return None
    crop = Crop(box, region, sent, image)
    return crop if _is_sound(crop) else None


def _numbers(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.width, box.height


def _whole_numbers(values: Any, count: int) -> list[int]:
    if not isinstance(values, list) or len(values) != count:
        raise ValueError("not so many numbers")
    if any(isinstance(value, bool) or not isinstance(value, int) for value in values):
        raise ValueError("not whole numbers")
    return values


def _size(values: Any) -> Size:
    width, height = _whole_numbers(values, 2)
    return width, height


def _is_sound(crop: Crop) -> bool:
    width, height = crop.image
    inside = all(
        0 <= box.left < width
        and 0 <= box.top < height
        and 0 < box.width <= width
        and 0 < box.height <= height
        for box in (crop.box, crop.region)
    )
    return inside and min(crop.sent) > 0
