"""Paints the images the server answers with: deterministic, at exactly the size asked, quick."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from . import repaint

VARIETY = 16  # different patterns; they are kept encoded, so that a busy server does not paint
NOISES = 2  # as for VARIETY, but noise is heavy
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _pattern(seed: int, width: int, height: int, phase: float = 0.0) -> NDArray[np.uint8]:
    """An RGB image (height, width, 3): coloured patches under a diagonal gradient."""
    patches = np.random.default_rng(seed).integers(40, 200, size=(8, 8, 3), dtype=np.uint8)
    ys = np.arange(height) * 8 // height
    xs = (np.arange(width) * 8 // width + round(phase * 8)) % 8
    ramp_y = (np.arange(height) * 28 // height).astype(np.uint8)
    ramp_x = (np.arange(width) * 28 // width).astype(np.uint8)
    image: NDArray[np.uint8] = patches[ys][:, xs] + np.add.outer(ramp_y, ramp_x)[..., None]
    return image


def _noise(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Incompressible RGB noise: as many bytes on the wire as a photograph in PNG."""
    return np.random.default_rng(seed).integers(0, 256, size=(height, width, 3), dtype=np.uint8)


def _disc(width: int, height: int) -> NDArray[np.uint8]:
    """An alpha channel (height, width): a soft disc, fully transparent in the corners."""
    y = (np.arange(height) - (height - 1) / 2) / (height / 2)
    x = (np.arange(width) - (width - 1) / 2) / (width / 2)
    distance = np.sqrt(np.add.outer(y * y, x * x))
    return (np.clip((0.9 - distance) / 0.05, 0, 1) * 255).astype(np.uint8)


def _with_disc(rgb: NDArray[np.uint8]) -> Image.Image:
    alpha = _disc(rgb.shape[1], rgb.shape[0])
    return Image.fromarray(np.dstack([rgb, alpha]))


def _encoded(image: Image.Image, output_format: str, compression: int) -> bytes:
    buffer = io.BytesIO()
    if output_format == "png":
        image.save(buffer, "PNG", compress_level=1)
    elif output_format == "jpeg":
        image.convert("RGB").save(buffer, "JPEG", quality=max(1, min(compression, 95)))
    else:
        image.save(buffer, "WEBP", quality=max(1, compression), method=0)
    return buffer.getvalue()


@functools.lru_cache(maxsize=64)
def painted(
    seed: int,
    size: tuple[int, int],
    output_format: str,
    compression: int,
    transparent: bool,
    noise: bool,
) -> bytes:
    """A still image, encoded as png, jpeg or webp."""
    rgb = _noise(seed, *size) if noise else _pattern(seed, *size)
    image = _with_disc(rgb) if transparent else Image.fromarray(rgb)
    return _encoded(image, output_format, compression)


@functools.lru_cache(maxsize=8)
def animated(seed: int, size: tuple[int, int], frames: int, duration_ms: int) -> bytes:
    """A looping GIF whose patches wander."""
    images = [Image.fromarray(_pattern(seed, *size, phase=index / frames)) for index in range(frames)]
    buffer = io.BytesIO()
    images[0].save(
        buffer, "GIF", save_all=True, append_images=images[1:], duration=duration_ms // 10 * 10, loop=0
    )
    return buffer.getvalue()


def drawing(seed: int, size: tuple[int, int]) -> bytes:
    """A small SVG document."""
    width, height = size
    hue = seed * 360 // VARIETY
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="hsl({hue} 60% 40%)"/>'
        f'<circle cx="{width // 2}" cy="{height // 2}" r="{min(size) // 3}" fill="hsl({hue} 80% 70%)"/></svg>'
    ).encode()


@functools.lru_cache(maxsize=8)
def edited(
    seed: int,
    first: bytes,
    mask: bytes | None,
    size: tuple[int, int],
    output_format: str,
    compression: int,
    transparent: bool,
) -> bytes:
    """The first reference at `size`, tinted; with a mask, tinted inside and a little different outside."""
    with Image.open(io.BytesIO(first)) as opened:
        source = opened.convert("RGB").resize(size)
    colour = tuple(int(part) for part in np.random.default_rng(seed).integers(0, 256, 3))
    tinted = Image.blend(source, Image.new("RGB", size, colour), 0.4)
    if mask is not None:
        with Image.open(io.BytesIO(mask)) as opened:
            keep = opened.convert("RGBA").getchannel("A").resize(size)
        tinted = Image.composite(ImageChops.add(source, Image.new("RGB", size, (3, 3, 3))), tinted, keep)
    image = _with_disc(np.asarray(tinted)) if transparent else tinted
    return _encoded(image, output_format, compression)


@functools.lru_cache(maxsize=8)
def repainted(
    first: bytes, mask: bytes, how: str, size: tuple[int, int], output_format: str, compression: int
) -> bytes:
    """The first reference as a model that follows its mask repaints it; `how` is one of `repaint.HOW`."""
    with Image.open(io.BytesIO(first)) as opened:
        source = opened.convert("RGB").resize(size)
    with Image.open(io.BytesIO(mask)) as opened:
        keep = opened.convert("RGBA").getchannel("A").resize(size)
    return _encoded(repaint.repainted(source, keep, how), output_format, compression)


def shown(image: Image.Image, size: tuple[int, int], output_format: str, compression: int) -> bytes:
    """An image that the test brought."""
    mode = "RGBA" if image.mode == "RGBA" and output_format != "jpeg" else "RGB"
    return _encoded(image.convert(mode).resize(size), output_format, compression)


def partial(image: bytes, index: int, total: int) -> bytes:
    """A preview of a finished image: same size and format, coarser the earlier it comes."""
    with Image.open(io.BytesIO(image)) as opened:
        output_format = (opened.format or "PNG").lower()
        full = opened.convert("RGBA" if opened.mode == "RGBA" else "RGB")
    cells = 8 * (index + 1) * 4 // total
    coarse = full.resize((cells, cells)).resize(full.size, Image.Resampling.NEAREST)
    return _encoded(coarse, output_format, 80)


def stamped(image: bytes, note: bytes) -> bytes:
    """The same image with `note` where provenance data sits: a `caBX` chunk (PNG), APP11 (JPEG)."""
    if image.startswith(PNG_SIGNATURE):
        head = len(PNG_SIGNATURE) + 25  # after IHDR
        return image[:head] + png_chunk(b"caBX", note) + image[head:]
    if image.startswith(b"\xff\xd8"):
        return image[:2] + b"\xff\xeb" + struct.pack(">H", len(note) + 2) + note + image[2:]
    return image


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@functools.lru_cache(maxsize=1)
def bomb() -> bytes:
    """A valid one-bit PNG of 20,000 x 15,000 pixels (300 megapixels) in a few dozen kilobytes."""
    width, height = 20_000, 15_000
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * height), 6)
    chunks: Sequence[tuple[bytes, bytes]] = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(png_chunk(kind, data) for kind, data in chunks)


def corrupted(image: bytes) -> bytes:
    """The first half of the image's bytes: it opens but does not decode, whatever its format."""
    return image[: len(image) // 2]
