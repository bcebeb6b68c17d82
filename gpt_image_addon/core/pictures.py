"""Pictures as bytes: what they are, whether they are safe to decode, and how they go up and down."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .errors import InvalidRequestError, InvalidResponseError
from .whole_png import plain_size

MAX_PIXELS = 100_000_000  # above this a picture is refused before it is decoded
MAX_FILE_BYTES = 256 * 2**20  # a reference file above this is refused
UPLOAD_MAX_EDGE = 3840  # pixels; no model paints longer edges
UPLOAD_MAX_BYTES = 50 * 10**6 - 1
UPLOAD_FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
OPAQUE = 255
SVG_HEAD = 4096  # bytes in which a drawing must say what it is

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)


@dataclass(frozen=True)
class Info:
    """What the header of a picture says."""

    format: str
    width: int
    height: int
    has_alpha: bool
    """Whether some pixel is not opaque, or may be where only the header was read."""


@dataclass(frozen=True)
class Upload:
    """A picture as it goes to the server."""

    name: str
    data: bytes
    mime: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


class UnusablePictureError(ValueError):
    """A picture that can't be decoded; the message ends a sentence."""


def sniff(data: bytes) -> str | None:
    """The format by the first bytes, whatever a name or header claims; None where it is no known picture."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "svg" if head.startswith((b"<svg", b"<?xml")) and b"<svg" in data[:SVG_HEAD] else None


@contextmanager
def opened(source: bytes | Path) -> Iterator[Image.Image]:
    """A picture whose header was read and whose number of pixels is harmless.

    :raises UnusablePictureError: it is none, or decoding it inside the block fails.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise UnusablePictureError(
                        f"has {picture.width} x {picture.height} pixels; {MAX_PIXELS:,} is the limit"
                    )
                yield picture
        except UnusablePictureError:
            raise
        except Image.DecompressionBombError as error:
            raise UnusablePictureError(f"has more than {MAX_PIXELS:,} pixels") from error
        except (OSError, ValueError, SyntaxError, EOFError, IndexError) as error:
            raise UnusablePictureError("is not a picture that can be read") from error


def _info(picture: Image.Image, format_name: str) -> Info:
    alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    return Info(format_name, picture.width, picture.height, alpha)


def inspect_file(path: Path) -> Info:
    """Read the header of a reference, mask or markup.

    :raises InvalidRequestError: missing, too large, or not a picture.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidRequestError(
            f"The picture {path} can't be read: {error.strerror}.", code="missing_file", param="references"
        ) from error
    if size > MAX_FILE_BYTES:
        raise InvalidRequestError(
            f"The picture {path} has {size / 2**20:.0f} MB; {MAX_FILE_BYTES // 2**20} MB is the limit.",
            code="file_too_large",
            param="references",
        )
    try:
        with opened(path) as picture:
            return _info(picture, (picture.format or "").lower())
    except UnusablePictureError as error:
        raise InvalidRequestError(
            f"The picture {path} {error}.", code="bad_picture", param="references"
        ) from error


def verify(data: bytes) -> Info:
    """Decode a received picture once, or all but its pixels, to be sure that it is whole.

    :raises InvalidResponseError: not a picture, broken, or with too many pixels.
    """
    name = sniff(data)
    if name == "svg":
        return Info("svg", *_svg_size(data), True)
    size = plain_size(data, MAX_PIXELS)
    if size is not None:
        return Info("png", *size, False)
    try:
        with opened(data) as picture:
            _load_all(picture)
            info = _info(picture, name or (picture.format or "").lower())
            return Info(
                info.format, info.width, info.height, info.has_alpha and _lowest_alpha(picture) < OPAQUE
            )
    except UnusablePictureError as error:
        raise InvalidResponseError(
            f"A received picture {error}.", code="bad_picture", billed="yes"
        ) from error


def _load_all(picture: Image.Image) -> None:
    """Decode the picture; every frame, where it has more than one."""
    picture.load()
    pixels = 0
    for number in range(1, getattr(picture, "n_frames", 1)):
        pixels += picture.width * picture.height
        if pixels > MAX_PIXELS:
            raise UnusablePictureError(f"has more than {MAX_PIXELS:,} pixels in its frames")
        picture.seek(number)
        picture.load()


def _svg_size(data: bytes) -> tuple[int, int]:
    """Width and height as the drawing's frame has them; 0 where it names none."""
    frame = re.search(rb"<svg\b[^>]*\bviewBox\s*=\s*[\"']([^\"']*)[\"']", data[:SVG_HEAD])
    numbers = re.findall(rb"-?\d+(?:\.\d+)?", frame[1]) if frame else []
    return (round(float(numbers[2])), round(float(numbers[3]))) if len(numbers) == 4 else (0, 0)


