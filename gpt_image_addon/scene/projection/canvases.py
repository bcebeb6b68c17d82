"""Which images objects are painted into: those of their base colors, or new ones. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import bpy
import numpy as np

from ...core.errors import InvalidRequestError
from ...core.text.message import message
from ...core.text.names import suggestion
from .. import udim
from ..evaluated import evaluated
from ..images import PROPERTY_PREFIX, is_viewed, tiles_of
from ..shading import nodes, shaders
from ..shading.shaders import Place, follow
from ..shading.slots import names_for_people
from ..shading.unwrapping import array_of
from ..shading.uv import material_indices, rendered_layer

REMAKERS = frozenset(("REMESH", "NODES", "SKIN", "BOOLEAN", "OCEAN", "VOLUME_TO_MESH", "MESH_CACHE"))
"""Modifiers that may make faces without UVs."""
PLAIN_COLOR = (0.8, 0.8, 0.8)  # of a surface without a material, linear
MAPPING = "ShaderNodeMapping"
JOB = PROPERTY_PREFIX + "job"
"""Custom property of an image: the job that made it."""


Owners: TypeAlias = int | Mapping[int, int]


@dataclass(frozen=True)
class Canvas:
    """An image that is painted."""

    label: str
    size: tuple[int, int]
    """Width and height in pixels."""
    image: str = ""
    """Name of the data-block that is there; empty for a new one."""
    objects: tuple[str, ...] = ()
    """Names of those that show it."""
    slots: tuple[int, ...] = ()
    """The material slots that get a new one."""
    fill: tuple[float, float, float] = PLAIN_COLOR
    """Linear color of a new one."""
    by_nodes: bool = False
    """Of a new one: nodes, or several materials, make the color that it takes the place of."""
    tile: int = 0
    """Number of the UDIM tile that is painted; 0 where the image has none."""


@dataclass(frozen=True)
class Painted:
    """How the faces of an object are painted."""

    owners: tuple[Owners, ...]
    """For each material slot, the number of its image, `NO_OWNER` where none is painted; of a UDIM image that
    of each tile, by its number."""
    uv_maps: tuple[str, ...]
    """For each slot; empty for the one that is rendered."""
    matrix_world: Any = None
    """Where the object is to be, 4x4; where it is without."""
    selected: bool = False
    """Only its selected faces."""
    triangles: Any = None
    """(triangles,) bool, which of its evaluated triangles alone; all without."""
    is_kept: bool = False
    """It shows images that are painted, and is not painted itself."""


@dataclass(frozen=True)
class Canvases:
    """All images that are painted, and how the faces of the objects lie in them."""

    images: tuple[Canvas, ...]
    painted: dict[str, Painted]
    """By name of object."""
    notes: tuple[str, ...] = ()


def find_objects(scene: bpy.types.Scene, names: Sequence[str]) -> list[bpy.types.Object]:
    """The objects of these names.

    :raises InvalidRequestError: one is not there, or can't be painted.
    """
    found = []
    for name in dict.fromkeys(names):
        obj = scene.objects.get(name)
        if obj is None:
            raise InvalidRequestError(
                message("There is no object '{name}' in the scene '{scene}'.", name=name, scene=scene.name),
                code="no_such_object",
                param="objects",
                next_step=suggestion(name, (other.name for other in scene.objects))
                or "Name objects of this scene.",
            )
        problem, step = why_not_paintable(obj)
        if problem:
            raise InvalidRequestError(problem, code="not_paintable", param="objects", next_step=step)
        found.append(obj)
    return found


def why_not_paintable(obj: bpy.types.Object) -> tuple[str, str]:
    """Why an image can't be projected onto an object, and what helps; both empty where it can."""
    if obj.type != "MESH":
        return (
            message("'{obj}' is no mesh, and only a mesh keeps a UV map.", obj=obj.name),
            "Convert it to a mesh first.",
        )
    for block in (obj, obj.data):
        if block.library or block.override_library:
            return (
                message("'{obj}' is linked from another file, or a library override.", obj=obj.name),
                "Make it local first.",
            )
    if not obj.data.polygons:
        return message(
            "'{obj}' has no faces of its own.", obj=obj.name
        ), "Apply the modifiers that make them."
    shown = evaluated(obj)
    if shown is None or not obj.visible_get(view_layer=bpy.context.view_layer):
        return message("'{obj}' is hidden in this view layer.", obj=obj.name), "Show it first."
    return _why_without_uvs(obj, shown)


