"""The `texture` target: an image in Base Color of an object's material. Main thread only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import bpy

from ...core.request.request import Application
from ...core.results.store import ImageFile, PreparedResult
from ...core.text.message import Message, message
from .. import compat
from ..images import KIND, add_image
from ..shading import nodes, shaders, shared, slots, uv
from ..shading.shaders import Place, follow
from ..shading.uv import UV, Coordinates
from ..transaction import Transaction
from .base import Applied, Target, engine_of, finish_material, name_of, receivers_of

OTHER_MAPS = ("Metallic", "Roughness", "Normal")
"""Inputs of shaders whose images belong to that of the base color."""


def new_material(name: str, image_file: ImageFile, changes: Transaction) -> bpy.types.Material:
    """A material that has the mean color of its image where a view shows no textures."""
    material = changes.made(bpy.data.materials.new(name))
    set_mean_color(material, image_file)
    return material


def set_mean_color(material: bpy.types.Material, image_file: ImageFile) -> None:
    """Give a material the mean color of an image, where it is known, for views that show no textures."""
    if image_file.mean_color is not None:
        material.diffuse_color = (*image_file.mean_color, 1.0)


def texture_material(
    objects: Sequence[bpy.types.Object],
    name: str,
    image_file: ImageFile,
    changes: Transaction,
    *,
    is_new: bool = False,
    is_kept: bool = False,
) -> tuple[bpy.types.Material, list[str]]:
    """The material that may take the image, in the active slots of objects; and what to tell about it.

    A material that something else uses too, or that is linked, stays as it is: the objects get a copy; so do
    faces that are selected in Edit Mode.

    :param objects: all that have the same material there, or none of which has one.
    :param is_new: it is a new one whatever they have; then that may differ.
    :param is_kept: the one that is there stays as it is, and in the file.
    """
    current = objects[0].active_material if objects and not is_new else None
    if current is None:
        material = new_material(name, image_file, changes)
        for obj in objects:
            slots.assign(obj, material, changes)
        return material, []
    if is_kept:
        copy = _put_copy(objects, current, changes)
        copy.name = f"{current.name} painted"
        if not current.library:
            changes.set(current, "use_fake_user", True)
        return copy, []
    if any(map(slots.has_selected_faces, objects)):
        return _put_copy(objects, current, changes), []
    names = {obj.name for obj in objects}
    others = sorted({user for obj in objects for user in slots.other_users(obj, current)} - names)
    if not others and not current.library:
        return current, []
    material = _put_copy(objects, current, changes)
    reason = Message("linked from another file")
    if others:
        reason = message("also used by {names}", names=slots.names_for_people(others))
    if len(objects) > 1:
        return material, [
            message(
                "'{material}' is {reason}: {names} got a copy of their own, '{copy}'.",
                material=current.name,
                reason=reason,
                names=slots.names_for_people(sorted(names)),
                copy=material.name,
            )
        ]
    return material, [
        message(
            "'{material}' is {reason}: '{obj}' got a copy of its own, '{copy}'.",
            material=current.name,
            reason=reason,
            obj=objects[0].name,
            copy=material.name,
        )
    ]


def _put_copy(
    objects: Sequence[bpy.types.Object], material: bpy.types.Material, changes: Transaction
) -> bpy.types.Material:
    copy = _copy(material, changes)
    for obj in objects:
        slots.assign(obj, copy, changes)
    return copy


def _copy(material: bpy.types.Material, changes: Transaction) -> bpy.types.Material:
    copy = changes.made(material.copy())
    copy.use_fake_user = False
    if copy.asset_data:
        copy.asset_clear()
    return copy


def wire(
    material: bpy.types.Material,
    image: bpy.types.Image,
    changes: Transaction,
    *,
    coordinates: Coordinates = UV,
    engine: str = "",
) -> tuple[Any, list[str]]:
    """Show an image as the material's base colour; returns its Image Texture node and what to tell.

    An Image Texture node that serves nothing but this base colour gets the new image in place of its own; in
    a new node the image lies as that which was shown before.

    :param engine: identifier of the render engine that shows it.
    """
    place, messages = _target(material, engine, changes)
    target, tree = place.socket, place.socket.id_data
    before = next((link.from_node for link in target.links), None)
    node = nodes.image_behind(place)
    if node is None:
        earlier = next(nodes.images_upstream(place), None)
        node = changes.node(tree, nodes.IMAGE)
        node.location = (target.node.location[0] - 1.5 * nodes.COLUMN, target.node.location[1])
        if earlier is not None:
            nodes.lie_as(node, earlier, changes)
        changes.link(tree, node.outputs["Color"], target)
        if before:
            messages.append(
                message(
                    "'{image}' was the {socket} of '{material}' before.",
                    image=before.name,
                    socket=target.name,
                    material=material.name,
                )
            )
    changes.set(node, "image", image)
    changes.drop(node, KIND)
    _lay(node, coordinates, changes)
    for owner, shown in zip(
        (*(group.id_data for group in place.groups), tree), (*place.groups, node), strict=True
    ):
        nodes.make_active(owner, shown, changes)
    return node, messages


def _target(material: bpy.types.Material, engine: str, changes: Transaction) -> tuple[Place, list[str]]:
    """The input that takes the image, which changes nothing but this material; and what to tell."""
    tree = compat.node_tree(material, changes)
    place = shaders.color_input(tree, engine)
    if place is None:
        target = nodes.add_principled(tree, changes, engine=engine).inputs["Base Color"]
        return Place(target), [
            message(
                "'{material}' had no shader with a colour: a Principled BSDF was added.",
                material=material.name,
            )
        ]
    place, copied = shaders.make_own(tree, place, changes)
    messages: list[str] = [
        message(
            "'{material}' got a copy of its own of the node group '{group}'.",
            material=material.name,
            group=name,
        )
        for name in copied
    ]
    node = place.socket.node
    if node.bl_idname != shaders.PRINCIPLED:
        messages.append(
            message(
                "'{material}' has no Principled BSDF: the image is the {socket} of its {node}.",
                material=material.name,
                socket=place.socket.name,
                node=node.name,
            )
        )
    return _beneath_occlusion(place), messages


def _beneath_occlusion(place: Place) -> Place:
    """Where the base colour comes from in a material of ours that multiplies ambient occlusion into it."""
    node = follow(place).socket.node
    if node.bl_idname != "ShaderNodeMix" or node.id_data != place.socket.id_data:
        return place
    inputs = {socket.identifier: Place(socket, place.groups) for socket in node.inputs}
    occlusion = follow(inputs["B_Color"]).socket.node
    return inputs["A_Color"] if occlusion.get(KIND) == "ao" else place


def _lay(node: Any, coordinates: Coordinates, changes: Transaction) -> None:
    """Let an Image Texture node follow the coordinates, unless it has its own that work."""
    tree = node.id_data
    start = nodes.vector_start(node)
    own = next((link.from_socket for link in start.links), None)
    if coordinates.uv_map and (own is None or nodes.is_rendered_uv(own)):
        at = (start.node.location[0] - nodes.COLUMN, start.node.location[1])
        changes.link(tree, nodes.add_coordinates(tree, coordinates, changes, at=at), start)
    elif coordinates.is_box and own is None:
        nodes.project(node, coordinates, changes)
        vector = nodes.add_mapping(tree, coordinates, changes, left_of=node.location)
        changes.link(tree, vector, node.inputs["Vector"])


def shown_uv_map(obj: bpy.types.Object) -> str:
    """The UV map that the base colour on an object names; empty where it takes the rendered one."""
    tree = obj.active_material.node_tree if obj.active_material else None
    place = shaders.color_input(tree, bpy.context.scene.render.engine) if tree else None
    node = next(nodes.images_upstream(place), None) if place else None
    start = nodes.vector_start(node) if node else None
    source = start.links[0].from_node if start and start.links else None
    return str(source.uv_map) if source and source.bl_idname == "ShaderNodeUVMap" else ""


def wire_alpha(material: bpy.types.Material, node: Any, changes: Transaction) -> None:
    """Let the image's transparency show where its colour goes: into a Principled BSDF, in every engine."""
    shader = node.outputs["Color"].links[0].to_node
    changes.link(material.node_tree, node.outputs["Alpha"], shader.inputs["Alpha"])


