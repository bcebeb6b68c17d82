"""What a material shows, as far as images and plain values say it: for exports. Main thread only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy

from ...core.request.map_kinds import BY_NAME
from ..images import KIND
from . import nodes
from .relief import NORMAL_STRENGTH
from .shaders import PRINCIPLED, Place, color_input, follow

NORMAL_MAP = "ShaderNodeNormalMap"
STRENGTHS = {"normal": NORMAL_STRENGTH, "roughness": "Roughness Contrast", "ao": "AO Amount"}
"""Names of the Value nodes that say how strong a map is in materials that were made here, by kind."""


@dataclass
class ReadMaterial:
    """See `exports.texture_set.Material`; here the maps are data-blocks."""

    images: dict[str, bpy.types.Image] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    repeats: tuple[float, float] = (1.0, 1.0)
    metres: float | None = None
    strengths: dict[str, float] = field(default_factory=dict)
    roughness_mean: float = 0.5
    unread: tuple[str, ...] = ()
    """Labels of what nodes compute in a way that no image and no value says."""


def read_material(material: bpy.types.Material, engine: str) -> ReadMaterial:
    """The maps and values of a material.

    :param engine: the render engine whose output counts.
    """
    found = ReadMaterial()
    tree = material.node_tree
    if tree is None:
        found.constants["base_color"] = tuple(material.diffuse_color[:3])
        return found
    shown = {str(node[KIND]): node for node in nodes.image_nodes(tree) if node.get(KIND) and node.image}
    shown = {kind: node for kind, node in shown.items() if kind in BY_NAME}
    place = color_input(tree, engine)
    if place is not None and place.socket.node.bl_idname == PRINCIPLED:
        shown = {**_read_inputs(place.socket.node, shown, found), **shown}
    found.images = {kind: node.image for kind, node in shown.items()}
    for kind, name in STRENGTHS.items():
        node = tree.nodes.get(name)
        if kind in shown and node is not None:
            found.strengths[kind] = float(node.outputs[0].default_value)
    _read_mean(tree, found)
    if shown:
        _read_repeats(shown.get("base_color") or next(iter(shown.values())), found)
    return found


def _read_inputs(shader: Any, shown: dict[str, Any], found: ReadMaterial) -> dict[str, Any]:
    """Image Texture nodes behind the inputs for which none is labelled; notes values and what is not read."""
    read: dict[str, Any] = {}
    for kind in BY_NAME.values():
        if kind.socket is None or kind.name in shown:
            continue
        place = Place(shader.inputs[kind.socket])
        source = follow(place)
        if not source.socket.is_output:
            if kind.name in ("base_color", "roughness", "metallic"):
                found.constants[kind.name] = _value_of(source.socket)
            continue
        images = [node for node in nodes.images_upstream(place) if node.image]
        if len(images) == 1:
            read[kind.name] = images[0]
            if kind.name == "normal" and source.socket.node.bl_idname == NORMAL_MAP:
                found.strengths["normal"] = float(source.socket.node.inputs["Strength"].default_value)
        else:
            found.unread += (kind.label,)
    return read


def _value_of(socket: Any) -> Any:
    value = socket.default_value
    return float(value) if socket.type == "VALUE" else tuple(value[:3])


def _read_mean(tree: bpy.types.ShaderNodeTree, found: ReadMaterial) -> None:
    """The value around which the nodes spread the roughness."""
    contrast = tree.nodes.get(STRENGTHS["roughness"])
    for link in contrast.outputs[0].links if contrast else ():
        sockets = {socket.identifier: socket for socket in link.to_node.inputs}
        if "A_Float" in sockets:
            found.roughness_mean = float(sockets["A_Float"].default_value)


def _read_repeats(node: Any, found: ReadMaterial) -> None:
    """How often an image lies along one unit of U and V, and its size where a node says it."""
    link = next(iter(node.inputs["Vector"].links), None)
    if link is None or link.from_node.bl_idname != "ShaderNodeMapping":
        return
    scale = link.from_node.inputs["Scale"]
    u, v = scale.default_value[:2]
    size = node.id_data.nodes.get(nodes.TEXTURE_SIZE)
    if scale.is_linked and size is not None and u:
        found.metres = float(size.outputs[0].default_value) or None
        repeats = next((end.to_node for end in size.outputs[0].links), None)
        if repeats is not None and found.metres:
            along = float(repeats.inputs[0].default_value) / found.metres
            u, v = along, along * v / u
    found.repeats = (float(u), float(v))
