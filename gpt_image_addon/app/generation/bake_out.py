"""What objects show as files: base color and maps. What scripts call is offered by `api`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...core.common.arguments import check_types
from ...core.errors import InvalidRequestError
from ...core.jobs.job import Task
from ...core.painting.projection import LIMITS
from ...core.request.validation import check_range
from ...core.text.message import message
from ...core.text.names import safe_name
from ...scene.projection.canvases import find_objects
from .. import blend_paths, session
from ..material_maps import submit_work
from ..projection.plan import PaintedObjects, name_objects


@dataclass(frozen=True)
class BakedOut:
    """Files of what objects show."""

    files: Mapping[str, Mapping[str, str]]
    """By the name of the object, the path of each map by kind."""
    warnings: tuple[str, ...] = ()


def bake_out(objects: PaintedObjects, output_dir: str | Path, **parameters: Any) -> BakedOut:
    """Write what objects show as ``<object>_<kind>.png`` or ``.exr``: base color, and the maps made here.

    One image that is the base color is written as it is, resampled to the size; where nodes make the color,
    Cycles bakes it along the UV map, for which Blender waits.

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
    from ...core.results.output_files import renamed_warning
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
        renamed: list[str] = []
        for name, images in read.items():
            for image in images:
                data = encode_shown(image, size, format, depth)
                wanted = folder / f"{safe_name(name)}_{image.kind}.{format}"
                path = outputs.copy(wanted, data, f"{owner} {name}")
                renamed.extend(renamed_warning(path, wanted))
                files.setdefault(name, {})[image.kind] = str(path)
        return BakedOut(files, tuple(renamed))

    return work
