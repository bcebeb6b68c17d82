"""Which shader shows a material's colour, following the nodes as the renderer does. Main thread only."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from ..transaction import Transaction

PRINCIPLED = "ShaderNodeBsdfPrincipled"
OUTPUT = "ShaderNodeOutputMaterial"
COLOR_SOCKETS = ("Base Color", "Color")
UNSEEN = ("ShaderNodeBsdfTransparent", "ShaderNodeHoldout", "ShaderNodeBsdfRayPortal")
"""Shaders whose colour is not that of a surface."""
TINTS = (
    *("ShaderNodeBsdfGlass", "ShaderNodeBsdfRefraction", "ShaderNodeBsdfTranslucent"),
    *("ShaderNodeBsdfAnisotropic", "ShaderNodeBsdfGlossy", "ShaderNodeBsdfSheen"),
)
"""Shaders that show an image less well than others."""
MOST_STEPS = 1000  # along one path, so that a ring of broken links ends


@dataclass(frozen=True)
class Place:
    """A socket, and the group nodes that it is in."""

    socket: Any
    groups: tuple[Any, ...] = ()
    """The outermost first."""


def output_of(tree: bpy.types.ShaderNodeTree, engine: str) -> Any:
    """The output node that a render engine uses, else the one of any other; None where there is none."""
    targets = (compat.output_target(engine), "ALL", "EEVEE", "CYCLES")
    return next((node for target in targets if (node := tree.get_output_node(target))), None)


def color_input(tree: bpy.types.ShaderNodeTree, engine: str) -> Place | None:
    """Where the colour of what the engine shows comes from; None where no shader shows one.

    A Principled BSDF is preferred; then what shows a surface rather than a tint; then what is mixed in most.
    """
    output = output_of(tree, engine)
    if output is None:
        return None
    found = list(_color_inputs(Place(output.inputs["Surface"])))
    found.sort(key=lambda item: (_rank(item[0].socket.node), -item[1]))
    return found[0][0] if found else None


def _rank(node: Any) -> int:
    if node.bl_idname == PRINCIPLED:
        return 0
    return 2 if node.bl_idname in TINTS else 1


def _color_inputs(surface: Place) -> Iterator[tuple[Place, float]]:
    """Colour inputs behind an input for shaders, each with its share of the mix; the nearest first."""
    pending = deque([(surface, 1.0)])
    seen = set()
    while pending:
        place, share = pending.popleft()
        source = follow(place)
        if not source.socket.is_output or share <= 0 or source in seen:
            continue
        seen.add(source)
        node = source.socket.node
        if node.bl_idname == "ShaderNodeMixShader":
            factor = _constant(Place(node.inputs[0], source.groups))
            shares = (0.5, 0.5) if factor is None else (1 - min(factor, 1), min(max(factor, 0), 1))
            for socket, part in zip(node.inputs[1:], shares, strict=True):
                pending.append((Place(socket, source.groups), share * part))
        elif node.bl_idname == "ShaderNodeAddShader":
            pending.extend((Place(socket, source.groups), share) for socket in node.inputs)
        elif node.bl_idname not in UNSEEN and not _is_dark(source):
            color = _own_color(place, source)
            shaders = list(_shaders_behind(color)) if color else []
            pending.extend((shader, share) for shader in shaders)
            if color and not shaders:
                yield outermost(color), share


def _own_color(place: Place, source: Place) -> Place | None:
    """The colour input of a shader; what takes a colour for a shader is one itself."""
    if source.socket.type != "SHADER":
        return place
    inputs = source.socket.node.inputs
    name = next((name for name in COLOR_SOCKETS if name in inputs), None)
    return Place(inputs[name], source.groups) if name else None


def _is_dark(source: Place) -> bool:
    """Whether an Emission shader emits nothing, as where it waits to be used."""
    node = source.socket.node
    if node.bl_idname != "ShaderNodeEmission":
        return False
    color = follow(Place(node.inputs["Color"], source.groups)).socket
    is_black = not color.is_output and not any(color.default_value[:3])
    return is_black or _constant(Place(node.inputs["Strength"], source.groups)) == 0


def _shaders_behind(color: Place) -> Iterator[Place]:
    """Inputs of Shader to RGB nodes that make a colour, as in cartoon materials."""
    pending, seen = [color], set()
    while pending:
        source = follow(pending.pop())
        if not source.socket.is_output or source in seen:
            continue
        seen.add(source)
        node = source.socket.node
        if node.bl_idname == "ShaderNodeShaderToRGB":
            yield Place(node.inputs[0], source.groups)
        else:
            pending += [Place(socket, source.groups) for socket in node.inputs if socket.type != "SHADER"]


def follow(place: Place) -> Place:
    """What an input gets in effect: the output that feeds it, else the input whose own value counts.

    Reroutes, groups and muted nodes lie on the way; muted links end it.
    """
    for _ in range(MOST_STEPS):
        step = _step_back(place)
        if step is None or step.socket.is_output:
            return step or place
        place = step
    return place


def outermost(place: Place) -> Place:
    """The input of the outermost group node through which a value comes into its group."""
    reached = place
    for _ in range(MOST_STEPS):
        step = _step_back(place)
        if step is None or step.socket.is_output:
            return reached
        place = step
        if len(place.groups) < len(reached.groups) and not place.socket.is_output:
            reached = place
    return reached


def _step_back(place: Place) -> Place | None:
    """One node further; an output where that node makes the value, None where nothing is linked."""
    link = next((link for link in place.socket.links if link.is_valid and not link.is_muted), None)
    if link is None:
        return None
    node, output, groups = link.from_node, link.from_socket, place.groups
    if node.bl_idname == "NodeReroute":
        return Place(node.inputs[0], groups)
    if node.mute:
        passed = next((inner for inner in node.internal_links if inner.to_socket == output), None)
        return Place(passed.from_socket, groups) if passed else None
    if node.bl_idname == "NodeGroupInput" and groups:
        return _input(groups[-1], output, groups[:-1])
    if hasattr(node, "node_tree"):
        inner = node.node_tree.nodes if node.node_tree else ()  # there is none where a library is missing
        ends = (end for end in inner if end.bl_idname == "NodeGroupOutput")
        end = next((end for end in ends if end.is_active_output), None)
        return _input(end, output, (*groups, node)) if end else None
    return Place(output, groups)


def _input(node: Any, output: Any, groups: tuple[Any, ...]) -> Place | None:
    found = next((socket for socket in node.inputs if socket.identifier == output.identifier), None)
    return Place(found, groups) if found else None


def _constant(place: Place) -> float | None:
    """The number that an input has; None where nodes compute it."""
    socket = follow(place).socket
    known = not socket.is_output or socket.node.bl_idname == "ShaderNodeValue"
    return float(socket.default_value) if known and socket.type == "VALUE" else None


def make_own(tree: bpy.types.ShaderNodeTree, place: Place, changes: Transaction) -> tuple[Place, list[str]]:
    """The same place where it can be changed for this material alone: shared groups are copied.

    :returns: and the names of the groups that were.
    """
    groups, copied = [], []
    for group in place.groups:
        node = tree.nodes[group.name]
        inner = node.node_tree
        if inner.library or inner.override_library or inner.users - inner.use_fake_user > 1:
            changes.set(node, "node_tree", changes.made(inner.copy()))
            copied.append(inner.name)
        groups.append(node)
        tree = node.node_tree
    node = tree.nodes[place.socket.node.name]
    same = next(socket for socket in node.inputs if socket.identifier == place.socket.identifier)
    return Place(same, tuple(groups)), copied
