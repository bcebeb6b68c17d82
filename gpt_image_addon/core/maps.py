"""Material maps from one picture: arrays in, arrays out.

Maps from a picture alone are estimates and say so; from a true height, normals and occlusion are exact.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import Convention, Plane, ambient_occlusion, blurred, encoded_normals, slopes
from .light import full_scale, illumination, log_luminance
from .map_kinds import BY_NAME, MAP_KINDS
from .material_words import MaterialGuess, guess_material
from .tiling import is_seamless

Map = NDArray[Any]  # uint8, or uint16 where asked for

ALL = tuple(kind.name for kind in MAP_KINDS)
TYPICAL_SLOPE = 0.35  # root mean square: what scanned materials have at about 1024 pixels
SCALES = (1.0, 4.0, 16.0)  # pixels, of the luminance bands that make up an estimated height


@dataclass(frozen=True)
class Strengths:
    """Factors on what the maps show; 1 is as estimated, 0 is flat."""

    normal: float = 1.0
    height: float = 1.0
    ao: float = 1.0
    roughness_contrast: float = 1.0


@dataclass(frozen=True)
class MapSet:
    """Material maps and what is to be known about them."""

    maps: dict[str, Map]
    """By kind; (H, W, 3) for colours and normals, (H, W) otherwise."""
    guess: MaterialGuess
    approximate: bool
    """Relief was estimated from the picture's brightness rather than known."""
    notes: tuple[str, ...]
    """Sentences for people."""


def make_maps(
    color: NDArray[np.uint8],
    *,
    kinds: Sequence[str] = ALL,
    description: str = "",
    height: Plane | None = None,
    wraps: bool | None = None,
    strengths: Strengths | None = None,
    convention: Convention = "OPENGL",
    bits16: Collection[str] = (),
) -> MapSet:
    """The maps named in `kinds` for `color`, an (H, W, 3 or 4) uint8 sRGB picture.

    `description` names the material, which decides roughness and metallic. `height`, (H, W) float32 in 0..1,
    is the true height where it is known. `wraps` says whether the picture tiles; None finds out. Kinds in
    `bits16` come as uint16. Opacity is made only where the picture has alpha.

    Raises ValueError for an unknown kind, or arrays of another shape or type.
    """
    _check(color, kinds, height)
    strengths = strengths or Strengths()
    wraps = is_seamless(color) if wraps is None else wraps
    guess = guess_material(description)
    light = log_luminance(color)
    light -= illumination(light, wraps)
    relief = height if height is not None else estimate_height(light, wraps)
    across, down = slopes(relief, 1.0, wraps)
    depth = _depth(across, down)
    maps: dict[str, Map] = {}
    for kind in kinds:
        wide = kind in bits16
        if kind == "base_color":
            maps[kind] = delighted(color, wraps)
        elif kind == "normal":
            maps[kind] = encoded_normals(across, down, depth * strengths.normal, convention, wide)
        elif kind == "height":
            maps[kind] = _encoded(0.5 + (relief - 0.5) * strengths.height, wide)
        elif kind == "ao":
            maps[kind] = _encoded(1 - (1 - ambient_occlusion(relief, depth, wraps)) * strengths.ao, wide)
        elif kind == "roughness":
            maps[kind] = _encoded(_roughness(light, guess, strengths.roughness_contrast), wide)
        elif kind == "metallic":
            maps[kind] = _encoded(np.full(light.shape, guess.metallic, np.float32), wide)
        elif color.shape[2] == 4:
            maps[kind] = color[..., 3].astype(np.uint16) * 257 if wide else color[..., 3].copy()
    return MapSet(maps, guess, height is None, _notes(guess, height is None))


def estimate_height(light: Plane, wraps: bool) -> Plane:
    """A height in 0..1 that explains a logarithmic luminance whose uneven light is removed: dark is deep."""
    out = np.zeros_like(light)
    finer = light
    for sigma in SCALES:
        coarser = blurred(light, sigma, wraps)
        band = finer - coarser
        out += band / max(float(band.std()), 1e-6) * sigma
        finer = coarser
    return _normalised(out)


def delighted(color: NDArray[np.uint8], wraps: bool) -> NDArray[np.uint8]:
    """`color` (RGB of it) with uneven light evened out."""
    gain = np.exp(-illumination(log_luminance(color), wraps) / 2.2)
    even: NDArray[np.uint8] = (color[..., :3] * gain[..., None] + 0.5).clip(0, 255).astype(np.uint8)
    return even


def _check(color: NDArray[Any], kinds: Sequence[str], height: NDArray[Any] | None) -> None:
    unknown = [kind for kind in kinds if kind not in BY_NAME]
    if unknown:
        raise ValueError(f"There is no map {unknown[0]!r}; there are {', '.join(BY_NAME)}.")
    if color.ndim != 3 or color.shape[2] not in (3, 4) or full_scale(color) != 255:
        raise ValueError(f"Maps are made from an 8-bit RGB or RGBA picture, not {color.shape} {color.dtype}.")
    if height is not None and height.shape != color.shape[:2]:
        raise ValueError(f"The height is {height.shape} pixels, but the picture is {color.shape[:2]}.")


def _depth(across: Plane, down: Plane) -> float:
    """Pixels that height 0..1 stands for, so that the surface is as steep as materials usually are."""
    slope = float(np.sqrt(np.mean(across**2) + np.mean(down**2)))
    return TYPICAL_SLOPE / slope if slope > 1e-6 else 0.0


def _normalised(plane: Plane) -> Plane:
    low, high = np.percentile(plane[::4, ::4], (0.5, 99.5))
    if high - low < 1e-6:
        return np.full_like(plane, 0.5)
    out: Plane = np.clip((plane - np.float32(low)) / np.float32(high - low), 0, 1)
    return out


def _roughness(light: Plane, guess: MaterialGuess, contrast: float) -> Plane:
    detail = light - light.mean()
    detail *= -0.5 * guess.roughness_range / max(2 * float(detail.std()), 1e-3) * contrast
    np.clip(detail, -0.1, 0.1, out=detail)
    detail += guess.roughness
    return detail


def _encoded(plane: Plane, wide: bool) -> Map:
    top = 65535 if wide else 255
    return (np.clip(plane, 0, 1) * top + 0.5).astype(np.uint16 if wide else np.uint8)


def _notes(guess: MaterialGuess, approximate: bool) -> tuple[str, ...]:
    notes = []
    if approximate:
        notes.append("Relief is estimated from the picture's brightness and approximate.")
    if not guess.known:
        notes.append(f"No material was recognised in the description: {guess.label} values were taken.")
    return tuple(notes)
