"""The `material` target: a Principled BSDF fed by a set of maps. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from ...core.errors import SceneError
from ...core.request.map_kinds import BY_NAME, MAP_KINDS
from ...core.request.parameters import STRENGTHS
from ...core.request.request import Application
from ...core.results.store import Facts, ImageFile, PreparedResult
from .. import compat
from ..images import KIND
from ..images import PROPERTY_PREFIX as PREFIX
from ..map_images import Channels, MapFile, add_map, holds
from ..shading import nodes, relief, shared, slots, upright, uv
from ..shading.shaders import PRINCIPLED
from ..shading.uv import UV, Coordinates
from ..transaction import Transaction
from .base import Applied, Target, finish_material, name_of, receivers_of
from .replacement import BEFORE
from .texture import new_material, set_mean_color

BUMP_DISTANCE = 0.02  # metres from black to white, where nothing better is known
LEFT, VALUES, MIDDLE = -900, -560, -320  # columns: Image Texture nodes, strengths, and what follows them
PITCH = 340  # from one Image Texture node to the next, the tallest of which is as high as 300
UNDER_SHADER = -90  # where the output stands that gets a displacement: its link runs below the shader
BELOW = 230  # from the top of its row down to a strength: under the link of the image
IMAGE_INDEX = PREFIX + "picture"  # which image of that result, 0 for the first
JOB = PREFIX + "job"  # custom property of a material: whose result it shows


@dataclass(frozen=True)
class Look:
    """How a material shows its maps."""

    coordinates: Coordinates = UV
    metres: float = 1.0
    """What one unit of those coordinates spans on the object."""
    texture_size: float | None = None
    """Metres that the image is to span; None leaves it as the coordinates lay it."""
    displacement: str = "none"
    """``none``, ``bump`` or ``true``."""
    relief: float | None = None
    """Metres from the deepest to the highest; None leaves it as the maps have it."""
    aspect: float = 1.0
    """Width over height of the image, where it has a real size; a projection from six sides has none."""
    is_laid: bool = False
    """The UV map lays the image already: it spans `metres`, and nothing in the material changes that."""

    @property
    def size(self) -> float:
        """Metres that the image spans."""
        return self.texture_size or self.metres / self.coordinates.scale[0]


@dataclass(frozen=True)
class Remade:
    """A material whose maps were made anew."""

    material: str
    map_images: tuple[str, ...]
    """Names of the image data-blocks that are new in it."""


@dataclass
class _Wiring:
    """A material that is being put together."""

    tree: bpy.types.ShaderNodeTree
    shader: Any
    images: Mapping[str, Any]
    """Image Texture nodes by kind."""
    image_files: Mapping[str, MapFile]
    look: Look
    changes: Transaction

    def between(self, idname: str, source: Any, label: str) -> Any:
        """A node in the column between the images and the shader."""
        node = self.changes.node(self.tree, idname)
        node.location = (MIDDLE, source.location[1])
        node.label = label
        return node

    def strength(self, label: str, default: float, source: Any, target: Any) -> None:
        """A Value node beside the image `source` that says how strong it is at the socket `target`."""
        at = (VALUES, source.location[1] - BELOW)
        nodes.add_value(self.tree, label, default, target, self.changes, at=at)

    def link(self, source: Any, target: Any) -> None:
        self.tree.links.new(source, target)

    @property
    def uses_normal_map(self) -> bool:
        """Relief is shown once: by the normal map, or by the height.

        A tangent-space map needs UVs; a projection from six sides has none.
        """
        by_height = self.look.coordinates.is_box or self.look.displacement != "none"
        return "normal" in self.images and not (by_height and "height" in self.images)


def build_material(
    name: str,
    image_files: Mapping[str, ImageFile],
    facts: Facts,
    changes: Transaction,
    *,
    look: Look | None = None,
) -> tuple[bpy.types.Material, dict[str, bpy.types.Image]]:
    """A material from maps by kind, and its images by kind.

    :raises SceneError: a map in a format that Blender can't hold.
    """
    look = look or Look()
    material = new_material(name, image_files["base_color"], changes)
    if "job" in facts:
        material[JOB] = facts["job"]
    tree = compat.node_tree(material, changes)
    tree.nodes.clear()
    shader = nodes.add_principled(tree, changes)
    kinds = [kind for kind in MAP_KINDS if kind.name in image_files]
    vector = _lay(tree, look, changes)
    images = {}
    # Straight links run above all that stands in between; so does that of the base color to the occlusion.
    rows = sorted(kinds, key=lambda kind: (kind.name in _WIRES, kind.name != "ao"))
    for kind in kinds:
        image = changes.made(add_map(kind.name, image_files[kind.name], facts))
        images[kind.name] = node = changes.node(tree, nodes.IMAGE)
        node.image, node.label = image, kind.label
        node[KIND] = kind.name
        node.location = (LEFT, nodes.ROW - PITCH * rows.index(kind))
        nodes.project(node, look.coordinates, changes)
        if vector is not None:
            tree.links.new(vector, node.inputs["Vector"])
    wiring = _Wiring(tree, shader, images, image_files, look, changes)
    for kind in kinds:
        _WIRES.get(kind.name, _wire_socket)(wiring, kind.name)
    if look.displacement == "true":
        material.displacement_method = "BOTH"
    _keep_share(material, image_files, changes)
    if look.relief is not None:
        relief.show_relief(material, look.relief * relief.MILLIMETRES, changes)
    nodes.make_active(tree, images[kinds[0].name], changes)
    return material, {kind: node.image for kind, node in images.items()}


def _lay(tree: bpy.types.ShaderNodeTree, look: Look, changes: Transaction) -> Any:
    """Nodes that lay the images and say their real size; returns the socket that feeds them, if any."""
    left_of = (LEFT, nodes.ROW)
    if look.is_laid:
        nodes.add_size(tree, look.size, changes, left_of=left_of)
        return None
    vector = nodes.add_mapping(tree, look.coordinates, changes, left_of=left_of)
    aspect = 1.0 if look.coordinates.is_box else look.aspect
    nodes.add_real_size(tree, vector.node, look.metres, look.size, changes, aspect=aspect)
    return vector


def _wire_socket(wiring: _Wiring, kind: str) -> None:
    socket = BY_NAME[kind].socket
    if socket:  # else it lies beside the others, for whoever wants it
        wiring.link(wiring.images[kind].outputs["Color"], wiring.shader.inputs[socket])


def _wire_normal(wiring: _Wiring, kind: str) -> None:
    source = wiring.images[kind]
    node = wiring.between("ShaderNodeNormalMap", source, "Normal (OpenGL)")
    wiring.link(source.outputs["Color"], node.inputs["Color"])
    wiring.strength(relief.NORMAL_STRENGTH, 1.0, source, node.inputs["Strength"])
    if wiring.uses_normal_map:
        wiring.link(node.outputs["Normal"], wiring.shader.inputs["Normal"])


def _wire_height(wiring: _Wiring, kind: str) -> None:
    """Bump or displacement; beside a normal map only a Displacement node that waits to be linked."""
    source = wiring.images[kind]
    if wiring.uses_normal_map or wiring.look.displacement == "true":
        node = wiring.between("ShaderNodeDisplacement", source, "Displacement")
        distance = node.inputs["Scale"]
        if wiring.uses_normal_map:
            node.label = "Displacement (link to use)"
        else:
            output = wiring.tree.get_output_node("ALL")
            output.location[1] = UNDER_SHADER
            wiring.link(node.outputs["Displacement"], output.inputs["Displacement"])
    else:
        node = wiring.between("ShaderNodeBump", source, "Bump")
        distance = node.inputs["Distance"]
        wiring.link(node.outputs["Normal"], wiring.shader.inputs["Normal"])
    wiring.link(source.outputs["Color"], node.inputs["Height"])
    share = wiring.image_files[kind].facts.get("relief")
    metres = float(share) * wiring.look.size if share else BUMP_DISTANCE
    wiring.strength(relief.HEIGHT, metres, source, distance)


def _keep_share(
    material: bpy.types.Material, image_files: Mapping[str, ImageFile], changes: Transaction
) -> bool:
    """Note the relief of a new normal map; returns whether it is another one."""
    share = image_files["normal"].facts.get("relief") if "normal" in image_files else None
    return share is not None and relief.keep_share(material, float(share), changes)


def _wire_roughness(wiring: _Wiring, kind: str) -> None:
    """Spread around its mean: less than 1 evens it out, more than 1 exaggerates it."""
    source = wiring.images[kind]
    node = wiring.between("ShaderNodeMix", source, "Roughness")
    node.data_type, node.clamp_factor = "FLOAT", False
    inputs = {socket.identifier: socket for socket in node.inputs}
    inputs["A_Float"].default_value = float(wiring.image_files[kind].facts.get("mean", 0.5))
    wiring.link(source.outputs["Color"], inputs["B_Float"])
    wiring.strength("Roughness Contrast", 1.0, source, inputs["Factor_Float"])
    result = next(socket for socket in node.outputs if socket.identifier == "Result_Float")
    wiring.link(result, wiring.shader.inputs["Roughness"])


def _wire_ao(wiring: _Wiring, kind: str) -> None:
    """Multiplied into the base colour, as much as its strength says."""
    source = wiring.images[kind]
    node = wiring.between("ShaderNodeMix", source, "Ambient Occlusion")
    node.data_type, node.blend_type = "RGBA", "MULTIPLY"
    inputs = {socket.identifier: socket for socket in node.inputs}
    wiring.strength("AO Amount", 1.0, source, inputs["Factor_Float"])
    base = wiring.shader.inputs["Base Color"]
    if base.links:
        wiring.link(base.links[0].from_socket, inputs["A_Color"])
    else:
        inputs["A_Color"].default_value = base.default_value
    wiring.link(source.outputs["Color"], inputs["B_Color"])
    result = next(socket for socket in node.outputs if socket.identifier == "Result_Color")
    wiring.link(result, base)


def add_maps(
    material: bpy.types.Material,
    base: Any,
    image_files: Mapping[str, MapFile],
    facts: Facts,
    changes: Transaction,
) -> list[str]:
    """Maps beside the base color of any material, where none is linked; returns the names of their images.

    Those that were added before show the new ones. Occlusion lies unlinked for game engines: it would show
    twice in a render.

    :param base: the Image Texture node of the base color.
    """
    tree = material.node_tree
    before = {node[KIND] for node in tree.nodes if node.bl_idname == nodes.IMAGE and node.get(KIND)}
    shader = base.outputs["Color"].links[0].to_node if base.outputs["Color"].links else None
    if shader is None or shader.bl_idname != PRINCIPLED or base.id_data != tree:
        return replace_maps(material, image_files, facts, changes)
    plain = {"roughness": (shader.inputs["Roughness"].default_value,)}
    added = replace_maps(material, image_files, facts, changes, plain)
    images = {}
    for number, kind in enumerate(kind for kind in MAP_KINDS if kind.name in image_files.keys() - before):
        if kind.socket and shader.inputs[kind.socket].links:
            continue
        node = images[kind.name] = changes.node(tree, nodes.IMAGE)
        node.image = changes.made(
            add_map(kind.name, image_files[kind.name], facts, plain=plain.get(kind.name))
        )
        node.label, node[KIND] = kind.label, kind.name
        node.location = (base.location[0], base.location[1] - PITCH * (number + 1))
        nodes.lie_as(node, base, changes)
        added.append(node.image.name)
    wiring = _Wiring(tree, shader, images, image_files, Look(), changes)
    for name in images:
        if BY_NAME[name].socket:
            _WIRES.get(name, _wire_socket)(wiring, name)
    return added


_WIRES: Mapping[str, Callable[[_Wiring, str], None]] = {
    "normal": _wire_normal,
    "height": _wire_height,
    "roughness": _wire_roughness,
    "ao": _wire_ao,
}
"""How a map reaches the shader where it isn't simply linked to its socket."""


