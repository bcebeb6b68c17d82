"""Material maps from one image: arrays in, arrays out.

Maps from an image alone are estimates and say so; from a true height, normals and occlusion are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..raster.arrays import Plane, parallel_rows
from ..request.map_kinds import BY_NAME, MAP_KINDS
from ..request.sizes import SMALLEST
from ..text.message import message
from .lighting import flatten_lighting, full_scale, light_ramp, log_luminance, remove_occlusion, remove_ramp
from .material_guess import MaterialGuess, guess_material
from .relief import (
    Convention,
    ambient_occlusion,
    cut_out_height,
    estimate_height,
    normal_map,
    remove_steps,
    steepness,
)
from .tiling import is_seamless

Map = NDArray[Any]  # uint8, or uint16 where asked for

ALL = tuple(kind.name for kind in MAP_KINDS)
FUSED_TRUST = 0.5  # share of the usual slope for a guessed height: steeper would add error
SHADE = 0.8  # share of the shade in hollows that is taken out of the base color
SHADED_FROM = 0.3  # usual slope of a material below which less of it is taken: dark is rather its color
ESTIMATED_SHARE = 0.7  # the same for a height from the image alone
STEEPEST = 1.25  # slope of such a height for a logarithmic luminance whose own slope is 1
DETAIL = 0.1  # most that brightness changes roughness by


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
    """Relief was estimated from the image's brightness rather than known."""
    notes: tuple[str, ...]
    """Sentences for people."""
    depth: float
    """Pixels that height 0..1 stands for at normal strength 1: the scale of a bump or displacement."""


def make_maps(
    color: NDArray[np.uint8],
    *,
    kinds: Sequence[str] = ALL,
    description: str = "",
    height: Plane | None = None,
    exact: bool = True,
    depth: float | None = None,
    share: float | None = None,
    wraps: bool | None = None,
    is_cut_out: bool = False,
    strengths: Strengths | None = None,
    convention: Convention = "OPENGL",
    bits16: Collection[str] = (),
) -> MapSet:
    """The maps named in `kinds` for `color`, an (H, W, 3 or 4) uint8 sRGB image.

    `description` names the material, which decides roughness and metallic. `height`, (H, W) float32 in 0..1,
    is the true height where it is known; with `exact` False it is a good guess, as height_fusion makes.
    `depth` is how many pixels high 1 stands above 0, and then the height is without the steps of 8 bits;
    without it relief is as steep as the material usually is. `share` overrules both: it is the share of the
    image's width that 1 stands above 0.
    `wraps` says whether the image tiles, and then its light is even; None finds out. With `is_cut_out` the
    relief is that of what shows, and normals are flat where the image is transparent. Kinds in `bits16` come
    as uint16. Opacity is made only where the image has alpha.

    Raises ValueError for an unknown kind, or arrays of another shape or type.
    """
    _check(color, kinds, height)
    strengths = strengths or Strengths()
    guess = guess_material(description)
    light = log_luminance(color)
    ramp = (0.0, 0.0) if wraps else light_ramp(light)
    remove_ramp(light, ramp)
    even = flatten_lighting(color[..., :3], ramp)
    wraps = is_seamless(even) if wraps is None else wraps
    relief = estimate_height(light, wraps) if height is None else height
    measured = depth is not None
    alpha = color[..., 3] if is_cut_out and color.shape[2] == 4 else None
    if alpha is not None:
        relief = cut_out_height(relief, alpha)
    if share is not None:
        depth = share * light.shape[1]
    if depth is None:
        depth = _slope(guess, light, height is not None, exact) / max(steepness(relief), 1e-6)
    occluder = relief if height is None else remove_steps(relief, wraps)
    shade = SHADE * min(1, guess.slope / SHADED_FROM) if height is None else 0.0

    @cache
    def occlusion() -> Plane:
        return ambient_occlusion(occluder, depth, wraps)

    make: dict[str, Callable[[bool], Map]] = {
        "base_color": lambda wide: _widen(
            remove_occlusion(even, occlusion(), shade) if shade else even, wide
        ),
        "normal": lambda wide: normal_map(
            relief,
            depth * strengths.normal,
            wraps,
            convention=convention,
            wide=wide,
            fine=measured,
            alpha=alpha,
        ),
        "height": lambda wide: _encode(relief, strengths.height, 0.5 - 0.5 * strengths.height, wide),
        "roughness": lambda wide: _roughness(light, guess, strengths.roughness_contrast, wide),
        "ao": lambda wide: _encode(occlusion(), strengths.ao, 1 - strengths.ao, wide),
        "metallic": lambda wide: _constant(light.shape, guess.metallic, wide),
        "opacity": lambda wide: _widen(color[..., 3], wide),
    }
    made = {kind: make[kind](kind in bits16) for kind in kinds if kind != "opacity" or color.shape[2] == 4}
    approximate = height is None or not exact
    return MapSet(made, guess, approximate, _notes(guess, approximate), depth)


