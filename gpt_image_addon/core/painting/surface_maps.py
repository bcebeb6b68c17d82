"""Maps of a painted surface: normals and roughness from its colors, occlusion from its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..projection.depth import draw_depth
from ..projection.surface import Triangles
from ..projection.texels import NONE, TexelMap, list_texels, map_faces
from ..projection.viewpoints import spread_views
from ..projection.visibility import find_visible
from ..raster.push_pull import spread_into
from ..request.sizes import SMALLEST
from ..textures.material_maps import make_maps

OCCLUSION = "ao"
ESTIMATED = ("normal", "roughness")
"""Kinds that are made from the colors, and from what the prompt says of the material."""
DIRECTIONS = 32  # from which light comes, for occlusion
SIDE = 384  # pixels of what is drawn from each
OCCLUSION_SIZE = 1024  # texels a side from which on occlusion is found at reduced size
GRAZING = 90.0  # degrees from the normal up to which light counts

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SurfaceMaps:
    """The maps of one image."""

    maps: dict[str, NDArray[np.uint8]]
    """By kind; (height, width, 3) of normals, (height, width) of the others."""
    roughness: float
    """Mean of that map, from 0 to 1."""


def make_surface_maps(
    triangles: Triangles, images: Sequence[NDArray[np.uint8]], description: str
) -> list[SurfaceMaps]:
    """Maps of all images of a surface.

    Occlusion is the share of the light from all sides, by the cosine, that reaches a texel; the others are
    estimates, as those of a material from an image, along the axes of the UV map.

    :param images: (height, width, 3 or 4), by the number that owners have.
    :param description: names the material, see `guess_material`.
    """
    sizes = [(image.shape[1], image.shape[0]) for image in images]
    occlusion = measure_occlusion(triangles, sizes)
    made = []
    for owner, (image, size, open_share) in enumerate(zip(images, sizes, occlusion, strict=True)):
        owned = map_faces(triangles, owner, size).face != NONE
        maps = {OCCLUSION: np.rint(open_share * 255).astype(np.uint8)}
        if min(size) >= SMALLEST and owned.any():
            colors = _fill(image[..., :3], owned)
            found = make_maps(colors, kinds=ESTIMATED, description=description, wraps=False)
            maps = {**found.maps, **maps}
        levels = maps["roughness"][owned] if "roughness" in maps else np.full(1, 128, np.uint8)
        made.append(SurfaceMaps(maps, round(float(levels.mean()) / 255, 4)))
    return made


def measure_occlusion(triangles: Triangles, sizes: Sequence[tuple[int, int]]) -> list[Floats]:
    """Of each image (height, width), from 0 to 1: the share of the light from all sides that texels get.

    :param sizes: width and height of the images, by the number that owners have.
    """
    texels = [map_faces(triangles, owner, _reduce(size)) for owner, size in enumerate(sizes)]
    reached, sent = ([np.zeros(one.size[0] * one.size[1], np.float32) for one in texels] for _ in range(2))
    normals = triangles.normals
    for view in spread_views(triangles, DIRECTIONS, SIDE):
        depth = draw_depth(triangles.corners, view)
        facing = view.measure_facing(triangles.corners, normals)
        for one, lit, light in zip(texels, reached, sent, strict=True):
            for pixel, face in list_texels(one.face):
                triangle = one.faces.take(face)
                points = one.locate(pixel, face)
                lit[pixel] += find_visible(view, depth, facing, points, triangle, GRAZING).cosine
                light[pixel] += np.maximum(facing.take(triangle), 0)
    return [
        _enlarge(lit / np.maximum(light, 1e-6), one, size)
        for one, lit, light, size in zip(texels, reached, sent, sizes, strict=True)
    ]


def _reduce(size: tuple[int, int]) -> tuple[int, int]:
    factor = max(1.0, max(size) / OCCLUSION_SIZE)
    return max(1, round(size[0] / factor)), max(1, round(size[1] / factor))


def _enlarge(share: Floats, texels: TexelMap, size: tuple[int, int]) -> Floats:
    """(height, width) at the size of the image; texels without a face get the value of those near."""
    width, height = texels.size
    owned = texels.face != NONE
    if not owned.any():
        return np.ones(size[::-1], np.float32)
    levels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8).reshape(height, width, 1)
    plane = np.ascontiguousarray(_fill(levels, owned)[..., 0])
    if texels.size != size:
        plane = np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))
    return plane.astype(np.float32) / np.float32(255)


def _fill(image: NDArray[np.uint8], known: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The same with values for all pixels that are not known."""
    if known.all():
        return np.ascontiguousarray(image)
    out = np.array(image)
    out[~known] = np.clip(np.rint(spread_into(image, known, ~known)), 0, 255)
    return out
