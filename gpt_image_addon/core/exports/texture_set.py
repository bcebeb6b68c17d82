"""The maps of a material, read and adjusted once, and the texture files that an engine wants of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..imaging.decoding import narrowed
from ..imaging.pixels import read_image, resized
from ..imaging.png_writer import encode_png
from ..request.map_kinds import BY_NAME
from ..textures.channel_packing import LAYOUTS, pack

NEUTRAL_ROUGHNESS = 0.5
"""Of a material whose node says nothing else."""
COMPRESSION = 4  # of PNG: written once, and read by a program that makes its own of it

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Material:
    """A material as it is read from Blender."""

    name: str
    """Of its files, safe on every system."""
    maps: Mapping[str, bytes]
    """Encoded images by kind (see `map_kinds`); at least one."""
    constants: Mapping[str, float | tuple[float, float, float]] = field(default_factory=dict)
    """By kind, where there is no map: color in linear light, roughness, metallic."""
    repeats: tuple[float, float] = (1.0, 1.0)
    """Of the images over one unit of U and V."""
    strengths: Mapping[str, float] = field(default_factory=dict)
    """How strong ``normal`` and ``ao`` are (1 as the map says), how spread out ``roughness``."""
    roughness_mean: float = 0.5
    """Around which roughness is spread."""


@dataclass(frozen=True)
class Texture:
    """An image file of an engine."""

    file: str
    """Its name, in a folder that the engine's module chooses."""
    data: bytes
    role: str
    """A kind of map, or the name of a packing layout."""

    @property
    def is_color(self) -> bool:
        """Color as eyes see it, rather than numbers."""
        return self.role in BY_NAME and not BY_NAME[self.role].is_data

    @property
    def is_normal(self) -> bool:
        return self.role == "normal"


@dataclass(frozen=True)
class TextureSet:
    """A material with its maps decoded."""

    material: Material

    @property
    def name(self) -> str:
        return self.material.name

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Of the maps that are there, in the order of the table."""
        return tuple(kind for kind in BY_NAME if kind in self.material.maps)

    @cached_property
    def pixels(self) -> dict[str, Pixels]:
        """Each map as (H, W, 3) or, where it has one channel, (H, W); uint8 or uint16, strengths applied.

        :raises InvalidRequestError: a map is no image that can be worked on.
        """
        return {kind: self._adjust(kind, self._decode(kind)) for kind in self.kinds}

    def constant(self, kind: str) -> Any:
        """What counts where a map is missing."""
        neutral = {"base_color": (0.8, 0.8, 0.8), "roughness": NEUTRAL_ROUGHNESS, "metallic": 0.0}
        return self.material.constants.get(kind, neutral[kind])

    def value(self, kind: str) -> Any:
        """One value for a map, its mean, where a format takes no image; the constant where there is none."""
        if kind not in self.kinds or kind == "base_color":
            return self.constant(kind)
        pixels = self.pixels[kind]
        return float(pixels.mean() / np.iinfo(pixels.dtype).max)

    def has_any(self, *kinds: str) -> bool:
        """Whether a map of one of these kinds is there."""
        return any(kind in self.kinds for kind in kinds)

    def write_map(self, kind: str, file: str, *, flips_green: bool = False) -> Texture:
        """A map as a PNG file.

        :param flips_green: for engines in whose normal maps green is down.
        """
        pixels = self.pixels[kind]
        if kind == "base_color" and "opacity" in self.kinds:
            pixels = self._with_opacity(pixels)
        if flips_green:
            pixels = pixels.copy()
            pixels[..., 1] = np.iinfo(pixels.dtype).max - pixels[..., 1]
        return Texture(file, encode_png(pixels, compression=COMPRESSION), kind)

    def write_maps(self, files: Mapping[str, str]) -> dict[str, Texture]:
        """The maps that are there, by kind.

        :param files: names of their files by kind.
        """
        return {kind: self.write_map(kind, file) for kind, file in files.items() if kind in self.kinds}

    def write_packed(self, layout: str, file: str) -> Texture | None:
        """Occlusion, roughness and metallic in one PNG file; None where none of them is there.

        What has no map holds the material's constant.
        """
        wanted = [channel.kind for channel in LAYOUTS[layout].channels if channel.kind]
        planes = {kind: narrowed(self.pixels[kind]) for kind in wanted if kind in self.kinds}
        if not planes:
            return None
        height, width = max((plane.shape for plane in planes.values()), key=lambda shape: shape[0] * shape[1])
        planes = {kind: _at_size(plane, width, height) for kind, plane in planes.items()}
        for kind in ("roughness", "metallic"):
            if kind not in planes:
                planes[kind] = np.full((height, width), round(255 * self.constant(kind)), np.uint8)
        return Texture(file, encode_png(pack(planes, layout), compression=COMPRESSION), layout)

    def _decode(self, kind: str) -> Pixels:
        label = f"{self.name}: {BY_NAME[kind].label}"
        pixels = read_image(self.material.maps[kind], label, as_data=BY_NAME[kind].is_data).pixels
        if BY_NAME[kind].channels == 1:
            return np.ascontiguousarray(pixels[..., 0])
        return np.ascontiguousarray(pixels[..., :3]) if pixels.shape[2] > 2 else pixels[..., :1].repeat(3, 2)

    def _adjust(self, kind: str, pixels: Pixels) -> Pixels:
        """The map as the material's nodes show it."""
        strength = self.material.strengths.get(kind, 1.0)
        if strength == 1.0:
            return pixels
        top = np.iinfo(pixels.dtype).max
        values = pixels.astype(np.float32) / top
        if kind == "normal":
            values = _steepened(values, strength)
        elif kind == "roughness":
            values = self.material.roughness_mean + (values - self.material.roughness_mean) * strength
        elif kind == "ao":
            values = 1 + (values - 1) * strength
        return np.asarray(np.rint(np.clip(values, 0, 1) * top), pixels.dtype)

    def _with_opacity(self, color: Pixels) -> Pixels:
        opacity = narrowed(self.pixels["opacity"])
        return np.dstack([narrowed(color), _at_size(opacity, color.shape[1], color.shape[0])])


def derive_guid(engine: str, path: str) -> str:
    """32 hexadecimal digits that are the same whenever the same file is exported."""
    return hashlib.sha256(f"gpt-image/{engine}/{path}".encode()).hexdigest()[:32]


def _steepened(values: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Normals (H, W, 3) in 0..1 whose slopes are so many times as steep."""
    normals = values * 2 - 1
    normals[..., :2] *= strength
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    return np.asarray(normals / 2 + 0.5, np.float32)


def _at_size(plane: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if plane.shape == (height, width):
        return plane
    return np.asarray(resized(plane[..., None], (width, height), wraps=True)[..., 0], np.uint8)