def _lowest_alpha(picture: Image.Image) -> int:
    channel = picture if picture.mode in ("RGBA", "LA") else picture.convert("RGBA")
    lowest, _ = channel.getchannel("A").getextrema()
    assert isinstance(lowest, int)
    return lowest


def decode(data: bytes) -> NDArray[np.uint8]:
    """The pixels as (height, width, 3) or, where some pixel is not opaque, (height, width, 4) uint8 sRGB.

    :raises UnusablePictureError: not a picture, broken, or with too many pixels.
    """
    with opened(data) as picture:
        alpha = _info(picture, "").has_alpha
        pixels = np.asarray(_eight_bit(picture).convert("RGBA" if alpha else "RGB"))
    if alpha and pixels[..., 3].min() == OPAQUE:
        return pixels[..., :3]
    return pixels


def thumbnail(data: bytes, edge: int) -> NDArray[np.float32]:
    """The picture at most ``edge`` pixels wide and high, as (height, width, 4) float32 from 0 to 1.

    :raises UnusablePictureError: not a picture, broken, or with too many pixels.
    """
    with opened(data) as picture:
        small = _eight_bit(picture).convert("RGBA")
    small.thumbnail((edge, edge))
    return np.asarray(small, np.float32) / 255


def decode_height(data: bytes) -> NDArray[np.float32]:
    """The pixels of a grey 16-bit PNG as (height, width) float32 in 0..1.

    :raises UnusablePictureError: not a picture, or broken.
    """
    with opened(data) as picture:
        return np.asarray(picture).astype(np.float32) / np.float32(65535)


def _eight_bit(picture: Image.Image) -> Image.Image:
    if not picture.mode.startswith("I"):
        return picture
    high = np.asarray(picture).astype(np.uint32) >> 8
    return Image.fromarray(np.clip(high, 0, OPAQUE).astype(np.uint8))


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of (height, width), (height, width, 3) or (height, width, 4) uint8 pixels."""
    stream = io.BytesIO()
    # Level 1 takes a third of the default's time for a tenth more bytes.
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def load_upload(path: Path) -> Upload:
    """A reference as it goes to the server: its own bytes where possible, shrunk or converted where not.

    :raises InvalidRequestError: as `inspect_file`, or the picture is broken.
    """
    info = inspect_file(path)
    data = path.read_bytes()
    try:
        with opened(data) as picture:
            picture.load()
            fits = max(info.width, info.height) <= UPLOAD_MAX_EDGE and len(data) <= UPLOAD_MAX_BYTES
            if fits and info.format in UPLOAD_FORMATS:
                return Upload(path.name, data, UPLOAD_FORMATS[info.format], info.width, info.height)
            return _converted(picture, path, shrink=not fits)
    except UnusablePictureError as error:
        raise InvalidRequestError(
            f"The picture {path} {error}.", code="bad_picture", param="references"
        ) from error


def _converted(picture: Image.Image, path: Path, *, shrink: bool) -> Upload:
    alpha = _info(picture, "").has_alpha
    upright = ImageOps.exif_transpose(_eight_bit(picture)).convert("RGBA" if alpha else "RGB")
    notes = []
    if shrink:
        before = f"{upright.width}x{upright.height}"
        upright.thumbnail((UPLOAD_MAX_EDGE, UPLOAD_MAX_EDGE))
        notes.append(
            f"{path.name} was shrunk from {before} to {upright.width}x{upright.height} before sending."
        )
    else:
        notes.append(f"{path.name} was converted to PNG before sending.")
    data = encode_png(np.asarray(upright))
    if len(data) > UPLOAD_MAX_BYTES:
        stream = io.BytesIO()
        upright.save(stream, "WEBP", quality=95)
        return Upload(path.stem + ".webp", stream.getvalue(), "image/webp", *upright.size, tuple(notes))
    return Upload(path.stem + ".png", data, "image/png", *upright.size, tuple(notes))
