"""Exports of whole objects: what is no single image is baked first. What scripts call is offered by `api`."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...core.common.arguments import check_types
from ...core.engines.table import CARRIED, OBJECT_FORMAT_NAMES, OBJECT_FORMATS, PACKED
from ...core.errors import InvalidRequestError
from ...core.painting.projection import LIMITS
from ...core.request.map_kinds import BY_NAME
from ...core.request.validation import check_range
from ...core.text.message import message
from ...core.text.names import safe_name, suggestion
from ...scene.transaction import Transaction
from .. import blend_paths, session
from .materials import Export, read_block

if TYPE_CHECKING:
    from ...core.exports.texture_set import Material
    from ...scene.exporting.copies import Surface
    from ...scene.exporting.slots import Slots

BAKED = "baked"
USUAL_SIZE = 2048  # pixels a side of what is baked
MOST_NOTES = 8  # about one object


def export_objects(
    objects: str | Sequence[str], *, engine: str, output_dir: str | Path, **parameters: Any
) -> Export:
    """Write objects, each with what hangs on it, as files of other programs; needs no network and no key.

    What is no single image is baked into copies, for which Blender waits; the scene stays as it is. Exported
    again, the files are replaced; what was changed since, or is not ours, stays.

    :param objects: name of an object of the scene, or of several.
    :param engine: ``gltf``, ``usd`` or ``fbx``.
    :param output_dir: folder for the files; made where it is missing.
    :param parameters: ``size`` is pixels a side of what is baked, 64 to 8192 (2048 without it);
        ``overwrite`` replaces files that are in the way.
    :raises InvalidRequestError: an object can't be exported, this Blender has no such exporter, or a file is
        in the way.
    :raises SceneError: Blender can't bake, or write the file.
    :raises StorageError: a file can't be written.
    """
    names = [objects] if isinstance(objects, str) else list(objects)
    return _export_named(names, engine, output_dir, **parameters)


def why_not_written(engine: str) -> str:
    """Why this Blender can't write a format; empty where it can."""
    from ...scene.exporting.files import why_not

    return why_not(engine)


@check_types
def _export_named(
    names: Sequence[str],
    engine: str,
    output_dir: str | Path,
    *,
    size: int | None = None,
    overwrite: bool = False,
) -> Export:
    from ...core.exports.export import MANIFEST, export_files
    from ...scene.exporting.files import check_exporter

    if engine not in OBJECT_FORMAT_NAMES:
        raise InvalidRequestError(
            message(
                "Objects are not written for {name}; there are {names}.",
                name=engine,
                names=", ".join(OBJECT_FORMAT_NAMES),
            ),
            code="invalid_value",
            param="engine",
        )
    check_exporter(engine)
    check_range("size", size, *LIMITS["texture_size"])
    folder = blend_paths.resolve(output_dir, "output_dir")
    outputs = session.outputs(overwrite=overwrite)
    found = list(_find(names))
    written: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for obj in found:
        name = safe_name(obj.name)
        files, told = _write_object(obj, engine, size or USUAL_SIZE, name)
        owner = f"export object {bpy.data.filepath} {obj.name}"
        written[name] = export_files(name, files, engine, owner, folder, outputs).files
        notes += told
    return Export(
        engine, str(folder), {}, str(folder / MANIFEST), tuple(dict.fromkeys(notes)), objects=written
    )


def _find(names: Sequence[str]) -> Iterator[bpy.types.Object]:
    scene = bpy.context.scene
    if not names:
        raise InvalidRequestError("Name an object to export.", code="missing_parameter", param="objects")
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
        yield obj


def _write_object(
    obj: bpy.types.Object, engine: str, size: int, name: str
) -> tuple[dict[str, bytes], list[str]]:
    """The files of an object, and what the user should know."""
    from ...scene.exporting import copies
    from ...scene.exporting.files import read_files, write_scene

    notes: list[str] = []
    changes = Transaction()
    with tempfile.TemporaryDirectory(prefix="gpt-image-") as place:
        textures, made = Path(place, "textures"), Path(place, "made")
        textures.mkdir()
        made.mkdir()
        try:
            scene = bpy.data.scenes.new("export")
            changes.on_failure(lambda: bpy.data.scenes.remove(scene))
            parts = [
                _copy_part(part, scene, engine, size, textures, notes, changes)
                for part in copies.list_parts(obj)
            ]
            materials: dict[str, bpy.types.Material] = {}
            for copy, surfaces in parts:
                copies.dress(copy, surfaces, materials, changes)
            write_scene(scene, [copy for copy, _ in parts], engine, str(made / name))
        finally:
            changes.take_back()
        return read_files(made), notes[:MOST_NOTES]


