"""Renders the image of docs/worlds.md: a draft as a world, as its sun was found and as it was said to be."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gpt_image_addon
from gpt_image_addon import api
from tools.sky_truth import new_scene

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "worlds"
HIGH, GAP = 300, 6  # pixels
QUALITY = 82
SAMPLES = 48
LENS = 28.0  # mm
PROMPT = "a clear morning over rolling hills"
LOW = {"sun_azimuth": 60.0, "sun_elevation": 8.0}


def main() -> None:
    """Leave `lit.jpg`."""
    IMAGES.mkdir(exist_ok=True)
    gpt_image_addon.register()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GPT_IMAGE_DATA_DIR"] = folder
        images = [image.resize((image.width * HIGH // image.height, HIGH)) for image in _make(Path(folder))]
        sheet = Image.new("RGB", (sum(image.width + GAP for image in images) - GAP, HIGH), "white")
        left = 0
        for image in images:
            sheet.paste(image, (left, 0))
            left += image.width + GAP
        sheet.save(IMAGES / "lit.jpg", quality=QUALITY, optimize=True)
        api.close()
    gpt_image_addon.unregister()


def _make(folder: Path) -> Iterator[Image.Image]:
    scene = _build()
    made = api.generate(PROMPT, target="world", provider="offline")
    yield _render(scene, folder / "found.png")
    api.relight(made.job, **LOW).finish_waiting()
    yield _render(scene, folder / "low.png")
    yield Image.open(made.images[0].file).convert("RGB")


def _build() -> bpy.types.Scene:
    """A monkey and a mirror ball on a floor."""
    scene = new_scene()
    scene.cycles.use_denoising = True
    bpy.ops.mesh.primitive_plane_add(size=60)
    _paint((0.45, 0.42, 0.38, 1.0), 0.9, 0.0)
    bpy.ops.mesh.primitive_monkey_add(size=2, location=(-1.1, 0, 0), rotation=(-0.6, 0, -0.3))
    bpy.ops.object.shade_smooth()
    bpy.context.view_layer.update()
    monkey = bpy.context.active_object
    monkey.location.z -= min((monkey.matrix_world @ vertex.co).z for vertex in monkey.data.vertices)
    _paint((0.7, 0.7, 0.7, 1.0), 0.5, 0.0)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.9, segments=64, ring_count=32, location=(1.3, 0.3, 0.9))
    bpy.ops.object.shade_smooth()
    _paint((0.9, 0.9, 0.9, 1.0), 0.05, 1.0)
    bpy.ops.object.camera_add(location=(0, -6, 1.9), rotation=(1.46, 0, 0))
    scene.camera = bpy.context.active_object
    scene.camera.data.lens = LENS
    return scene


def _paint(color: tuple[float, ...], roughness: float, metallic: float) -> None:
    material = bpy.data.materials.new("Plain")
    if material.node_tree is None:
        material.use_nodes = True
    inputs: Any = material.node_tree.nodes["Principled BSDF"].inputs
    inputs["Base Color"].default_value = color
    inputs["Roughness"].default_value, inputs["Metallic"].default_value = roughness, metallic
    bpy.context.active_object.data.materials.append(material)


def _render(scene: bpy.types.Scene, path: Path) -> Image.Image:
    scene.cycles.samples = SAMPLES
    scene.render.resolution_x, scene.render.resolution_y = 2 * HIGH, 2 * HIGH
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.exposure = -1.0
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return Image.open(path).convert("RGB")


if __name__ == "__main__":
    main()
