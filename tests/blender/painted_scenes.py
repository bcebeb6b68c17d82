"""Scenes whose objects are painted, and answers that are functions of the guide that came."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from numpy.typing import NDArray
from PIL import Image

Colors = NDArray[Any]
WELL, HIDDEN = 1, 2
EDGE = 12  # pixels of an image 1152 wide: what is nearer to a jump of depth is not judged
Edit = Callable[[bytes, bytes | None], Image.Image]


def camera(
    location: tuple[float, float, float], target: tuple[float, float, float] = (0, 0, 0), **lens: Any
) -> Any:
    """The scene's camera, aimed at a point."""
    obj = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    obj.location = location
    obj.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    for name, value in lens.items():
        setattr(obj.data, name, value)
    scene = bpy.context.scene
    scene.collection.objects.link(obj)
    scene.camera = obj
    scene.render.resolution_x, scene.render.resolution_y = 1200, 900
    bpy.context.view_layer.update()
    return obj


def suzanne(**place: Any) -> Any:
    """Suzanne, smooth, with UVs that do not overlap."""
    bpy.ops.mesh.primitive_monkey_add(**place)
    obj = bpy.context.object
    obj.name = "Suzanne"
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    obj.modifiers.new("Subdivision", "SUBSURF").levels = 2
    return obj


def wave(x: Colors, y: Colors) -> Colors:
    """A smooth image, by place from 0 to 1: (…, 3) from 40 to 215."""
    waves = (np.sin(7 * x + 2 * y), np.cos(6 * y - 3 * x), np.sin(5 * (x + y)))
    return np.stack([127.5 + 87 * wave for wave in waves], axis=-1)


def outline(guide: Colors) -> NDArray[np.bool_]:
    """Where a guide shows an object: what differs from its corners."""
    away: NDArray[np.bool_] = np.abs(guide.astype(int) - guide[0, 0].astype(int)).max(axis=-1) > 12
    return away


def painted(change: Callable[[Colors, NDArray[np.bool_]], Colors] | None = None) -> Edit:
    """Answers with the wave inside of the outline of the guide, in front of the guide's background."""

    def edit(first: bytes, mask: bytes | None) -> Image.Image:
        guide = np.asarray(Image.open(io.BytesIO(first)).convert("RGB"))
        height, width = guide.shape[:2]
        y, x = (np.mgrid[:height, :width] + 0.5) / np.array([height, width])[:, None, None]
        out = np.where(outline(guide)[..., None], wave(x, y), guide)
        out = out if change is None else change(out, outline(guide))
        return Image.fromarray(np.clip(np.rint(out), 0, 255).astype(np.uint8))

    return edit


def seen_samples(
    obj: Any, camera: Any, count: int = 3000, flattest: float = 60.0
) -> tuple[Colors, Colors, Colors]:
    """Points of an object, as Blender's own rays see them from a camera.

    :param flattest: degrees between ray and normal up to which a point is well seen.
    :returns: UV (N, 2), place in the image (N, 2) from 0 to 1 from its upper left, and for each point
        `WELL` seen, and not at an edge; `HIDDEN`; or neither.
    """
    scene, layer = bpy.context.scene, bpy.context.view_layer
    layer.update()
    depsgraph = layer.depsgraph
    shown = obj.evaluated_get(depsgraph)
    mesh = shown.to_mesh()
    mesh.calc_loop_triangles()
    dice = np.random.default_rng(3)
    areas = np.array([triangle.area for triangle in mesh.loop_triangles])
    uv_layer = next((one for one in mesh.uv_layers if one.active_render), mesh.uv_layers[0])
    matrix, eye = shown.matrix_world, camera.matrix_world.translation
    rays = _Rays(scene, depsgraph, camera)
    uvs, places, kinds = [], [], []
    for index in dice.choice(len(areas), count, p=areas / areas.sum()):
        triangle = mesh.loop_triangles[int(index)]
        weights = dice.dirichlet((1.5, 1.5, 1.5))
        corners = zip(triangle.vertices, triangle.loops, weights, strict=True)
        point, uv = Vector(), Vector((0, 0))
        for vertex, loop, weight in corners:
            point += mesh.vertices[vertex].co * weight
            uv += uv_layer.uv[loop].vector * weight
        world = matrix @ point
        normal = (matrix.to_3x3().inverted().transposed() @ triangle.normal).normalized()
        toward = (eye - world).normalized()
        place = world_to_camera_view(scene, camera, world)
        distance = rays.distance(place.x, place.y)
        kinds.append(_kind(rays, place, distance, (eye - world).length, normal.dot(toward), flattest))
        uvs.append(uv)
        places.append((place.x, 1 - place.y))
    shown.to_mesh_clear()
    return np.array(uvs), np.array(places), np.array(kinds)


