"""Builds and renders a scene whose textures, plane and materials come from prompts. No key, no network.

Everything is made by `api.generate`, the line that also talks to OpenAI; only the provider differs.
"""

from __future__ import annotations

import argparse
import atexit
import math
import os
import sys
import tempfile
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpt_image_addon import api

RESOLUTION = (960, 540)
SAMPLES = 32  # with denoising; about half a minute on two cores


def main() -> int:
    """Leave ``demo.blend`` and ``demo.png`` in the output folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output-dir", type=Path, default=Path("out"))
    folder = parser.parse_args().output_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    # A demo leaves no trace in the user's own history.
    state = tempfile.TemporaryDirectory(prefix="gpt-image-demo-")
    os.environ["GPT_IMAGE_DATA_DIR"] = state.name
    atexit.register(state.cleanup)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    build_scene()
    set_up_camera()
    set_up_light()
    set_up_render(folder / "demo.png")
    blend = api.save_blend(folder / "demo.blend", overwrite=True)
    print(f"Rendering {folder / 'demo.png'} ...", flush=True)
    bpy.ops.render.render(write_still=True)
    api.close()
    print(f"Done: {blend} and {folder / 'demo.png'}")
    return 0


def build_scene() -> None:
    """A floor, a wall, three objects and a sign, each dressed by a prompt."""
    floor = add_plane("Floor", 9.0, (0, 0, 0), tiles=3)
    make("weathered oak planks", "texture", floor)
    wall = add_plane("Wall", 9.0, (0, 2.6, 4.5), (math.pi / 2, 0, 0), tiles=2)
    make("old red brick wall", "material", wall)
    make("cobblestone", "material", add_ball("Stone Ball", 0.85, (-1.75, 0.3, 0.85)))
    make("blue mosaic", "material", add_block("Mosaic Block", 1.15, (0.05, 0.55, 0.575)))
    make("glowing lava", "material", add_ball("Lava Ball", 0.62, (1.55, -0.15, 0.62)))
    sign = make("golden star", "plane", background="transparent", name="Star")
    plane = bpy.data.objects[sign.object]
    plane.scale = (1.25,) * 3
    plane.location = (0.35, 2.5, 2.35)
    plane.rotation_euler = (math.pi / 2, 0, 0)


def make(prompt: str, target: str, obj: bpy.types.Object | None = None, **parameters: str) -> api.Result:
    """One prompt, one result."""
    print(f"{target:9} {prompt}", flush=True)
    return api.generate(
        prompt, target=target, provider="offline", object_name=obj.name if obj else None, **parameters
    )


def add_plane(
    name: str,
    size: float,
    location: tuple[float, ...],
    rotation: tuple[float, ...] = (0, 0, 0),
    *,
    tiles: int,
) -> bpy.types.Object:
    """A square plane on which a texture repeats ``tiles`` times."""
    bpy.ops.mesh.primitive_plane_add(size=size, location=location, rotation=rotation)
    return dressed(name, tiles)


def add_ball(name: str, radius: float, location: tuple[float, ...]) -> bpy.types.Object:
    """A smooth sphere that stands on its texture's seam-free side."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=location, segments=96, ring_count=48)
    bpy.ops.object.shade_smooth()
    return dressed(name, 2)


def add_block(name: str, size: float, location: tuple[float, ...]) -> bpy.types.Object:
    """A block with rounded edges, turned a little."""
    bpy.ops.mesh.primitive_cube_add(size=size, location=location, rotation=(0, 0, 0.55))
    bevel = bpy.context.active_object.modifiers.new("Bevel", "BEVEL")
    bevel.width, bevel.segments = 0.06, 4
    bpy.ops.object.shade_smooth()
    return dressed(name, 2)


def dressed(name: str, tiles: int) -> bpy.types.Object:
    """Name the active object and let its texture repeat."""
    obj = bpy.context.active_object
    obj.name = name
    for corner in obj.data.uv_layers.active.uv:
        corner.vector = (corner.vector[0] * tiles, corner.vector[1] * tiles)
    return obj


def set_up_camera() -> None:
    """A camera at eye level, looking slightly down."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    camera.location = (0.25, -6.4, 2.15)
    camera.rotation_euler = (math.radians(82), 0, math.radians(2.2))
    camera.data.lens = 42
    bpy.context.scene.camera = camera


def set_up_light() -> None:
    """A warm lamp from the left, a cool one from the right, and a dim sky."""
    scene = bpy.context.scene
    for name, location, energy, color, size in (
        ("Key", (-3.6, -3.2, 4.6), 620, (1.0, 0.87, 0.72), 1.6),
        ("Fill", (4.2, -3.6, 3.0), 210, (0.68, 0.82, 1.0), 3.0),
    ):
        light = bpy.data.lights.new(name, "AREA")
        light.energy, light.color, light.size = energy, color, size
        lamp = bpy.data.objects.new(name, light)
        lamp.location = location
        scene.collection.objects.link(lamp)
        aim = lamp.constraints.new("TRACK_TO")
        aim.target = bpy.data.objects["Mosaic Block"]
    scene.world = bpy.data.worlds.new("World")
    if scene.world.node_tree is None:
        scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.06, 0.075, 0.1, 1)


def set_up_render(path: Path) -> None:
    """Cycles on the processor, which every machine has."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = True
    scene.render.resolution_x, scene.render.resolution_y = RESOLUTION
    scene.render.filepath = str(path)


if __name__ == "__main__":
    sys.exit(main())
