"""What nodes make the base color of an object, as pixels of an image: Cycles bakes it. Main thread only."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.errors import SceneError
from ...core.imaging.color_spaces import srgb_from_linear
from ...core.request.map_kinds import BY_NAME
from ...core.text.message import message
from .. import compat, udim
from ..shading import nodes, shaders
from ..shading.shaders import Place
from ..shading.slots import names_for_people
from ..shading.unwrapping import array_of, face_corners
from ..shading.uv import MOST_LAYERS, rendered_layer
from ..transaction import Transaction
from .canvases import Canvas, find_color_input, read_base_color

NAME = "baked"
BASE_COLOR = "base_color"
NEUTRAL = {"roughness": 0.5, "opacity": 1.0}
"""Of a surface that says nothing else; other inputs are 0."""
MARGIN = 6  # texels around faces that get their colors
SECONDS_PER_TEXEL = 0.8e-6  # of a bake; it grows with the nodes


@dataclass(frozen=True)
class FlatColor:
    """The base color of an object as an image shows it."""

    pixels: NDArray[Any]
    """(height, width, 3) uint8 or uint16 sRGB, the top row first."""
    seconds: float
    """That it took."""


def can_bake() -> bool:
    """Whether Cycles, which bakes, is there."""
    return hasattr(bpy.types.Scene, "cycles")


def tell_before(canvases: Sequence[Canvas]) -> str:
    """What becomes of the colors that nodes make, before images are painted over them.

    :param canvases: the new images of such objects.
    """
    names = names_for_people([name for canvas in canvases for name in canvas.objects])
    if not can_bake():
        return message(
            "Nodes make the color of {names}, which only Cycles can bake: a new image begins with one color.",
            names=names,
        )
    texels = sum(canvas.size[0] * canvas.size[1] for canvas in canvases)
    return message(
        "Nodes make the color of {names}: it is baked into a new image first, for which Blender waits about "
        "{seconds} s.",
        names=names,
        seconds=max(1, round(texels * SECONDS_PER_TEXEL)),
    )


def flatten_color(
    obj: bpy.types.Object,
    slots: Collection[int],
    size: tuple[int, int],
    scene: bpy.types.Scene,
    *,
    is_wide: bool = False,
    uv_map: str = "",
    tile: int = 0,
) -> FlatColor:
    """Bake the base color of material slots along the UV map that is rendered; nothing else is changed.

    The object is baked as a copy, in a scene of its own, with its modifiers as the viewport has them.

    :param slots: what lies on other ones stays black.
    :param size: width and height in pixels.
    :param scene: whose frame and render engine count.
    :param is_wide: 16 bits rather than 8.
    :param uv_map: the one to bake along, in place of the one that is rendered.
    :param tile: number of the UDIM tile to bake; without it faces beyond the image repeat it.
    :raises SceneError: Blender can't bake it.
    """
    start = time.monotonic()
    changes = Transaction()
    try:
        image = changes.made(bpy.data.images.new(NAME, *size, float_buffer=is_wide))
        own_scene = _make_scene(scene, changes)
        baked = _copy_object(obj, own_scene, changes)
        for number, slot in enumerate(baked.material_slots):
            before = slot.material if number in slots else None
            slot.link = "OBJECT"
            slot.material = _make_emitter(before, number in slots, image, scene, changes)
        _bake(baked, own_scene, uv_map=_add_tile(obj, baked.data, tile) if tile else uv_map)
        return FlatColor(_read(image), time.monotonic() - start)
    except (RuntimeError, TypeError) as error:
        raise SceneError(
            message("The color of '{obj}' could not be baked: {reason}", obj=obj.name, reason=error)
        ) from error
    finally:
        changes.take_back()


def flatten_input(
    obj: bpy.types.Object,
    slots: Collection[int],
    kind: str,
    size: tuple[int, int],
    scene: bpy.types.Scene,
    *,
    uv_map: str = "",
) -> NDArray[np.uint8]:
    """Bake what an input of the Principled BSDF gets, or the normals, of material slots; as `flatten_color`.

    :param kind: of a map: ``roughness``, ``metallic``, ``opacity``, or ``normal`` in tangent space.
    :returns: (height, width, 3) uint8 numbers, the top row first.
    :raises SceneError: Blender can't bake it.
    """
    changes = Transaction()
    try:
        image = changes.made(bpy.data.images.new(NAME, *size, is_data=True))
        own_scene = _make_scene(scene, changes)
        baked = _copy_object(obj, own_scene, changes)
        for number, slot in enumerate(baked.material_slots):
            before = slot.material if number in slots else None
            slot.link = "OBJECT"
            if kind == "normal":
                slot.material = _make_target(before, image, changes)
            else:
                slot.material = _make_emitter(before, number in slots, image, scene, changes, kind)
        _bake(baked, own_scene, "NORMAL" if kind == "normal" else "EMIT", uv_map)
        return np.asarray(_read(image), np.uint8)
    except (RuntimeError, TypeError) as error:
        raise SceneError(
            message(
                "{kind} of '{obj}' could not be baked: {reason}",
                kind=BY_NAME[kind].label,
                obj=obj.name,
                reason=error,
            )
        ) from error
    finally:
        changes.take_back()


def _copy_object(obj: bpy.types.Object, scene: bpy.types.Scene, changes: Transaction) -> bpy.types.Object:
    if obj.mode == "EDIT":
        obj.update_from_editmode()
    mesh = changes.made(obj.data.copy())
    if not obj.material_slots:
        mesh.materials.append(None)
    copy = obj.copy()
    changes.on_failure(lambda: bpy.data.objects.remove(copy))
    copy.data = mesh
    scene.collection.objects.link(copy)
    copy.hide_render = False
    for modifier in copy.modifiers:
        modifier.show_render = modifier.show_viewport
        if hasattr(modifier, "render_levels"):
            modifier.render_levels = modifier.levels
    return copy


def _make_emitter(
    material: bpy.types.Material | None,
    is_painted: bool,
    image: bpy.types.Image,
    scene: bpy.types.Scene,
    changes: Transaction,
    kind: str = BASE_COLOR,
) -> bpy.types.Material:
    """A material that emits what another one has as an input, and is baked into the image."""
    engine = scene.render.engine
    place, value = find_input(material, kind, engine)
    if material is None or place is None:
        made, place = bpy.data.materials.new(NAME), None
    else:
        made = material.copy()
    changes.on_failure(lambda: bpy.data.materials.remove(made))
    tree = compat.node_tree(made, changes)
    if place is not None:
        place, _ = shaders.make_own(tree, place, changes)
    emitted = _emit(tree, place, value if is_painted else (0.0, 0.0, 0.0))
    for node in [node for node in tree.nodes if node.bl_idname == shaders.OUTPUT]:
        tree.nodes.remove(node)
    tree.links.new(emitted, tree.nodes.new(shaders.OUTPUT).inputs["Surface"])
    _add_target(tree, image)
    return made


def _make_target(
    material: bpy.types.Material | None, image: bpy.types.Image, changes: Transaction
) -> bpy.types.Material:
    """A copy of a material that is baked into the image."""
    made = material.copy() if material is not None else bpy.data.materials.new(NAME)
    changes.on_failure(lambda: bpy.data.materials.remove(made))
    _add_target(compat.node_tree(made, changes), image)
    return made


def _add_target(tree: Any, image: bpy.types.Image) -> None:
    target = tree.nodes.new(nodes.IMAGE)
    target.image = image
    for node in tree.nodes:
        node.select = node == target
    tree.nodes.active = target


def find_input(
    material: bpy.types.Material | None, kind: str, engine: str
) -> tuple[Place | None, tuple[float, float, float]]:
    """The input behind a kind of map, and what it has where nothing is linked."""
    place = find_color_input(material, engine)
    if kind == BASE_COLOR:
        return place, read_base_color(material, engine)
    socket = BY_NAME[kind].socket
    if place is None or socket is None or place.socket.node.bl_idname != shaders.PRINCIPLED:
        return None, (NEUTRAL.get(kind, 0.0),) * 3
    found = Place(place.socket.node.inputs[socket], place.groups)
    end = shaders.follow(found).socket
    value = NEUTRAL.get(kind, 0.0) if end.is_output or end.type != "VALUE" else float(end.default_value)
    return found, (value,) * 3


def _emit(tree: Any, place: Place | None, color: tuple[float, float, float]) -> Any:
    """The output of the outermost tree that emits what an input gets, or else a color."""
    inner = place.socket.id_data if place is not None else tree
    emission = inner.nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = (*color, 1.0)
    links = place.socket.links if place is not None else ()
    for link in [link for link in links if link.is_valid and not link.is_muted]:
        inner.links.new(link.from_socket, emission.inputs["Color"])
    emitted = emission.outputs["Emission"]
    for group in reversed(place.groups if place is not None else ()):
        item = inner.interface.new_socket(NAME, in_out="OUTPUT", socket_type="NodeSocketShader")
        end = next(
            node for node in inner.nodes if node.bl_idname == "NodeGroupOutput" and node.is_active_output
        )
        socket = next(socket for socket in end.inputs if socket.identifier == item.identifier)
        inner.links.new(emitted, socket)
        emitted = next(socket for socket in group.outputs if socket.identifier == item.identifier)
        inner = group.id_data
    return emitted


def _make_scene(shown_in: bpy.types.Scene, changes: Transaction) -> bpy.types.Scene:
    scene = bpy.data.scenes.new(NAME)
    changes.on_failure(lambda: bpy.data.scenes.remove(scene))  # Blender crashes when it is batch-removed
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.frame_set(shown_in.frame_current, subframe=shown_in.frame_subframe)
    return scene


def _bake(obj: bpy.types.Object, scene: bpy.types.Scene, what: str = "EMIT", uv_map: str = "") -> None:
    layer = scene.view_layers[0]
    layer.objects.active = obj
    obj.select_set(True, view_layer=layer)
    if uv_map:  # the tangents of normals are those of the active one
        obj.data.uv_layers.active = obj.data.uv_layers[uv_map]
    with bpy.context.temp_override(
        scene=scene,
        view_layer=layer,
        active_object=obj,
        object=obj,
        selected_objects=[obj],
        selected_editable_objects=[obj],
    ):
        bpy.ops.object.bake(
            type=what,
            margin=MARGIN,
            margin_type="EXTEND",
            uv_layer=uv_map or _name_uv_map(obj.data),
            target="IMAGE_TEXTURES",
        )


def _name_uv_map(mesh: bpy.types.Mesh) -> str:
    """The UV map to bake along: a further one where faces lie beyond the image, which repeats there."""
    layer: Any = rendered_layer(mesh)
    uvs = array_of(layer.uv, "vector", 2, np.float32)
    starts, totals = face_corners(mesh)
    with np.errstate(invalid="ignore"):
        repeats = np.floor(np.add.reduceat(uvs, starts) / totals[:, None])
    if not np.nan_to_num(repeats).any():
        return str(layer.name)
    if len(mesh.uv_layers) < MOST_LAYERS:
        layer = mesh.uv_layers.new(name=NAME, do_init=False)
    layer.uv.foreach_set("vector", (uvs - np.repeat(repeats, totals, axis=0)).ravel())
    return str(layer.name)


def _add_tile(obj: bpy.types.Object, mesh: bpy.types.Mesh, tile: int) -> str:
    """The name of a further UV map in which a UDIM tile is where an image lies.

    :raises SceneError: the mesh can't have another one.
    """
    if len(mesh.uv_layers) >= MOST_LAYERS:
        raise SceneError(
            message("'{obj}' has no room for another UV map, along which tiles are baked.", obj=obj.name),
            next_step="Remove one that nothing uses.",
        )
    place: Any = rendered_layer(mesh)
    uvs = array_of(place.uv, "vector", 2, np.float32)
    layer = mesh.uv_layers.new(name=NAME, do_init=False)
    layer.uv.foreach_set("vector", (uvs - np.array(udim.place_of(tile), np.float32)).ravel())
    return str(layer.name)


def _read(image: bpy.types.Image) -> NDArray[Any]:
    width, height = image.size
    flat = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(flat)
    values = flat.reshape(height, width, -1)[::-1, :, :3]
    if image.is_float:  # linear
        return np.rint(srgb_from_linear(values) * 65535).astype(np.uint16)
    return np.rint(values * np.float32(255)).astype(np.uint8)
