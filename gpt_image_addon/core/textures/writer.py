"""From pixels to the files of a surface: seamless tiles and material maps.

The worker's side of `tiling` and `maps`; runs on any thread and knows neither requests nor Blender.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..common.files import replace_file
from ..errors import InvalidRequestError
from ..imaging import pillow_settings
from ..imaging.decoding import Pixels, read_header, sniff
from ..imaging.pixels import eight_bit_color, resized
from ..imaging.png_writer import encode_png
from ..pasting.boxes import Box
from ..pasting.edited_files import cut
from ..pasting.image_source import ImageSource
from ..raster.arrays import Plane
from ..request.normalize import check_tile_size
from ..request.sizes import SMALLEST, source_size
from ..results.store import Facts, ImageFile
from ..text.message import message
from .channel_packing import LAYOUTS, pack
from .material_guess import MaterialGuess, guess_material
from .material_maps import ALL, Strengths, make_maps
from .relief import Convention
from .tiling import Seams, Tile, TileScores, is_seamless, make_tile, reduced, score, sides_meet

CUT_SHARE = 0.9  # most of an image's edge that a tile cut from it can keep
ROOMY = 1.1  # from an image so much larger than a tile needs, a larger tile is cut and then shrunk
WIDE_KINDS = ("height", "normal")  # the maps whose 8 bits can be seen
FACT_DIGITS = 4
RELIEF_DIGITS = 7  # of a share of the width, of which a millimetre may be a thousandth
UNKNOWN_METRES = 1.0  # that an image of an unknown material spans, where nobody says it
SCORED_AT = 1024  # pixels of the longer side at which a whole image is judged
STRIPS = 32  # of an image's height, the first of which is looked at before the others
SAME_ASPECT = 0.02  # relative difference up to which a tile is resized rather than cut
TILE_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
TILE_QUALITY = 95  # of jpeg and webp

Write = Callable[[Path, bytes], Path]


@dataclass(frozen=True)
class MapOptions:
    """How maps are made; see `maps.make_maps`."""

    kinds: tuple[str, ...] = ALL
    description: str = ""
    """Words that name the material."""
    strengths: Strengths = field(default_factory=Strengths)
    convention: Convention = "OPENGL"
    bits: int = 8
    """Of height and normal; the other maps have 8."""
    pack: str | None = None
    """Name of a packing layout, made besides."""
    relief: float | None = None
    """Millimetres from the deepest to the highest; None for what is usual of the material."""
    metres: float | None = None
    """What the image spans; None for what is usual of the material. Only `relief` needs it."""

    @property
    def relief_share(self) -> float | None:
        """`relief` as a share of the image's width."""
        if self.relief is None:
            return None
        metres = self.metres or guess_material(self.description).metres or UNKNOWN_METRES
        return self.relief / 1000 / metres


@dataclass(frozen=True)
class MadeMaps:
    """Maps as files."""

    maps: dict[str, ImageFile]
    """By kind."""
    packed: dict[str, ImageFile]
    """By the name of the layout; empty where none was asked for."""
    guess: MaterialGuess
    notes: tuple[str, ...]


def tile_of(pixels: Pixels, size: tuple[int, int] | None) -> Tile:
    """A seamless tile of exactly `size` (width, height), from an image of any size.

    Without a size the tile is as large as the cut leaves it. From a much larger image a larger tile is cut
    and then shrunk, so that it shows as much; one that can't be cut so large is enlarged, and that is said.

    :raises InvalidRequestError: the size is too small or too large.
    """
    width, height = pixels.shape[1::-1]
    if size is None or (size == (width, height) and is_seamless(pixels)):
        return make_tile(pixels)
    check_tile_size(size)
    if is_seamless(pixels) and abs(size[0] * height / (size[1] * width) - 1) < SAME_ASPECT:
        tile = resized(pixels, size, wraps=True)
        return Tile(tile, score(tile), False, ("The image tiled already and was only resized.",))
    asked = source_size(*size)
    growth = max(asked[0] / width, asked[1] / height)
    if growth > 1 / ROOMY:
        growth = max(1.0, size[0] / (CUT_SHARE * width), size[1] / (CUT_SHARE * height))
    cut = make_tile(pixels, size=(int(size[0] / growth), int(size[1] / growth)))
    if growth == 1.0:
        return cut
    notes = cut.notes
    if growth > 1.0:
        notes += (
            message(
                "The tile was enlarged {times} times: the image is too small to cut it.",
                times=f"{growth:.2f}",
            ),
        )
    enlarged = resized(cut.pixels, size, wraps=True)
    return replace(cut, pixels=enlarged, notes=notes, seams=_grow(cut, size))