def _kind(rays: Any, place: Any, found: float, wanted: float, cosine: float, flattest: float) -> int:
    if not (0 < place.x < 1 and 0 < place.y < 1):
        return 0
    if found < wanted * 0.99:
        return HIDDEN
    if cosine < np.cos(np.radians(flattest)) or abs(found - wanted) > 1e-3 * wanted:
        return 0
    whole, half = EDGE / 1152, EDGE / 2304
    for dx, dy in ((whole, 0), (0, whole), (half, 0), (0, half), (half, half), (half, -half)):
        ends = rays.distance(place.x + dx, place.y + dy), rays.distance(place.x - dx, place.y - dy)
        if not np.isfinite(sum(ends)) or abs(sum(ends) - 2 * found) > 0.01 * found:
            return 0
    return WELL


class _Rays:
    """Blender's own rays through places of a perspective camera's image."""

    def __init__(self, scene: Any, depsgraph: Any, camera: Any) -> None:
        self._scene, self._depsgraph = scene, depsgraph
        self._matrix, self._eye = camera.matrix_world, camera.matrix_world.translation
        self._frame = camera.data.view_frame(scene=scene)  # upper right, lower right, lower left, upper left

    def distance(self, x: float, y: float) -> float:
        """From the eye to what is seen at a place, 0 to 1 from the lower left."""
        upper_right, _, lower_left, upper_left = self._frame
        local = lower_left + (upper_right - upper_left) * x + (upper_left - lower_left) * y
        ray = (self._matrix @ local - self._eye).normalized()
        hit, place, *_ = self._scene.ray_cast(self._depsgraph, self._eye, ray)
        return float((place - self._eye).length) if hit else float("inf")


def pixels_of(image: Any) -> Colors:
    """(height, width, 3) of a data-block from 0 to 255, top row first."""
    width, height = image.size
    flat = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(height, width, -1)[::-1, :, :3] * 255


def sampled(pixels: Colors, uv: Colors) -> Colors:
    """Bilinear values of an image at UVs."""
    height, width = pixels.shape[:2]
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    dx, dy = (x - left)[:, None], (y - top)[:, None]

    def at(row: Colors, column: Colors) -> Colors:
        return pixels[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]

    upper = at(top, left) * (1 - dx) + at(top, left + 1) * dx
    lower = at(top + 1, left) * (1 - dx) + at(top + 1, left + 1) * dx
    return upper * (1 - dy) + lower * dy


def decibels(first: Colors, second: Colors) -> float:
    """Peak signal to noise ratio of 8 bits."""
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((first - second) ** 2))))


def table() -> list[Any]:
    """A table of five parts, joined to nothing: a top, and legs behind each other."""
    parts = []
    for name, size, place in (
        ("Top", (1.6, 1.0, 0.08), (0, 0, 0.8)),
        *(
            (f"Leg {number}", (0.12, 0.12, 0.76), (x, y, 0.38))
            for number, (x, y) in enumerate(((-0.7, -0.4), (0.7, -0.4), (-0.7, 0.4), (0.7, 0.4)), 1)
        ),
    ):
        bpy.ops.mesh.primitive_cube_add(size=1, location=place, scale=size)
        bpy.context.object.name = name
        parts.append(bpy.context.object)
    return parts


def textured(obj: Any, name: str = "Paint", size: tuple[int, int] = (512, 512), pixels: Any = None) -> Any:
    """Give an object a material whose base color is an image, noise without pixels; returns the image."""
    dice = np.random.default_rng(9)
    values = dice.integers(0, 256, (size[1], size[0], 3), np.uint8) if pixels is None else pixels
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "png")
    image = bpy.data.images.new(name, 8, 8)
    image.pack(data=buffer.getvalue(), data_len=len(buffer.getvalue()))
    image.source = "FILE"
    wear(obj, image)
    return image


def wear(obj: Any, image: Any, name: str = "Painted") -> None:
    """Give an object a material of its own that shows an image."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    shader = next(one for one in tree.nodes if one.bl_idname == "ShaderNodeBsdfPrincipled")
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    obj.data.materials.clear()
    obj.data.materials.append(material)
