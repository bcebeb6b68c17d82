"""A mask as a tint on the object that it is painted on, in the 3D views; live while it is painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..common import state
from .sides_overlay import ABOVE

TINT = (0.95, 0.25, 0.1)  # sRGB, of what may be painted
VERTEX = f"""
void main()
{{
  place = uv;
  gl_Position = ModelViewProjectionMatrix * vec4(pos, 1.0);
  gl_Position.z -= {ABOVE} * gl_Position.w;
}}
"""
FRAGMENT = """
void main()
{
  fragColor = vec4(tint, 0.6 * texture(mask, place).r);
}
"""


@dataclass
class Surface:
    """What is drawn."""

    handler: Any = None
    object: str = ""
    mask: str = ""
    uv_map: str = ""
    look: Callable[[], object] | None = None
    drawn: Any = None
    """Shader and triangles, made when they are first drawn."""


def show(obj: bpy.types.Object, mask: bpy.types.Image, uv_map: str, look: Callable[[], object]) -> None:
    """Draw a mask on an object from now on.

    :param uv_map: its name.
    :param look: called whenever a 3D view is drawn.
    """
    hide()
    surface = state.part(Surface)
    surface.object, surface.mask, surface.uv_map, surface.look = obj.name, mask.name, uv_map, look
    add = bpy.types.SpaceView3D.draw_handler_add
    surface.handler = add(_draw, (surface,), "WINDOW", "POST_VIEW")


def hide() -> None:
    """Draw nothing any more."""
    surface = state.part(Surface)
    if surface.handler is not None:
        bpy.types.SpaceView3D.draw_handler_remove(surface.handler, "WINDOW")
        surface.handler, surface.drawn = None, None


def _draw(surface: Surface) -> None:
    if surface.look is not None:
        surface.look()
    obj, mask = bpy.data.objects.get(surface.object), bpy.data.images.get(surface.mask)
    if obj is None or mask is None or mask.source == "TILED" or not all(mask.size):
        return
    import gpu

    if surface.drawn is None:
        surface.drawn = _compile(obj, surface.uv_map)
    shader, batch = surface.drawn
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("LESS_EQUAL")
    try:
        with gpu.matrix.push_pop():
            gpu.matrix.multiply_matrix(obj.matrix_world)
            shader.bind()
            shader.uniform_sampler("mask", gpu.texture.from_image(mask))
            shader.uniform_float("tint", TINT)
            batch.draw(shader)
    finally:
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")


def _compile(obj: bpy.types.Object, uv_map: str) -> tuple[Any, Any]:
    """The shader, and the object's triangles as they are shown; a graphics context must be there."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    info = gpu.types.GPUShaderCreateInfo()
    passed = gpu.types.GPUStageInterfaceInfo("gpt_image_painted_mask")
    passed.smooth("VEC2", "place")
    info.push_constant("MAT4", "ModelViewProjectionMatrix")
    info.push_constant("VEC3", "tint")
    info.sampler(0, "FLOAT_2D", "mask")
    info.vertex_in(0, "VEC3", "pos")
    info.vertex_in(1, "VEC2", "uv")
    info.vertex_out(passed)
    info.fragment_out(0, "VEC4", "fragColor")
    info.vertex_source(VERTEX)
    info.fragment_source(FRAGMENT)
    shader = gpu.shader.create_from_info(info)
    return shader, batch_for_shader(shader, "TRIS", _list_corners(obj, uv_map))


def _list_corners(obj: bpy.types.Object, uv_map: str) -> dict[str, Any]:
    """Three corners of each triangle: (N, 3) in the object's space, and (N, 2) in the UV map."""
    shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = shown.to_mesh()
    try:
        mesh.calc_loop_triangles()
        count = len(mesh.loop_triangles) * 3
        vertices, loops = np.empty(count, np.int32), np.empty(count, np.int32)
        mesh.loop_triangles.foreach_get("vertices", vertices)
        mesh.loop_triangles.foreach_get("loops", loops)
        points = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", points)
        uvs = np.zeros(len(mesh.loops) * 2, np.float32)
        layer = mesh.uv_layers.get(uv_map)
        if layer is not None:
            layer.uv.foreach_get("vector", uvs)
        return {"pos": points.reshape(-1, 3)[vertices], "uv": uvs.reshape(-1, 2)[loops]}
    finally:
        shown.to_mesh_clear()
