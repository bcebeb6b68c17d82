"""Images as bytes: what they are, whether they are whole, and how they go up and down."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InvalidRequestError, InvalidResponseError
from ..text.message import Message, message
from .decoding import (
    OPAQUE,
    SVG_HEAD,
    Header,
    UnusableImageError,
    check_pixels,
    decode_image,
    decode_small,
    header_of,
    open_image,
    read_header,
    rgba,
    sniff,
)
from .image_metadata import strip_metadata
from .image_reader import read_image_file
from .pillow_settings import MAX_PIXELS
from .whole_png import plain_size

UPLOAD_MAX_EDGE = 3840  # pixels; no model paints longer edges
UPLOAD_MAX_BYTES = 50 * 10**6 - 1
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
UPLOAD_FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True)
class Info:
    """What the header of an image says."""

    format: str
    width: int
    height: int
    has_alpha: bool
    """Whether some pixel is not opaque, or may be where only the header was read."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


@dataclass(frozen=True)
class Upload:
    """An image as it goes to the server."""

    name: str
    data: bytes
    mime: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


def inspect_file(path: Path) -> Info:
    """Read the header of a reference, mask or markup; width and height are those of the upright image.

    :raises InvalidRequestError: missing, too large, or not an image.
    """
    data = read_image_file(path)
    try:
        header = read_header(data)
    except UnusableImageError as error:
        raise _bad_image(path, error) from error
    return Info(header.format, header.width, header.height, header.has_alpha)


def _bad_image(path: Path, error: UnusableImageError) -> InvalidRequestError:
    return InvalidRequestError(
        message("The image {name} {problem}.", name=path, problem=error.problem),
        code="bad_picture",
        param="references",
    )


def verify(data: bytes) -> Info:
    """Decode a received image once, or all but its pixels, to be sure that it is whole.

    :raises InvalidResponseError: not an image, broken, or with too many pixels.
    """
    name = sniff(data)
    if name == "svg":
        return Info("svg", *_svg_size(data), True)
    size = plain_size(data, MAX_PIXELS)
    if size is not None:
        return Info("png", *size, False)
    try:
        with open_image(data) as image:
            header = header_of(image, data)
            _load_all(image)
            alpha = header.has_alpha and _lowest_alpha(image) < OPAQUE
    except UnusableImageError as error:
        raise InvalidResponseError(
            message("A received image {problem}.", problem=error.problem), code="bad_picture", billed="yes"
        ) from error
    return Info(name or header.format, image.width, image.height, alpha)


def _load_all(image: Image.Image) -> None:
    """Decode the image; every frame, where it has more than one."""
    image.load()
    pixels = 0
    for number in range(1, getattr(image, "n_frames", 1)):
        pixels += image.width * image.height
        check_pixels(pixels, Message("too many pixels in its frames"))
        image.seek(number)
        image.load()


def _svg_size(data: bytes) -> tuple[int, int]:
    """Width and height as the drawing's frame has them; 0 where it names none that can be."""
    frame = re.search(rb"<svg\b[^>]*\bviewBox\s*=\s*[\"']([^\"']*)[\"']", data[:SVG_HEAD])
    numbers = [float(number) for number in _NUMBER.findall(frame[1])] if frame else []
    if len(numbers) != 4 or not all(0 <= number <= MAX_PIXELS for number in numbers[2:]):
        return 0, 0
    return round(numbers[2]), round(numbers[3])


def _lowest_alpha(image: Image.Image) -> int:
    channel = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    lowest, _ = channel.getchannel("A").getextrema()
    assert isinstance(lowest, int)
    return lowest


def decode(data: bytes, *, as_data: bool = False) -> NDArray[np.uint8]:
    """The pixels as (height, width, 3) or, where some pixel is not opaque, (height, width, 4) uint8 sRGB.

    :param as_data: numbers rather than colours, whose values stay.
    :raises UnusableImageError: not an image, broken, or with too many pixels.
    """
    pixels = decode_image(data, as_data=as_data).pixels
    whole = rgba(pixels)
    return whole if pixels.shape[2] in (2, 4) else whole[..., :3]


