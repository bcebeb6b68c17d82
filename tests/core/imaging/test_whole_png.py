"""The quick look at a PNG says the same as decoding it, and never more."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.errors import InvalidResponseError
from gpt_image_addon.core.imaging.formats import verify
from gpt_image_addon.core.imaging.whole_png import PIECE, SIGNATURE, plain_size

LIMIT = 10**8
NOISE = np.random.default_rng(5).integers(0, 256, (48, 40, 4), dtype=np.uint8)


def encoded(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def made(
    pixels: bytes, head: tuple[int, ...] = (2, 2, 8, 2, 0, 0, 0), *more: bytes, pieces: int = 1
) -> bytes:
    """A PNG around rows that already have their filter bytes; every checksum is right."""
    packed = zlib.compress(pixels)
    step = len(packed) // pieces + 1
    bodies = [packed[start : start + step] for start in range(0, len(packed), step)]
    data = b"".join(chunk(b"IDAT", body) for body in bodies)
    return (
        SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", *head))
        + b"".join(more)
        + data
        + chunk(b"IEND", b"")
    )


ROWS = bytes([0, 1, 2, 3, 4, 5, 6, 4, 1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_whole_image(pieces: int) -> None:
    assert plain_size(made(ROWS, pieces=pieces), LIMIT) == (2, 2)
    assert verify(made(ROWS, pieces=pieces)).has_alpha is False


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_pillow_writes(mode: str) -> None:
    data = encoded(Image.fromarray(NOISE[..., :3]).convert(mode))
    assert plain_size(data, LIMIT) == (40, 48)
    assert plain_size(data, 40 * 48 - 1) is None


def test_an_image_of_many_pieces() -> None:
    wide = np.random.default_rng(6).integers(0, 256, (400, 700, 3), dtype=np.uint8)
    assert wide.nbytes > 3 * PIECE
    data = encoded(Image.fromarray(wide))
    assert plain_size(data, LIMIT) == (700, 400)
    assert plain_size(encoded(Image.new("RGB", (3000, 3000))), LIMIT) == (3000, 3000)


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.fromarray(NOISE)),
        encoded(Image.fromarray(NOISE[..., :3]).quantize(9)),
        encoded(Image.fromarray(NOISE[..., :3]), transparency=(1, 2, 3)),
        made(ROWS, (2, 2, 8, 2, 0, 0, 1)),
        b"",
        SIGNATURE,
        b"GIF89a",
    ],
    ids=["alpha", "palette", "key colour", "interlaced", "nothing", "signature", "gif"],
)
def test_what_it_leaves_to_the_decoder(data: bytes) -> None:
    assert plain_size(data, LIMIT) is None


@pytest.mark.parametrize(
    "data",
    [
        made(ROWS[:-1]),
        made(ROWS[:7]),
        made(b""),
        made(bytes([5]) + ROWS[1:]),
        made(ROWS[:7] + bytes([9]) + ROWS[8:]),
        made(ROWS)[:-12],
        made(ROWS).replace(zlib.compress(ROWS), zlib.compress(ROWS)[:-1] + b"\0"),
    ],
    ids=["a byte short", "a row short", "empty", "first filter", "second filter", "no end", "checksum"],
)
def test_what_is_broken(data: bytes) -> None:
    assert plain_size(data, LIMIT) is None


def test_a_stream_without_its_end() -> None:
    packer = zlib.compressobj()
    packed = packer.compress(ROWS) + packer.flush(zlib.Z_SYNC_FLUSH)  # all bytes are there, the sum is not
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
    assert plain_size(SIGNATURE + head + chunk(b"IDAT", packed) + chunk(b"IEND", b""), LIMIT) is None


def test_cut_or_changed_anywhere() -> None:
    data = encoded(Image.fromarray(NOISE[..., :3]))
    for place in range(0, len(data), 7):
        assert plain_size(data[:place], LIMIT) is None
        changed = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        assert plain_size(changed, LIMIT) is None, place
    with pytest.raises(InvalidResponseError):
        verify(data[: len(data) // 2])
