"""USD: a preview surface on a swatch of one square metre, as a text layer beside its textures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .texture_set import Texture, TextureSet

_INPUTS = {
    "base_color": ("diffuseColor", "color3f", "rgb", "sRGB"),
    "roughness": ("roughness", "float", "r", "raw"),
    "metallic": ("metallic", "float", "r", "raw"),
    "ao": ("occlusion", "float", "r", "raw"),
    "opacity": ("opacity", "float", "r", "raw"),
    "normal": ("normal", "normal3f", "rgb", "raw"),
    "height": ("displacement", "float", "r", "raw"),
}
"""By kind: the input of the preview surface, its type, the output of the image, and what its numbers are."""


def write(found: TextureSet) -> dict[str, bytes]:
    """The files of a material by their path below the folder that is exported to."""
    folder = found.name
    kinds = [
        kind for kind in found.kinds if kind != "height"
    ]  # it would move the surface; the normal shows it
    textures = found.write_maps({kind: f"{found.name}_{kind}.png" for kind in kinds})
    files = {f"{folder}/{texture.file}": texture.data for texture in textures.values()}
    files[f"{folder}/{folder}.usda"] = ("\n".join(_layer(found, textures)) + "\n").encode()
    return files


def _layer(found: TextureSet, textures: Mapping[str, Texture]) -> Iterator[str]:
    name = identifier(found.name)
    yield "#usda 1.0"
    yield "("
    yield f'    defaultPrim = "{name}"'
    yield "    metersPerUnit = 1"
    yield '    upAxis = "Y"'
    yield ")"
    yield ""
    yield f'def Xform "{name}"'
    yield "{"
    yield from _swatch(name)
    yield ""
    yield '    def Scope "Materials"'
    yield "    {"
    yield from _material(found, textures, name)
    yield "    }"
    yield "}"


def _swatch(name: str) -> Iterator[str]:
    yield '    def Mesh "Swatch" (prepend apiSchemas = ["MaterialBindingAPI"])'
    yield "    {"
    yield "        float3[] extent = [(-0.5, -0.5, 0), (0.5, 0.5, 0)]"
    yield "        int[] faceVertexCounts = [4]"
    yield "        int[] faceVertexIndices = [0, 1, 2, 3]"
    yield f"        rel material:binding = </{name}/Materials/{name}>"
    yield "        normal3f[] normals = [(0, 0, 1), (0, 0, 1), (0, 0, 1), (0, 0, 1)] ("
    yield '            interpolation = "vertex"'
    yield "        )"
    yield "        point3f[] points = [(-0.5, -0.5, 0), (0.5, -0.5, 0), (0.5, 0.5, 0), (-0.5, 0.5, 0)]"
    yield "        texCoord2f[] primvars:st = [(0, 0), (1, 0), (1, 1), (0, 1)] ("
    yield '            interpolation = "vertex"'
    yield "        )"
    yield '        uniform token subdivisionScheme = "none"'
    yield "    }"


def _material(found: TextureSet, textures: Mapping[str, Texture], name: str) -> Iterator[str]:
    path = f"/{name}/Materials/{name}"
    yield f'        def Material "{name}"'
    yield "        {"
    yield f"            token outputs:surface.connect = <{path}/Surface.outputs:surface>"
    yield ""
    yield '            def Shader "Surface"'
    yield "            {"
    yield '                uniform token info:id = "UsdPreviewSurface"'
    for kind in textures:
        target, type_, output, _ = _INPUTS[kind]
        yield f"                {type_} inputs:{target}.connect = <{path}/{kind}.outputs:{output}>"
    for kind in ("base_color", "roughness", "metallic"):
        if kind not in textures:
            target, type_, _, _ = _INPUTS[kind]
            yield f"                {type_} inputs:{target} = {_constant(found, kind)}"
    yield "                token outputs:surface"
    yield "            }"
    yield from _coordinates(found, path)
    for kind, texture in textures.items():
        yield from _image(kind, texture, path)
    yield "        }"


def _coordinates(found: TextureSet, path: str) -> Iterator[str]:
    u, v = found.material.repeats
    yield ""
    yield '            def Shader "Coordinates"'
    yield "            {"
    yield '                uniform token info:id = "UsdPrimvarReader_float2"'
    yield '                string inputs:varname = "st"'
    yield "                float2 outputs:result"
    yield "            }"
    yield ""
    yield '            def Shader "Repeated"'
    yield "            {"
    yield '                uniform token info:id = "UsdTransform2d"'
    yield f"                float2 inputs:in.connect = <{path}/Coordinates.outputs:result>"
    yield f"                float2 inputs:scale = ({u:.6g}, {v:.6g})"
    yield "                float2 outputs:result"
    yield "            }"


def _image(kind: str, texture: Texture, path: str) -> Iterator[str]:
    _, _, output, space = _INPUTS[kind]
    yield ""
    yield f'            def Shader "{kind}"'
    yield "            {"
    yield '                uniform token info:id = "UsdUVTexture"'
    yield f"                asset inputs:file = @./{texture.file}@"
    if texture.is_normal:
        yield "                float4 inputs:bias = (-1, -1, -1, 0)"
        yield "                float4 inputs:scale = (2, 2, 2, 1)"
    yield f'                token inputs:sourceColorSpace = "{space}"'
    yield f"                float2 inputs:st.connect = <{path}/Repeated.outputs:result>"
    yield '                token inputs:wrapS = "repeat"'
    yield '                token inputs:wrapT = "repeat"'
    yield f"                {'float3' if output == 'rgb' else 'float'} outputs:{output}"
    yield "            }"


def _constant(found: TextureSet, kind: str) -> str:
    value = found.constant(kind)
    return "({:.6g}, {:.6g}, {:.6g})".format(*value) if isinstance(value, tuple) else f"{value:.6g}"


def identifier(text: str) -> str:
    """A name as USD takes it in every version: letters of ASCII, digits and underscores."""
    return re.sub(r"^(?=\d)|\W", "_", text, flags=re.ASCII) or "_"
