"""Parts of an image file are cut out, and patches laid back into it; every other pixel stays bit for bit.

PNG files are read and written in bands and uncompressed TIFF files row by row, at any size; others are
decoded whole. Pixels are the numbers that the file stores, whatever a color profile says they mean: it stays.
"""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from ..common.files import PIECE, replacing
from ..imaging.decoding import Pixels, UnusableImageError
from ..imaging.png_bands import PngHeader, PngWriter, filtered
from ..imaging.stored_pixels import bytes_of
from . import png_rows, tiff_rows
from .boxes import Box
from .image_source import PALETTE_MODES, ImageSource, Way, opened_image, reading
from .orientation import stored_box, stored_pixels, upright_pixels
from .patches import Patch, blend, fit_patch
from .png_rows import Piece
from .whole_files import encode_as, encode_whole

EXIF = b"Exif\0\0"
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_BAND_ROWS = 64


def cut(image: ImageSource, boxes: Sequence[Box]) -> list[Pixels]:
    """The pixels of boxes, upright; across the border where a box goes beyond it.

    :param boxes: in the upright image.
    :returns: (height, width, channels) uint8 or uint16 of each; a palette's as RGB or RGBA.
    :raises InvalidRequestError: the file is gone, broken, or another one by now.
    """
    out: list[Pixels | None] = [None] * len(boxes)
    parts = []
    for number, box in enumerate(boxes):
        image.check(box)
        for piece, column, row in box.pieces(image.size):
            parts.append((number, stored_box(piece, image.orientation, image.stored), column, row))
    with reading(image.source, image.label) as stream:
        found = _read(image, stream, [part[1] for part in parts])
    for (number, _, column, row), stored in zip(parts, found, strict=True):
        pixels, box = upright_pixels(stored, image.orientation), boxes[number]
        whole = out[number]
        if whole is None:
            whole = out[number] = np.empty((box.height, box.width, pixels.shape[2]), pixels.dtype)
        whole[row : row + pixels.shape[0], column : column + pixels.shape[1]] = pixels
    return [pixels for pixels in out if pixels is not None]


def paste(image: ImageSource, patches: Sequence[Patch], target: Path) -> Path:
    """Write an image with patches laid into it, one after the other; the image itself stays.

    :param target: the file; its name gets the ending of `ImageSource.suffix`.
    :returns: the file that was written.
    :raises InvalidRequestError: the image is gone, broken, or another one by now; nothing is written.
    :raises StorageError: the file can't be written.
    """
    file = target.with_suffix(image.suffix)
    with reading(image.source, image.label) as stream, replacing(file) as out:
        _paste(image, patches, stream, out)
    return file


def paste_bytes(image: ImageSource, patches: Sequence[Patch]) -> bytes:
    """As `paste`, in memory: the bytes of the file.

    :raises InvalidRequestError: the image is gone, broken, or another one by now.
    """
    out = io.BytesIO()
    with reading(image.source, image.label) as stream:
        _paste(image, patches, stream, out)
    return out.getvalue()


def _paste(image: ImageSource, patches: Sequence[Patch], stream: BinaryIO, out: BinaryIO) -> None:
    pieces = list(_pieces(image, patches))
    if image.way is Way.PNG_ROWS:
        png_rows.paste(stream, out, image.stored, pieces)
    elif image.way is Way.TIFF_ROWS:
        _paste_tiff(image, pieces, stream, out)
    else:
        _paste_whole(image, pieces, stream, out)


def _pieces(image: ImageSource, patches: Sequence[Patch]) -> list[Piece]:
    """The patches as they lie in the stored image."""
    pieces = []
    for patch in patches:
        image.check(patch.box)
        for piece, column, row in patch.box.pieces(image.size):
            part = slice(row, row + piece.height), slice(column, column + piece.width)
            pieces.append(
                Piece(
                    stored_box(piece, image.orientation, image.stored),
                    stored_pixels(patch.pixels[part], image.orientation),
                    stored_pixels(patch.weight[part], image.orientation),
                )
            )
    return pieces


def _read(image: ImageSource, stream: BinaryIO, boxes: list[Box]) -> list[Pixels]:
    if image.way is Way.PNG_ROWS:
        return png_rows.read_boxes(stream, image.stored, boxes)
    with opened_image(stream) as opened:
        if image.way is Way.TIFF_ROWS:
            layout = _layout(image, opened)
            return [tiff_rows.read_box(stream, layout, box) for box in boxes]
        pixels = _decoded(image, opened)
        return [pixels[box.top : box.bottom, box.left : box.right].copy() for box in boxes]


