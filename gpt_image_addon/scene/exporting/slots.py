"""What of an object's materials is images and values, and what has to be baked. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ...core.request.map_kinds import BY_NAME
from ..images import KIND, is_viewed
from ..projection.canvases import MAPPING, find_color_input, find_used_slots, lies_by_uv, name_uv_map
from ..projection.flattening import BASE_COLOR, find_input
from ..shading import nodes
from ..shading.read_material import NORMAL_MAP
from ..shading.shaders import PRINCIPLED, Place, follow

BAKED_VALUES = ("roughness", "metallic", "opacity")
LEFT_OUT = (
    *("Emission Strength", "Transmission Weight", "Coat Weight", "Sheen Weight", "Subsurface Weight"),
    "Anisotropic",
)
"""Inputs of the Principled BSDF that no map of ours is for."""


@dataclass(frozen=True)
class Slots:
    """The material slots that an object's faces have."""

    plain: dict[int, str]
    """Those whose materials are images and values, with the UV map of the images: empty for the usual."""
    baked: tuple[int, ...]
    """The others."""
    kinds: tuple[str, ...]
    """Of the maps that are baked for them, besides the base color."""
    values: dict[str, float]
    """What they have in common of the inputs that are not baked, by kind."""


def sort_slots(obj: bpy.types.Object, engine: str) -> Slots:
    """Which slots of a mesh object can be taken as they are.

    :param engine: the render engine whose output counts.
    """
    plain: dict[int, str] = {}
    baked: list[int] = []
    for number in sorted(find_used_slots(obj)):
        uv_map = _find_uv_map(material_at(obj, number), engine, has_uvs=bool(obj.data.uv_layers))
        if uv_map is None:
            baked.append(number)
        else:
            plain[number] = uv_map
    kinds, values = _sort_kinds([material_at(obj, number) for number in baked], engine)
    return Slots(plain, tuple(baked), kinds, values)


def material_at(obj: bpy.types.Object, number: int) -> bpy.types.Material | None:
    """The material of a slot; None where it has none."""
    return obj.material_slots[number].material if number < len(obj.material_slots) else None


def list_left_out(material: bpy.types.Material | None, engine: str) -> list[str]:
    """Names of the inputs by which a material shows more than its maps tell."""
    place = find_color_input(material, engine)
    if place is None or place.socket.node.bl_idname != PRINCIPLED:
        return []
    inputs = place.socket.node.inputs
    shown = [
        name for name in LEFT_OUT if name in inputs and (inputs[name].is_linked or inputs[name].default_value)
    ]
    color = inputs["Emission Color"]
    if "Emission Strength" in shown and not color.is_linked and not any(color.default_value[:3]):
        shown.remove("Emission Strength")
    return shown


def _sort_kinds(materials: list[Any], engine: str) -> tuple[tuple[str, ...], dict[str, float]]:
    kinds: list[str] = []
    values: dict[str, float] = {}
    for kind in BAKED_VALUES:
        found = [find_input(material, kind, engine) for material in materials]
        numbers = {value[0] for _, value in found}
        if len(numbers) > 1 or any(place and follow(place).socket.is_output for place, _ in found):
            kinds.append(kind)
        elif numbers:
            values[kind] = numbers.pop()
    normals = [find_input(material, "normal", engine)[0] for material in materials]
    if any(place and follow(place).socket.is_output for place in normals):
        kinds.append("normal")
    return tuple(kinds), values


def _find_uv_map(material: bpy.types.Material | None, engine: str, *, has_uvs: bool) -> str | None:
    """The UV map that all images of a material lie along; None where it is more than images and values."""
    if material is None or material.node_tree is None:
        return ""
    place = find_color_input(material, engine)
    if place is None or place.socket.node.bl_idname != PRINCIPLED:
        return None
    shader = place.socket.node
    found = list(_images_made_here(material)) + list(_images_of_inputs(shader, place))
    if not _is_own_color(place) or any(node is None or not _lies_plainly(node) for node in found):
        return None
    if found and not has_uvs:
        return None
    names = {_name_uv_map(node) for node in found}
    return names.pop() if len(names) == 1 else None if names else ""


def _is_own_color(color: Place) -> bool:
    """Whether a base color is a value or an image, at most darkened by the occlusion made with it."""
    source = follow(color)
    if not source.socket.is_output or source.socket.node.bl_idname == nodes.IMAGE:
        return True
    node = source.socket.node
    if node.bl_idname != "ShaderNodeMix" or node.blend_type != "MULTIPLY":
        return False
    behind = [follow(Place(socket, source.groups)).socket.node for socket in node.inputs if socket.links]
    return {BASE_COLOR, "ao"} <= {str(end.get(KIND)) for end in behind}


def _images_made_here(material: bpy.types.Material) -> Iterator[Any]:
    for node in nodes.image_nodes(material.node_tree):
        if node.get(KIND) in BY_NAME and node.image:
            yield node


def _images_of_inputs(shader: Any, color: Place) -> Iterator[Any]:
    """The Image Texture node behind each input that none made here feeds; None where something else does."""
    labelled = {str(node.get(KIND)) for node in nodes.image_nodes(shader.id_data) if node.image}
    for kind in BY_NAME.values():
        if kind.socket is None or kind.name in labelled:
            continue
        source = follow(color if kind.name == BASE_COLOR else Place(shader.inputs[kind.socket], color.groups))
        if not source.socket.is_output:
            continue
        node = source.socket.node
        if kind.name == "normal":
            if node.bl_idname != NORMAL_MAP or node.space != "TANGENT":
                yield None
                continue
            source = follow(Place(node.inputs["Color"], source.groups))
            node = source.socket.node
        is_image = node.bl_idname == nodes.IMAGE and node.image is not None and not source.groups
        wanted = "Alpha" if kind.name == "opacity" else "Color"
        yield node if is_image and source.socket.name == "Color" == wanted else None


def _lies_plainly(node: Any) -> bool:
    """Whether a single image lies along a UV map, at most repeated."""
    image = node.image
    if node.projection != "FLAT" or is_viewed(image) or image.source not in ("FILE", "GENERATED"):
        return False
    mapping = _mapping_of(node)
    if mapping is None:
        return lies_by_uv(node)
    moved = (*mapping.inputs["Location"].default_value, *mapping.inputs["Rotation"].default_value)
    is_moved = any(moved) or mapping.inputs["Location"].is_linked or mapping.inputs["Rotation"].is_linked
    return mapping.vector_type == "POINT" and not is_moved and lies_by_uv(mapping)


def _mapping_of(node: Any) -> Any:
    links = node.inputs["Vector"].links
    source = links[0].from_node if links else None
    return source if source is not None and source.bl_idname == MAPPING else None


def _name_uv_map(node: Any) -> str:
    return name_uv_map(_mapping_of(node) or node)
