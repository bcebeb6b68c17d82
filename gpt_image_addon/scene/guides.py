"""Guide pictures from the scene's camera: how far things are, and which way they face. Main thread only.

Both are rendered by one flat material on everything, so that they need no compositor and look the same in
Blender 4.2 to 5.2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import bpy

from ..core.errors import SceneError
from . import compat
from .capture import render_scene
from .changes import Changes

Kind = Literal["depth", "normal"]
FLAT_SAMPLES = 4  # of Cycles: surfaces are flat, so only edges need more than one


def render_guide(path: Path, kind: Kind, *, width: int, height: int) -> Path:
    """Render a guide picture to a PNG; the user's scene and its settings stay.

    :param kind: ``depth``, bright where near and black where nothing is; or ``normal``, the colours of a
        tangent-space normal map in the camera's space.
    :param width: pixels, as `height`.
    :raises SceneError: there is no camera, or Blender can't render.
    """
    scene = bpy.context.scene
    if scene.camera is None:
        raise SceneError(f"The scene '{scene.name}' has no camera.", next_step="Add one first.")
    material = bpy.data.materials.new(f".{kind} guide")
    world = bpy.data.worlds.new(".black")
    try:
        _fill(material, kind, *_distances(scene))
        _blacken(world)

        def set_up(copy: bpy.types.Scene) -> None:
            copy.world = world
            copy.render.engine = "CYCLES"  # EEVEE ignores the override
            copy.cycles.samples, copy.cycles.use_denoising, copy.cycles.max_bounces = FLAT_SAMPLES, False, 0
            copy.view_settings.view_transform, copy.view_settings.look = "Raw", "None"
            for layer in copy.view_layers:
                layer.material_override = material

        return render_scene(path, width=width, height=height, set_up=set_up)
    finally:
        bpy.data.materials.remove(material)
        bpy.data.worlds.remove(world)


def _distances(scene: bpy.types.Scene) -> tuple[float, float]:
    """Nearest and farthest distance of what the camera may see, along its view."""
    from mathutils import Vector

    bpy.context.view_layer.update()  # or what a script has just moved still is where it was
    into_view = scene.camera.matrix_world.inverted()
    depths = [
        -(into_view @ obj.matrix_world @ Vector(corner)).z
        for obj in scene.objects
        if obj.type in ("MESH", "CURVE", "SURFACE", "FONT", "META") and not obj.hide_render
        for corner in obj.bound_box
    ]
    ahead = [depth for depth in depths if depth > scene.camera.data.clip_start]
    if not ahead:
        raise SceneError("The camera sees nothing that has a depth.")
    near = max(min(depths), scene.camera.data.clip_start)
    return near, max(max(ahead), near + 1e-3)


def _fill(material: bpy.types.Material, kind: Kind, near: float, far: float) -> None:
    with Changes() as changes:
        tree = compat.node_tree(material, changes)
    tree.nodes.clear()
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    source = _depth(tree, near, far) if kind == "depth" else _normal(tree)
    tree.links.new(source, emission.inputs["Color"])


def _depth(tree: Any, near: float, far: float) -> Any:
    camera = tree.nodes.new("ShaderNodeCameraData")
    ramp = tree.nodes.new("ShaderNodeMapRange")
    for name, value in (("From Min", near), ("From Max", far), ("To Min", 1.0), ("To Max", 0.1)):
        ramp.inputs[name].default_value = value
    tree.links.new(camera.outputs["View Z Depth"], ramp.inputs["Value"])
    return ramp.outputs["Result"]


def _normal(tree: Any) -> Any:
    """Camera space: x right, y up, z toward the viewer, each from -1..1 to 0..1."""
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    turn = tree.nodes.new("ShaderNodeVectorTransform")
    turn.vector_type, turn.convert_from, turn.convert_to = "NORMAL", "WORLD", "CAMERA"
    scale = tree.nodes.new("ShaderNodeVectorMath")
    scale.operation = "MULTIPLY_ADD"
    # The renderer's camera looks along +z.
    scale.inputs[1].default_value = (0.5, 0.5, -0.5)
    scale.inputs[2].default_value = (0.5, 0.5, 0.5)
    tree.links.new(geometry.outputs["Normal"], turn.inputs[0])
    tree.links.new(turn.outputs[0], scale.inputs[0])
    return scale.outputs[0]


def _blacken(world: bpy.types.World) -> None:
    if world.node_tree is None:
        world.use_nodes = True
    world.node_tree.nodes.clear()
