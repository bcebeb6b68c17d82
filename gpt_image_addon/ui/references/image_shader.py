"""Images drawn over an Image Editor, in the colors that it shows them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
TRIANGLES = ((0, 1, 2), (0, 2, 3))
VERTEX = """
void main()
{
  place = pos;
  gl_Position = ModelViewProjectionMatrix * vec4(pos, 0.0, 1.0);
}
"""
FUNCTIONS = """
vec3 seen(vec4 color, bool is_color)
{
  if (is_color) {
    vec3 low = color.rgb * 12.92;
    vec3 high = 1.055 * pow(max(color.rgb, vec3(0.0)), vec3(1.0 / 2.4)) - 0.055;
    color.rgb = mix(high, low, vec3(lessThanEqual(color.rgb, vec3(0.0031308))));
  }
  return color.rgb + (1.0 - clamp(color.a, 0.0, 1.0)) * 0.2;
}
vec4 on_screen(vec3 shown)
{
  if (srgbTarget) { /* The frame buffer encodes what it gets. */
    vec3 low = shown / 12.92;
    vec3 high = pow((shown + 0.055) / 1.055, vec3(2.4));
    shown = mix(high, low, vec3(lessThanEqual(shown, vec3(0.04045))));
  }
  return vec4(shown, 1.0);
}
"""


class Shader(NamedTuple):
    """What Blender holds for us."""

    shader: Any
    batch: Any
    """The square from 0 to 1, where an Image Editor shows its image."""


def compile_shader(name: str, samplers: tuple[str, ...], constants: Mapping[str, str], main: str) -> Shader:
    """A shader over the place of the image; a graphics context must be there.

    :param samplers: names of its images.
    :param constants: kinds of its other values by name.
    :param main: the body of its main function, which sets ``fragColor``; `FUNCTIONS` stand before it.
    """
    import gpu
    from gpu_extras.batch import batch_for_shader

    info = gpu.types.GPUShaderCreateInfo()
    passed = gpu.types.GPUStageInterfaceInfo(name)
    passed.smooth("VEC2", "place")
    info.push_constant("MAT4", "ModelViewProjectionMatrix")
    info.push_constant("BOOL", "srgbTarget")  # Blender sets it
    for constant, kind in constants.items():
        info.push_constant(kind, constant)
    for slot, sampler in enumerate(samplers):
        info.sampler(slot, "FLOAT_2D", sampler)
    info.vertex_in(0, "VEC2", "pos")
    info.vertex_out(passed)
    info.fragment_out(0, "VEC4", "fragColor")
    info.vertex_source(VERTEX)
    info.fragment_source(f"{FUNCTIONS}\nvoid main()\n{{\n{main}\n}}\n")
    shader = gpu.shader.create_from_info(info)
    return Shader(shader, batch_for_shader(shader, "TRIS", {"pos": CORNERS}, indices=TRIANGLES))