def _why_without_uvs(obj: bpy.types.Object, shown: bpy.types.Object) -> tuple[str, str]:
    """Modifiers may leave no UV map: those that remesh, and nodes that make geometry."""
    mesh = shown.data
    active = [modifier for modifier in obj.modifiers if modifier.show_viewport]
    if not isinstance(mesh, bpy.types.Mesh) or not active or not mesh.polygons:
        return "", ""
    if obj.data.uv_layers:
        is_lost = not mesh.uv_layers
    else:  # it gets one below them, which they must keep
        is_lost = any(modifier.type in REMAKERS for modifier in active)
    if not is_lost:
        return "", ""
    name = next((modifier.name for modifier in active if modifier.type in REMAKERS), active[-1].name)
    return (
        message(
            "The modifier '{modifier}' of '{obj}' makes faces without a UV map.", modifier=name, obj=obj.name
        ),
        message("Apply '{modifier}', or switch it off in the viewport.", modifier=name),
    )


def plan_canvases(
    objects: Sequence[bpy.types.Object],
    *,
    name: str,
    new_image: bool,
    texture_size: int,
    engine: str,
    selected: bool = False,
    matrices: dict[str, Any] | None = None,
    own: Collection[str] = (),
    slots: Collection[int] | None = None,
    tiles: Mapping[str, Collection[int]] | None = None,
) -> Canvases:
    """Where each material slot of the objects is painted; nothing is changed.

    :param name: of new images.
    :param new_image: leave images that are there alone, but for those of the job.
    :param matrices: where objects are to be, by name.
    :param own: jobs whose new images are painted again.
    :param slots: those alone; all without.
    :param tiles: of UDIM images those alone, by the name of the object; all without.
    :raises InvalidRequestError: an image is there that can't be painted.
    """
    plan = _Plan(name, new_image, texture_size, engine, len(objects) > 1, own, tiles)
    painted = {
        obj.name: plan.add(obj, selected=selected, matrix=(matrices or {}).get(obj.name), only=slots)
        for obj in objects
    }
    others = _find_others(plan.images, painted)
    kept = {obj.name: plan.keep(obj) for obj in others}
    notes = (*plan.notes, *_tell_of_others(plan.images, kept))
    return Canvases(tuple(plan.images), {**painted, **kept}, tuple(dict.fromkeys(notes)))


