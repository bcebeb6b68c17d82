"""Exports of what requests brought: the material that a result is, without Blender."""

from __future__ import annotations

from pathlib import Path

from ..errors import GptImageError
from ..request.request import Application
from ..results.output_files import Outputs
from ..results.store import PreparedResult
from ..text.message import message
from ..text.names import safe_name
from .export import export
from .texture_set import Material


def material_of(prepared: PreparedResult, application: Application) -> Material:
    """The material that a result becomes, with its maps and its real size.

    :param prepared: result of a target with maps.
    """
    base = prepared.images[0]
    maps = {"base_color": base, **prepared.maps}
    size = application.texture_size or prepared.metres
    repeats = (1 / size, base.width / base.height / size) if size else (1.0, 1.0)
    name = safe_name(application.name or str(prepared.facts["prompt"]))
    return Material(name, {kind: file.data for kind, file in maps.items()}, repeats=repeats)


def export_result(
    prepared: PreparedResult, application: Application, outputs: Outputs
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write the files that an application asks for; a failure is only told, for the result is there.

    :returns: paths of the files, and what the user should know.
    """
    engine, folder = application.export_to, application.export_dir
    if not engine or not folder:
        return (), ()
    material = material_of(prepared, application)
    try:
        (made,) = export({prepared.job: lambda: material}, engine, Path(folder), outputs, renames=True)
    except GptImageError as error:
        problem = message(
            "The material was not exported: {problem} `export --job {job}` does it without sending anything.",
            problem=error.message,
            job=prepared.job,
        )
        return (), (problem,)
    if made.name == material.name:
        return made.files, ()
    told = message(
        "There are files of another material '{name}' in {folder}; the new one is '{new}'.",
        name=material.name,
        folder=folder,
        new=made.name,
    )
    return made.files, (told,)
