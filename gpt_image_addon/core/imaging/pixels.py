"""Pixels of any image for work on them; 16 bits stay 16 bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InvalidRequestError
from ..raster.alpha import bleed
from ..raster.arrays import resized as resized_plane
from ..text.message import message
from .decoding import Decoded, Header, Pixels, UnusableImageError, decode_image, narrowed, read_header

SMALLEST, LARGEST = 16, 8192  # pixels an edge


def read_pixels(data: bytes, label: str) -> Pixels:
    """The pixels of an encoded image, alpha only where some pixel is not opaque.

    :param label: what to call the image in errors.
    :raises InvalidRequestError: as `read_image`.
    """
    return read_image(data, label).pixels


def read_image(data: bytes, label: str, *, as_data: bool = False) -> Decoded:
    """The pixels of an encoded image, with what it says about them.

    :param label: what to call the image in errors.
    :param as_data: numbers rather than colours, whose values stay.
    :raises InvalidRequestError: not an image, broken, floating-point, or of a size that is not worked on.
    """
    with _named(label):
        _check_usable(read_header(data))
        return decode_image(data, as_data=as_data, deep=True)


def read_usable_header(data: bytes, label: str) -> Header:
    """What an encoded image says about its pixels, where `read_image` would read them.

    :param label: what to call the image in errors.
    :raises InvalidRequestError: as `read_image`, unless it is broken.
    """
    with _named(label):
        header = read_header(data)
        _check_usable(header)
        return header


@contextmanager
def _named(label: str) -> Iterator[None]:
    """
    :raises InvalidRequestError: an image of this name can't be used.
    """
    try:
        yield
    except UnusableImageError as error:
        raise InvalidRequestError(
            message("The image {name} {problem}.", name=label, problem=error.problem),
            code="bad_picture",
            param="picture",
        ) from error


def _check_usable(header: Header) -> None:
    """
    :raises UnusableImageError: floating-point, or of a size that is not worked on.
    """
    if min(header.width, header.height) < SMALLEST:
        raise UnusableImageError(
            message(
                "has {width} x {height} pixels; {least} x {least} is the least",
                width=header.width,
                height=header.height,
                least=SMALLEST,
            )
        )
    if max(header.width, header.height) > LARGEST:
        raise UnusableImageError(
            message(
                "has {width} x {height} pixels; {most} x {most} is the most",
                width=header.width,
                height=header.height,
                most=LARGEST,
            )
        )
    if header.mode == "F":
        raise UnusableImageError("holds floating-point numbers; save it as an 8- or 16-bit image")


def eight_bit_color(pixels: Pixels) -> NDArray[np.uint8]:
    """The same as (height, width, 3 or 4) uint8."""
    pixels = narrowed(pixels)
    if pixels.shape[2] < 3:
        pixels = np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    return np.ascontiguousarray(pixels)


def fit_color(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The whole image at another size and aspect; colour under transparency stays free of halos.

    :param pixels: (height, width, 3 or 4) uint8 sRGB.
    :param size: width and height in pixels.
    """
    fitted = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    return bleed(fitted) if fitted.shape[2] == 4 else fitted


def resized(pixels: Pixels, size: tuple[int, int], *, wraps: bool) -> Pixels:
    """The same at another size (width, height); what tiles before tiles afterwards."""
    if pixels.shape[1::-1] == size:
        return pixels
    top = np.iinfo(pixels.dtype).max
    out = np.empty((size[1], size[0], pixels.shape[2]), pixels.dtype)
    for channel in range(pixels.shape[2]):
        plane = resized_plane(pixels[..., channel].astype(np.float32), size[1], size[0], wraps)
        out[..., channel] = np.clip(np.rint(plane), 0, top)
    return out
