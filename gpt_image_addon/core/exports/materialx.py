"""MaterialX: a standard surface as one document beside its textures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from .texture_set import Texture, TextureSet

_INPUTS = {
    "base_color": ("base_color", "color3", "srgb_texture"),
    "roughness": ("specular_roughness", "float", "lin_rec709"),
    "metallic": ("metalness", "float", "lin_rec709"),
    "opacity": ("opacity", "float", "lin_rec709"),
    "normal": ("normal", "vector3", "lin_rec709"),
}
"""By kind: the input of the surface, the type of the image, and what its numbers are."""
_BESIDE = {"ao": ("float", "lin_rec709"), "height": ("float", "lin_rec709")}
"""Maps for which a standard surface has no input; they are outputs of the graph, for who wants them."""


def write(found: TextureSet) -> dict[str, bytes]:
    """The files of a material by their path below the folder that is exported to."""
    folder = found.name
    textures = found.write_maps({kind: f"{found.name}_{kind}.png" for kind in found.kinds})
    files = {f"{folder}/{texture.file}": texture.data for texture in textures.values()}
    document = _document(found, textures)
    ElementTree.indent(document)
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    files[f"{folder}/{folder}.mtlx"] = head + ElementTree.tostring(document, encoding="utf-8") + b"\n"
    return files


def _document(found: TextureSet, textures: Mapping[str, Texture]) -> ElementTree.Element:
    name = _identifier(found.name)
    root = ElementTree.Element("materialx", version="1.38", colorspace="lin_rec709")
    graph = ElementTree.SubElement(root, "nodegraph", name=f"{name}_maps")
    coordinates = ElementTree.SubElement(graph, "texcoord", name="uv", type="vector2")
    _add_input(coordinates, "index", "integer", value="0")
    repeated = ElementTree.SubElement(graph, "multiply", name="repeated", type="vector2")
    _add_input(repeated, "in1", "vector2", nodename="uv")
    u, v = found.material.repeats
    _add_input(repeated, "in2", "vector2", value=f"{u:.6g}, {v:.6g}")
    surface = ElementTree.Element("standard_surface", name=f"{name}_surface", type="surfaceshader")
    for kind, texture in textures.items():
        _add_map(graph, surface, kind, texture)
    for kind in ("base_color", "roughness", "metallic"):
        if kind not in textures:
            _add_constant(surface, kind, found)
    root.append(surface)
    material = ElementTree.SubElement(root, "surfacematerial", name=name, type="material")
    _add_input(material, "surfaceshader", "surfaceshader", nodename=surface.attrib["name"])
    return root


def _add_map(graph: ElementTree.Element, surface: ElementTree.Element, kind: str, texture: Texture) -> None:
    target = ""
    if kind in _BESIDE:
        type_, space = _BESIDE[kind]
    else:
        target, type_, space = _INPUTS[kind]
    image = ElementTree.SubElement(graph, "image", name=f"{kind}_image", type=type_)
    _add_input(image, "file", "filename", value=texture.file, colorspace=space)
    _add_input(image, "texcoord", "vector2", nodename="repeated")
    source, given = image.attrib["name"], type_
    if kind == "normal":
        bent = ElementTree.SubElement(graph, "normalmap", name="normal_bent", type="vector3")
        _add_input(bent, "in", "vector3", nodename=source)
        source = bent.attrib["name"]
    elif kind == "opacity":
        wide = ElementTree.SubElement(graph, "convert", name="opacity_wide", type="color3")
        _add_input(wide, "in", "float", nodename=source)
        source, given = wide.attrib["name"], "color3"
    ElementTree.SubElement(graph, "output", name=f"{kind}_out", type=given, nodename=source)
    if target:
        _add_input(surface, target, given, nodegraph=graph.attrib["name"], output=f"{kind}_out")


def _add_constant(surface: ElementTree.Element, kind: str, found: TextureSet) -> None:
    target, type_, _ = _INPUTS[kind]
    value = found.constant(kind)
    numbers = value if isinstance(value, tuple) else (value,)
    _add_input(surface, target, type_, value=", ".join(f"{number:.6g}" for number in numbers))


def _add_input(node: ElementTree.Element, name: str, type_: str, **attributes: str) -> None:
    ElementTree.SubElement(node, "input", {"name": name, "type": type_, **attributes})


def _identifier(text: str) -> str:
    """A name as MaterialX takes it: letters, digits and underscores."""
    return re.sub(r"^(?=\d)|\W", "_", text, flags=re.ASCII) or "_"
