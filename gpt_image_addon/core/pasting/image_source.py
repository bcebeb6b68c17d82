"""What an image file is that is to be edited, and whether its pixels outside an edit can stay as they are.

Asked before anything is sent: what can't be written back is refused here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from ..common.files import open_file
from ..errors import InvalidRequestError
from ..imaging.decoding import (
    SVG_HEAD,
    UnusableImageError,
    formats_of,
    orientation_of,
    problem_of,
    sniff,
)
from ..imaging.pillow_settings import own_settings
from ..imaging.png_bands import LONGEST_EDGE, PALETTE, PngReader, seek_chunks
from ..text.message import Message, message
from . import tiff_rows
from .boxes import Box, Size
from .memory import free_memory
from .orientation import upright_size

Source = Path | bytes
"""A file, or the bytes of one."""
COPIES = 4  # of all pixels that are in memory at once where a file is decoded whole
FLOATS = ("F", "I")
PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I;16")
"""Modes whose numbers are kept as they are."""
PALETTE_MODES = ("1", "P", "PA")
KEPT_FORMATS = {"TIFF": ".tif", "BMP": ".bmp", "TGA": ".tga", "WEBP": ".webp"}
"""Formats besides PNG that can be written again without a loss, and how their files end."""
LOSSLESS_TIFF = ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate")
_FLOAT_FILES = ((b"v/1\x01", "OpenEXR"), (b"#?RADIANCE", "Radiance HDR"))


class Way(Enum):
    """How an edited image is written."""

    PNG_ROWS = "rows of a PNG"
    TIFF_ROWS = "a copy of the file, in which the edit's rows are replaced"
    WHOLE = "decoded and written again in its format"
    PNG_BESIDE = "decoded and written as PNG"


@dataclass(frozen=True)
class ImageSource:
    """An image file that can be edited."""

    source: Source
    label: str
    """What to call it in messages."""
    format: str
    """As Pillow calls it."""
    mode: str
    """Pillow's mode of the stored pixels; of 16 bits it may name 8."""
    stored: Size
    """Width and height as they are stored."""
    orientation: int
    """EXIF's; 1 is upright. Boxes and crops are upright."""
    way: Way
    suffix: str
    """How the edited file's name ends; ``.png`` where the format can't keep every pixel."""
    notes: tuple[Message, ...]
    """What the user should know before anything is sent."""

    @property
    def size(self) -> Size:
        """Width and height of the upright image."""
        return upright_size(self.stored, self.orientation)

    def check(self, box: Box) -> None:
        """:raises ValueError: a box that does not begin in the image, or is larger."""
        width, height = self.size
        begins = 0 <= box.left < width and 0 <= box.top < height
        if not begins or not (0 < box.width <= width and 0 < box.height <= height):
            raise ValueError(box)


def inspect_source(source: Source, label: str, *, turns: bool = True) -> ImageSource:
    """What an image is, without its pixels.

    :param label: what to call it in messages.
    :param turns: whether EXIF's orientation counts; Blender shows images as they are stored.
    :raises InvalidRequestError: it is missing, can't be read, or can't be edited so that the rest stays.
    """
    with reading(source, label) as stream, opened_image(stream) as image:
        chunks = seek_chunks(stream, frozenset((b"eXIf", b"acTL"))) if image.format == "PNG" else {}
        orientation = orientation_of(image, chunks)
        way, notes = _way(image, stream, chunks)
        if max(image.size) > LONGEST_EDGE:
            raise UnusableImageError("has a longer edge than is read")
        if way in (Way.WHOLE, Way.PNG_BESIDE):
            _check_memory(image)
        known, size = image.format or "", image.size
        suffix = KEPT_FORMATS[known] if way in (Way.TIFF_ROWS, Way.WHOLE) else ".png"
        if way is Way.TIFF_ROWS and isinstance(image, TiffImageFile):
            layout = tiff_rows.layout_of(image)
            orientation, size = layout.orientation, layout.size
        orientation = orientation if turns else 1
        return ImageSource(source, label, known, image.mode, size, orientation, way, suffix, tuple(notes))


def measure_source(source: Source, label: str) -> Size:
    """Width and height of the upright image in a file of the user's own, of any size.

    :param label: what to call it in messages.
    :raises InvalidRequestError: it is missing, or no image.
    """
    with reading(source, label) as stream, opened_image(stream) as image:
        chunks = seek_chunks(stream, frozenset((b"eXIf",))) if image.format == "PNG" else {}
        return upright_size(image.size, orientation_of(image, chunks))


@contextmanager
def reading(source: Source, label: str) -> Iterator[BinaryIO]:
    """The file, or the bytes, as a stream.

    :raises InvalidRequestError: it can't be opened, or what is read inside the block is no such image.
    """
    try:
        with open_file(source) if isinstance(source, Path) else io.BytesIO(source) as stream:
            yield stream
    except UnusableImageError as error:
        raise InvalidRequestError(
            message("The image {name} {problem}.", name=label, problem=error.problem),
            code="bad_picture",
            param="references",
        ) from error
    except FileNotFoundError as error:
        raise InvalidRequestError(
            message("The image {path} can't be read: {reason}.", path=label, reason=error.strerror),
            code="missing_file",
            param="references",
        ) from error


