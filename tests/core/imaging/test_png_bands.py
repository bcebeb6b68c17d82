"""PNG in bands: what is read is what was written, with every filter, depth and color type."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from gpt_image_addon.core.imaging import png_bands
from gpt_image_addon.core.imaging.decoding import UnusableImageError
from gpt_image_addon.core.imaging.png_bands import PngHeader, PngReader, PngWriter, filtered, seek_chunks
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.imaging.stored_pixels import bytes_of, pixels_of, read_png
from tests.core.fuzzing import fuzz

Bytes = NDArray[np.uint8]
WIDTH, HEIGHT = 13, 40


def filtered_by(raw: Bytes, filters: list[int], pixel_bytes: int) -> Bytes:
    """The five filters of PNG, byte by byte (PNG specification, third edition, section 9)."""
    out = np.zeros((len(raw), raw.shape[1] + 1), np.uint8)
    for y, kind in enumerate(filters):
        out[y, 0] = kind
        for x in range(raw.shape[1]):
            left = int(raw[y, x - pixel_bytes]) if x >= pixel_bytes else 0
            up = int(raw[y - 1, x]) if y else 0
            corner = int(raw[y - 1, x - pixel_bytes]) if y and x >= pixel_bytes else 0
            guess = left + up - corner
            paeth = min(
                (abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner)
            )
            predicted = (0, left, up, (left + up) // 2, paeth[2])[kind]
            out[y, x + 1] = (int(raw[y, x]) - predicted) % 256
    return out


def png(header: PngHeader, rows: Bytes, *chunks: tuple[bytes, bytes], after: bytes = b"IEND") -> bytes:
    packed = zlib.compress(rows.tobytes())
    half = len(packed) // 2
    parts = [
        (b"IHDR", header.pack()),
        *chunks,
        (b"IDAT", packed[:half]),
        (b"IDAT", packed[half:]),
        (after, b""),
    ]
    return png_bands.SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


KINDS = [(bits, color) for color, depths in png_bands.DEPTHS.items() for bits in depths]


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_bands, "BAND", 300)


@pytest.mark.parametrize(("bits", "color"), KINDS)
def test_every_kind_with_every_filter(bits: int, color: int) -> None:
    header = PngHeader(WIDTH, HEIGHT, bits, color)
    dice = np.random.default_rng(bits * 10 + color)
    raw = dice.integers(0, 256, (HEIGHT, header.row_bytes), dtype=np.uint8)
    filters = dice.integers(0, 5, HEIGHT).tolist()
    data = png(header, filtered_by(raw, filters, header.pixel_bytes))
    reader = PngReader(io.BytesIO(data))
    assert reader.header == header
    assert np.array_equal(np.concatenate([found for _, _, found in reader.raw_bands()]), raw)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_is_written_is_read_by_us_and_others(channels: int, dtype: type) -> None:
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(1).integers(0, top + 1, (HEIGHT, WIDTH, channels)).astype(dtype)
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    stream = io.BytesIO()
    header = PngHeader(WIDTH, HEIGHT, 8 * pixels.dtype.itemsize, color)
    writer = PngWriter(stream, header, [(b"tEXt", b"Title\0mine")])
    above = None
    for first in range(0, HEIGHT, 7):
        raw = bytes_of(pixels[first : first + 7])
        writer.add(filtered(raw, above))
        above = raw[-1]
    writer.finish([(b"tIME", bytes(7))])
    assert np.array_equal(read_png(stream.getvalue(), (WIDTH, HEIGHT)), pixels)
    with Image.open(io.BytesIO(stream.getvalue())) as image:
        image.load()
        assert image.info["Title"] == "mine"
        high = np.asarray(image)
    if dtype is np.uint8:
        assert np.array_equal(np.atleast_3d(high), pixels)
    assert np.array_equal(read_png(encode_png(pixels), (WIDTH, HEIGHT)), pixels)


def test_chunks_are_found_behind_the_pixels() -> None:
    rows = np.zeros((1, 4), np.uint8)
    data = png(PngHeader(1, 1, 8, 2), rows, (b"tEXt", b"a\0b"), after=b"eXIf")
    assert seek_chunks(io.BytesIO(data), frozenset((b"eXIf", b"tEXt"))) == {b"tEXt": b"a\0b", b"eXIf": b""}


NOISE = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH * 3), dtype=np.uint8)
WHOLE = png(
    PngHeader(WIDTH, HEIGHT, 8, 2),
    filtered_by(NOISE, [4] * HEIGHT, 3),
    (b"tEXt", b"Title\0mine"),
)


def read_all(data: bytes) -> Bytes:
    return np.concatenate([raw for _, _, raw in PngReader(io.BytesIO(data)).raw_bands()])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:8],
        WHOLE[:-30],
        WHOLE[:200] + bytes((WHOLE[200] ^ 1,)) + WHOLE[201:],
        png(PngHeader(WIDTH, HEIGHT + 1, 8, 2), np.zeros((HEIGHT, WIDTH * 3 + 1), np.uint8)),
        png(PngHeader(WIDTH, HEIGHT - 1, 8, 2), np.zeros((HEIGHT, WIDTH * 3 + 1), np.uint8)),
        png(PngHeader(WIDTH, HEIGHT, 8, 2), np.full((HEIGHT, WIDTH * 3 + 1), 9, np.uint8)),
        png(PngHeader(WIDTH, HEIGHT, 4, 2), np.zeros((HEIGHT, WIDTH * 3 + 1), np.uint8)),
        png(PngHeader(2**20, 1, 8, 0), np.zeros((1, 2**20 + 1), np.uint8)),
    ],
)
def test_what_is_broken_is_no_image(data: bytes) -> None:
    with pytest.raises(UnusableImageError):
        read_all(data)


def test_metadata_has_a_bound() -> None:
    text = (b"tEXt", bytes(png_bands.MOST_METADATA // 2))
    rows = np.zeros((1, 4), np.uint8)
    with pytest.raises(UnusableImageError, match="metadata"):
        read_all(png(PngHeader(1, 1, 8, 2), rows, text, text))


def test_any_change_of_a_byte_is_noticed() -> None:
    def check(change: tuple[int, int]) -> None:
        place, bits = change
        changed = bytearray(WHOLE)
        changed[place % len(WHOLE)] ^= bits
        try:
            found = read_all(bytes(changed))
        except UnusableImageError:
            return
        assert np.array_equal(found, read_all(WHOLE))

    fuzz(check, st.tuples(st.integers(0, len(WHOLE)), st.integers(1, 255)))


def test_pixels_and_bytes() -> None:
    header = PngHeader(2, 1, 16, 2)
    raw = np.arange(12, dtype=np.uint8)[None]
    assert pixels_of(raw, header)[0, 0].tolist() == [0x0001, 0x0203, 0x0405]
    assert np.array_equal(bytes_of(pixels_of(raw, header)), raw)
