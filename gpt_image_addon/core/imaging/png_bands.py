"""PNG files of any size, read and written in bands of rows: a few megabytes are in memory at once.

Rows whose pixels stay are written with the filters that they had; all chunks beside the pixels stay as they
are (PNG specification, third edition, sections 5, 7, 9, 10).
"""

from __future__ import annotations

import io
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .decoding import UnusableImageError
from .whole_png import LAST_FILTER, MOST_CHUNKS, PIECE, SIGNATURE

Bytes = NDArray[np.uint8]

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By PNG's color type."""
PALETTE = 3
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits a channel, by color type."""
LONGEST_EDGE = 2**17  # pixels
MOST_METADATA = 2**26  # bytes of all chunks beside the pixels
BAND = 2**22  # bytes of rows in memory at once
LEVEL = 1  # of compression: a third of the default's time for a tenth more bytes
UP_FILTER = 2
_HEAD = struct.Struct(">IIBBBBB")
_ENGINES = {
    1: ("L", ("L",)),
    2: ("LA", ("LA",)),
    3: ("RGB", ("RGB",)),
    4: ("RGBA", ("RGBA",)),
    6: ("RGB", ("RGB;16B", "RGB;16L")),
    8: ("RGBA", ("RGBA;16B", "RGBA;16L")),
}
"""Pillow's mode, and how it reads the bytes, for the bytes of a pixel; of 16 bits it keeps one byte."""