def _layout(image: ImageSource, opened: Image.Image) -> tiff_rows.Layout:
    if isinstance(opened, TiffImageFile) and tiff_rows.is_plain(opened):
        layout = tiff_rows.layout_of(opened)
        if layout.size == image.stored:
            return layout
    raise _changed()


def _changed() -> UnusableImageError:
    return UnusableImageError("was changed meanwhile")


def _decoded(image: ImageSource, opened: Image.Image) -> Pixels:
    if opened.size != image.stored or opened.mode != image.mode:
        raise _changed()
    opened.load()
    if image.mode in PALETTE_MODES:
        opened = opened.convert("RGBA" if image.mode == "PA" or "transparency" in opened.info else "RGB")
    pixels: Pixels = np.atleast_3d(np.asarray(opened))
    return pixels


def _paste_tiff(image: ImageSource, pieces: list[Piece], stream: BinaryIO, out: BinaryIO) -> None:
    with opened_image(stream) as opened:
        layout = _layout(image, opened)
        stream.seek(0)
        shutil.copyfileobj(stream, out, PIECE)
    for piece in pieces:
        under = tiff_rows.read_box(out, layout, piece.box)
        blend(under, *fit_patch(piece.pixels, piece.weight, layout.channels, under.dtype))
        tiff_rows.write_box(out, layout, piece.box, under)


def _paste_whole(image: ImageSource, pieces: list[Piece], stream: BinaryIO, out: BinaryIO) -> None:
    with opened_image(stream) as opened:
        pixels = np.array(_decoded(image, opened))
        for piece in pieces:
            box = piece.box
            under = pixels[box.top : box.bottom, box.left : box.right]
            blend(under, *fit_patch(piece.pixels, piece.weight, pixels.shape[2], pixels.dtype))
        if image.way is Way.WHOLE:
            _save_again(image, opened, pixels, out)
        else:
            _save_png(opened, pixels, out)


def _save_again(image: ImageSource, opened: Image.Image, pixels: Pixels, out: BinaryIO) -> None:
    """Write the format that it had.

    :raises UnusableImageError: not every pixel would stay.
    """
    options = {
        "TIFF": {"compression": opened.info.get("compression"), "tiffinfo": getattr(opened, "tag_v2", None)},
        "TGA": {"compression": opened.info.get("compression")},
        "WEBP": {"lossless": True, "exact": True, "exif": opened.info.get("exif", b"")},
        "BMP": {},
    }[image.format]
    profile = {"icc_profile": opened.info.get("icc_profile")}
    out.write(encode_as(pixels, image.format, {**profile, **options}))


def _save_png(opened: Image.Image, pixels: Pixels, out: BinaryIO) -> None:
    before = _profile_chunks(opened)
    if opened.format != "TIFF" and opened.info.get("exif"):
        before.append((b"eXIf", opened.info["exif"].removeprefix(EXIF)))
    _write_png(pixels, before, out)


def encode_like(image: ImageSource, pixels: Pixels, suffix: str = ".png") -> bytes:
    """A file of other pixels, upright, in the colors of an image: with its color profile.

    :param pixels: (height, width, 1 to 4) uint8 or uint16, of any size.
    :param suffix: how the file's name ends; see `check_format`.
    :raises InvalidRequestError: the image is gone, or another one by now; or the format can't keep it.
    """
    out = io.BytesIO()
    with reading(image.source, image.label) as stream, opened_image(stream) as opened:
        if suffix.lower() != ".png":
            return encode_whole(pixels, suffix, opened.info.get("icc_profile"))
        _write_png(pixels, _profile_chunks(opened), out)
    return out.getvalue()


def _profile_chunks(opened: Image.Image) -> list[tuple[bytes, bytes]]:
    profile = opened.info.get("icc_profile")
    return [(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))] if profile else []


def _write_png(pixels: Pixels, before: list[tuple[bytes, bytes]], out: BinaryIO) -> None:
    """
    :param before: chunks that stand before the pixels.
    """
    height, width, channels = pixels.shape
    header = PngHeader(width, height, 8 * pixels.dtype.itemsize, _COLOR_TYPES[channels])
    writer, above = PngWriter(out, header, before), None
    for first in range(0, height, _BAND_ROWS):
        raw = bytes_of(pixels[first : first + _BAND_ROWS])
        writer.add(filtered(raw, above))
        above = raw[-1]
    writer.finish([])
