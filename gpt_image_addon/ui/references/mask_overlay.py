"""An image and its mask over it in color, where an Image Editor shows the mask; live while it is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ...app import inpainting
from ..common import state
from . import image_shader, mask_check

TINT = (0.95, 0.25, 0.1)  # sRGB, of what may change
SAMPLERS = ("image", "mask")
CONSTANTS = {"tint": "VEC3", "is_color": "BOOL"}
MAIN = """
  vec3 color = seen(texture(image, place), is_color);
  /* A mask counts from half of white, which is 0.216 in linear light. */
  float share = 0.55 * smoothstep(0.19, 0.24, texture(mask, place).r);
  fragColor = on_screen(mix(color, tint, share));
"""


@dataclass
class Overlay:
    """What Blender holds for us."""

    handler: Any = None
    drawn: image_shader.Shader | None = None


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

    if overlay.drawn is None:
        overlay.drawn = image_shader.compile_shader("gpt_image_mask", SAMPLERS, CONSTANTS, MAIN)
    shader, batch = overlay.drawn
    gpu.state.blend_set("NONE")
    shader.bind()
    shader.uniform_sampler("image", gpu.texture.from_image(image))
    shader.uniform_sampler("mask", gpu.texture.from_image(mask))
    shader.uniform_float("tint", TINT)
    shader.uniform_bool("is_color", not image.colorspace_settings.is_data)
    batch.draw(shader)
