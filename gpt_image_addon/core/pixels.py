"""Pixels of any picture that Pillow opens, for work on them; 16 bits stay 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from .errors import InvalidRequestError
from .kernels import resized as resized_plane
from .pictures import UnusablePictureError, opened

Pixels = NDArray[Any]
"""(height, width, 1 to 4) uint8 or uint16: grey, grey and alpha, RGB, RGBA."""

SMALLEST, LARGEST = 16, 8192  # pixels an edge
PLAIN_MODES = {"1": "L", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "PA": "RGBA", "La": "LA"}
"""What a mode is read as; every other one, palettes included, as RGB or RGBA."""
LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
"""Pillow keeps one byte of each 16-bit sample of a PNG. Read in the other byte order, it keeps the other."""


def read_pixels(data: bytes, label: str) -> Pixels:
    """The pixels of an encoded picture, alpha only where some pixel is not opaque.

    :param label: what to call the picture in errors.
    :raises InvalidRequestError: not a picture, broken, floating-point, or of a size that is not worked on.
    """
    try:
        with opened(data) as picture:
            _check(picture, label)
            low = _low_bytes_mode(picture)
            pixels = _plain(picture)
        if low is not None:
            with opened(data) as again:
                assert isinstance(again, PngImageFile)
                again.tile = [part._replace(args=low) for part in again.tile]
                pixels = (pixels.astype(np.uint16) << 8) | np.asarray(again)
    except UnusablePictureError as error:
        raise _refused(label, str(error)) from error
    top = np.iinfo(pixels.dtype).max
    if pixels.shape[2] in (2, 4) and pixels[..., -1].min() == top:
        pixels = pixels[..., :-1]
    return np.ascontiguousarray(pixels)


def _refused(label: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError(f"The picture {label} {problem}.", code="bad_picture", param="picture")


def _check(picture: Image.Image, label: str) -> None:
    size = f"has {picture.width} x {picture.height} pixels"
    if min(picture.size) < SMALLEST:
        raise _refused(label, f"{size}; {SMALLEST} x {SMALLEST} is the least")
    if max(picture.size) > LARGEST:
        raise _refused(label, f"{size}; {LARGEST} x {LARGEST} is the most")
    if picture.mode == "F":
        raise _refused(label, "holds floating-point numbers; save it as an 8- or 16-bit picture")


def _low_bytes_mode(picture: Image.Image) -> str | None:
    if not isinstance(picture, PngImageFile) or not picture.tile or getattr(picture, "n_frames", 1) > 1:
        return None
    return LOW_BYTES.get(str(picture.tile[0].args))


def _plain(picture: Image.Image) -> Pixels:
    if picture.mode.startswith("I"):
        grey = np.asarray(picture)
        return np.clip(grey, 0, 65535).astype(np.uint16)[..., None]
    alpha = "transparency" in picture.info
    mode = PLAIN_MODES.get(picture.mode, "RGBA" if alpha else "RGB")
    if alpha:
        mode = {"L": "LA", "RGB": "RGBA"}.get(mode, mode)
    plain = picture if picture.mode == mode and not alpha else picture.convert(mode)
    pixels: Pixels = np.atleast_3d(np.asarray(plain))
    return pixels


def eight_bit_color(pixels: Pixels) -> NDArray[np.uint8]:
    """The same as (height, width, 3 or 4) uint8."""
    pixels = narrowed(pixels)
    if pixels.shape[2] < 3:
        pixels = np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    return np.ascontiguousarray(pixels)


def narrowed(pixels: Pixels) -> NDArray[np.uint8]:
    """The same as uint8."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


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
