"""Triangles that hide each other and carry texels, and where in the world their texels are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scan import list_fragments

NO_OWNER = -1


@dataclass(frozen=True)
class Triangles:
    """All faces of a scene."""

    corners: NDArray[np.float32]
    """(T, 3, 3), in the world."""
    uvs: NDArray[np.float32]
    """(T, 3, 2), from 0 to 1 in the owner's image, from its lower left."""
    owner: NDArray[np.int32]
    """(T,), the image; `NO_OWNER` where a face only hides others."""
    allowed: NDArray[np.bool_]
    """(T,), whether it may be painted."""
    shown: NDArray[np.bool_]
    """(T,), whether guides show it: it belongs to an object that is painted."""
    masks: tuple[NDArray[np.uint8], ...] = ()
    """(height, width) of each image: how much of a texel may be painted, up to 255; none where all may."""

    @property
    def normals(self) -> NDArray[Any]:
        """(T, 3) float64 unit vectors; zero where a triangle has no area."""
        first, second, third = np.moveaxis(self.corners.astype(np.float64), 1, 0)
        normals = np.cross(second - first, third - first)
        return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30))


def locate_corners(uvs: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float64]:
    """UVs as pixels of an image from its upper left; (T, 3, 2)."""
    width, height = size
    return np.stack((uvs[..., 0] * width, (1.0 - uvs[..., 1].astype(np.float64)) * height), axis=-1)


def map_texels(corners: NDArray[Any], texels: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The affine map from an image to the world, for each triangle.

    :param corners: (T, 3, 3) in the world.
    :param texels: (T, 3, 2), the same corners in pixels.
    :returns: (T, 3, 2) world units a pixel, and (T, 3) the world at pixel 0, 0; not a number where a triangle
        has no area in the image.
    """
    base = corners.astype(np.float64)
    edges = base[:, 1:] - base[:, :1]
    across = texels[:, 1:] - texels[:, :1]
    det = across[:, 0, 0] * across[:, 1, 1] - across[:, 0, 1] * across[:, 1, 0]
    inverse = np.empty((len(det), 2, 2))
    inverse[:, 0, 0], inverse[:, 0, 1] = across[:, 1, 1], -across[:, 0, 1]
    inverse[:, 1, 0], inverse[:, 1, 1] = -across[:, 1, 0], across[:, 0, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse /= np.where(np.abs(det) > 1e-12, det, np.nan)[:, None, None]
    slopes = np.einsum("tij,tik->tkj", inverse.transpose(0, 2, 1), edges)
    return slopes, base[:, 0] - np.einsum("tkj,tj->tk", slopes, texels[:, 0])


def look_at(masks: Sequence[NDArray[np.uint8]], owner: NDArray[Any], uvs: NDArray[Any]) -> NDArray[np.uint8]:
    """What masks of images say at places.

    :param masks: (height, width), by the number that owners have.
    :param owner: (N,).
    :param uvs: (N, 2).
    """
    found = np.zeros(len(owner), np.uint8)
    for number, mask in enumerate(masks):
        here = np.flatnonzero(owner == number)
        height, width = mask.shape
        column = np.clip((uvs[here, 0] * width).astype(np.int64), 0, width - 1)
        row = np.clip(((1 - uvs[here, 1]) * height).astype(np.int64), 0, height - 1)
        found[here] = mask[row, column]
    return found


def restrict(triangles: Triangles, masks: Sequence[NDArray[np.uint8]]) -> Triangles:
    """Triangles of which only what masks show may be painted, and only those that have some of it.

    :param masks: (height, width) of each image, by the number that owners have.
    """
    touched = np.zeros(len(triangles.owner), bool)
    for number, mask in enumerate(masks):
        mine = np.flatnonzero((triangles.owner == number) & triangles.allowed)
        size = (mask.shape[1], mask.shape[0])
        flat = mask.reshape(-1)
        for pixel, triangle in list_fragments(locate_corners(triangles.uvs[mine], size), size):
            touched[mine[triangle[flat[pixel] > 0]]] = True
    middles = look_at(masks, triangles.owner, triangles.uvs.mean(axis=1))  # of those smaller than a texel
    return dataclasses.replace(
        triangles, allowed=triangles.allowed & (touched | (middles > 0)), masks=tuple(masks)
    )
