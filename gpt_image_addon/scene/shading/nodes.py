"""Finding and making shader nodes, by type and socket name, so that any interface language will do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import bpy

from ..transaction import Transaction
from .shaders import OUTPUT, PRINCIPLED, Place, follow, output_of
from .uv import Coordinates

IMAGE = "ShaderNodeTexImage"
TEXTURE_SIZE = "Texture Size (m)"  # name of the Value node that says what an image spans
BOX_BLEND = 0.2  # width of the transition between the sides of a box projection
COLUMN, ROW = 300, 300  # distance of nodes


def add_principled(tree: bpy.types.ShaderNodeTree, changes: Transaction, *, engine: str = "") -> Any:
    """A Principled BSDF linked to the output that an engine uses, which is made where there is none."""
    output = output_of(tree, engine)
    if output is None:
        output = changes.node(tree, OUTPUT)
        output.location = (COLUMN, ROW)
    shader = changes.node(tree, PRINCIPLED)
    shader.location = (output.location[0] - COLUMN, output.location[1])
    changes.link(tree, shader.outputs["BSDF"], output.inputs["Surface"])
    return shader


def image_behind(place: Place) -> Any:
    """The Image Texture node that feeds an input and serves nothing else, reroutes apart; or None."""
    source = follow(place)
    node = source.socket.node
    if node.bl_idname != IMAGE or source.groups != place.groups:
        return None
    served = (place.socket, place.socket.node.inputs.get("Alpha"))
    return node if all(end in served for socket in node.outputs for end in _served_by(socket)) else None


def image_nodes(tree: bpy.types.ShaderNodeTree) -> Iterator[Any]:
    """The Image Texture nodes of a tree, also those in groups that nothing else uses."""
    for node in tree.nodes:
        if node.bl_idname == IMAGE:
            yield node
        inner = getattr(node, "node_tree", None)
        if inner and inner.users - inner.use_fake_user == 1 and not inner.library:
            yield from image_nodes(inner)


def _served_by(output: Any) -> Iterator[Any]:
    """The inputs that an output is linked to, with reroutes looked through."""
    for link in output.links:
        if link.to_node.bl_idname == "NodeReroute":
            yield from _served_by(link.to_node.outputs[0])
        else:
            yield link.to_socket


def images_upstream(place: Place) -> Iterator[Any]:
    """The Image Texture nodes in the same tree whose image reaches an input in effect, nearest first."""
    pending, seen = deque([place]), set()
    while pending:
        source = follow(pending.popleft())
        if not source.socket.is_output or source in seen:
            continue
        seen.add(source)
        node = source.socket.node
        if node.bl_idname == IMAGE and source.groups == place.groups:
            yield node
        pending.extend(Place(socket, source.groups) for socket in node.inputs if socket.type != "SHADER")


def lie_as(node: Any, other: Any, changes: Transaction) -> None:
    """Make an Image Texture node show its image where another one shows its own."""
    for name in ("projection", "projection_blend", "extension", "interpolation"):
        changes.set(node, name, getattr(other, name))
    for link in other.inputs["Vector"].links:
        changes.link(node.id_data, link.from_socket, node.inputs["Vector"])


def lay_along_uvs(node: Any) -> None:
    """Let an Image Texture node of a new material show its image once along the UV map that is rendered."""
    node.projection, node.extension = "FLAT", "REPEAT"
    for link in node.inputs["Vector"].links:
        if not is_rendered_uv(link.from_socket):
            node.id_data.links.remove(link)


def vector_start(node: Any) -> Any:
    """Where coordinates come into an Image Texture node, or into the Mapping nodes before it."""
    socket = node.inputs["Vector"]
    while socket.links and socket.links[0].from_node.bl_idname == "ShaderNodeMapping":
        socket = socket.links[0].from_node.inputs["Vector"]
    return socket


def is_rendered_uv(output: Any) -> bool:
    """Whether an output gives the UV map that is rendered, whichever that is."""
    node = output.node
    return output.name == "UV" and (
        node.bl_idname == "ShaderNodeTexCoord" or (node.bl_idname == "ShaderNodeUVMap" and not node.uv_map)
    )


def add_coordinates(
    tree: bpy.types.ShaderNodeTree, coordinates: Coordinates, changes: Transaction, *, at: Any
) -> Any:
    """The node that coordinates come from; returns its output."""
    if coordinates.uv_map:
        node = changes.node(tree, "ShaderNodeUVMap")
        node.uv_map, node.location = coordinates.uv_map, at
        return node.outputs["UV"]
    node = changes.node(tree, "ShaderNodeTexCoord")
    node.location = at
    output = node.outputs[coordinates.output]
    if coordinates.axes == (1.0, 1.0, 1.0) and not coordinates.by_object_scale:
        return output
    metres = changes.node(tree, "ShaderNodeVectorMath")
    metres.operation, metres.label = "MULTIPLY", "Metres"
    metres.inputs[1].default_value = coordinates.axes
    metres.location = (at[0], at[1] - ROW)
    changes.link(tree, output, metres.inputs[0])
    if coordinates.by_object_scale:
        scale = changes.node(tree, "ShaderNodeAttribute")
        scale.attribute_type, scale.attribute_name, scale.label = "OBJECT", "scale", "Scale of the Object"
        scale.location = (at[0] - COLUMN, at[1] - ROW)
        changes.link(tree, scale.outputs["Vector"], metres.inputs[1])
    return metres.outputs[0]


def add_mapping(
    tree: bpy.types.ShaderNodeTree, coordinates: Coordinates, changes: Transaction, *, left_of: Any
) -> Any:
    """Nodes for coordinates and a Mapping node; returns the socket that feeds Image Texture nodes."""
    x, y = left_of
    source = add_coordinates(tree, coordinates, changes, at=(x - 2 * COLUMN, y))
    mapping = changes.node(tree, "ShaderNodeMapping")
    mapping.location = (x - COLUMN, y)
    mapping.inputs["Location"].default_value = coordinates.location
    mapping.inputs["Scale"].default_value = coordinates.scale
    changes.link(tree, source, mapping.inputs["Vector"])
    return mapping.outputs["Vector"]


def add_value(
    tree: bpy.types.ShaderNodeTree, label: str, default: float, target: Any, changes: Transaction, *, at: Any
) -> Any:
    """A Value node that drives an input."""
    node = _say_value(tree, label, default, changes, at)
    changes.link(tree, node.outputs[0], target)
    return node


def add_size(tree: bpy.types.ShaderNodeTree, size: float, changes: Transaction, *, left_of: Any) -> None:
    """A Value node that says how many metres an image spans, which it does already."""
    _say_value(tree, TEXTURE_SIZE, size, changes, (left_of[0] - COLUMN, left_of[1]))


def _say_value(
    tree: bpy.types.ShaderNodeTree, label: str, value: float, changes: Transaction, at: Any
) -> Any:
    node = changes.node(tree, "ShaderNodeValue")
    node.label = node.name = label
    node.location = at
    node.outputs[0].default_value = value
    return node


def add_real_size(
    tree: bpy.types.ShaderNodeTree,
    mapping: Any,
    metres: float,
    size: float,
    changes: Transaction,
    *,
    aspect: float = 1.0,
) -> None:
    """Let a Value node say how many metres an image spans.

    :param mapping: the Mapping node, whose scale is then driven.
    :param metres: what one unit of its coordinates spans.
    :param size: what the image spans at first.
    :param aspect: width over height of what it shows; `size` is its width.
    """
    x, y = mapping.location
    repeats = changes.node(tree, "ShaderNodeMath")
    repeats.operation, repeats.label = "DIVIDE", "Repeats"
    repeats.location = (x, y - 2 * ROW)
    repeats.inputs[0].default_value = metres
    scale = (1.0, aspect, 1.0)
    # Exporters read this, not what is linked.
    mapping.inputs["Scale"].default_value = [metres / size * factor for factor in scale]
    repeated = repeats.outputs[0]
    if aspect != 1.0:
        shape = changes.node(tree, "ShaderNodeVectorMath")
        shape.operation, shape.label = "MULTIPLY", "Aspect"
        shape.location = (x, y - 2.8 * ROW)
        shape.inputs[1].default_value = scale
        changes.link(tree, repeated, shape.inputs[0])
        repeated = shape.outputs[0]
    changes.link(tree, repeated, mapping.inputs["Scale"])
    add_value(tree, TEXTURE_SIZE, size, repeats.inputs[1], changes, at=(x - COLUMN, y - 2 * ROW))


def project(node: Any, coordinates: Coordinates, changes: Transaction) -> None:
    """Make an Image Texture node lie as the coordinates say."""
    if coordinates.is_box:
        changes.set(node, "projection", coordinates.projection)
        changes.set(node, "projection_blend", BOX_BLEND)


def make_active(tree: bpy.types.ShaderNodeTree, node: Any, changes: Transaction) -> None:
    """Solid view and Texture Paint show the image of the active node."""
    for other in tree.nodes:
        if other.select != (other == node):
            changes.set(other, "select", other == node)
    changes.set(tree.nodes, "active", node)
