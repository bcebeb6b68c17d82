"""A view: where points of the world lie in its image, and how near they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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

    @cached_property
    def to_pixels(self) -> Floats:
        """(4, 4), from the world to x w and y w in pixels from the upper left, w, and z of clip space."""
        width, height = self.size
        x, y, z, w = self.to_clip
        return np.stack(((x + w) * (width / 2), (w - y) * (height / 2), w, z))

    def homogeneous(self, points: Floats) -> Floats:
        """Pixels times w, w, and what `nearness` is made of.

        :param points: (…, 3) in the world.
        :returns: (…, 4) float64, see `to_pixels`.
        """
        matrix = self.to_pixels
        return np.asarray(points.astype(np.float64) @ matrix[:, :3].T + matrix[:, 3])

    def locate(self, pixel: NDArray[Any], nearness: Floats) -> NDArray[np.float32]:
        """Where in the world the middles of pixels lie.

        :param pixel: (N,), y width + x.
        :param nearness: (N,), as `nearness_planes` has it.
        :returns: (N, 4), x, y, z and 1.
        """
        matrix = self.to_pixels
        row = pixel // self.size[0]
        place = np.stack((pixel - row * self.size[0] + 0.5, row + 0.5))
        known = nearness.astype(np.float64)
        if self.is_orthographic:
            rows, wanted = [0, 1, 3], np.stack((*place, -known))
        else:
            w = 1 / known
            rows, wanted = [0, 1, 2], np.stack((*(place * w), w))
        points = np.linalg.solve(matrix[rows, :3], wanted - matrix[rows, 3:])
        return np.vstack((points, np.ones(len(pixel)))).T.astype(np.float32, order="C")

    def toward_eye(self, points: Floats) -> Floats:
        """Unit vectors from points to the camera; (…, 3)."""
        if self.is_orthographic:
            axis = self.matrix_world[:3, 2]
            return np.broadcast_to(axis / np.linalg.norm(axis), points.shape)
        away = self.matrix_world[:3, 3] - points
        return np.asarray(away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12))

    def measure_facing(self, corners: Floats, normals: Floats) -> Floats:
        """How triangles are turned to the camera; negative where their backs are seen.

        :param corners: (T, 3, 3) in the world.
        :param normals: (T, 3).
        :returns: (T,) float32: the cosine between normal and ray where rays are parallel, else the distance
            of the camera from the triangle's plane, which is that cosine times the length of the ray.
        """
        if self.is_orthographic:
            axis = self.matrix_world[:3, 2]
            return np.asarray(normals @ (axis / np.linalg.norm(axis)), np.float32)
        away = self.matrix_world[:3, 3] - corners[:, 0]
        return np.asarray(np.einsum("ti,ti->t", normals, away), np.float32)

    def nearness_planes(self, seen: Floats) -> tuple[Floats, Floats, Floats]:
        """How near triangles are at each pixel: linear on the image, larger is nearer.

        1/w where rays meet in the eye, else -z of clip space (Blinn, Hyperbolic Interpolation, 1992).

        :param seen: (4, 3, T): what `homogeneous` returns of the corners of triangles.
        :returns: a, b, c of a x + b y + c at pixel x, y; (T,) float64 each; zero for triangles seen edge-on.
        """
        x, y, w, z = seen
        wanted = -z if self.is_orthographic else np.ones_like(z)
        crosses = []
        for first, second in ((1, 2), (2, 0), (0, 1)):
            crosses.append(
                (
                    y[first] * w[second] - w[first] * y[second],
                    w[first] * x[second] - x[first] * w[second],
                    x[first] * y[second] - y[first] * x[second],
                )
            )
        det = x[0] * crosses[0][0] + y[0] * crosses[0][1] + w[0] * crosses[0][2]
        size = np.abs(seen[:3]).max(axis=(0, 1)) ** 3
        usable = np.abs(det) > 1e-12 * np.maximum(size, 1e-30)
        share = np.where(usable, 1 / np.where(usable, det, 1), 0)
        a, b, c = (
            share * (wanted[0] * crosses[0][i] + wanted[1] * crosses[1][i] + wanted[2] * crosses[2][i])
            for i in range(3)
        )
        return a, b, c
