"""A view: where points of the world lie in its image, and how near they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


@dataclass(frozen=True)
class View:
    """What a camera sees."""

    name: str
    matrix_world: Floats
    """(4, 4), from the camera's space to that of the world; it looks along its -z."""
    projection: Floats
    """(4, 4), from the camera's space to OpenGL's clip space."""
    size: tuple[int, int]
    """Width and height of its image in pixels."""

    @property
    def is_orthographic(self) -> bool:
        """Whether rays are parallel."""
        return bool(abs(self.projection[3, 2]) < 1e-9)

    @property
    def to_clip(self) -> Floats:
        """(4, 4), from the world to clip space."""
        return np.asarray(self.projection @ np.linalg.inv(self.matrix_world))

    def homogeneous(self, points: Floats) -> Floats:
        """Pixels times w, w, and what `nearness` is made of.

        :param points: (…, 3) in the world.
        :returns: (…, 4) float64: x w and y w in pixels from the upper left, w, and z of clip space.
        """
        clip = points.astype(np.float64) @ self.to_clip[:, :3].T + self.to_clip[:, 3]
        width, height = self.size
        x, y, z, w = np.moveaxis(clip, -1, 0)
        return np.stack(((x + w) * (width / 2), (w - y) * (height / 2), w, z), axis=-1)

    def toward_eye(self, points: Floats) -> Floats:
        """Unit vectors from points to the camera; (…, 3)."""
        if self.is_orthographic:
            axis = self.matrix_world[:3, 2]
            return np.broadcast_to(axis / np.linalg.norm(axis), points.shape)
        away = self.matrix_world[:3, 3] - points
        return np.asarray(away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12))

    def nearness_planes(self, corners: Floats) -> Floats:
        """How near triangles are at each pixel: linear on the image, larger is nearer.

        1/w where rays meet in the eye, else -z of clip space (Blinn, Hyperbolic Interpolation, 1992).

        :param corners: (T, 3, 3) in the world.
        :returns: (T, 3) float64 a, b, c of a x + b y + c at pixel x, y; zero for triangles seen edge-on.
        """
        seen = self.homogeneous(corners)
        matrix = seen[..., :3]
        wanted = -seen[..., 3] if self.is_orthographic else np.ones(seen.shape[:-1])
        first, second, third = np.moveaxis(matrix, -2, 0)
        det = np.einsum("ti,ti->t", first, np.cross(second, third))
        size = np.abs(matrix).max(axis=(1, 2)) ** 3
        usable = np.abs(det) > 1e-12 * np.maximum(size, 1e-30)
        inverse = np.stack(
            (np.cross(second, third), np.cross(third, first), np.cross(first, second)), axis=-1
        )
        planes = np.einsum("tij,tj->ti", inverse, wanted) / np.where(usable, det, 1)[:, None]
        return np.where(usable[:, None], planes, 0.0)
