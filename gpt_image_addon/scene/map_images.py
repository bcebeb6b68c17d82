"""Material maps as data-blocks: of one file, or with a file for each UDIM tile. Main thread only."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import bpy
import numpy as np

from ..core.request.map_kinds import BY_NAME
from ..core.results.store import Facts, ImageFile
from . import udim
from .images import add_image, tiles_of


@dataclass(frozen=True)
class TiledMap:
    """A map of some tiles of a UDIM image."""

    name: str
    """Of its data-block."""
    files: Mapping[int, ImageFile]
    """By the numbers of the tiles."""
    base: bpy.types.Image
    """The image whose tiles it has."""

    @property
    def facts(self) -> Facts:
        """The means of what is known of its files."""
        known: dict[str, list[float]] = {}
        for file in self.files.values():
            for name, value in file.facts.items():
                known.setdefault(name, []).append(float(value))
        return {name: sum(values) / len(values) for name, values in known.items()}


MapFile: TypeAlias = ImageFile | TiledMap
"""What a map is made of."""
Channels: TypeAlias = tuple[float, ...]
"""A color or a value, from 0 to 1."""
PLAIN: Mapping[str, Channels] = {"normal": (0.5, 0.5, 1), "roughness": (0.5,), "ao": (1,)}
"""Maps of a surface of which nothing is known."""


def add_map(
    kind: str,
    found: MapFile,
    facts: Facts,
    *,
    before: bpy.types.Image | None = None,
    plain: Channels | None = None,
) -> bpy.types.Image:
    """A data-block of a map.

    :param before: the map that was there: where it has tiles, those that are not made stay byte for byte.
    :param plain: what tiles get that are not made and had none; of the kind's own without it.
    :raises SceneError: Blender can't hold it, or tiles have no pixels.
    """
    is_data = BY_NAME[kind].is_data
    if isinstance(found, ImageFile):
        return add_image(found, facts, is_data=is_data)
    others = [tile for tile in tiles_of(found.base) if tile not in found.files]
    kept = udim.read_tiles(before, others) if before is not None else {}
    color = plain or PLAIN[kind]
    files = {tile: kept.get(tile) or _make_plain(udim.tile_size(found.base, tile), color) for tile in others}
    image = udim.make_with_tiles(found.base, found.files, facts, name=found.name, others=files)
    image.colorspace_settings.is_data = is_data
    return image


def holds(image: bpy.types.Image | None, found: MapFile) -> bool:
    """Whether a data-block is packed and has exactly these files."""
    if image is None or not image.packed_file:
        return False
    if isinstance(found, ImageFile):
        return bytes(image.packed_file.data) == found.data
    packed = {one.tile_number: one.packed_file for one in image.packed_files}
    return set(packed) == set(tiles_of(found.base)) and all(
        bytes(packed[tile].data) == file.data for tile, file in found.files.items() if tile in packed
    )


@functools.lru_cache(maxsize=8)  # the tiles of an image are often of one size
def _make_plain(size: tuple[int, int], plain: Channels) -> bytes:
    """A PNG of one color.

    :param size: width and height.
    """
    from ..core.imaging.png_writer import encode_plain

    return encode_plain(size, np.rint(np.array(plain, np.float32) * 255).astype(np.uint8))