def _check(color: NDArray[Any], kinds: Sequence[str], height: NDArray[Any] | None) -> None:
    unknown = [kind for kind in kinds if kind not in BY_NAME]
    if unknown:
        raise ValueError(
            message(
                "There is no map {name}; there are {names}.", name=f"{unknown[0]!r}", names=", ".join(BY_NAME)
            )
        )
    if color.ndim != 3 or color.shape[2] not in (3, 4) or full_scale(color) != 255:
        raise ValueError(
            message(
                "Maps are made from an 8-bit RGB or RGBA image, not {shape} {type}.",
                shape=color.shape,
                type=color.dtype,
            )
        )
    if min(color.shape[:2]) < SMALLEST:
        raise ValueError(message("Maps need an image of at least {least} x {least} pixels.", least=SMALLEST))
    if height is not None and height.shape != color.shape[:2]:
        raise ValueError(
            message(
                "The height is {height_size} pixels, but the image is {size}.",
                height_size=height.shape,
                size=color.shape[:2],
            )
        )


def _slope(guess: MaterialGuess, light: Plane, known: bool, exact: bool) -> float:
    """Root mean square slope of the relief: as usual, less where the image is so even that it shows none."""
    if known:
        return guess.slope * (1 if exact else FUSED_TRUST)
    return min(guess.slope * ESTIMATED_SHARE, STEEPEST * steepness(light))


def _roughness(light: Plane, guess: MaterialGuess, contrast: float, wide: bool) -> Map:
    """The material's mean roughness, with the image's detail: what is darker is rougher."""
    sample = light[:: max(1, light.shape[0] // 256)]
    gain = -guess.roughness_range * contrast / max(4 * float(sample.std()), 0.05)
    reach = DETAIL * max(contrast, 0)
    middle = guess.roughness - gain * float(sample.mean())
    return _encode(light, gain, middle, wide, guess.roughness - reach, guess.roughness + reach)


def _encode(plane: Plane, gain: float, offset: float, wide: bool, low: float = 0.0, high: float = 1.0) -> Map:
    """gain · plane + offset, clipped to low..high within 0..1, as uint8 or uint16."""
    top = 65535 if wide else 255
    out = np.empty(plane.shape, np.uint16 if wide else np.uint8)

    def work(first: int, end: int) -> None:
        rows = plane[first:end] * np.float32(gain * top)
        rows += np.float32(offset * top + 0.5)
        np.clip(rows, max(low, 0) * top + 0.5, min(high, 1) * top + 0.5, out=rows)
        out[first:end] = rows

    parallel_rows(plane.shape, work)
    return out


def _constant(shape: tuple[int, ...], value: float, wide: bool) -> Map:
    return np.full(shape, round(value * (65535 if wide else 255)), np.uint16 if wide else np.uint8)


def _widen(pixels: NDArray[np.uint8], wide: bool) -> Map:
    return pixels.astype(np.uint16) * 257 if wide else np.ascontiguousarray(pixels)


def _notes(guess: MaterialGuess, approximate: bool) -> tuple[str, ...]:
    notes = []
    if approximate:
        notes.append("Relief is estimated rather than known: normal, height and occlusion are approximate.")
    if not guess.known:
        notes.append(
            message(
                "No material was recognised in the description: {material} values were taken.",
                material=guess.label,
            )
        )
    return tuple(notes)