def _grow(tile: Tile, size: tuple[int, int]) -> Seams | None:
    """The seams of a tile once it is resized to `size` (width, height)."""
    if tile.seams is None:
        return None
    down, across = tile.seams
    width, height = size
    down = down[np.arange(width) * len(down) // width] * height // len(across)
    across = across[np.arange(height) * len(across) // height] * width // len(tile.seams[0])
    return down, across


def scores_dict(scores: TileScores) -> dict[str, float]:
    """Scores as plain JSON values."""
    return {
        name: value if isinstance(value, bool) else round(float(value), FACT_DIGITS)
        for name, value in asdict(scores).items()
    }


def score_facts(scores: TileScores) -> dict[str, float]:
    """Scores as they are kept with an image."""
    return {f"tile_{name}": value for name, value in scores_dict(scores).items()}


def check_tile_file(path: Path) -> None:
    """:raises InvalidRequestError: a tile can't be written as such a file."""
    if path.suffix.lower() not in TILE_FORMATS:
        raise InvalidRequestError(
            message(
                "A tile is written as {formats}, not as '{name}'.",
                formats=", ".join(TILE_FORMATS),
                name=path.name,
            ),
            param="output",
        )


def encode_tile(tile: Tile, original: bytes, path: Path) -> bytes:
    """A tile as a file; one that was left unchanged keeps the very bytes where its format stays.

    :param original: the encoded image that it was made from.
    :param path: its ending names the format.
    """
    kind = TILE_FORMATS[path.suffix.lower()]
    if tile.unchanged and sniff(original) == kind and read_header(original).is_plain:
        return original
    return encode_pixels(tile.pixels, path)


def encode_pixels(pixels: Pixels, path: Path) -> bytes:
    """An image as a file.

    :param path: its ending names the format, one of `TILE_FORMATS`.
    """
    kind = TILE_FORMATS[path.suffix.lower()]
    if kind == "png":
        return encode_png(pixels)
    stream = io.BytesIO()
    Image.fromarray(eight_bit_color(pixels)).convert(
        "RGB" if kind == "jpeg" else "RGBA" if pixels.shape[2] in (2, 4) else "RGB"
    ).save(stream, kind.upper(), quality=TILE_QUALITY)
    return stream.getvalue()


def _replace(path: Path, data: bytes) -> Path:
    replace_file(path, data)
    return path


def write_maps(
    color: NDArray[np.uint8],
    folder: Path,
    name: str,
    options: MapOptions,
    *,
    height: Plane | None = None,
    exact: bool = True,
    depth: float | None = None,
    wraps: bool | None = None,
    is_cut_out: bool = False,
    write: Write = _replace,
) -> MadeMaps:
    """Make maps and write them as ``<name>_<kind>.png``, and the packed image beside them.

    :param color: (height, width, 3 or 4) uint8 sRGB.
    :param height: (height, width) float32 in 0..1, where it is known.
    :param exact: that height is true, rather than a good guess.
    :param depth: pixels that 1 stands above 0 in it; None for what is usual of the material.
    :param wraps: whether the image tiles; None finds out.
    :param is_cut_out: relief is of what is not transparent alone; see `relief.cut_out_height`.
    :param write: writes a file, perhaps under another name, which it returns.
    :raises StorageError: a file can't be written.
    """
    layout = LAYOUTS[options.pack] if options.pack else None
    packed_kinds = [channel.kind for channel in layout.channels if channel.kind] if layout else []
    made = make_maps(
        color,
        kinds=tuple(dict.fromkeys((*options.kinds, *packed_kinds))),
        description=options.description,
        height=height,
        exact=exact,
        depth=depth,
        share=options.relief_share,
        wraps=wraps,
        is_cut_out=is_cut_out,
        strengths=options.strengths,
        convention=options.convention,
        bits16=WIDE_KINDS if options.bits == 16 else (),
    )
    notes = list(made.notes)
    if "opacity" in options.kinds and "opacity" not in made.maps and options.kinds != ALL:
        notes.append("The image has no transparent parts, so there is no opacity map.")
    files = {
        kind: _write(
            folder, f"{name}_{kind}", pixels, write, _map_facts(kind, pixels, made.depth, options.strengths)
        )
        for kind, pixels in made.maps.items()
        if kind in options.kinds
    }
    packed = {}
    if layout:
        packed[layout.name] = _write(folder, f"{name}_{layout.suffix}", pack(made.maps, layout.name), write)
    return MadeMaps(files, packed, made.guess, tuple(notes))


def _write(
    folder: Path, name: str, pixels: NDArray[Any], write: Write, facts: Facts | None = None
) -> ImageFile:
    data = encode_png(pixels)
    path = write(folder / f"{name}.png", data)
    return ImageFile(name, data, str(path), "png", pixels.shape[1], pixels.shape[0], facts=facts or {})


def _map_facts(kind: str, pixels: NDArray[Any], depth: float, strengths: Strengths) -> dict[str, float]:
    """What a material's nodes need to know about a map besides its pixels."""
    if kind == "roughness":
        return {"mean": round(float(pixels.mean()) / np.iinfo(pixels.dtype).max, FACT_DIGITS)}
    if kind in WIDE_KINDS:
        share = depth / pixels.shape[1] * (strengths.normal if kind == "normal" else 1.0)
        return {"relief": round(min(share, 1.0), RELIEF_DIGITS)}
    return {}


def map_options(
    kinds: tuple[str, ...],
    description: str,
    strengths: Mapping[str, float],
    convention: str = "OPENGL",
    bits: int = 8,
    pack: str | None = None,
    relief: float | None = None,
    metres: float | None = None,
) -> MapOptions:
    """Options from values that `validation.check_choices` has passed.

    :param kinds: empty for all.
    :param strengths: by the names of `request.STRENGTHS`.
    """
    factors = {name.removesuffix("_strength"): value for name, value in strengths.items()}
    checked: Convention = "DIRECTX" if convention == "DIRECTX" else "OPENGL"
    return MapOptions(kinds or ALL, description, Strengths(**factors), checked, bits, pack, relief, metres)


def maps_of_pixels(
    pixels: Pixels,
    folder: Path,
    name: str,
    options: MapOptions,
    *,
    seamless: bool,
    write: Write = _replace,
) -> tuple[MadeMaps, Tile | None]:
    """Maps from an image alone, of its tile where asked for."""
    tile = tile_of(pixels, None) if seamless else None
    color = eight_bit_color(tile.pixels if tile else pixels)
    return write_maps(color, folder, name, options, wraps=True if tile else None, write=write), tile


def is_tile(image: ImageSource) -> bool:
    """Whether an image tiles as it is; not asked of one with more pixels than an answer may have.

    :raises InvalidRequestError: it can't be read.
    """
    width, height = image.size
    if width * height > pillow_settings.MAX_PIXELS:  # to look at all of it takes minutes, and gigabytes
        return False
    if max(width, height) >= 2 * SCORED_AT:  # most that don't tile are told by a part, in a part of the time
        strip = cut(image, [Box(0, 0, width, max(1, height // STRIPS))])[0]
        if not sides_meet(_small(strip, width, height)):
            return False
    return shows_tile(cut(image, [Box(0, 0, width, height)])[0])


def shows_tile(pixels: Pixels) -> bool:
    """Whether an image tiles as it is, told at a smaller size."""
    small = _small(pixels, pixels.shape[1], pixels.shape[0])
    return min(small.shape[:2]) >= SMALLEST and score(small).good


def _small(pixels: Pixels, width: int, height: int) -> Pixels:
    """An image, or some rows of one, at the size in which tiles are told.

    :param width: of the whole image, as `height`.
    """
    step = max(width, height) // SCORED_AT
    if step > 1:
        pixels, width, height = reduced(pixels, step), -(-width // step), -(-height // step)
    shrink = min(1.0, SCORED_AT / max(width, height))
    rows, columns = pixels.shape[:2]
    return resized(pixels, (max(1, round(columns * shrink)), max(1, round(rows * shrink))), wraps=True)
