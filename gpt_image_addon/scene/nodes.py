"""Finding and making shader nodes, by type and socket name, so that any interface language will do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from .changes import Changes
from .uv import Coordinates

PRINCIPLED = "ShaderNodeBsdfPrincipled"
OUTPUT = "ShaderNodeOutputMaterial"
IMAGE = "ShaderNodeTexImage"
COLOR_SOCKETS = ("Base Color", "Color")
BOX_BLEND = 0.2  # width of the transition between the sides of a box projection
COLUMN, ROW = 300, 300  # distance of nodes


def color_input(tree: bpy.types.ShaderNodeTree) -> bpy.types.NodeSocket | None:
    """Base Color of the Principled BSDF that reaches the active output, else the colour of another shader."""
    shaders = list(_shaders(tree))
    shaders.sort(key=lambda node: node.bl_idname != PRINCIPLED)
    for node in shaders:
        for name in COLOR_SOCKETS:
            if name in node.inputs:
                return node.inputs[name]
    return None


def _shaders(tree: bpy.types.ShaderNodeTree) -> Iterator[Any]:
    """The shader nodes behind the active output's surface, nearest first."""
    output = tree.get_output_node("ALL")
    pending = [output.inputs["Surface"]] if output else []
    seen = set()
    while pending:
        for link in pending.pop(0).links:
            if link.from_node.name not in seen:
                seen.add(link.from_node.name)
                yield link.from_node
                pending += [socket for socket in link.from_node.inputs if socket.type == "SHADER"]


def add_principled(tree: bpy.types.ShaderNodeTree, changes: Changes) -> Any:
    """A Principled BSDF linked to the active output, which is made where there is none."""
    output = tree.get_output_node("ALL")
    if output is None:
        output = changes.node(tree, OUTPUT)
        output.location = (COLUMN, ROW)
    shader = changes.node(tree, PRINCIPLED)
    shader.location = (output.location[0] - COLUMN, output.location[1])
    changes.link(tree, shader.outputs["BSDF"], output.inputs["Surface"])
    return shader


def only_feeds(node: Any, target: Any) -> bool:
    """Whether nothing depends on the node but that input and the same shader's Alpha."""
    served = (target, target.node.inputs.get("Alpha"))
    return all(link.to_socket in served for socket in node.outputs for link in socket.links)


def add_mapping(
    tree: bpy.types.ShaderNodeTree, coordinates: Coordinates, changes: Changes, *, left_of: Any
) -> Any:
    """Texture Coordinate and Mapping nodes; returns the socket that feeds Image Texture nodes."""
    source = changes.node(tree, "ShaderNodeTexCoord")
    mapping = changes.node(tree, "ShaderNodeMapping")
    x, y = left_of
    mapping.location, source.location = (x - COLUMN, y), (x - 2 * COLUMN, y)
    mapping.inputs["Location"].default_value = coordinates.location
    mapping.inputs["Scale"].default_value = coordinates.scale
    changes.link(tree, source.outputs[coordinates.output], mapping.inputs["Vector"])
    return mapping.outputs["Vector"]


def add_value(
    tree: bpy.types.ShaderNodeTree, label: str, default: float, target: Any, changes: Changes, *, at: Any
) -> Any:
    """A Value node that drives an input."""
    node = changes.node(tree, "ShaderNodeValue")
    node.label = node.name = label
    node.location = at
    node.outputs[0].default_value = default
    changes.link(tree, node.outputs[0], target)
    return node


def add_real_size(
    tree: bpy.types.ShaderNodeTree, mapping: Any, metres: float, size: float, changes: Changes
) -> None:
    """Let a Value node say how many metres a picture spans.

    :param mapping: the Mapping node, whose scale is then driven.
    :param metres: what one unit of its coordinates spans.
    :param size: what the picture spans at first.
    """
    x, y = mapping.location
    repeats = changes.node(tree, "ShaderNodeMath")
    repeats.operation, repeats.label = "DIVIDE", "Repeats"
    repeats.location = (x, y - 1.5 * ROW)
    repeats.inputs[0].default_value = metres
    changes.link(tree, repeats.outputs[0], mapping.inputs["Scale"])
    add_value(tree, "Texture Size (m)", size, repeats.inputs[1], changes, at=(x - COLUMN, y - 1.5 * ROW))


def project(node: Any, coordinates: Coordinates, changes: Changes) -> None:
    """Make an Image Texture node lie as the coordinates say."""
    if coordinates.is_box:
        changes.set(node, "projection", coordinates.projection)
        changes.set(node, "projection_blend", BOX_BLEND)


def make_active(tree: bpy.types.ShaderNodeTree, node: Any, changes: Changes) -> None:
    """Solid view and Texture Paint show the image of the active node."""
    for other in tree.nodes:
        if other.select != (other == node):
            changes.set(other, "select", other == node)
    changes.set(tree.nodes, "active", node)
