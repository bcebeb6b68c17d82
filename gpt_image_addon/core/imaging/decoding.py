"""Any image that somebody has, as well-defined pixels: the first frame, upright, in sRGB.

Maps, tiles, masks, masked edits, references and results are all read here. Numbers that are no colours, as of
normals, heights and masks, keep their values: see ``as_data``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, SAMPLEFORMAT, TiffImageFile

from ..errors import GptImageError
from ..text.message import Message, message
from .color_spaces import Profile, Shaped, Space, UnusableProfileError, find_space
from .pillow_settings import MAX_PIXELS, own_settings
from .whole_png import find_chunks

Pixels = NDArray[Any]
"""(height, width, 1 to 4) uint8 or uint16: grey, grey and alpha, RGB, RGBA."""

OPAQUE = 255
SVG_HEAD = 4096  # bytes in which a drawing must say what it is

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
_FORMATS = ("TIFF", "BMP", "AVIF", "JPEG2000", "PSD", "DDS", "PPM", "SGI", "PCX", "QOI", "ICNS", "ICO", "TGA")
"""What is read besides those; others start programs or are drawings. TGA, without a signature, comes last."""
_ELSEWHERE = (
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypmsf1", "HEIC"),
    (4, b"ftypavi", "AVIF"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL \r\n", "JPEG XL"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
)
"""Place and beginning of files that people take for images as any other."""
_SAYING = frozenset((b"cICP", b"sRGB", b"gAMA", b"cHRM", b"eXIf"))
"""Chunks of a PNG about its pixels; Pillow reads some of them only after these."""
_PLAIN_MODES = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "PA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
}
"""What a mode is read as; every other one, palettes included, as RGB or RGBA."""
_USUAL_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
"""Of what other programs read as we do."""
_PROFILED = ("L", "LA", "RGB", "RGBA", "CMYK", "LAB")
"""Modes that a profile can be for."""
_NUMBERS = ("1", "F")
"""Modes, beside those of whole numbers with more than 8 bits, that hold no colours."""
_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
"""Pillow keeps one byte of each 16-bit sample of a PNG. Read in the other byte order, it keeps the other."""
TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}
"""How pixels are turned upright, by EXIF's orientation."""
SIDEWAYS = (5, 6, 7, 8)


class UnusableImageError(ValueError):
    """An image that can't be decoded."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = Message.of(problem)
        """The end of a sentence about it."""


@dataclass(frozen=True)
class Header:
    """What an image says about its pixels before they are decoded."""

    format: str
    """As Pillow calls it, in small letters."""
    mode: str
    """Pillow's mode of the pixels as they are stored."""
    width: int
    """Pixels, upright, as `height`."""
    height: int
    has_alpha: bool
    """Whether some pixel may not be opaque."""
    orientation: int
    """EXIF's; 1 is upright."""
    space: Space | None
    """What the colours are, where that is not sRGB."""
    profile_ignored: bool
    """Whether what the image says about its colours can't be used."""
    still: bool
    """Whether it is a single image."""

    @property
    def is_plain(self) -> bool:
        """Whether the stored pixels are what is meant: whoever ignores all else shows the same."""
        return self.orientation == 1 and self.space is None and self.still and self.mode in _USUAL_MODES

    def notes(self, label: str) -> tuple[str, ...]:
        """What the user should know of how it is read.

        :param label: what to call the image.
        """
        notes = [] if self.still else [message("Only the first frame of {name} is used.", name=label)]
        if self.profile_ignored:
            notes.append(message("The colour profile of {name} can't be used and is ignored.", name=label))
        return tuple(notes)


@dataclass(frozen=True)
class Decoded:
    """An image in memory."""

    pixels: Pixels
    """The first frame, upright, in sRGB or numbers; alpha only where some pixel is not opaque."""
    header: Header