class _Plan:
    def __init__(
        self,
        name: str,
        new_image: bool,
        texture_size: int,
        engine: str,
        is_for_several: bool,
        own: Collection[str],
        tiles: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        self._tiles = tiles
        self.images: list[Canvas] = []
        self.notes: list[str] = []
        self._name, self._new_image, self._size = name, new_image, texture_size
        self._engine, self._is_for_several, self._own = engine, is_for_several, own

    def add(
        self, obj: bpy.types.Object, *, selected: bool, matrix: Any, only: Collection[int] | None
    ) -> Painted:
        """How an object is painted."""
        from ...core.projection.surface import NO_OWNER

        used = find_used_slots(obj) if only is None else only
        slots = range(max(1, len(obj.material_slots)))
        found = [
            self._slot(obj, slot, selected=selected) if slot in used else (NO_OWNER, "") for slot in slots
        ]
        owners, uv_maps = zip(*found, strict=True)
        return Painted(owners, uv_maps, matrix, selected)

    def keep(self, obj: bpy.types.Object) -> Painted:
        """An object that shows some of the images, and is not painted: its texels are no margin of others."""
        from ...core.projection.surface import NO_OWNER

        known: dict[str, Owners] = {}
        for number, canvas in enumerate(self.images):
            if canvas.tile:
                known[canvas.image] = {**_as_tiles(known.get(canvas.image)), canvas.tile: number}
            elif canvas.image:
                known[canvas.image] = number
        shown = [find_base_image(slot.material, self._engine) for slot in obj.material_slots]
        return Painted(
            tuple(known.get(node.image.name, NO_OWNER) if node is not None else NO_OWNER for node in shown),
            tuple(name_uv_map(node) if node is not None else "" for node in shown),
            is_kept=True,
        )

    def _slot(self, obj: bpy.types.Object, slot: int, *, selected: bool) -> tuple[Owners, str]:
        """The numbers of the images of a slot, and its UV map."""
        material = obj.material_slots[slot].material if slot < len(obj.material_slots) else None
        node = find_base_image(material, self._engine)
        if node is None or (self._new_image and node.image.get(JOB) not in self._own):
            return self._new(obj, slot, material), ""
        image, uv_map = node.image, name_uv_map(node)
        if not tiles_of(image):
            _check_image(image)
            return self._existing(obj, image), uv_map
        tiles = find_tiles(obj, slot, uv_map, selected=selected)
        if self._tiles is not None:
            tiles = tuple(tile for tile in tiles if tile in self._tiles.get(obj.name, ()))
        _check_tiles(image, tiles)
        for tile in set(tiles) - set(tiles_of(image)):
            self.notes.append(
                message(
                    "Faces of '{obj}' lie on UDIM tile {tile}, which '{image}' does not have: they are not "
                    "painted.",
                    obj=obj.name,
                    tile=tile,
                    image=image.name,
                )
            )
        return {tile: self._existing(obj, image, tile) for tile in tiles if tile in tiles_of(image)}, uv_map

    def _existing(self, obj: bpy.types.Object, image: bpy.types.Image, tile: int = 0) -> int:
        for number, canvas in enumerate(self.images):
            if (canvas.image, canvas.tile) == (image.name, tile):
                self.images[number] = _add_object(canvas, obj.name)
                return number
        width, height = udim.tile_size(image, tile) if tile else image.size
        label = f"{image.name}.{tile}" if tile else image.name
        size = (int(width), int(height))
        self.images.append(Canvas(label, size, image.name, (obj.name,), tile=tile))
        return len(self.images) - 1

    def _new(self, obj: bpy.types.Object, slot: int, material: bpy.types.Material | None) -> int:
        color, by_nodes = read_base_color(material, self._engine), is_made_by_nodes(material, self._engine)
        for number, canvas in enumerate(self.images):
            if not canvas.image and canvas.objects == (obj.name,):
                by_nodes |= canvas.by_nodes or canvas.fill != color
                slots = (*canvas.slots, slot)
                self.images[number] = dataclasses.replace(canvas, slots=slots, by_nodes=by_nodes)
                return number
        label = f"{self._name} {obj.name}" if self._is_for_several else self._name
        size = (self._size, self._size)
        self.images.append(Canvas(label, size, "", (obj.name,), (slot,), color, by_nodes))
        return len(self.images) - 1


def _as_tiles(owners: Owners | None) -> Mapping[int, int]:
    return owners if isinstance(owners, Mapping) else {}


def find_tiles(obj: bpy.types.Object, slot: int, uv_map: str, *, selected: bool) -> tuple[int, ...]:
    """The numbers of the UDIM tiles on which the faces of a material slot lie.

    :param uv_map: its name; empty for the one that is rendered.
    :param selected: of the selected faces alone.
    :raises InvalidRequestError: it has no UV map.
    """
    shown = evaluated(obj)
    mesh = obj.data if shown is None else shown.data
    layer = mesh.uv_layers.get(uv_map) if uv_map else rendered_layer(mesh)
    if layer is None:
        _refuse(message("'{obj}' has no UV map that says on which UDIM tiles it lies.", obj=obj.name))
        return ()
    last = max(0, len(obj.material_slots) - 1)
    wanted = np.clip(material_indices(mesh), 0, last) == slot
    if selected:
        wanted &= array_of(mesh.polygons, "select", 1, bool)
    starts = array_of(mesh.polygons, "loop_start", 1, np.int32)
    counts = array_of(mesh.polygons, "loop_total", 1, np.int32)
    uvs = array_of(layer.uv, "vector", 2, np.float32)
    means = np.add.reduceat(uvs, starts) / counts[:, None]
    means = means[wanted & np.isfinite(means).all(axis=1)]
    return tuple(int(tile) for tile in np.unique(udim.tiles_at(means)) if tile)


def _check_tiles(image: bpy.types.Image, tiles: Sequence[int]) -> None:
    """:raises InvalidRequestError: tiles of the image can't be painted."""
    present = [tile for tile in tiles if tile in tiles_of(image)] or list(tiles[:1])
    problems = (udim.why_not_replaceable_tile(image, tile) for tile in present)
    _refuse(next(filter(None, problems), ""))


def _add_object(canvas: Canvas, name: str) -> Canvas:
    return dataclasses.replace(canvas, objects=tuple(dict.fromkeys((*canvas.objects, name))))


def find_used_slots(obj: bpy.types.Object) -> set[int]:
    """The material slots that its faces have."""
    last = max(0, len(obj.material_slots) - 1)
    return {min(max(int(index), 0), last) for index in set(material_indices(obj.data).tolist())}


def find_base_image(material: bpy.types.Material | None, engine: str) -> Any:
    """The Image Texture node whose image, as the UV map has it, is the base color; None where none is."""
    place = find_color_input(material, engine)
    if place is None:
        return None
    source = follow(place)
    node = source.socket.node
    if not source.socket.is_output or node.bl_idname != nodes.IMAGE or node.image is None:
        return None
    return node if node.projection == "FLAT" and lies_by_uv(node) else None


def is_made_by_nodes(material: bpy.types.Material | None, engine: str) -> bool:
    """Whether the base color of a material is more than one value."""
    place = find_color_input(material, engine)
    return place is not None and bool(follow(place).socket.is_output)


def find_color_input(material: bpy.types.Material | None, engine: str) -> Place | None:
    """The input of the base color of a material; None where it has no shader with one."""
    tree = material.node_tree if material else None
    return shaders.color_input(tree, engine) if tree else None


def lies_by_uv(node: Any) -> bool:
    """Whether an image lies once along a UV map: nothing moves or repeats it."""
    links = node.inputs["Vector"].links
    if not links:
        return True
    source = links[0].from_socket
    if source.node.bl_idname == MAPPING:
        return False
    return nodes.is_rendered_uv(source) or source.node.bl_idname == "ShaderNodeUVMap"


def name_uv_map(node: Any) -> str:
    """The UV map that an Image Texture node names; empty where it takes the rendered one."""
    links = node.inputs["Vector"].links
    source = links[0].from_node if links else None
    return str(source.uv_map) if source is not None and source.bl_idname == "ShaderNodeUVMap" else ""


def read_base_color(material: bpy.types.Material | None, engine: str) -> tuple[float, float, float]:
    """The plain color of a material, linear; of one whose color is made by nodes what its views show."""
    if material is None:
        return PLAIN_COLOR
    place = find_color_input(material, engine)
    if place is not None:
        socket = follow(place).socket
        if not socket.is_output and socket.type == "RGBA":
            red, green, blue = socket.default_value[:3]
            return float(red), float(green), float(blue)
    red, green, blue = material.diffuse_color[:3]
    return float(red), float(green), float(blue)


def _check_image(image: bpy.types.Image) -> None:
    """:raises InvalidRequestError: the image can't be painted."""
    problem = ""
    if image.library or image.override_library:
        problem = message("'{image}' is linked; make it local to change it.", image=image.name)
    elif is_viewed(image) or image.source not in ("FILE", "GENERATED"):
        problem = message("'{image}' is no single image; save what you see as one first.", image=image.name)
    elif not all(image.size):
        problem = message("The image '{image}' has no pixels; its file may be missing.", image=image.name)
    elif image.is_float:
        problem = message("'{image}' has floating-point pixels, which are not painted.", image=image.name)
    _refuse(problem)


def _refuse(problem: str) -> None:
    """:raises InvalidRequestError: there is a problem."""
    if problem:
        raise InvalidRequestError(
            problem,
            code="not_paintable",
            param="objects",
            next_step="Or paint a new image (--new-image, new_image=True in Python).",
        )


def _find_others(images: Sequence[Canvas], painted: Collection[str]) -> list[bpy.types.Object]:
    """The meshes that show images that are painted, and are not painted themselves."""
    blocks = [bpy.data.images.get(canvas.image) for canvas in images if canvas.image]
    shown = {
        material
        for material in bpy.data.materials
        if material.node_tree and any(node.image in blocks for node in nodes.image_nodes(material.node_tree))
    }
    return [
        obj
        for obj in bpy.data.objects
        if obj.type == "MESH"
        and obj.name not in painted
        and any(s.material in shown for s in obj.material_slots)
    ]


def _tell_of_others(images: Sequence[Canvas], kept: Mapping[str, Painted]) -> Iterator[str]:
    """A sentence for each image that other objects show as well."""
    for number, canvas in enumerate(images):
        others = [name for name, how in kept.items() if number in _list_owners(how)]
        if others:
            yield message(
                "'{image}' is also on {names}, which show what is painted where they share its texels.",
                image=canvas.image,
                names=names_for_people(sorted(others)),
            )


def _list_owners(how: Painted) -> list[int]:
    """The numbers of all images that an object shows."""
    return [
        number
        for owners in how.owners
        for number in (owners.values() if isinstance(owners, Mapping) else (owners,))
    ]


def needs_uvs(obj: bpy.types.Object) -> bool:
    """Whether an object has no UV map at all."""
    return rendered_layer(obj.data) is None
