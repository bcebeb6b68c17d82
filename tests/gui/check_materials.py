"""What EEVEE shows of a material: relief by normal map, bump and true displacement, occlusion, and strengths.

``.ci/blender-in-chroot.sh --window sid --factory-startup --python tests/gui/check_materials.py``

In background Linux has no graphics context for EEVEE; a window has one. The renders lie in build/gui.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from harness import Steps, run  # noqa: E402 - found through the path set above

from gpt_image_addon.core.imaging.png_writer import encode_png  # noqa: E402 - a full Blender has no Pillow
from gpt_image_addon.core.request.request import Application  # noqa: E402
from gpt_image_addon.core.results.store import ImageFile, PreparedResult  # noqa: E402
from gpt_image_addon.scene import compat  # noqa: E402
from gpt_image_addon.scene.targets.registry import apply  # noqa: E402

OUT = Path("build/gui")
SIDE, RENDERED = 128, 96  # pixels
STUDS, DEPTH = 4, 0.04  # a side; height of the relief as a share of the image's width
SAMPLES = 4
PATIENCE = 280.0  # seconds: EEVEE compiles its shaders, and software GL takes its time
STRENGTHS = {"none": "Normal Strength", "bump": "Height (m)", "true": "Height (m)"}


def relief() -> Any:
    """(SIDE, SIDE) in 0..1: round studs on a plain."""
    at = (np.arange(SIDE) * STUDS / SIDE) % 1 - 0.5
    away = np.hypot(*np.meshgrid(at, at))
    return np.clip(3 - 8 * away, 0, 1)


def maps() -> dict[str, ImageFile]:
    """All that a material shows, made with numpy alone."""
    height = relief()
    down, across = (slope * SIDE * DEPTH for slope in np.gradient(height))
    normal = np.stack([-across, down, np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    pixels = {
        "base_color": np.full((SIDE, SIDE, 3), (170, 110, 80), np.uint8),
        "normal": (normal * 127.5 + 128).astype(np.uint8),
        "height": (height * 255).astype(np.uint8),
        "roughness": np.full((SIDE, SIDE), 150, np.uint8),
        "ao": np.where(height > 0.1, 255, 110).astype(np.uint8),
    }
    facts: dict[str, dict[str, float]] = {"height": {"relief": DEPTH}, "roughness": {"mean": 150 / 255}}
    return {kind: image_file(kind, found, facts.get(kind, {})) for kind, found in pixels.items()}


def image_file(kind: str, pixels: Any, facts: dict[str, float]) -> ImageFile:
    data = encode_png(pixels)
    path = Path(tempfile.mkdtemp()) / f"{kind}.png"
    path.write_bytes(data)
    return ImageFile(f"Studs_{kind}", data, str(path), "png", SIDE, SIDE, facts=facts)


def studio() -> Any:
    """A fine plane from above under a low sun; nothing else."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    steps = np.linspace(-1, 1, SIDE + 1)
    corners = np.stack([*np.meshgrid(steps, steps), np.zeros((SIDE + 1, SIDE + 1))], -1).reshape(-1, 3)
    first = (np.arange(SIDE)[:, None] * (SIDE + 1) + np.arange(SIDE)).reshape(-1, 1)
    mesh = bpy.data.meshes.new("Plane")
    mesh.from_pydata(corners.tolist(), [], (first + np.array([0, 1, SIDE + 2, SIDE + 1])).tolist())
    uv = mesh.uv_layers.new()
    loops = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", loops)
    uv.data.foreach_set("uv", ((corners[loops, :2] + 1) / 2).ravel())
    plane = bpy.data.objects.new("Plane", mesh)
    camera = bpy.data.cameras.new("Camera")
    camera.type, camera.ortho_scale = "ORTHO", 2
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy = 3.0
    for obj, location, rotation in (
        (plane, (0, 0, 0), (0, 0, 0)),
        (bpy.data.objects.new("Camera", camera), (0, 0, 3), (0, 0, 0)),
        (bpy.data.objects.new("Sun", sun), (0, 0, 3), (0, -1.0, 0)),
    ):
        obj.location, obj.rotation_euler = location, rotation
        bpy.context.scene.collection.objects.link(obj)
    bpy.context.scene.camera = bpy.data.objects["Camera"]
    return plane


def rendered(name: str) -> Any:
    """Brightness (RENDERED, RENDERED) of what EEVEE shows, 0..1, its top row first."""
    scene = bpy.context.scene
    scene.render.engine = compat.eevee()
    scene.eevee.taa_render_samples = SAMPLES
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = RENDERED
    path = (OUT / f"eevee_{name}.png").resolve()
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.array(image.pixels[:]).reshape(RENDERED, RENDERED, 4)[::-1, :, :3].mean(-1)
    bpy.data.images.remove(image)
    return pixels


def value(material: bpy.types.Material, label: str) -> Any:
    return next(n for n in material.node_tree.nodes if n.label == label).outputs[0]


def lit_side(shown: Any) -> float:
    """How much brighter studs are toward the sun, which stands at the left, than away from it."""
    stud = RENDERED // STUDS
    parts = shown.reshape(STUDS, stud, STUDS, stud).mean((0, 2))[stud // 3 : -stud // 3]
    return float(parts[:, stud // 12 : stud // 2].mean() - parts[:, stud // 2 : -stud // 12].mean())


def script() -> Steps:
    OUT.mkdir(parents=True, exist_ok=True)
    plane = studio()
    yield
    made = PreparedResult("job", (maps()["base_color"],), maps())
    for displacement, label in STRENGTHS.items():
        apply(made, Application(target="material", object_name=plane.name, displacement=displacement))
        material = plane.material_slots[0].material
        strength = value(material, label)
        yield
        shown = lit_side(rendered(displacement))
        usual, strength.default_value = strength.default_value, 0.0
        flat = lit_side(rendered(f"{displacement}_flat"))
        strength.default_value = usual
        print(f"{displacement}: lit side {shown:.3f}, at strength 0 {flat:.3f}", flush=True)
        assert shown > 0.02, displacement
        assert abs(flat) < shown / 4, displacement  # the roundness that is left is that of the pixels
        yield
    amount = value(plane.material_slots[0].material, "AO Amount")
    dark = []
    for amount.default_value in (0.0, 0.5, 1.0):
        dark.append(float(rendered(f"ao_{amount.default_value:g}").mean()))
        yield
    print("occlusion:", dark, flush=True)
    assert dark[0] > dark[1] + 0.005 > dark[2] + 0.01


run(script(), PATIENCE)