def made_with(material: bpy.types.Material) -> dict[str, Any]:
    """What the maps of a material were made with last, where that may differ from the request.

    Its real size is as its nodes say it now.
    """
    found: dict[str, Any] = {
        name: float(material[PREFIX + name]) for name in (*STRENGTHS, "relief") if PREFIX + name in material
    }
    size = relief.read_size(material)
    if size:
        found["texture_size"] = size
    return found | ({"picture": int(material[IMAGE_INDEX])} if IMAGE_INDEX in material else {})


def remake(uid: int, prepared: PreparedResult, application: Application, changes: Transaction) -> Remade:
    """Put maps of other strengths, or of another image, into the material with this `session_uid`.

    :raises SceneError: the material is gone.
    """
    material = next((m for m in bpy.data.materials if m.session_uid == uid), None)
    if material is None:
        raise SceneError("The material is gone; its maps were not changed.")
    maps = {"base_color": prepared.images[0], **prepared.maps}
    made = replace_maps(material, maps, prepared.facts, changes)
    if application.texture_size and relief.read_size(material) != application.texture_size:
        relief.show_size(material, application.texture_size, changes)
    is_new = _keep_share(material, maps, changes)
    for name in STRENGTHS:
        material[PREFIX + name] = getattr(application, name)
    if application.relief is not None:
        if is_new or material.get(PREFIX + "relief") != application.relief:
            relief.show_relief(material, application.relief, changes)
        material[PREFIX + "relief"] = application.relief
    if application.picture != material.get(IMAGE_INDEX, 0):
        set_mean_color(material, maps["base_color"])
    material[IMAGE_INDEX] = application.picture
    return Remade(material.name, tuple(made))


