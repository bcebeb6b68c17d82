"""What objects show as files: base color and maps. What scripts call is offered by `api`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...core.common.arguments import check_types
from ...core.errors import InvalidRequestError
from ...core.jobs.job import Task
from ...core.painting.projection import LIMITS
from ...core.request.validation import check_range
from ...core.text.message import message
from ...core.text.names import UDIM_TOKEN, safe_name
from ...scene.projection.canvases import find_objects
from .. import blend_paths, session
from ..material_maps import submit_work
from ..projection.plan import PaintedObjects, name_objects

if TYPE_CHECKING:
    from ...core.painting.baked_files import ShownImage
    from ...core.results.output_files import Outputs


@dataclass(frozen=True)
class BakedOut:
    """Files of what objects show."""

    files: Mapping[str, Mapping[str, str]]
    """By the name of the object, the path of each map by kind; of a UDIM image that of each tile, by kind and
    number, such as ``base_color.1001``."""
    warnings: tuple[str, ...] = ()
    udim: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the name of the object, the path of each UDIM image by kind, with ``<UDIM>`` for the
    numbers."""


def bake_out(objects: PaintedObjects, output_dir: str | Path, **parameters: Any) -> BakedOut:
    """Write what objects show as ``<object>_<kind>.png`` or ``.exr``: base color, and the maps made here.

    One image that is the base color is written as it is, resampled to the size; where nodes make the color,
    Cycles bakes it along the UV map, for which Blender waits. Of UDIM images each tile is a file,
    ``<object>_<kind>.1001.png``, at the size.

    :param objects: names or objects.
    :param output_dir: folder for the files; made where it is missing.
    :param parameters: ``size`` is pixels of the longer side, 64 to 8192 (as the images are without it);
        ``bits`` is 8 or 16; ``format`` is ``png``, or ``exr`` with linear half floats;
        ``overwrite`` replaces files that are in the way, which otherwise stay while ours get other names.
    :raises InvalidRequestError: an object or a parameter can't be used.
    :raises StorageError: a file can't be written.
    """
    return _read(objects, output_dir, **parameters)()


def submit_bake_out(objects: PaintedObjects, output_dir: str | Path, **parameters: Any) -> Task:
    """`bake_out` with the files written in the background; the task's ``applied`` is then a `BakedOut`."""
    return submit_work("Bake Out", _read(objects, output_dir, **parameters))


def _read(objects: PaintedObjects, output_dir: str | Path, **parameters: Any) -> Callable[[], BakedOut]:
    return _read_named(name_objects(objects), output_dir, **parameters)


@check_types
def _read_named(
    objects: Sequence[str],
    output_dir: str | Path,
    *,
    size: int | None = None,
    bits: int | None = None,
    format: str = "png",
    overwrite: bool = False,
) -> Callable[[], BakedOut]:
    """Everything that is read from Blender is read now; the rest happens when the work is called."""
    from ...core.painting.baked_files import DEPTHS, encode_shown
    from ...scene.projection.shown_images import list_shown

    check_range("size", size, *LIMITS["texture_size"])
    if bits not in (None, *DEPTHS.get(format, ())):
        raise InvalidRequestError(
            message("There is no {format} with {bits} bits.", format=format, bits=bits),
            code="invalid_value",
            param="bits",
            next_step="A PNG has 8 or 16 bits, an EXR 16.",
        )
    if format not in DEPTHS:
        raise InvalidRequestError(
            message("format is png or exr, not {format}.", format=format),
            code="invalid_value",
            param="format",
        )
    depth = bits or DEPTHS[format][0]
    folder = blend_paths.resolve(output_dir, "output_dir")
    outputs = session.outputs(overwrite=overwrite)
    scene = bpy.context.scene
    found = find_objects(scene, objects)
    read = {obj.name: tuple(list_shown(obj, scene, size, is_wide=depth == 16)) for obj in found}

    owner = f"bake {bpy.data.filepath}"

    def work() -> BakedOut:
        files: dict[str, dict[str, str]] = {}
        udim: dict[str, dict[str, str]] = {}
        renamed: list[str] = []
        for name, images in read.items():
            encode = partial(encode_shown, side=size, form=format, bits=depth)
            for kind, parts in _group(images).items():
                wanted = folder / f"{safe_name(name)}_{kind}.{format}"
                found, token = _write(outputs, wanted, parts, encode, f"{owner} {name}", renamed)
                files.setdefault(name, {}).update(found)
                if token is not None:
                    udim.setdefault(name, {})[kind] = str(token)
        return BakedOut(files, tuple(renamed), udim)

    return work


def _group(images: Sequence[ShownImage]) -> Mapping[str, list[ShownImage]]:
    """Images by their kind."""
    found: dict[str, list[ShownImage]] = {}
    for image in images:
        found.setdefault(image.kind, []).append(image)
    return found


def _write(
    outputs: Outputs,
    wanted: Path,
    parts: Sequence[ShownImage],
    encode: Callable[[ShownImage], bytes],
    owner: str,
    renamed: list[str],
) -> tuple[Mapping[str, str], Path | None]:
    """An image, or the tiles of one, as files.

    :param wanted: where, without the numbers of tiles.
    :param renamed: gets a sentence where something else has that name.
    :returns: the paths by kind and tile, and of tiles the path with Blender's token.
    """
    from ...core.results.output_files import renamed_warning

    if not parts[0].tile:
        path = outputs.copy(wanted, encode(parts[0]), owner)
        renamed.extend(renamed_warning(path, wanted))
        return {parts[0].kind: str(path)}, None
    endings = {part.tile: f".{part.tile}{wanted.suffix}" for part in parts}
    begin = outputs.choose_together(wanted.with_name(wanted.stem), tuple(endings.values()), owner)
    files = {}
    for part in parts:
        path = begin.with_name(begin.name + endings[part.tile])
        outputs.write(path, encode(part), owner)
        files[f"{part.kind}.{part.tile}"] = str(path)
    token = wanted.with_name(f"{wanted.stem}.{UDIM_TOKEN}{wanted.suffix}")
    path = begin.with_name(f"{begin.name}.{UDIM_TOKEN}{wanted.suffix}")
    renamed.extend(renamed_warning(path, token))
    return files, path