@dataclass(frozen=True)
class PngHeader:
    """What the pixels of a PNG are."""

    width: int
    height: int
    bits: int
    """Of a channel."""
    color: int
    """PNG's color type."""
    interlaced: bool = False

    @property
    def channels(self) -> int:
        """Numbers for a pixel; one for a palette."""
        return CHANNELS[self.color]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row without its filter."""
        return -(-self.width * self.channels * self.bits // 8)

    @property
    def pixel_bytes(self) -> int:
        """Bytes between those that a filter compares."""
        return max(1, self.channels * self.bits // 8)

    def pack(self) -> bytes:
        """The content of its chunk."""
        return _HEAD.pack(self.width, self.height, self.bits, self.color, 0, 0, self.interlaced)


@dataclass
class PngReader:
    """Reads a PNG in bands; its header and the chunks before the pixels are read at once.

    :raises UnusableImageError: at any step, where it is none or broken.
    """

    stream: BinaryIO
    header: PngHeader = field(init=False)
    before: list[tuple[bytes, bytes]] = field(init=False, default_factory=list)
    """Kind and content of the chunks before the pixels, without the header."""
    after: list[tuple[bytes, bytes]] = field(init=False, default_factory=list)
    """Those after the pixels, without the end, once all bands are read."""
    _left: int = field(init=False, default=MOST_METADATA)

    def __post_init__(self) -> None:
        if self.stream.read(len(SIGNATURE)) != SIGNATURE:
            raise broken()
        kind, size = self._head()
        if kind != b"IHDR":
            raise broken()
        self.header = _header(self._body(kind, size))
        kind, size = self._head()
        while kind != b"IDAT":
            if kind == b"IEND":
                raise broken()
            self.before.append((kind, self._body(kind, size)))
            kind, size = self._head()
        self._unpacker = zlib.decompressobj()
        self._packed = self._pieces(size)

    def bands(self) -> Iterator[tuple[int, Bytes]]:
        """The first row's number, and rows as (rows, 1 + row_bytes): each its filter, then its bytes."""
        width, height = 1 + self.header.row_bytes, self.header.height
        rows = max(1, BAND // width)
        for first in range(0, height, rows):
            band = np.empty((min(rows, height - first), width), np.uint8)
            self._fill(band.data.cast("B"))
            if band[:, 0].max() > LAST_FILTER:
                raise broken()
            yield first, band
        self._finish()

    def raw_bands(self) -> Iterator[tuple[int, Bytes, Bytes]]:
        """As `bands`, then the same rows without filters as (rows, row_bytes)."""
        above = None
        for first, band in self.bands():
            raw = unfiltered(band, above, self.header.pixel_bytes)
            above = raw[-1]
            yield first, band, raw

    def _fill(self, out: memoryview) -> None:
        done = 0
        while done < len(out):
            piece = self._unpack(len(out) - done)
            out[done : done + len(piece)] = piece
            done += len(piece)

    def _unpack(self, most: int) -> bytes:
        """At least one byte, unless the pixels end here."""
        while not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or next(self._packed, b"")
            try:
                found = self._unpacker.decompress(packed, most)
            except zlib.error as error:
                raise broken() from error
            if found:
                return found
            if not packed:
                break
        raise broken()

    def _finish(self) -> None:
        unpacker = self._unpacker
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or next(self._packed, b"")
            try:
                if unpacker.decompress(packed, 1) or not packed:
                    raise broken()
            except zlib.error as error:
                raise broken() from error
        for _ in self._packed:
            pass

    def _pieces(self, size: int) -> Iterator[bytes]:
        """The packed pixels; afterwards the chunks behind them are read."""
        kind = b"IDAT"
        while kind == b"IDAT":
            checksum = zlib.crc32(kind)
            while size:
                piece = self._read(min(size, PIECE))
                checksum = zlib.crc32(piece, checksum)
                size -= len(piece)
                yield piece
            self._check(checksum)
            kind, size = self._head()
        while kind != b"IEND":
            self.after.append((kind, self._body(kind, size)))
            kind, size = self._head()

    def _head(self) -> tuple[bytes, int]:
        size, kind = struct.unpack(">I4s", self._read(8))
        return kind, size

    def _body(self, kind: bytes, size: int) -> bytes:
        self._left -= size + 12
        if self._left < 0:
            raise UnusableImageError("has more metadata than is read")
        body = self._read(size)
        self._check(zlib.crc32(body, zlib.crc32(kind)))
        return body

    def _check(self, checksum: int) -> None:
        if int.from_bytes(self._read(4), "big") != checksum:
            raise broken()

    def _read(self, size: int) -> bytes:
        data = self.stream.read(size)
        if len(data) < size:
            raise broken()
        return data


def seek_chunks(stream: BinaryIO, kinds: frozenset[bytes]) -> dict[bytes, bytes]:
    """Content of the chunks of some kinds, wherever they stand; of the others only the lengths are read.

    :returns: what was found up to the first that is broken.
    """
    found: dict[bytes, bytes] = {}
    stream.seek(len(SIGNATURE))
    for _ in range(MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        size = int.from_bytes(head[:4], "big")
        if head[4:] in kinds and size < MOST_METADATA:
            found.setdefault(head[4:], stream.read(size))
            stream.seek(4, io.SEEK_CUR)
        else:
            stream.seek(size + 4, io.SEEK_CUR)
    return found


def broken() -> UnusableImageError:
    """What is raised about a file that is not as it must be."""
    return UnusableImageError("is not an image that can be read")


def _header(body: bytes) -> PngHeader:
    if len(body) != _HEAD.size:
        raise broken()
    width, height, bits, color, packed, filtered, interlaced = _HEAD.unpack(body)
    if bits not in DEPTHS.get(color, ()) or packed or filtered or interlaced > 1:
        raise broken()
    if not (0 < width <= LONGEST_EDGE and 0 < height <= LONGEST_EDGE):
        raise UnusableImageError("has a longer edge than is read")
    return PngHeader(width, height, bits, color, bool(interlaced))


def unfiltered(band: Bytes, above: Bytes | None, pixel_bytes: int) -> Bytes:
    """The bytes of the pixels of some rows, by Pillow's decoder.

    :param band: (rows, 1 + row_bytes): each row its filter, then its bytes.
    :param above: (row_bytes,): the row above, without a filter; None above the first row.
    :param pixel_bytes: see `PngHeader.pixel_bytes`.
    :returns: (rows, row_bytes)
    """
    if above is not None:
        band = np.vstack([np.concatenate([np.zeros(1, np.uint8), above])[None], band])
    mode, kinds = _ENGINES[pixel_bytes]
    rows, row_bytes = len(band), band.shape[1] - 1
    packed, size = zlib.compress(band.data.cast("B"), 0), (row_bytes // pixel_bytes, rows)
    parts = [np.asarray(Image.frombytes(mode, size, packed, "zip", kind, 0)) for kind in kinds]
    out = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
    raw = out.reshape(rows, row_bytes)
    return raw if above is None else raw[1:]


def filtered(raw: Bytes, above: Bytes | None) -> Bytes:
    """Rows with the filter Up, as (rows, 1 + row_bytes).

    :param raw: (rows, row_bytes): the bytes of the pixels.
    :param above: the row above them; None above the first row.
    """
    out = np.empty((len(raw), raw.shape[1] + 1), np.uint8)
    out[:, 0] = UP_FILTER
    out[0, 1:] = raw[0] if above is None else raw[0] - above
    np.subtract(raw[1:], raw[:-1], out=out[1:, 1:])
    return out


class PngWriter:
    """Writes a PNG in bands, two of them packed at once."""

    def __init__(self, stream: BinaryIO, header: PngHeader, before: list[tuple[bytes, bytes]]) -> None:
        """
        :param before: kind and content of the chunks that stand before the pixels.
        """
        self._stream, self._checksum = stream, zlib.adler32(b"")
        self._waiting: list[Bytes] = []
        stream.write(SIGNATURE)
        for kind, body in ((b"IHDR", header.pack()), *before, (b"IDAT", b"\x78\x01")):
            self._chunk(kind, body)

    def add(self, band: Bytes) -> None:
        """Write rows of (rows, 1 + row_bytes), each its filter, then its bytes."""
        self._waiting.append(band)
        if len(self._waiting) == 2:
            self._pack()

    def finish(self, after: list[tuple[bytes, bytes]]) -> None:
        """Write the end.

        :param after: kind and content of the chunks that stand behind the pixels.
        """
        self._pack()
        # An empty last block, then the checksum of all rows.
        self._chunk(b"IDAT", b"\x03\x00" + self._checksum.to_bytes(4, "big"))
        for kind, body in (*after, (b"IEND", b"")):
            self._chunk(kind, body)

    def _pack(self) -> None:
        packed: list[bytes] = [b""] * len(self._waiting)

        def work(number: int) -> None:
            packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
            rows = self._waiting[number].data.cast("B")
            packed[number] = packer.compress(rows) + packer.flush(zlib.Z_FULL_FLUSH)

        threads = [threading.Thread(target=work, args=(1,), daemon=True) for _ in self._waiting[1:]]
        for thread in threads:
            thread.start()
        for number, band in enumerate(self._waiting):
            self._checksum = zlib.adler32(band.data.cast("B"), self._checksum)
            if not number:
                work(number)
        for thread in threads:
            thread.join()
        self._waiting.clear()
        for part in packed:
            self._chunk(b"IDAT", part)

    def _chunk(self, kind: bytes, body: bytes) -> None:
        self._stream.write(struct.pack(">I4s", len(body), kind))
        self._stream.write(body)
        self._stream.write(zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big"))
