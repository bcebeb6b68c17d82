"""Exports of materials: what is read from Blender or a stored result, and who owns the files.

What scripts call is offered by `api`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import bpy

from ...core.common.arguments import check_types
from ...core.engines.table import ENGINE_NAMES
from ...core.errors import InvalidRequestError, SceneError
from ...core.jobs.job import Task
from ...core.request.targets import find_target
from ...core.text.message import message
from ...core.text.names import number_names
from .. import blend_paths, results, session
from ..material_maps import read_source, submit_work

if TYPE_CHECKING:
    from ...core.exports.texture_set import Material


@dataclass(frozen=True)
class Export:
    """Materials, or objects, that were written for an engine."""

    engine: str
    output_dir: str
    materials: Mapping[str, tuple[str, ...]]
    """Paths of the files by the name of the material's folder."""
    manifest: str
    """Path of the file that says what lies where."""
    warnings: tuple[str, ...]
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Paths of the files by the name of the object's folder."""


def export_material(
    material: str | Sequence[str] | None = None,
    *,
    engine: str,
    output_dir: str | Path,
    job: str | None = None,
    overwrite: bool = False,
) -> Export:
    """Write materials as the files that an engine opens; needs no network and no key.

    Exported again, the files are replaced, and what refers to them still does; what was changed since, or is
    not ours, stays.

    :param material: name of a material, or of several; without it the one that `job` made.
    :param engine: ``unity``, ``unreal``, ``godot``, ``gltf``, ``usd`` or ``materialx``.
    :param output_dir: folder for the files; made where it is missing.
    :param job: id of a job with the target ``material``: its stored maps are exported, nothing is applied.
    :param overwrite: replace files that are in the way.
    :raises InvalidRequestError: there is no such material, it has nothing to export, or a file is in the way.
    :raises StorageError: a file can't be written.
    """
    return _work(material, engine, output_dir, job, overwrite)()


def submit_export(
    material: str | Sequence[str] | None = None,
    *,
    engine: str,
    output_dir: str | Path,
    job: str | None = None,
    overwrite: bool = False,
) -> Task:
    """`export_material` in the background; the task's ``applied`` is then an `Export`."""
    return submit_work("Export", _work(material, engine, output_dir, job, overwrite))


@check_types
def _work(
    material: str | Sequence[str] | None,
    engine: str,
    output_dir: str | Path,
    job: str | None,
    overwrite: bool,
) -> Callable[[], Export]:
    """Everything that is read from Blender is read now; the rest happens when the work is called."""
    if engine not in ENGINE_NAMES:
        raise InvalidRequestError(
            message(
                "There is no engine {name}; there are {names}.", name=engine, names=", ".join(ENGINE_NAMES)
            ),
            code="invalid_value",
            param="engine",
        )
    if (material is None) == (job is None):
        raise InvalidRequestError("Say either a material or a job to export.", param="material")
    folder = blend_paths.resolve(output_dir, "output_dir")
    outputs = session.outputs(overwrite=overwrite)
    found, warnings = _of_job(job) if job is not None else _of_materials(material)

    def work() -> Export:
        from ...core.exports.export import MANIFEST, export

        made = export(found, engine, folder, outputs)
        files = {one.name: one.files for one in made}
        return Export(engine, str(folder), files, str(folder / MANIFEST), warnings)

    return work


Found: TypeAlias = "tuple[dict[str, Callable[[], Material]], tuple[str, ...]]"
"""How to get each material, by what owns its files, and what the user should know."""


def _of_materials(wanted: str | Sequence[str] | None) -> Found:
    """Materials of the open file; two whose names become the same get a number."""
    found: dict[str, Callable[[], Material]] = {}
    warnings: list[str] = []
    taken: set[str] = set()
    for name in [wanted] if isinstance(wanted, str) else list(wanted or ()):
        material, notes = _read(name, taken)
        taken.add(material.name.casefold())
        found[f"{bpy.data.filepath} {name}"] = partial(_same, material)
        warnings += notes
    return found, tuple(warnings)


def _same(material: Material) -> Material:
    return material


def _read(name: str, taken: Collection[str]) -> tuple[Material, tuple[str, ...]]:
    """
    :raises InvalidRequestError: there is no such material, or it shows no image.
    """
    block = bpy.data.materials.get(name)
    if block is None:
        raise InvalidRequestError(
            message("There is no material '{material}'.", material=name), param="material"
        )
    file_name = next(candidate for candidate in number_names(name) if candidate.casefold() not in taken)
    material, notes = read_block(block, file_name)
    if not material.maps:
        raise InvalidRequestError(
            message("'{material}' shows no image that could be exported.", material=name),
            param="material",
            next_step="Bake it into an image first.",
        )
    return material, notes


def read_block(block: bpy.types.Material, file_name: str) -> tuple[Material, tuple[str, ...]]:
    """A material as it is exported, and what the user should know.

    :raises InvalidRequestError: an image can't be read.
    """
    from ...core.exports.texture_set import Material
    from ...scene.shading.read_material import read_material

    name = block.name
    read = read_material(block, bpy.context.scene.render.engine)
    sources = {kind: read_source(image) for kind, image in read.images.items()}
    notes = [note for source in sources.values() for note in source.notes]
    notes += [
        message("{input} of '{material}' is computed by nodes and is left out.", input=label, material=name)
        for label in read.unread
    ]
    material = Material(
        file_name,
        {kind: source.data for kind, source in sources.items()},
        constants=read.constants,
        repeats=read.repeats,
        strengths=read.strengths,
        roughness_mean=read.roughness_mean,
    )
    return material, tuple(notes)


def _of_job(job: str) -> Found:
    """The material that a job made, or would make; what a thread reads is on the disk.

    :raises InvalidRequestError: there is no such job, or it made no material.
    :raises SceneError: its images are gone.
    """
    entry = results.entry(job)
    if not find_target(entry.application.target).maps:
        raise InvalidRequestError(
            message("Job {job} made no material.", job=job), code="no_material", param="job"
        )
    if entry.folder is None or not entry.folder.is_dir():
        raise SceneError(message("The images of job {job} are not on this machine.", job=job))
    folder = entry.folder
    application = dataclasses.replace(entry.application, scene_uid=None)

    def read() -> Material:
        from ...core.exports.results import material_of
        from ...core.jobs.postprocess import prepare

        prepared = prepare(entry.id, entry.request, application, folder, for_scene=False)
        return material_of(prepared, application)

    return {job: read}, ()
