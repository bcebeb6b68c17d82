"""The `texture` target: a picture in Base Color of an object's material. Main thread only."""

from __future__ import annotations

from typing import Any

import bpy

from . import compat, nodes, slots
from .changes import Changes
from .uv import UV, Coordinates


def texture_material(
    obj: bpy.types.Object | None, name: str, changes: Changes
) -> tuple[bpy.types.Material, list[str]]:
    """The material that may take the picture, in the object's active slot; and what to tell about it.

    A material that something else uses too, or that is linked, stays as it is: the object gets a copy.
    """
    current = obj.active_material if obj else None
    if obj is None or current is None:
        material = changes.made(bpy.data.materials.new(name))
        if obj:
            slots.assign(obj, material, changes)
        return material, []
    others = slots.other_users(obj, current)
    if not others and not current.library:
        return current, []
    material = changes.made(current.copy())
    material.use_fake_user = False
    if material.asset_data:
        material.asset_clear()
    slots.assign(obj, material, changes)
    reason = f"also used by {slots.names_for_people(others)}" if others else "linked from another file"
    return material, [f"'{current.name}' is {reason}: '{obj.name}' got a copy of its own, '{material.name}'."]


def wire(
    material: bpy.types.Material, image: bpy.types.Image, changes: Changes, *, coordinates: Coordinates = UV
) -> tuple[Any, list[str]]:
    """Show an image as the material's base colour; returns its Image Texture node and what to tell.

    An Image Texture node that serves nothing but this base colour gets the new image in place of its own.
    """
    tree = compat.node_tree(material, changes)
    messages = []
    target = nodes.color_input(tree)
    if target is None:
        target = nodes.add_principled(tree, changes).inputs["Base Color"]
        messages.append(f"'{material.name}' had no shader with a colour: a Principled BSDF was added.")
    elif target.node.bl_idname != nodes.PRINCIPLED:
        messages.append(
            f"'{material.name}' has no Principled BSDF: "
            f"the picture is the {target.name} of its {target.node.name}."
        )
    before = target.links[0].from_node if target.links else None
    if before and before.bl_idname == nodes.IMAGE and nodes.only_feeds(before, target):
        node = before
    else:
        node = changes.node(tree, nodes.IMAGE)
        node.location = (target.node.location[0] - 1.5 * nodes.COLUMN, target.node.location[1])
        changes.link(tree, node.outputs["Color"], target)
        if before:
            messages.append(f"'{before.name}' was the {target.name} of '{material.name}' before.")
    changes.set(node, "image", image)
    if coordinates.is_box and not node.inputs["Vector"].links:
        nodes.project(node, coordinates, changes)
        vector = nodes.add_mapping(tree, coordinates, changes, left_of=node.location)
        changes.link(tree, vector, node.inputs["Vector"])
    nodes.make_active(tree, node, changes)
    return node, messages


def wire_alpha(material: bpy.types.Material, node: Any, changes: Changes) -> None:
    """Let the picture's transparency show where its colour goes: into a Principled BSDF, in every engine."""
    shader = node.outputs["Color"].links[0].to_node
    changes.link(material.node_tree, node.outputs["Alpha"], shader.inputs["Alpha"])