def replace_maps(
    material: bpy.types.Material,
    image_files: Mapping[str, MapFile],
    facts: Facts,
    changes: Transaction,
    plain: Mapping[str, Channels] | None = None,
) -> list[str]:
    """Show other maps in a material that was built here; returns the names of the new images.

    Images are never changed, for others may show them; those that nothing shows any more go.

    :param plain: by kind, what tiles get that had no map, see `add_map`.
    """
    made: list[bpy.types.Image] = []
    replaced: list[tuple[bpy.types.Image, bpy.types.Image]] = []
    for node in list(material.node_tree.nodes):
        kind = str(node.get(KIND)) if node.bl_idname == nodes.IMAGE else ""
        if kind not in image_files or holds(node.image, image_files[kind]):
            continue
        if node.image and BEFORE in node.image:  # an inpainted image stays: it is not what the result was
            continue
        before = node.image
        image = changes.made(
            add_map(kind, image_files[kind], facts, before=before, plain=(plain or {}).get(kind))
        )
        changes.set(node, "image", image)
        made.append(image)
        if before is not None:
            replaced.append((before, image))
    for before, image in replaced:
        if before.users == 0:
            name = before.name
            bpy.data.images.remove(before)
            image.name = name
    return [image.name for image in made]


def find_by_base_color(image: bpy.types.Image) -> Iterator[tuple[bpy.types.Material, tuple[str, ...]]]:
    """The materials that show an image as the base color of maps that were made here, and their kinds.

    Linked ones are not among them: they can't be changed.
    """
    for material in bpy.data.materials:
        if material.library or material.override_library or not material.node_tree:
            continue
        shown = [node for node in nodes.image_nodes(material.node_tree) if node.get(KIND)]
        kinds = {str(node[KIND]) for node in shown} & BY_NAME.keys() - {"base_color"}
        if kinds and any(node.image == image and node[KIND] == "base_color" for node in shown):
            yield material, tuple(sorted(kinds))