def thumbnail(data: bytes, edge: int) -> NDArray[np.float32]:
    """The image at most ``edge`` pixels wide and high, as (height, width, 4) float32 from 0 to 1.

    :raises UnusableImageError: not an image, broken, or with too many pixels.
    """
    return decode_small(data, edge) / np.float32(255)


def decode_height(data: bytes) -> NDArray[np.float32]:
    """The pixels of a grey 16-bit PNG as (height, width) float32 in 0..1.

    :raises UnusableImageError: not an image, or broken.
    """
    with open_image(data) as image:
        if not image.mode.startswith("I"):
            raise UnusableImageError("is not a grey PNG of 16 bits")
        return np.asarray(image).astype(np.float32) / np.float32(65535)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of (height, width), (height, width, 3) or (height, width, 4) uint8 pixels."""
    stream = io.BytesIO()
    # Level 1 takes a third of the default's time for a tenth more bytes.
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def load_upload(path: Path) -> Upload:
    """A reference as it goes to the server: its own bytes where possible, upright sRGB pixels where not.

    :raises InvalidRequestError: missing, too large, broken, or not an image.
    """
    data = read_image_file(path)
    try:
        with open_image(data) as image:
            header = header_of(image, data)
            fits = max(image.size) <= UPLOAD_MAX_EDGE and len(data) <= UPLOAD_MAX_BYTES
            if fits and _is_taken(header):
                image.load()
                mime = UPLOAD_FORMATS[header.format]
                return Upload(path.name, data, mime, header.width, header.height, header.notes(path.name))
        return _convert(decode(data), header, path, shrink=not fits)
    except UnusableImageError as error:
        raise _bad_image(path, error) from error


def _is_taken(header: Header) -> bool:
    """Whether the API takes such a file and sees in it what is meant."""
    return header.format in UPLOAD_FORMATS and header.is_plain and not header.mode.startswith("I")


def _convert(pixels: NDArray[np.uint8], header: Header, path: Path, *, shrink: bool) -> Upload:
    upright = Image.fromarray(pixels)
    notes = list(header.notes(path.name))
    if shrink:
        before = f"{upright.width}x{upright.height}"
        upright.thumbnail((UPLOAD_MAX_EDGE, UPLOAD_MAX_EDGE))
        notes.append(
            message(
                "{name} was shrunk from {old_size} to {width}x{height} before sending.",
                name=path.name,
                old_size=before,
                width=upright.width,
                height=upright.height,
            )
        )
    else:
        notes.append(message("{name} was converted to PNG before sending.", name=path.name))
    return replace(encode_upload(np.asarray(upright), path.stem), notes=tuple(notes))


def encode_upload(pixels: NDArray[np.uint8], name: str) -> Upload:
    """Pixels as they go to the server: as PNG, or as WebP where that would be too large.

    :param pixels: (height, width, 3 or 4) uint8 sRGB.
    :param name: without an ending.
    """
    height, width = pixels.shape[:2]
    data = encode_png(pixels)
    if len(data) > UPLOAD_MAX_BYTES:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "WEBP", quality=95)
        return Upload(f"{name}.webp", stream.getvalue(), "image/webp", width, height)
    return Upload(f"{name}.png", data, "image/png", width, height)


def make_neutral(upload: Upload, name: str) -> Upload:
    """The same image under a name that tells nothing, and without what its file says about it.

    :param name: without an ending.
    """
    ending, mime = upload.mime.partition("/")[2], upload.mime
    data = strip_metadata(upload.data)
    if data is None:
        data, ending, mime = encode_png(decode(upload.data)), "png", "image/png"
    return replace(upload, name=f"{name}.{ending}", data=data, mime=mime)
