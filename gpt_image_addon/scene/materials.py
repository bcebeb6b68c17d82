"""The `material` target: a Principled BSDF fed by a set of maps. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.map_kinds import BY_NAME, MAP_KINDS
from ..core.results import Facts, Picture
from . import compat, nodes
from .changes import Changes
from .images import add_image
from .uv import UV, Coordinates

BUMP_DISTANCE = 0.02  # metres from black to white
LEFT, MIDDLE = -2.5 * nodes.COLUMN, -nodes.COLUMN  # columns of Image Texture nodes and of what follows them


@dataclass
class _Wiring:
    """A material that is being put together."""

    tree: bpy.types.ShaderNodeTree
    shader: Any
    images: Mapping[str, Any]
    """Image Texture nodes by kind."""
    coordinates: Coordinates
    changes: Changes

    def between(self, idname: str, source: Any, label: str) -> Any:
        """A node in the column between the pictures and the shader."""
        node = self.changes.node(self.tree, idname)
        node.location = (MIDDLE, source.location[1])
        node.label = label
        return node

    def link(self, source: Any, target: Any) -> None:
        self.tree.links.new(source, target)

    @property
    def uses_normal_map(self) -> bool:
        """A tangent-space map needs UVs; a projection from six sides has none, and height does instead."""
        return "normal" in self.images and not (self.coordinates.is_box and "height" in self.images)


def build_material(
    name: str,
    pictures: Mapping[str, Picture],
    facts: Facts,
    changes: Changes,
    *,
    coordinates: Coordinates = UV,
) -> tuple[bpy.types.Material, list[bpy.types.Image]]:
    """A material from maps by kind, and its images.

    :raises SceneError: a map in a format that Blender can't hold.
    """
    material = changes.made(bpy.data.materials.new(name))
    tree = compat.node_tree(material, changes)
    tree.nodes.clear()
    shader = nodes.add_principled(tree, changes)
    kinds = [kind for kind in MAP_KINDS if kind.name in pictures]
    vector = nodes.add_mapping(tree, coordinates, changes, left_of=(LEFT, nodes.ROW))
    images = {}
    for row, kind in enumerate(kinds):
        image = changes.made(add_image(pictures[kind.name], facts, is_data=kind.is_data))
        images[kind.name] = node = changes.node(tree, nodes.IMAGE)
        node.image, node.label = image, kind.label
        node.location = (LEFT, nodes.ROW * (1 - row))
        nodes.project(node, coordinates, changes)
        tree.links.new(vector, node.inputs["Vector"])
    wiring = _Wiring(tree, shader, images, coordinates, changes)
    for kind in kinds:
        _WIRES.get(kind.name, _wire_socket)(wiring, kind.name)
    nodes.make_active(tree, images[kinds[0].name], changes)
    return material, [node.image for node in images.values()]


def _wire_socket(wiring: _Wiring, kind: str) -> None:
    wiring.link(wiring.images[kind].outputs["Color"], wiring.shader.inputs[BY_NAME[kind].socket])


def _wire_normal(wiring: _Wiring, kind: str) -> None:
    source = wiring.images[kind]
    node = wiring.between("ShaderNodeNormalMap", source, "Normal (OpenGL)")
    wiring.link(source.outputs["Color"], node.inputs["Color"])
    if wiring.uses_normal_map:
        wiring.link(node.outputs["Normal"], wiring.shader.inputs["Normal"])


def _wire_height(wiring: _Wiring, kind: str) -> None:
    """Bump, unless a normal map holds the same relief already: both together would show it twice.

    Then the height ends in a Displacement node that only waits to be linked to the output.
    """
    source = wiring.images[kind]
    if wiring.uses_normal_map:
        node = wiring.between("ShaderNodeDisplacement", source, "Displacement (link to use)")
        node.inputs["Scale"].default_value = BUMP_DISTANCE
    else:
        node = wiring.between("ShaderNodeBump", source, "Bump")
        node.inputs["Distance"].default_value = BUMP_DISTANCE
        wiring.link(node.outputs["Normal"], wiring.shader.inputs["Normal"])
    wiring.link(source.outputs["Color"], node.inputs["Height"])


def _wire_ao(wiring: _Wiring, kind: str) -> None:
    """Multiplied into the base colour; the factor of the Mix node says how much."""
    source = wiring.images[kind]
    node = wiring.between("ShaderNodeMix", source, "Ambient Occlusion")
    node.data_type, node.blend_type = "RGBA", "MULTIPLY"
    inputs = {socket.identifier: socket for socket in node.inputs}
    inputs["Factor_Float"].default_value = 1.0
    base = wiring.shader.inputs["Base Color"]
    if base.links:
        wiring.link(base.links[0].from_socket, inputs["A_Color"])
    else:
        inputs["A_Color"].default_value = base.default_value
    wiring.link(source.outputs["Color"], inputs["B_Color"])
    result = next(socket for socket in node.outputs if socket.identifier == "Result_Color")
    wiring.link(result, base)


_WIRES: Mapping[str, Callable[[_Wiring, str], None]] = {
    "normal": _wire_normal,
    "height": _wire_height,
    "ao": _wire_ao,
}
"""How a map reaches the shader where it isn't simply linked to its socket."""