def sniff(data: bytes) -> str | None:
    """The format by the first bytes, whatever a name or header claims; None where it is no known image."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "svg" if head.startswith((b"<svg", b"<?xml")) and b"<svg" in data[:SVG_HEAD] else None


def read_header(data: bytes) -> Header:
    """What an image is, without its pixels.

    :raises UnusableImageError: it is none, or too large.
    """
    with open_image(data) as image:
        return header_of(image, data)


def decode_image(data: bytes, *, as_data: bool = False, deep: bool = False) -> Decoded:
    """The pixels of an encoded image.

    :param as_data: numbers rather than colours, whose values stay whatever the image says about colours.
    :param deep: 16 bits stay 16 bits; without it there are 8.
    :raises UnusableImageError: not an image, broken, or with too many pixels.
    """
    found = _decode_wide(data, as_data) if deep and _has_wide_colors(data) else None
    if found is None:
        with open_image(data) as image:
            header = header_of(image, data)
            found = header, _convert_to_srgb(image, None if as_data else header.space)
    header, pixels = found
    if not deep:
        pixels = narrowed(pixels)
    if pixels.shape[2] in (2, 4) and pixels[..., -1].min() == np.iinfo(pixels.dtype).max:
        pixels = pixels[..., :-1]
    return Decoded(np.ascontiguousarray(_turn_upright(pixels, header)), header)


def decode_small(data: bytes, edge: int) -> NDArray[np.uint8]:
    """The image at most ``edge`` pixels wide and high, as (height, width, 4) uint8 RGBA.

    :raises UnusableImageError: not an image, broken, or with too many pixels.
    """
    with open_image(data) as image:
        header = header_of(image, data)
        if image.mode in ("RGB", "RGBA", "L", "CMYK"):
            image.thumbnail((edge, edge))
            pixels = narrowed(_convert_to_srgb(image, header.space))
        else:
            whole = Image.fromarray(rgba(narrowed(_convert_to_srgb(image, header.space))))
            whole.thumbnail((edge, edge))
            pixels = np.asarray(whole)
    return np.ascontiguousarray(_turn_upright(rgba(pixels), header))


def narrowed(pixels: Pixels) -> NDArray[np.uint8]:
    """The same as uint8."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def rgba(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same as (height, width, 4)."""
    if pixels.shape[2] < 3:
        pixels = np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    if pixels.shape[2] < 4:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], OPAQUE, np.uint8)])
    return pixels


@contextmanager
def open_image(data: bytes) -> Iterator[Image.Image]:
    """An image whose header was read and whose number of pixels is harmless.

    :raises UnusableImageError: it is none, or decoding it inside the block fails.
    """
    with own_settings():
        try:
            with Image.open(io.BytesIO(data), formats=formats_of(data)) as image:
                check_pixels(
                    image.width * image.height,
                    message("{width} x {height} pixels", width=image.width, height=image.height),
                )
                yield image
        except (UnusableImageError, GptImageError):
            raise
        except UnidentifiedImageError as error:
            raise UnusableImageError(problem_of(data)) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise UnusableImageError(
                message("has more than {limit} pixels", limit=f"{MAX_PIXELS:,}")
            ) from error
        except Exception as error:  # decoders raise whatever they stumble over
            raise UnusableImageError("is not an image that can be read") from error


def check_pixels(number: int, size: str) -> None:
    """:raises UnusableImageError: more pixels than are decoded."""
    if number > MAX_PIXELS:
        raise UnusableImageError(
            message("has {size}; {limit} is the limit", size=Message.of(size), limit=f"{MAX_PIXELS:,}")
        )


def header_of(image: Image.Image, data: bytes) -> Header:
    """What an opened image says; to be asked before its pixels are loaded."""
    chunks = find_chunks(data, _SAYING)
    space, ignored = None, False
    if image.mode not in _NUMBERS and not image.mode.startswith("I"):
        try:
            space = find_space(image, chunks)
        except UnusableProfileError:
            ignored = True
    orientation = orientation_of(image, chunks)
    size = image.size[::-1] if orientation in SIDEWAYS else image.size
    return Header(
        format=(image.format or "").lower(),
        mode=image.mode,
        width=size[0],
        height=size[1],
        has_alpha=image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info,
        orientation=orientation,
        space=space,
        profile_ignored=ignored,
        still=image.format == "PSD" or not getattr(image, "is_animated", False),
    )


def formats_of(data: bytes) -> tuple[str, ...]:
    """Pillow's names of the formats that the bytes may have; what other add-ons taught it is left out."""
    name = sniff(data)
    if name in ("png", "jpeg", "gif", "webp"):
        if name == "webp":
            from PIL import WebPImagePlugin  # noqa: F401  # else `init` loads all there are
        return (name.upper(),)
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def problem_of(data: bytes) -> str:
    """The end of the sentence about bytes that Pillow does not know."""
    for place, beginning, name in _ELSEWHERE:
        if data[place:].startswith(beginning):
            return message(
                "has the format {format}, which can't be read here; save it as PNG, JPEG or WebP", format=name
            )
    if sniff(data) == "svg":
        return Message("is a drawing (SVG), not an image of pixels; save it as PNG")
    return Message("is not an image that can be read")


