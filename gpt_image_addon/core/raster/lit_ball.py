"""A material on a ball under a lamp from the side: relief and gloss are seen, which color alone hides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import Plane

Pixels = NDArray[np.uint8]

LAMP = np.array([-0.66, 0.5, 0.56], np.float32)  # toward it; x to the right, y up, z to the viewer
AMBIENT, LAMP_STRENGTH = 0.16, 0.95
TURN = 0.5  # of the image from the ball's left edge to its right, and from its lower to its upper
PLAIN_REFLECTANCE = 0.04
SKY = 0.35  # what metals mirror where the lamp is not seen
BRIGHTEST = 8.0  # of a highlight, so that a smooth ball has no hard white spot


@dataclass(frozen=True)
class Maps:
    """What a material is made of; images of one size, tiling."""

    color: Pixels
    """(H, W, 3) sRGB."""
    normal: Pixels | None = None
    """(H, W, 3), OpenGL."""
    roughness: Pixels | None = None
    """(H, W); half rough without it."""
    metallic: Pixels | None = None
    """(H, W); none without it."""


def lit_ball(maps: Maps, side: int) -> Pixels:
    """(side, side, 4) sRGB with straight alpha, upper row first: 0 around the ball."""
    at = (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(at * 1.04, -at * 1.04)
    far = x * x + y * y
    z = np.sqrt(np.maximum(1 - far, 1e-4))
    across, up = np.arctan2(x, z) / np.pi, np.arcsin(np.clip(y, -1, 1)) / np.pi
    rows, columns = maps.color.shape[:2]
    scale = TURN * 2 * min(rows, columns)
    texel = (
        np.floor(rows / 2 - up * scale).astype(np.int64) % rows,
        np.floor(columns / 2 + across * scale).astype(np.int64) % columns,
    )
    surface = np.stack((x, y, z), -1)
    if maps.normal is not None:
        surface = _bent(surface, maps.normal[texel].astype(np.float32) / 127.5 - 1)
    rough = _value(maps.roughness, texel, 0.5)
    metal = _value(maps.metallic, texel, 0.0)[..., None]
    color = np.power(maps.color[texel].astype(np.float32) / 255, 2.2)
    light = AMBIENT + LAMP_STRENGTH * np.maximum(surface @ LAMP, 0)
    reflectance = PLAIN_REFLECTANCE + (color - PLAIN_REFLECTANCE) * metal
    shine = _highlight(surface, rough) * LAMP_STRENGTH * np.maximum(surface @ LAMP, 0)
    mirrored = SKY * (0.5 + 0.5 * surface[..., 1])
    shown = color * (1 - metal) * light[..., None] + reflectance * (shine + mirrored)[..., None]
    alpha = np.clip((1 - np.sqrt(far)) * side / 2 + 0.5, 0, 1)
    encoded = np.power(np.clip(shown, 0, 1), 1 / 2.2)
    return np.asarray(np.rint(np.dstack((encoded, alpha)) * 255), np.uint8)


def _bent(surface: NDArray[np.float32], bump: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit normals of a ball whose tangents lie east and north."""
    x, z = surface[..., 0], surface[..., 2]
    level = np.maximum(np.hypot(x, z), 1e-3)
    east = np.stack((z / level, np.zeros_like(x), -x / level), -1)
    north = np.cross(surface, east)
    bent = bump[..., :1] * east + bump[..., 1:2] * north + np.maximum(bump[..., 2:], 0.05) * surface
    out: NDArray[np.float32] = bent / np.linalg.norm(bent, axis=-1, keepdims=True)
    return out


def _highlight(surface: NDArray[np.float32], rough: Plane) -> Plane:
    """How the lamp is mirrored toward the viewer: GGX's distribution, without shadowing."""
    half = LAMP + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    facing = np.maximum(surface @ half, 0)
    spread = np.square(np.maximum(rough, 0.15)) ** 2
    peak = spread / np.square(facing * facing * (spread - 1) + 1) / 4
    return np.asarray(np.minimum(peak, BRIGHTEST), np.float32)


def _value(plane: Pixels | None, texel: tuple[NDArray[np.int64], ...], usual: float) -> Plane:
    if plane is None:
        return np.full(texel[0].shape, usual, np.float32)
    return plane[texel].astype(np.float32) / 255
