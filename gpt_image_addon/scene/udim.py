"""The tiles of a UDIM image: the file of one, and an image like another in which one tile is a new one.

Blender takes no bytes for a tile: the tiles of a new image lie in files for a moment and are packed from
there.
Main thread only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.common.files import read_file, replace_file
from ..core.errors import SceneError
from ..core.results.store import Facts, ImageFile
from ..core.text.message import message
from ..core.text.names import UDIM_TOKEN, safe_name
from .image_bytes import export_file
from .images import PROPERTY_PREFIX, set_facts, tiles_of

TILE = PROPERTY_PREFIX + "tile"
"""Custom property of a UDIM image of ours: the number of the tile that its job made, of several the first."""
FIRST = 1001
ROW = 10
"""Tiles side by side before a row ends."""
PNG = ".png"


def active_tile(image: bpy.types.Image) -> int:
    """The number of the tile that is chosen in the Image Editor; 0 where an image has no tiles."""
    if image.source != "TILED":
        return 0
    return image.tiles.active.number if image.tiles.active is not None else FIRST


def tile_at(u: float, v: float) -> int:
    """The number of the tile in which a place of the UV map lies; 0 where none can."""
    column, row = int(u // 1), int(v // 1)
    return FIRST + column + ROW * row if 0 <= column < ROW and row >= 0 else 0


def place_of(number: int) -> tuple[int, int]:
    """Where the lower left of a tile lies in the UV map; the inverse of `tile_at`."""
    row, column = divmod(number - FIRST, ROW)
    return column, row


def tiles_at(uvs: Any) -> Any:
    """As `tile_at`, for many places.

    :param uvs: (N, 2).
    :returns: (N,) int64.
    """
    column, row = np.floor(uvs).astype(np.int64).T
    is_there = (column >= 0) & (column < ROW) & (row >= 0)
    return np.where(is_there, FIRST + column + ROW * row, 0)


def tile_size(image: bpy.types.Image, number: int) -> tuple[int, int]:
    """Width and height of a tile in pixels; 0 where it has none."""
    tile = image.tiles.get(number)
    return tuple(tile.size) if tile is not None else (0, 0)


def export_tile(image: bpy.types.Image, number: int, path: Path) -> Path:
    """Write a tile as an 8-bit PNG, with what was painted on it, as `export_file` does.

    :raises SceneError: there is no such tile, it has no pixels, or the file can't be written.
    """
    with _alone(image, _tile_file(image, number)) as tile:
        return export_file(tile, path)


def made_tile(image: bpy.types.Image) -> int:
    """The number of the tile that the job of an image of ours made; 0 where an image has no tiles."""
    found = image.get(TILE) if image.source == "TILED" else None
    return found if isinstance(found, int) and found in tiles_of(image) else active_tile(image)


def why_not_replaceable_tile(image: bpy.types.Image, number: int) -> str:
    """Why another image can't take the place of a tile; empty where it can."""
    if image.library or image.override_library:
        return message("'{image}' is linked; make it local to change it.", image=image.name)
    if number not in tiles_of(image):
        return message("'{image}' has no UDIM tile {tile}.", image=image.name, tile=number)
    if image.is_float:
        return message(
            "The tiles of '{image}' have more than 8 bits, which an edit in place would lose: edit the"
            " file of one.",
            image=image.name,
        )
    return _why_missing(image, tiles_of(image))


def read_tile(image: bpy.types.Image, number: int) -> bytes:
    """The file of a tile as it is now, with what was painted on it.

    :raises SceneError: there is no such tile, or it has no pixels.
    """
    return _tile_file(image, number)


def read_tiles(image: bpy.types.Image, numbers: Iterable[int]) -> Mapping[int, bytes]:
    """The files of those of some tiles that have pixels, as they are now; see `read_tile`."""
    found = tuple(number for number in numbers if number in tiles_of(image))
    present = tuple(number for number in found if not _why_missing(image, (number,)))
    return _tile_files(image, present) if present else {}


def make_with_tiles(
    before: bpy.types.Image,
    made: Mapping[int, ImageFile],
    facts: Facts,
    *,
    name: str = "",
    others: Mapping[int, bytes] | None = None,
) -> bpy.types.Image:
    """A UDIM image like another one, packed, of which some tiles are new; the others keep their pixels.

    Its files are PNG; those that were stay byte for byte.

    :param made: the new ones by their numbers.
    :param name: without it that of the first new one.
    :param others: the files of the other tiles; without it those of the image.
    :raises SceneError: a tile has no pixels, or can't be packed.
    """
    known = _tile_files(before) if others is None else others
    files = {tile: data for tile, data in known.items() if tile not in made}
    number, image_file = next(iter(made.items()))
    with tempfile.TemporaryDirectory(prefix="gpt_image_") as folder:
        for tile, data in files.items():
            _write_png(before, data, Path(folder) / f"tile.{tile}{PNG}")
        for tile, file in made.items():
            _write_png(before, file.data, Path(folder) / f"tile.{tile}{PNG}")
        image = _load_packed(Path(folder) / f"tile.{min((*files, *made))}{PNG}")
    image.name = safe_name(name or image_file.name)
    image.filepath_raw = f"//textures/{safe_name(image.name)}.{UDIM_TOKEN}{PNG}"
    for one in image.packed_files:
        one.filepath = image.filepath_raw.replace(UDIM_TOKEN, str(one.tile_number))
    for tile in before.tiles:
        image.tiles.get(tile.number).label = tile.label
    image.colorspace_settings.name = before.colorspace_settings.name
    image.alpha_mode = before.alpha_mode
    set_facts(image, image_file, facts)
    image[TILE] = number
    return image


