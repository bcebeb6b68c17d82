"""Checks the images of an edit: format, bytes, pixels, and how mask and markup fit the first one."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from . import errors

MAX_IMAGES = 16
MAX_IMAGE_URL = 20_971_520  # characters
SUPPORTED = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_SUPPORTED_TEXT = "Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'."


@dataclass(frozen=True)
class Reference:
    """One image sent along; `size` in pixels after its EXIF orientation."""

    param: str
    data: bytes
    size: tuple[int, int]


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes; tests lower them so that they need not send 50 MB."""

    image: int = 50_000_000
    mask: int = 4_000_000
    body: int = 900_000_000


def check_media_type(param: str, media_type: str | None) -> None:
    """Refuse an image part that names no media type, or another than the three supported ones."""
    if media_type is None:
        message = (
            f"Invalid file '{param}': failed to determine mimetype. Name it in the 'Content-Type' header."
        )
        raise errors.bad_request(message, param, "missing_file_mimetype")
    if media_type.split(";")[0].strip().lower() not in SUPPORTED.values():
        message = f"Invalid file '{param}': unsupported mimetype ('{media_type}'). {_SUPPORTED_TEXT}"
        raise errors.bad_request(message, param, "unsupported_file_mimetype")


def read_image(param: str, data: bytes, limit: int) -> Reference:
    """Check that the bytes are a whole png, jpeg or webp below the limit."""
    if len(data) >= limit:
        message = (
            f"Invalid file '{param}': file too large. Expected less than {limit} bytes, got {len(data)}."
        )
        raise errors.bad_request(message, param, "file_too_large")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(SUPPORTED)) as image:
            image.load()
            size = ImageOps.exif_transpose(image).size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        message = f"Invalid image file or mode for '{param}', please check your image file."
        raise errors.bad_request(message, param, "invalid_image_file") from None
    return Reference(param, data, size)


def check_count(number: int, param: str) -> None:
    if number == 0:
        raise errors.missing_parameter(param)
    if number > MAX_IMAGES:
        message = f"Invalid '{param}': too many images. Expected at most {MAX_IMAGES}, but got {number}."
        raise errors.bad_request(message, param, "array_above_max_length")


def check_overlay(overlay: Reference, first: Reference) -> None:
    """A mask or a markup: PNG, as large as the first image, with pixels that are not opaque."""
    name = overlay.param
    with Image.open(io.BytesIO(overlay.data)) as image:
        if image.format != "PNG":
            raise errors.bad_request(
                f"Invalid {name} image format - {name} must be a PNG.", name, "invalid_image_format"
            )
        has_alpha = "A" in image.getbands() or "transparency" in image.info
        lowest = image.convert("RGBA").getchannel("A").getextrema()[0] if has_alpha else None
    if lowest is None:
        message = f"Invalid {name} image format - {name} image missing alpha channel."
        raise errors.bad_request(message, name, "invalid_image_format")
    if overlay.size != first.size:
        message = f"Invalid {name} image - {name} size {overlay.size} does not match image size {first.size}."
        raise errors.bad_request(message, name, "invalid_image_size")
    if name == "markup" and lowest == 255:
        raise errors.invalid_value(name, "The markup has no transparent pixels.")


def read_reference(param: str, value: Any, stored: Mapping[str, bytes]) -> bytes:
    """The bytes behind `{"image_url": data URL}` or `{"file_id": …}` of a JSON edit."""
    if not isinstance(value, dict):
        raise errors.invalid_type(param, "an object", "another type")
    for name in value:
        if name not in ("image_url", "file_id"):
            raise errors.unknown_parameter(f"{param}.{name}")
    if len(value) != 1:
        raise errors.invalid_value(param, f"'{param}' needs exactly one of 'image_url' and 'file_id'.")
    text = next(iter(value.values()))
    if not isinstance(text, str):
        raise errors.invalid_type(f"{param}.{next(iter(value))}", "a string", "another type")
    if "file_id" in value:
        if text not in stored:
            raise errors.ApiError(404, f"No such File object: {text}", param=f"{param}.file_id")
        return stored[text]
    return _from_data_url(f"{param}.image_url", text)


def _from_data_url(param: str, url: str) -> bytes:
    if len(url) > MAX_IMAGE_URL:
        message = f"Invalid '{param}': string too long. Expected a maximum length of {MAX_IMAGE_URL}."
        raise errors.bad_request(message, param, "string_above_max_length")
    match = re.match(r"data:(image/[a-z+]+);base64,", url)
    if match is None:
        raise errors.bad_request(f"Could not download the image of '{param}'.", param, "invalid_image_url")
    check_media_type(param, match[1])
    try:
        return base64.b64decode(url[match.end() :], validate=True)
    except binascii.Error:
        raise errors.bad_request(f"Invalid base64 in '{param}'.", param, "invalid_base64") from None


def check_all(
    images: Sequence[tuple[str, bytes]], overlays: Sequence[tuple[str, bytes]], limits: Limits
) -> tuple[list[Reference], list[Reference]]:
    """Read and check every image, mask and markup of one edit."""
    read = [read_image(param, data, limits.image) for param, data in images]
    if len(overlays) > 1:
        raise errors.invalid_value("markup", "'markup' cannot be combined with 'mask'.")
    laid_over = []
    for param, data in overlays:
        overlay = read_image(param, data, limits.mask if param == "mask" else limits.image)
        check_overlay(overlay, read[0])
        laid_over.append(overlay)
    return read, laid_over