def find_shown(material: bpy.types.Material) -> str | None:
    """The name of the image that a material of ours shows as its base color."""
    found = nodes.image_nodes(material.node_tree) if material.node_tree else ()
    shown = next((node for node in found if node.get(KIND) == "base_color"), None)
    return shown.image.name if shown is not None and shown.image else None


def replace_base_color(
    material: bpy.types.Material, before: int, image: bpy.types.Image, changes: Transaction
) -> bool:
    """Show another image wherever a material of ours shows its base color; returns whether it did.

    :param before: `session_uid` of the image that is shown there now.
    """
    shown = [
        node
        for node in nodes.image_nodes(material.node_tree)
        if node.get(KIND) == "base_color" and node.image and node.image.session_uid == before
    ]
    for node in shown:
        changes.set(node, "image", image)
    return bool(shown)


def _apply(prepared: PreparedResult, application: Application, changes: Transaction) -> Applied:
    objects, messages = receivers_of(application)
    is_upright = application.mapping == "upright"
    size = application.texture_size or (prepared.metres if is_upright and objects else None)
    find = upright.upright_coordinates_for if is_upright else uv.coordinates_for
    coordinates, metres, told = shared.coordinates_for_all(objects, find, changes, in_metres=size is not None)
    messages += told
    base_color = prepared.images[0]
    aspect = base_color.width / base_color.height if size is not None else 1.0
    depth = application.relief / relief.MILLIMETRES if application.relief is not None else None
    look = Look(coordinates, metres, size, application.displacement, depth, aspect)
    material, images = build_material(
        name_of(prepared, application), _maps_of(prepared), prepared.facts, changes, look=look
    )
    tag(material, application, application.picture)
    for obj in objects:
        slots.assign(obj, material, changes)
    base = images.pop("base_color")
    worn = [(obj, material) for obj in objects]
    applied = finish_material(worn, material, base, prepared, messages, changes)
    return dataclasses.replace(applied, map_images=tuple(image.name for image in images.values()))


def tag(material: bpy.types.Material, application: Application, picture: int) -> None:
    """Note on a material what its maps were made with; see `made_with`.

    :param picture: which image of the result it shows, 0 for the first.
    """
    if picture:
        material[IMAGE_INDEX] = picture
    if application.relief is not None:
        material[PREFIX + "relief"] = application.relief


def _maps_of(prepared: PreparedResult) -> dict[str, ImageFile]:
    return {"base_color": prepared.images[0], **prepared.maps}


def _images(prepared: PreparedResult) -> Iterator[tuple[ImageFile, bool]]:
    """The maps, and the images that have none."""
    maps = _maps_of(prepared)
    yield from ((maps[kind.name], kind.is_data) for kind in MAP_KINDS if kind.name in maps)
    yield from ((image_file, False) for image_file in prepared.images[1:])


TARGET = Target(_apply, _images)
