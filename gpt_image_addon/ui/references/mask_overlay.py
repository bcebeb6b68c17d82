"""An image and its mask over it in color, where an Image Editor shows the mask; live while it is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ...app import inpainting
from ..common import state
from . import mask_check

TINT = (0.95, 0.25, 0.1)  # sRGB, of what may change
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
TRIANGLES = ((0, 1, 2), (0, 2, 3))
VERTEX = """
void main()
{
  place = pos;
  gl_Position = ModelViewProjectionMatrix * vec4(pos, 0.0, 1.0);
}
"""
FRAGMENT = """
void main()
{
  vec4 color = texture(image, place);
  if (is_color) {
    vec3 low = color.rgb * 12.92;
    vec3 high = 1.055 * pow(max(color.rgb, vec3(0.0)), vec3(1.0 / 2.4)) - 0.055;
    color.rgb = mix(high, low, vec3(lessThanEqual(color.rgb, vec3(0.0031308))));
  }
  color.rgb += (1.0 - clamp(color.a, 0.0, 1.0)) * 0.2;
  /* A mask counts from half of white, which is 0.216 in linear light. */
  float share = 0.55 * smoothstep(0.19, 0.24, texture(mask, place).r);
  vec3 shown = mix(color.rgb, tint, share);
  if (srgbTarget) { /* The frame buffer encodes what it gets. */
    vec3 low = shown / 12.92;
    vec3 high = pow((shown + 0.055) / 1.055, vec3(2.4));
    shown = mix(high, low, vec3(lessThanEqual(shown, vec3(0.04045))));
  }
  fragColor = vec4(shown, 1.0);
}
"""


@dataclass
class Overlay:
    """What Blender holds for us."""

    handler: Any = None
    shader: Any = None
    batch: Any = None


def show() -> None:
    """Draw it from now on."""
    overlay = state.part(Overlay)
    if overlay.handler is None:
        add = bpy.types.SpaceImageEditor.draw_handler_add
        overlay.handler = add(_draw, (overlay,), "WINDOW", "POST_VIEW")


def remove() -> None:
    """Draw it no more."""
    overlay = state.part(Overlay)
    if overlay.handler is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(overlay.handler, "WINDOW")
        overlay.handler = None


def _draw(overlay: Overlay) -> None:
    mask = getattr(bpy.context.space_data, "image", None)
    image = inpainting.masked_image(mask)
    if image is None or not all(image.size):
        return
    mask_check.ask(mask)
    import gpu

    if overlay.shader is None:
        _compile(overlay)
    gpu.state.blend_set("NONE")
    overlay.shader.bind()
    overlay.shader.uniform_sampler("image", gpu.texture.from_image(image))
    overlay.shader.uniform_sampler("mask", gpu.texture.from_image(mask))
    overlay.shader.uniform_float("tint", TINT)
    overlay.shader.uniform_bool("is_color", not image.colorspace_settings.is_data)
    overlay.batch.draw(overlay.shader)


def _compile(overlay: Overlay) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    info = gpu.types.GPUShaderCreateInfo()
    passed = gpu.types.GPUStageInterfaceInfo("gpt_image_mask")
    passed.smooth("VEC2", "place")
    info.push_constant("MAT4", "ModelViewProjectionMatrix")
    info.push_constant("VEC3", "tint")
    info.push_constant("BOOL", "is_color")
    info.push_constant("BOOL", "srgbTarget")  # Blender sets it
    info.sampler(0, "FLOAT_2D", "image")
    info.sampler(1, "FLOAT_2D", "mask")
    info.vertex_in(0, "VEC2", "pos")
    info.vertex_out(passed)
    info.fragment_out(0, "VEC4", "fragColor")
    info.vertex_source(VERTEX)
    info.fragment_source(FRAGMENT)
    overlay.shader = gpu.shader.create_from_info(info)
    overlay.batch = batch_for_shader(overlay.shader, "TRIS", {"pos": CORNERS}, indices=TRIANGLES)
