"""Boxes of a PNG are read, and patches laid into it, band by band.

Palettes and grays of fewer than 8 bits become colors and grays of 8: they have no room for a patch.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..imaging.decoding import Pixels, UnusableImageError
from ..imaging.png_bands import PALETTE, Bytes, PngReader, PngWriter, broken, filtered, unfiltered
from ..imaging.stored_pixels import bytes_of, pixels_of
from .boxes import Box, Size
from .patches import Weight, blend, fit_patch

_OF_PALETTE = frozenset((b"PLTE", b"tRNS", b"hIST", b"bKGD", b"sBIT"))
"""Chunks that go with a palette."""
_OF_DEPTH = frozenset((b"bKGD", b"sBIT"))
RGB, RGBA = 2, 6


@dataclass(frozen=True)
class Piece:
    """A part of a patch as it is stored in the file."""

    box: Box
    pixels: Pixels
    weight: Weight


class _Rows:
    """How the rows of a PNG become pixels, and what the edited file has instead."""

    def __init__(self, reader: PngReader) -> None:
        self.source, self.header, self.before = reader.header, reader.header, reader.before
        chunks = dict(reader.before)
        self._key = chunks.get(b"tRNS", b"")
        self._colors: NDArray[np.uint8] | None = None
        if self.source.color == PALETTE:
            self._colors = _palette(chunks)
            kind = RGBA if self._colors.shape[1] == 4 else RGB
            self.header = replace(self.source, bits=8, color=kind)
            self.before = [chunk for chunk in reader.before if chunk[0] not in _OF_PALETTE]
            self._key = b""
        elif self.source.bits < 8:
            self.header = replace(self.source, bits=8)
            self.before = [self._deeper(*chunk) for chunk in reader.before if chunk[0] not in _OF_DEPTH]
            self._key = dict(self.before).get(b"tRNS", b"")

    @property
    def is_expanded(self) -> bool:
        """Whether every row changes."""
        return self.header != self.source

    def pixels(self, raw: Bytes) -> Pixels:
        """(rows, width, channels) from (rows, row_bytes) of the file."""
        if not self.is_expanded:
            return pixels_of(raw, self.source)
        values = raw
        if self.source.bits < 8:
            bits = np.unpackbits(raw, axis=1).reshape(len(raw), -1, self.source.bits)
            weights = 1 << np.arange(self.source.bits - 1, -1, -1, dtype=np.uint8)
            values = (bits * weights).sum(axis=2, dtype=np.uint8)[:, : self.source.width]
        if self._colors is None:
            return (values * self._step)[..., None]
        colors: Pixels = self._colors[np.minimum(values, len(self._colors) - 1)]
        return colors

    def see_through(self, pixels: Pixels) -> NDArray[np.bool_] | None:
        """Where the one color lies that means transparent; None where there is none."""
        channels = pixels.shape[2]
        if channels not in (1, 3) or len(self._key) != 2 * channels:
            return None
        return np.asarray((pixels == np.frombuffer(self._key, ">u2").astype(pixels.dtype)).all(axis=2))

    @property
    def _step(self) -> int:
        return 255 // ((1 << self.source.bits) - 1)

    def _deeper(self, kind: bytes, body: bytes) -> tuple[bytes, bytes]:
        if kind == b"tRNS" and len(body) == 2:
            body = struct.pack(">H", min(255, int.from_bytes(body, "big") * self._step))
        return kind, body


def _palette(chunks: dict[bytes, bytes]) -> NDArray[np.uint8]:
    """(colors, 3 or 4) uint8."""
    colors = np.frombuffer(chunks.get(b"PLTE", b""), np.uint8)
    if not colors.size or colors.size % 3 or colors.size > 3 * 256:
        raise broken()
    colors = colors.reshape(-1, 3)
    alphas = np.frombuffer(chunks.get(b"tRNS", b"")[: len(colors)], np.uint8)
    if not alphas.size:
        return colors
    opaque = np.full(len(colors) - len(alphas), 255, np.uint8)
    return np.column_stack([colors, np.concatenate([alphas, opaque])])


def read_boxes(stream: BinaryIO, size: Size, boxes: Sequence[Box]) -> list[Pixels]:
    """The stored pixels of boxes; nothing below the last of them is decoded.

    :param size: that the file is to have.
    :returns: (height, width, channels) uint8 or uint16 of each.
    :raises UnusableImageError: it is no such PNG.
    """
    reader = _opened(stream, size)
    rows = _Rows(reader)
    channels, dtype = rows.header.channels, np.dtype(np.uint8 if rows.header.bits == 8 else np.uint16)
    out = [np.empty((box.height, box.width, channels), dtype) for box in boxes]
    end = max((box.bottom for box in boxes), default=0)
    for first, _, raw in reader.raw_bands():
        last = first + len(raw)
        inside = [(box, part) for box, part in zip(boxes, out, strict=True) if _meets(box, first, last)]
        pixels = rows.pixels(raw) if inside else None
        for box, part in inside:
            top, bottom = max(box.top, first), min(box.bottom, last)
            assert pixels is not None
            part[top - box.top : bottom - box.top] = pixels[
                top - first : bottom - first, box.left : box.right
            ]
        if last >= end:
            break
    return out


def paste(stream: BinaryIO, out: BinaryIO, size: Size, pieces: Sequence[Piece]) -> None:
    """Write a PNG with patches laid into it.

    :param size: that the file is to have.
    :raises UnusableImageError: it is no such PNG.
    """
    reader = _opened(stream, size)
    rows = _Rows(reader)
    writer = PngWriter(out, rows.header, rows.before)
    end = rows.header.height if rows.is_expanded else max((piece.box.bottom for piece in pieces), default=0)
    # The row above as the file has it, and as it is written.
    above: Bytes | None = None
    above_now: Bytes | None = None
    is_new = False  # whether they differ
    for first, band in reader.bands():
        if first >= end and not is_new:
            writer.add(band)
            continue
        raw = unfiltered(band, above, reader.header.pixel_bytes)
        inside = [piece for piece in pieces if _meets(piece.box, first, first + len(raw))]
        changes = bool(inside) or rows.is_expanded
        now = _patched(rows, raw, first, inside) if changes else raw
        writer.add(filtered(now, above_now) if changes or is_new else band)
        above, above_now, is_new = raw[-1], now[-1], changes
    writer.finish(reader.after)


def _opened(stream: BinaryIO, size: Size) -> PngReader:
    stream.seek(0)
    reader = PngReader(stream)
    if (reader.header.width, reader.header.height) != size or reader.header.interlaced:
        raise UnusableImageError("was changed meanwhile")
    return reader


def _meets(box: Box, first: int, end: int) -> bool:
    return box.top < end and box.bottom > first


def _patched(rows: _Rows, raw: Bytes, first: int, pieces: Sequence[Piece]) -> Bytes:
    """Some rows with patches laid into them.

    :param first: number of the first row.
    """
    pixels = np.array(rows.pixels(raw))
    for piece in pieces:
        box = piece.box
        top, bottom = max(box.top, first), min(box.bottom, first + len(raw))
        part = slice(top - box.top, bottom - box.top)
        under = pixels[top - first : bottom - first, box.left : box.right]
        new, weight = fit_patch(piece.pixels[part], piece.weight[part], under.shape[2], under.dtype)
        clear = rows.see_through(under)
        if clear is None:
            blend(under, new, weight)
            continue
        blend(under, new, np.where(clear, 0, weight).astype(weight.dtype))
        found = rows.see_through(under)
        assert found is not None
        under[found & ~clear, 0] ^= 1  # by chance of that color, but not transparent
    return bytes_of(pixels)
