"""Copies of objects with plain materials, in a scene of their own, for exporters. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core.errors import InvalidRequestError
from ...core.text.message import message
from .. import compat
from ..evaluated import evaluated
from ..projection.unwrap import smart_unwrap
from ..shading.nodes import add_principled
from ..shading.shaders import OUTPUT
from ..shading.unwrapping import array_of, face_corners
from ..shading.uv import MOST_LAYERS, material_indices, rendered_layer
from ..transaction import Transaction

SHOWN_AS_MESH = ("MESH", "CURVE", "SURFACE", "FONT", "META")
UV_MAP = "UVMap"
OCCLUSION_GROUP = "glTF Material Output"
"""Name of the group by which Blender's exporter of glTF knows the occlusion."""
ASIDE = " (set aside)"
"""Ends the names of blocks while copies bear their names."""


@dataclass(frozen=True)
class Surface:
    """A material as files."""

    name: str
    files: Mapping[str, Path]
    """Images by role: ``base_color``, ``normal``, ``roughness``, ``metallic``, and ``orm`` for occlusion,
    roughness and metallic in one."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """By kind, where there is no image."""
    has_opacity: bool = False
    """In the alpha of the base color."""


def copy_object(obj: bpy.types.Object, scene: bpy.types.Scene, changes: Transaction) -> bpy.types.Object:
    """The object as it is shown, modifiers applied, as a mesh in another scene; it has the same slots.

    :param changes: remembers what is to be removed afterwards.
    :raises InvalidRequestError: it shows no faces.
    """
    if obj.mode == "EDIT" and obj.type == "MESH":
        obj.update_from_editmode()
    shown = evaluated(obj) if obj.type in SHOWN_AS_MESH else None
    if shown is None:
        raise InvalidRequestError(
            message("'{obj}' shows no surface in this view layer.", obj=obj.name),
            code="not_exportable",
            param="objects",
            next_step="Show it, or name another one.",
        )
    for block in (obj, obj.data):
        set_aside(block, changes)
    mesh = changes.made(_make_mesh(shown))
    if not mesh.polygons:
        raise InvalidRequestError(
            message("'{obj}' has no faces.", obj=_own_name(obj)), code="not_exportable", param="objects"
        )
    mesh.name = _own_name(obj.data)
    copy = bpy.data.objects.new(_own_name(obj), mesh)
    changes.on_failure(lambda: bpy.data.objects.remove(copy))
    copy.matrix_world = shown.matrix_world.copy()
    for slot, original in zip(copy.material_slots, obj.material_slots, strict=False):
        slot.link, slot.material = "OBJECT", original.material
    scene.collection.objects.link(copy)
    return copy


def _make_mesh(shown: bpy.types.Object) -> bpy.types.Mesh:
    """What an evaluated object shows, as a mesh of its own."""
    if isinstance(shown.data, bpy.types.Mesh):
        return shown.data.copy()
    return bpy.data.meshes.new_from_object(shown)


def set_aside(block: bpy.types.ID, changes: Transaction) -> None:
    """Rename a block, so that a copy can bear its name; the name comes back with the rest."""
    if block.library is None and not block.name.endswith(ASIDE):
        changes.set(block, "name", block.name[: 63 - len(ASIDE)] + ASIDE)


def _own_name(block: bpy.types.ID) -> str:
    return str(block.name).removesuffix(ASIDE)


def unwrap_apart(copy: bpy.types.Object, changes: Transaction) -> str:
    """Add a UV map in which no faces overlap; returns its name. The one that is rendered stays that.

    :raises InvalidRequestError: the mesh has as many UV maps as it can have.
    """
    layers = copy.data.uv_layers
    if len(layers) >= MOST_LAYERS:
        raise InvalidRequestError(
            message("'{obj}' has no room for a further UV map.", obj=_own_name(copy)),
            code="not_exportable",
            param="objects",
            next_step="Remove one that nothing uses.",
        )
    rendered = rendered_layer(copy.data)
    usual = rendered.name if rendered is not None else ""
    name = smart_unwrap(copy, changes)
    if usual:
        layers[usual].active_render = True
    return name


def lay_uvs(copy: bpy.types.Object, uv_maps: Mapping[int, str], repeats: Mapping[int, Any]) -> None:
    """Replace all UV maps by one, in which each material's images lie once where they repeated.

    :param uv_maps: by slot, the UV map that its images lie along; empty for the rendered one.
    :param repeats: by slot, how often they repeat along U and V.
    """
    mesh = copy.data
    usual = rendered_layer(mesh)
    if usual is None:
        return
    _, totals = face_corners(mesh)
    slots = np.repeat(material_indices(mesh), totals)
    uvs = array_of(usual.uv, "vector", 2, np.float32)
    for slot, name in uv_maps.items():
        layer = mesh.uv_layers.get(name) if name else usual
        here = slots == slot
        values = array_of(layer.uv, "vector", 2, np.float32) if layer is not None else uvs
        uvs[here] = values[here] * np.array(repeats.get(slot, (1.0, 1.0)), np.float32)
    while mesh.uv_layers:
        mesh.uv_layers.remove(mesh.uv_layers[0])
    mesh.uv_layers.new(name=UV_MAP, do_init=False)
    mesh.uv_layers[UV_MAP].uv.foreach_set("vector", uvs.ravel())
    mesh.update()


def dress(
    copy: bpy.types.Object,
    surfaces: Mapping[int, Surface],
    made: dict[str, bpy.types.Material],
    changes: Transaction,
) -> None:
    """Give a copy plain materials.

    :param surfaces: by slot.
    :param made: those that other copies have got, by name; gets more.
    """
    for slot, surface in surfaces.items():
        if surface.name not in made:
            made[surface.name] = make_material(surface, changes)
        if slot >= len(copy.material_slots):
            copy.data.materials.append(None)
        copy.material_slots[slot].link = "OBJECT"
        copy.material_slots[slot].material = made[surface.name]
    for number, slot in enumerate(copy.material_slots):
        material = slot.material if number in surfaces else None
        slot.link = "DATA"
        slot.material = material


def make_material(surface: Surface, changes: Transaction) -> bpy.types.Material:
    """Images and values on a Principled BSDF, as every exporter understands them."""
    block = bpy.data.materials.get(surface.name)
    if block is not None:
        set_aside(block, changes)
    material = bpy.data.materials.new(surface.name)
    changes.on_failure(lambda: bpy.data.materials.remove(material))
    tree = compat.node_tree(material, changes)
    tree.nodes.clear()
    tree.nodes.new(OUTPUT)
    shader = add_principled(tree, changes)
    images = {
        role: _add_image(tree, surface.name, role, path, changes) for role, path in surface.files.items()
    }
    for kind, socket in (("base_color", "Base Color"), ("roughness", "Roughness"), ("metallic", "Metallic")):
        if kind in images:
            tree.links.new(images[kind].outputs["Color"], shader.inputs[socket])
        elif kind in surface.values:
            value = surface.values[kind]
            shader.inputs[socket].default_value = (*value, 1.0) if kind == "base_color" else value
    if surface.has_opacity:
        tree.links.new(images["base_color"].outputs["Alpha"], shader.inputs["Alpha"])
        if hasattr(material, "blend_method"):
            material.blend_method = "BLEND"
    if "normal" in images:
        bumped = tree.nodes.new("ShaderNodeNormalMap")
        tree.links.new(images["normal"].outputs["Color"], bumped.inputs["Color"])
        tree.links.new(bumped.outputs["Normal"], shader.inputs["Normal"])
    if "orm" in images:
        _link_packed(tree, images["orm"], shader, changes)
    return material


def _add_image(tree: Any, material: str, role: str, path: Path, changes: Transaction) -> Any:
    image = changes.made(bpy.data.images.load(str(path)))
    image.name = f"{material}_{role}"
    if role != "base_color":
        image.colorspace_settings.is_data = True
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    return node


def _link_packed(tree: Any, packed: Any, shader: Any, changes: Transaction) -> None:
    """Green is roughness, blue is metallic; red is the occlusion, which only a group takes."""
    parts = tree.nodes.new("ShaderNodeSeparateColor")
    tree.links.new(packed.outputs["Color"], parts.inputs[0])
    tree.links.new(parts.outputs[1], shader.inputs["Roughness"])
    tree.links.new(parts.outputs[2], shader.inputs["Metallic"])
    group = bpy.data.node_groups.get(OCCLUSION_GROUP)
    if group is None:
        group = changes.made(bpy.data.node_groups.new(OCCLUSION_GROUP, "ShaderNodeTree"))
        group.interface.new_socket("Occlusion", in_out="INPUT", socket_type="NodeSocketFloat")
    if "Occlusion" in (item.name for item in group.interface.items_tree):
        node = tree.nodes.new("ShaderNodeGroup")
        node.node_tree = group
        tree.links.new(parts.outputs[0], node.inputs["Occlusion"])


def list_parts(obj: bpy.types.Object) -> Sequence[bpy.types.Object]:
    """The object, and what hangs on it and is shown as a surface."""
    return [
        obj,
        *(part for part in obj.children_recursive if part.type in SHOWN_AS_MESH and part.visible_get()),
    ]