def _group_by_material(objects: Iterable[bpy.types.Object]) -> list[list[bpy.types.Object]]:
    """The objects, together where the material of their active slot is the same one."""
    groups: dict[int | None, list[bpy.types.Object]] = {}
    for obj in objects:
        material = obj.active_material
        groups.setdefault(material.session_uid if material else None, []).append(obj)
    return list(groups.values())


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    objects, messages = receivers_of(application)
    image_file = prepared.images[0]
    image = changes.made(add_image(image_file, prepared.facts))
    name, engine = name_of(prepared, application), engine_of(application)
    worn: list[tuple[bpy.types.Object, bpy.types.Material]] = []
    told: list[str] = []
    groups = [objects] if application.new_material else _group_by_material(objects)
    for group in groups or [[]]:
        coordinates, _, told_mapping = shared.coordinates_for_all(
            group, uv.coordinates_for, changes, in_metres=False
        )
        material, told_material = texture_material(
            group, name, image_file, changes, is_new=application.new_material
        )
        _, told_wiring = wire(material, image, changes, coordinates=coordinates, engine=engine)
        told += told_mapping + told_material + told_wiring + _warn_of_maps(material, engine)
        worn += [(obj, material) for obj in group]
    messages += shared.first_few(told) if len(worn) > 1 else told
    if image_file.has_alpha:
        messages.append(
            message("'{image}' is partly transparent; link its Alpha output to show that.", image=image.name)
        )
    first = worn[0][1] if worn else material
    return finish_material(worn, first, image, prepared, messages, changes)


def _warn_of_maps(material: bpy.types.Material, engine: str) -> list[str]:
    """A sentence where a material goes on showing other maps than its base color."""
    place = shaders.color_input(material.node_tree, engine)
    output = shaders.output_of(material.node_tree, engine)
    if place is None:
        return []
    ends = [Place(socket, place.groups) for socket in place.socket.node.inputs if socket.name in OTHER_MAPS]
    ends += [Place(output.inputs["Displacement"])]
    kept = [end.socket.name for end in ends if next(nodes.images_upstream(end), None)]
    if not kept:
        return []
    return [
        message(
            "'{material}' keeps its maps for {names}, which are of the image before: with Material they are "
            "made anew.",
            material=material.name,
            names=slots.names_for_people(kept),
        )
    ]


TARGET = Target(_apply)