@contextmanager
def opened_image(stream: BinaryIO) -> Iterator[Image.Image]:
    """An image of the user's own, of any size; its header is read.

    Pillow's limit on pixels is for what others send. What a decoder raises is an `UnusableImageError`.
    """
    head = stream.read(SVG_HEAD)
    Image.preinit()
    with own_settings():
        for name in formats_of(head):
            factory, accepts = Image.OPEN[name]
            if accepts and not accepts(head[:16]):
                continue
            stream.seek(0)
            try:
                image = factory(stream, "")
            except (SyntaxError, IndexError, TypeError, ValueError, OSError):
                continue
            try:
                yield image
            except UnusableImageError:
                raise
            except Image.DecompressionBombError as error:
                raise UnusableImageError(
                    "has too many pixels to be read in one piece; save it as PNG and edit that"
                ) from error
            except (SyntaxError, IndexError, TypeError, ValueError, OSError) as error:
                raise UnusableImageError("is not an image that can be read") from error
            return
    raise UnusableImageError(_why_not(head))


def _why_not(head: bytes) -> str:
    for beginning, name in _FLOAT_FILES:
        if head.startswith(beginning):
            return message(
                "has the format {format}, whose floating-point colors an answer does not have; save it as a"
                " PNG with 16 bits and edit that",
                format=name,
            )
    return problem_of(head)


def _way(image: Image.Image, stream: BinaryIO, chunks: dict[bytes, bytes]) -> tuple[Way, list[Message]]:
    """How it is written, and what is to be said about that.

    :raises UnusableImageError: it can't be.
    """
    if image.mode in FLOATS:
        raise UnusableImageError(
            "holds floating-point or 32-bit numbers, which an answer does not have; save it as a PNG with 16"
            " bits and edit that"
        )
    if image.format == "PNG":
        return Way.PNG_ROWS, _png_notes(stream, chunks)
    if isinstance(image, TiffImageFile) and tiff_rows.is_plain(image):
        return Way.TIFF_ROWS, []
    if image.mode not in (*PLAIN_MODES, *PALETTE_MODES):
        raise UnusableImageError(
            message("has colors of the kind {mode}; save it as RGB and edit that", mode=image.mode)
        )
    if isinstance(image, TiffImageFile) and max(tiff_rows.bits_of(image)) > 8 and image.mode != "I;16":
        raise UnusableImageError(
            "is a compressed TIFF with 16 bits; save it as PNG or without compression and edit that"
        )
    if _is_kept(image, stream):
        return Way.WHOLE, [_PALETTE] if image.mode in PALETTE_MODES else []
    return Way.PNG_BESIDE, [
        message(
            "A {format} file changes everywhere when it is written again, so the edited image becomes a PNG.",
            format=image.format,
        )
    ]


_PALETTE = Message("Its palette has no room for new colors, so the edit has full colors.")


def _png_notes(stream: BinaryIO, chunks: dict[bytes, bytes]) -> list[Message]:
    if b"acTL" in chunks:
        raise UnusableImageError("is an animation; save the frame that you mean as an image and edit that")
    stream.seek(0)
    header = PngReader(stream).header
    if header.interlaced:
        raise UnusableImageError("is an interlaced PNG; save it without interlacing and edit that")
    return [_PALETTE] if header.color == PALETTE else []


def _is_kept(image: Image.Image, stream: BinaryIO) -> bool:
    """Whether the format can hold the same pixels when it is written again."""
    if getattr(image, "n_frames", 1) > 1:
        return False
    if image.format == "TIFF":
        turned = isinstance(image, TiffImageFile) and tiff_rows.orientation_of(image) != 1
        return image.info.get("compression") in LOSSLESS_TIFF and not turned
    if image.format == "WEBP":
        stream.seek(0)
        return sniff(stream.read(16)) == "webp" and _is_lossless_webp(stream)
    return image.format in KEPT_FORMATS


def _is_lossless_webp(stream: BinaryIO) -> bool:
    stream.seek(12)
    for _ in range(100):  # of the few chunks that may stand before the pixels
        head = stream.read(8)
        if len(head) < 8 or head[:4] in (b"VP8L", b"VP8 "):
            return head[:4] == b"VP8L"
        size = int.from_bytes(head[4:], "little")
        stream.seek(size + size % 2, io.SEEK_CUR)
    return False


def _check_memory(image: Image.Image) -> None:
    needed = image.width * image.height * max(3, len(image.getbands())) * COPIES
    if needed > free_memory():
        raise UnusableImageError(
            message(
                "has {width} x {height} pixels, for which {size} GB of memory are not free; save it as"
                " PNG, which is edited in parts",
                width=image.width,
                height=image.height,
                size=f"{needed / 1e9:.1f}",
            )
        )