def orientation_of(image: Image.Image, chunks: Mapping[bytes, bytes]) -> int:
    """EXIF's orientation of an opened image; 1 where it says none.

    :param chunks: of a PNG, by kind: its EXIF may stand behind its pixels.
    """
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    exif = Image.Exif()
    try:
        if b"eXIf" in chunks:
            exif.load(chunks[b"eXIf"])
        elif image.format != "PNG" or "Raw profile type exif" in image.info:
            exif = image.getexif()  # of another PNG it would decode the pixels to look behind them
        found = exif.get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever a broken EXIF makes Pillow raise
        return 1
    return found if found in TURNS else 1


def _turn_upright(pixels: Pixels, header: Header) -> Pixels:
    turn = TURNS.get(header.orientation)
    return pixels if turn is None else turn(pixels)


def _convert_to_srgb(image: Image.Image, space: Space | None) -> Pixels:
    """The pixels of an image that is loaded or not, 16 bits where it is grey and has them."""
    if isinstance(space, Profile):
        image = space(image if image.mode in _PROFILED else image.convert(_choose_mode(image)))
    pixels = _read_plain(image)
    return space(pixels) if isinstance(space, Shaped) else pixels


def _read_plain(image: Image.Image) -> Pixels:
    if image.mode == "F":
        return _scale_floats(np.asarray(image))
    if image.mode.startswith("I"):
        return _scale_integers(image)
    mode = _choose_mode(image)
    plain = image if image.mode == mode and "transparency" not in image.info else image.convert(mode)
    pixels: Pixels = np.atleast_3d(np.asarray(plain))
    return pixels


def _choose_mode(image: Image.Image) -> str:
    alpha = "transparency" in image.info
    mode = _PLAIN_MODES.get(image.mode, "RGBA" if alpha else "RGB")
    return {"L": "LA", "RGB": "RGBA"}.get(mode, mode) if alpha else mode


def _scale_integers(image: Image.Image) -> Pixels:
    grey = np.asarray(image)
    if image.mode == "I" and isinstance(image, TiffImageFile):
        kind = image.tag_v2.get(SAMPLEFORMAT, (1,)), image.tag_v2.get(BITSPERSAMPLE)
        if kind == ((1,), (32,)):  # unsigned, which Pillow's mode is not
            grey = grey.view(np.uint32) >> 16
    return np.clip(grey, 0, 65535).astype(np.uint16)[..., None]


def _scale_floats(grey: NDArray[np.float32]) -> Pixels:
    """Numbers from 0 to 1; where there are greater ones, from 0 to the greatest."""
    grey = np.nan_to_num(grey, posinf=1.0, neginf=0.0)
    scale = max(1.0, float(grey.max(initial=0.0)))
    pixels: Pixels = np.rint(np.clip(grey / scale, 0, 1) * 65535).astype(np.uint16)
    return pixels[..., None]


def _has_wide_colors(data: bytes) -> bool:
    """Whether these are a PNG's bytes with 16 bits for each of red, green and blue."""
    return data.startswith(_SIGNATURES[0][0]) and data[24:26] in (b"\x10\x02", b"\x10\x06")


def _decode_wide(data: bytes, as_data: bool) -> tuple[Header, Pixels] | None:
    """The pixels of such a PNG; None for one whose colours can only be converted with 8 bits."""
    with open_image(data) as image:
        header = header_of(image, data)
        space = None if as_data else header.space
        if isinstance(space, Profile):
            space = space.shaped()
            if space is None:
                return None
        assert isinstance(image, PngImageFile)
        low = _LOW_BYTES.get(str(image.tile[0].args)) if image.tile and header.still else None
        if low is None:
            return None
        high = _read_plain(image)
    with open_image(data) as again:
        assert isinstance(again, PngImageFile)
        again.tile = [part._replace(args=low) for part in again.tile]
        pixels = (high.astype(np.uint16) << 8) | np.asarray(again)
    converted: Pixels = pixels if space is None else space(pixels)
    return header, converted