def _load_packed(first: Path) -> bpy.types.Image:
    """:raises SceneError: Blender can't read it."""
    try:
        image = bpy.data.images.load(str(first))
        image.source = "TILED"
        image.pack()
    except RuntimeError as error:
        raise SceneError(
            message("The image '{image}' has no pixels: {reason}", image=first.name, reason=error)
        ) from error
    return image


def _tile_file(image: bpy.types.Image, number: int) -> bytes:
    """:raises SceneError: there is no such tile, or it has no pixels."""
    if number not in tiles_of(image):
        raise SceneError(
            message("'{image}' has no UDIM tile {tile}.", image=image.name, tile=number),
            next_step="Choose one of its tiles in the Image Editor, or select faces that lie on one.",
        )
    return _tile_files(image, (number,))[number]


def _tile_files(image: bpy.types.Image, numbers: tuple[int, ...] = ()) -> Mapping[int, bytes]:
    """The files of tiles as they are now, with what was painted on them.

    :param numbers: of the tiles; all without it.
    :raises SceneError: one has no pixels.
    """
    wanted = numbers or tiles_of(image)
    problem = _why_missing(image, wanted)
    if problem:
        raise SceneError(problem)
    if image.is_dirty:
        return _written(image, wanted)
    if image.packed_file:
        return {number: bytes(_packed(image)[number].data) for number in wanted}
    return {number: read_file(_path(image, number)) for number in wanted}


def _why_missing(image: bpy.types.Image, numbers: Iterable[int]) -> str:
    """Which of some tiles has no pixels, as a sentence; empty where all have."""
    for number in numbers:
        if image.is_dirty:
            is_there = all(tile_size(image, number))
        elif image.packed_file:
            is_there = number in _packed(image)
        else:
            is_there = _path(image, number).is_file()
        if not is_there:
            return message(
                "UDIM tile {tile} of '{image}' has no pixels; its file may be missing.",
                tile=number,
                image=image.name,
            )
    return ""


def _packed(image: bpy.types.Image) -> Mapping[int, bpy.types.PackedFile]:
    return {one.tile_number: one.packed_file for one in image.packed_files}


def _path(image: bpy.types.Image, number: int) -> Path:
    column, row = place_of(number)
    name = image.filepath.replace(UDIM_TOKEN, str(number)).replace("<UVTILE>", f"u{column + 1}_v{row + 1}")
    return Path(bpy.path.abspath(name, library=image.library))


def _written(image: bpy.types.Image, numbers: tuple[int, ...]) -> Mapping[int, bytes]:
    """What Blender writes of tiles that were painted, as PNG; the image stays as it is.

    Blender takes the path of a copy for that of the image where it has tiles.
    """
    path, file_format = image.filepath_raw, image.file_format
    with tempfile.TemporaryDirectory(prefix="gpt_image_") as folder:
        try:
            image.file_format = "PNG"
            with bpy.context.temp_override(edit_image=image):
                bpy.ops.image.save_as(filepath=str(Path(folder) / f"tile.{UDIM_TOKEN}{PNG}"), copy=True)
            return {number: read_file(Path(folder) / f"tile.{number}{PNG}") for number in numbers}
        except (RuntimeError, OSError) as error:
            raise SceneError(
                message("The image '{image}' has no pixels: {reason}", image=image.name, reason=error)
            ) from error
        finally:
            image.filepath_raw, image.file_format = path, file_format


@contextmanager
def _alone(image: bpy.types.Image, data: bytes) -> Iterator[bpy.types.Image]:
    """A tile as an image of its own for a moment, read as its image is."""
    tile = bpy.data.images.new(image.name, 8, 8, alpha=True)
    try:
        tile.pack(data=data, data_len=len(data))
        tile.source = "FILE"
        tile.colorspace_settings.name = image.colorspace_settings.name
        tile.alpha_mode = image.alpha_mode
        yield tile
    finally:
        bpy.data.images.remove(tile)


def _write_png(image: bpy.types.Image, data: bytes, path: Path) -> None:
    from ..core.imaging.decoding import sniff

    if sniff(data) == "png":
        replace_file(path, data)
    else:
        with _alone(image, data) as tile:
            export_file(tile, path)
