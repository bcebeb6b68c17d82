"""Sets of true material maps in folders, and the photographs that they would make.

A set is a folder with `base_color`, `normal` (OpenGL) and perhaps `height`, `ao`, `roughness`, `metallic`, as
png, jpg or webp, each perhaps after a name: `wall_normal.png`.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]

ENDINGS = ("png", "jpg", "webp")
SHALLOWEST = 0.05  # least that a normal looks up


@dataclass(frozen=True)
class Lamp:
    """What a photograph was taken under."""

    azimuth: float
    """Radians; 0 is from the right, a quarter turn from above."""
    elevation: float
    """Radians over the surface."""
    ambient: float
    """Share of the light that comes from everywhere."""
    ramp: tuple[float, float] = (0.0, 0.0)
    """How much lighter the left and the upper edge are than the middle, as shares."""


@dataclass(frozen=True)
class MaterialSet:
    """One folder."""

    folder: Path
    maps: dict[str, Path] = field(repr=False)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def words(self) -> str:
        """The name as one would say it: "StonePath007" is a stone path."""
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-\d]+", " ", self.name)
        return " ".join(word for word in spaced.lower().split() if len(word) > 1)

    def read(self, kind: str) -> Array:
        """The map `kind`, float32 in 0..1, (H, W) or (H, W, 3). Raises KeyError where the set has none."""
        return read_pixels(self.maps[kind])

    def grey(self, kind: str) -> Array:
        """The map `kind`, (H, W) in 0..1."""
        return grey(self.read(kind))

    @cached_property
    def normals(self) -> Array:
        """Unit normals (H, W, 3)."""
        return unit_normals(self.read("normal"))

    @cached_property
    def color(self) -> Array:
        """The base color (H, W, 3), sRGB in 0..1."""
        pixels = self.read("base_color")
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, -1)

    @property
    def lamp(self) -> Lamp:
        """Where the lamp of this set stands: the name's checksum decides, so that no method can know it."""
        dice = np.random.default_rng(zlib.crc32(self.name.encode()))
        azimuth, elevation = np.radians(dice.uniform(0, 360)), np.radians(dice.uniform(40, 70))
        ambient, across, down = dice.uniform(0.4, 0.75), dice.uniform(-0.15, 0.15), dice.uniform(-0.15, 0.15)
        return Lamp(azimuth, elevation, ambient, (across, down))

    def photograph(self) -> Array:
        """The set under its lamp, sRGB in 0..1, (H, W, 3)."""
        occlusion = self.grey("ao") if "ao" in self.maps else np.float32(1)
        return lit(self.color, self.normals, occlusion, self.lamp)


def material_sets(folder: Path) -> list[MaterialSet]:
    """The sets in `folder` that have a base color, by name."""
    found = [MaterialSet(path, maps_in(path)) for path in sorted(folder.iterdir()) if path.is_dir()]
    return [one for one in found if "base_color" in one.maps]


def maps_in(folder: Path) -> dict[str, Path]:
    """The files of a set by kind; an exact name is taken before one with something in front."""
    maps = {}
    for kind in ("base_color", "normal", "height", "roughness", "metallic", "ao"):
        exact = [folder / f"{kind}.{ending}" for ending in ENDINGS]
        named = [path for ending in ENDINGS for path in sorted(folder.glob(f"*_{kind}.{ending}"))]
        file = next((path for path in exact + named if path.exists()), None)
        if file:
            maps[kind] = file
    return maps


def read_pixels(path: Path) -> Array:
    """An image file of 8 or 16 bits as float32 in 0..1, without alpha."""
    with Image.open(path) as image:
        pixels: NDArray[Any] = np.asarray(image)
        top = 65535 if pixels.dtype == np.uint16 or image.mode.startswith("I") else 255
    scaled = pixels.astype(np.float32) / np.float32(top)
    return scaled[..., :3] if scaled.ndim == 3 else scaled


def grey(pixels: Array) -> Array:
    """(H, W) of (H, W) or (H, W, 3)."""
    return pixels if pixels.ndim == 2 else pixels.mean(-1)


def unit_normals(pixels: Array) -> Array:
    """Unit normals of a normal map in 0..1, none flatter than SHALLOWEST."""
    normals = pixels * 2 - 1
    normals[..., 2] = np.maximum(normals[..., 2], SHALLOWEST)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals


def lit(color: Array, normals: Array, occlusion: Array | np.float32, lamp: Lamp) -> Array:
    """`color` (H, W, 3), sRGB in 0..1, under a lamp and light from everywhere, less `occlusion`."""
    sun = np.array(
        [
            np.cos(lamp.azimuth) * np.cos(lamp.elevation),
            np.sin(lamp.azimuth) * np.cos(lamp.elevation),
            np.sin(lamp.elevation),
        ],
        np.float32,
    )
    light = lamp.ambient * occlusion + (1 - lamp.ambient) * np.maximum((normals * sun).sum(-1), 0) / sun[2]
    rows, columns = light.shape
    across = lamp.ramp[0] * np.linspace(1, -1, columns, dtype=np.float32)
    down = lamp.ramp[1] * np.linspace(1, -1, rows, dtype=np.float32)
    light = light * (1 + across + down[:, None])
    return to_srgb(np.clip(to_linear(color) * light[..., None], 0, 1))


def to_linear(encoded: Array) -> Array:
    """Linear light of sRGB values, both in 0..1."""
    low = encoded / 12.92
    return np.where(encoded <= 0.04045, low, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: Array) -> Array:
    """sRGB values of linear light, both in 0..1."""
    high = 1.055 * np.maximum(linear, 1e-8) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, high).astype(np.float32)