def _copy_part(
    obj: bpy.types.Object,
    scene: bpy.types.Scene,
    engine: str,
    size: int,
    textures: Path,
    notes: list[str],
    changes: Transaction,
) -> tuple[bpy.types.Object, dict[int, Surface]]:
    """A copy of an object, and by slot the materials as the format knows them."""
    from ...scene.exporting import copies
    from ...scene.exporting.slots import list_left_out, material_at, sort_slots

    shown_in = bpy.context.scene
    name = obj.name
    copy = copies.copy_object(obj, scene, changes)
    slots = sort_slots(copy, shown_in.render.engine)
    unwrapped = copies.unwrap_apart(copy, changes) if slots.baked else ""
    uv_maps = slots.plain | dict.fromkeys(slots.baked, unwrapped)
    materials = dict(_read_slots(copy, name, slots, unwrapped, size, shown_in, notes))
    surfaces: dict[int, Surface] = {}
    made: dict[str, Surface] = {}
    for slot, material in materials.items():
        if material.name not in made:
            made[material.name] = _to_surface(material, engine, textures, notes)
        surfaces[slot] = made[material.name]
        inputs = list_left_out(material_at(copy, slot), shown_in.render.engine)
        if inputs:
            left_out = ", ".join(inputs)
            notes.append(
                message("{inputs} of '{material}' is left out.", inputs=left_out, material=material.name)
            )
    copies.lay_uvs(copy, uv_maps, {slot: material.repeats for slot, material in materials.items()})
    return copy, surfaces


def _read_slots(
    copy: bpy.types.Object,
    name: str,
    slots: Slots,
    uv_map: str,
    size: int,
    scene: bpy.types.Scene,
    notes: list[str],
) -> Iterator[tuple[int, Material]]:
    """The material of each slot: as it is, or baked together with others of the object.

    :param name: of the object.
    :param uv_map: the one to bake along.
    :param notes: gets what the user should know.
    """
    from ...core.exports.texture_set import Material
    from ...scene.exporting.slots import material_at

    for slot in slots.plain:
        block = material_at(copy, slot)
        if block is None:
            yield slot, Material("Plain", {})
            continue
        material, told = read_block(block, block.name)
        notes += told
        yield slot, material
    if slots.baked:
        notes.append(
            message(
                "Nodes make {maps} of '{obj}': baked at {size} x {size} pixels along a UV map of its own.",
                maps=", ".join(BY_NAME[kind].label for kind in ("base_color", *slots.kinds)),
                obj=name,
                size=size,
            )
        )
        baked = Material(
            f"{name} {BAKED}", dict(_bake(copy, slots, uv_map, size, scene)), constants=slots.values
        )
        yield from ((slot, baked) for slot in slots.baked)


def _bake(
    copy: bpy.types.Object, slots: Slots, uv_map: str, size: int, scene: bpy.types.Scene
) -> Iterator[tuple[str, bytes]]:
    """Encoded images by kind."""
    from ...core.imaging.png_writer import encode_png
    from ...scene.projection.flattening import BASE_COLOR, can_bake, flatten_color, flatten_input

    if not can_bake():
        raise InvalidRequestError(
            message("The color of '{obj}' is no single image, and only Cycles can bake it.", obj=copy.name),
            code="no_cycles",
            next_step="Enable the add-on Cycles Render Engine.",
        )
    yield BASE_COLOR, encode_png(flatten_color(copy, slots.baked, (size, size), scene, uv_map=uv_map).pixels)
    for kind in slots.kinds:
        pixels = flatten_input(copy, slots.baked, kind, (size, size), scene, uv_map=uv_map)
        yield kind, encode_png(pixels if BY_NAME[kind].channels > 1 else pixels[..., 0])


def _to_surface(material: Material, engine: str, folder: Path, notes: list[str]) -> Surface:
    """The images that a format carries as files, and values for the rest."""
    from ...core.exports.texture_set import TextureSet
    from ...scene.exporting.copies import Surface

    carried = CARRIED[engine]
    left_out = [kind for kind in BY_NAME if kind in material.maps and kind not in carried]
    if left_out:
        notes.append(
            message(
                "{format} does not carry {maps} of '{material}'.",
                format=next(label for name, label, _ in OBJECT_FORMATS if name == engine),
                maps=", ".join(BY_NAME[kind].label for kind in left_out),
                material=material.name,
            )
        )
    whole = TextureSet(material)
    values: Mapping[str, Any] = {kind: whole.value(kind) for kind in ("base_color", "roughness", "metallic")}
    kept = {kind: data for kind, data in material.maps.items() if kind in carried}
    found = TextureSet(dataclasses.replace(material, maps=kept))
    stem = f"{safe_name(material.name)}_"
    separate = ("base_color", "normal", *(() if engine in PACKED else ("roughness", "metallic")))
    made = found.write_maps({kind: f"{stem}{kind}.png" for kind in separate})
    packed = found.write_packed("gltf_orm", f"{stem}orm.png") if engine in PACKED else None
    if packed is not None:
        made["orm"] = packed
    for texture in made.values():
        (folder / texture.file).write_bytes(texture.data)
    return Surface(
        material.name,
        {role: folder / texture.file for role, texture in made.items()},
        values,
        has_opacity="base_color" in made and "opacity" in kept,
    )
