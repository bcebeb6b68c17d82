"""Renders panoramas of Blender's Sky Texture, whose sun and light are known, and what a world lights.

Needs bpy with Cycles; for tests and `evaluate_worlds`.
"""

from __future__ import annotations

from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def new_scene() -> bpy.types.Scene:
    """An empty file that Cycles renders."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    return scene


def render(scene: bpy.types.Scene, path: Path, width: int, height: int, samples: int) -> Floats:
    """What the scene's camera sees: (height, width, 3) linear."""
    scene.cycles.samples = samples
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGB"
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return read_exr(path)


def read_exr(path: Path) -> Floats:
    """(height, width, 3) as the file has it."""
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.is_data = True
        width, height = image.size
        flat = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(flat)
        return np.ascontiguousarray(flat.reshape(height, width, -1)[::-1, :, :3])
    finally:
        bpy.data.images.remove(image)


def look_around(scene: bpy.types.Scene) -> None:
    """A camera whose middle is at +Y and that sees everything."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type = "PANO"
    owner = camera.data if hasattr(camera.data, "panorama_type") else camera.data.cycles
    owner.panorama_type = "EQUIRECTANGULAR"
    camera.rotation_euler = (radians(90), 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera


def set_sky(scene: bpy.types.Scene, azimuth: float, elevation: float, *, disc: bool = True) -> Any:
    """The Sky Texture as the world; returns its node."""
    world = bpy.data.worlds.new("Sky")
    if world.node_tree is None:
        world.use_nodes = True
    scene.world = world
    tree = world.node_tree
    background = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBackground")
    sky = tree.nodes.new("ShaderNodeTexSky")
    kinds = sky.bl_rna.properties["sky_type"].enum_items
    sky.sky_type = "MULTIPLE_SCATTERING" if "MULTIPLE_SCATTERING" in kinds else "NISHITA"
    sky.sun_disc, sky.sun_intensity = disc, 1.0
    sky.sun_elevation, sky.sun_rotation = radians(elevation), radians(azimuth)
    tree.links.new(sky.outputs[0], background.inputs["Color"])
    return sky


def render_sky(
    folder: Path, azimuth: float, elevation: float, *, height: int = 256, samples: int = 16, disc: bool = True
) -> Floats:
    """(height, 2 height, 3) linear radiance of a clear sky; what is below the horizon is grey ground."""
    scene = new_scene()
    look_around(scene)
    set_sky(scene, azimuth, elevation, disc=disc)
    return render(scene, folder / f"sky-{azimuth}-{elevation}-{disc}.exr", 2 * height, height, samples)


def expose(radiance: Floats, key: float, *, filmic: bool = False) -> NDArray[np.uint8]:
    """An 8-bit image of it, as a camera or a model would show it.

    :param key: what the median of the sky becomes.
    :param filmic: bright parts are compressed rather than clipped.
    """
    sky = radiance[: len(radiance) // 2] @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    tried = np.linspace(0, 4, 4001, dtype=np.float32)
    wanted = float(np.interp(key, _compress(tried), tried)) if filmic else key
    linear = np.maximum(radiance, 0) * np.float32(wanted / np.median(sky))
    linear = _compress(linear) if filmic else linear
    low, high = linear * 12.92, 1.055 * np.maximum(linear, 1e-4) ** (1 / 2.4) - 0.055
    encoded = np.where(linear <= 0.0031308, low, high)
    return np.asarray(np.rint(np.clip(encoded, 0, 1) * 255), np.uint8)


def _compress(linear: Floats) -> Floats:
    """A filmic curve, as Narkowicz fitted it to ACES."""
    compressed = (linear * (2.51 * linear + 0.03)) / (linear * (2.43 * linear + 0.59) + 0.14)
    return np.asarray(compressed, np.float32)
