"""Takes compression off an answer, a piece at a time, however much it unpacks to.

What urllib3 does by itself depends on its version: 1.26 unpacks each piece as a whole, layer upon layer, and
a few kilobytes become gigabytes before anybody can count them.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator

ACCEPTED = "gzip, deflate"
PIECE = 256 * 1024  # bytes that are unpacked at once
MAX_LAYERS = 3  # of compression within compression
_GZIP = b"\x1f\x8b\x08"
_AUTOMATIC = zlib.MAX_WBITS | 32  # either of gzip and zlib


class UnpackedTooLargeError(Exception):
    """A layer unpacks to more than the limit."""


class Unpacker:
    """Unpacks what comes; what is not packed passes as it is, whatever the head of the answer says."""

    def __init__(self, encoding: str, limit: int) -> None:
        """
        :param encoding: the ``Content-Encoding``.
        :param limit: bytes that a layer may unpack to.
        """
        deflated = "deflate" in encoding.lower()
        self._layers = [_Layer(limit, deflated and number == 0) for number in range(MAX_LAYERS)]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes.

        :raises UnpackedTooLargeError: beyond the limit.
        :raises zlib.error: broken.
        """
        yield from self._feed_layers(0, data)

    def close(self) -> Iterator[bytes]:
        """Nothing more comes."""
        for number, layer in enumerate(self._layers, 1):
            for piece in layer.close():
                yield from self._feed_layers(number, piece)

    def _feed_layers(self, number: int, data: bytes) -> Iterator[bytes]:
        if number == MAX_LAYERS:
            yield data
            return
        for piece in self._layers[number].feed(data):
            yield from self._feed_layers(number + 1, piece)


def unpack(body: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """A body without its compression, whose head is not known any more.

    :param limit: as for `Unpacker`.
    :raises UnpackedTooLargeError: beyond the limit.
    :raises zlib.error: broken.
    """
    pieces = iter(body)
    first = next(pieces, b"")
    packed = len(first) > 1 and _has_zlib_head(first)
    unpacker = Unpacker("deflate" if packed else "", limit)
    for piece in itertools.chain((first,), pieces):
        yield from unpacker.feed(piece)
    yield from unpacker.close()


class _Layer:
    def __init__(self, limit: int, deflated: bool) -> None:
        self._left = limit
        self._deflated = deflated
        self._start: bytes | None = b""
        self._bits = _AUTOMATIC
        self._inflater: zlib._Decompress | None = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._ended:
            return
        if self._start is not None:
            data = self._start + data
            if len(data) < len(_GZIP):
                self._start = data
                return
            self._begin(data)
        yield from self._unpack(data)

    def close(self) -> Iterator[bytes]:
        if self._start:
            yield self._start
        if self._inflater is not None and not self._inflater.eof:
            rest = self._inflater.flush()
            if rest:
                yield rest

    def _begin(self, data: bytes) -> None:
        self._start = None
        if data.startswith(_GZIP):
            self._inflater = zlib.decompressobj(self._bits)
        elif self._deflated:
            self._bits = _AUTOMATIC if _has_zlib_head(data) else -zlib.MAX_WBITS
            self._inflater = zlib.decompressobj(self._bits)

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            if data:
                yield data
            return
        while data:
            piece = self._inflater.decompress(data, PIECE)
            self._left -= len(piece)
            if self._left < 0:
                raise UnpackedTooLargeError
            if piece:
                yield piece
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:
                data = self._inflater.unused_data
                if not data.startswith(_GZIP[:2]):
                    # Filling after the end, unless so little that another member may begin in it.
                    self._ended = not _GZIP.startswith(data)
                    return
                self._inflater = zlib.decompressobj(self._bits)  # another member


def _has_zlib_head(data: bytes) -> bool:
    return data[0] & 15 == 8 and (data[0] * 256 + data[1]) % 31 == 0
