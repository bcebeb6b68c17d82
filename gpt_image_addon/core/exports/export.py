"""Writing the files that an engine opens.

A folder may hold many materials; a manifest says what lies where.
"""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..common.files import read_file
from ..common.threads import FairLock
from ..engines.table import ENGINE_NAMES, OBJECT_FORMAT_NAMES
from ..errors import GptImageError, InvalidRequestError
from ..processes.subprocess_worker import SUBPROCESS
from ..results.output_files import NAME_TAKEN, Outputs
from ..text.json_reader import read_json
from ..text.names import number_names
from . import gltf, godot, materialx, unity, unreal, usd
from .texture_set import Material, TextureSet

MANIFEST = "gpt-image-export.json"
MANIFEST_OWNER = "export manifest"
MANIFEST_LIMIT = 10_000_000  # bytes
COMPLETED_LIMIT = 1_000_000  # bytes of a file beside an image
MOST_NAMESAKES = 100  # materials of one name in a folder
SHARED_OWNER = "export"
_ONE_AT_A_TIME = threading.Lock()  # the manifest is read and written, and a name that is free is taken

_WRITERS: Mapping[str, Callable[[TextureSet], dict[str, bytes]]] = {
    "unity": unity.write,
    "unreal": unreal.write,
    "godot": godot.write,
    "gltf": gltf.write,
    "usd": usd.write,
    "materialx": materialx.write,
}
KNOWN = frozenset((*ENGINE_NAMES, *OBJECT_FORMAT_NAMES))
_SHARED = {"unreal": (unreal.SCRIPT, "Neutral/")}
"""Beginnings of paths that all materials of an engine share."""


@dataclass(frozen=True)
class ExportedMaterial:
    """What was written of a material."""

    name: str
    """Of its folder."""
    engine: str
    files: tuple[str, ...]
    """Absolute paths."""


def make_files(material: Material, engine: str) -> dict[str, bytes]:
    """The files of a material by their path, with slashes, below the folder that is exported to.

    Two exports of the same material are the same to the byte.

    :param engine: a name in `ENGINE_NAMES`.
    :raises InvalidRequestError: a map can't be read.
    """
    return _WRITERS[engine](TextureSet(material))


def export(
    materials: Mapping[str, Callable[[], Material]],
    engine: str,
    folder: Path,
    outputs: Outputs,
    *,
    renames: bool = False,
) -> list[ExportedMaterial]:
    """Write materials for an engine, one after the other; each is checked before its first file.

    :param materials: how to get each, by what owns its files: whoever exports again under the same owner
        replaces them, unless they were changed meanwhile.
    :param renames: a material whose files are in the way of nobody's else takes a name with a number.
    :raises InvalidRequestError: a map can't be read, or a file is there that is not ours.
    :raises StorageError: a file can't be written.
    """
    with _ONE_AT_A_TIME:
        outputs.check(folder / MANIFEST, MANIFEST_OWNER, param="output_dir", is_ours=_is_manifest)
        made = []
        for owner, read in materials.items():
            material = read()
            names = islice(number_names(material.name), MOST_NAMESAKES if renames else 1)
            made.append(_export_one(material, names, owner, engine, folder, outputs))
        _note(made, folder, outputs)
    return made


def export_files(
    name: str, files: Mapping[str, bytes], engine: str, owner: str, folder: Path, outputs: Outputs
) -> ExportedMaterial:
    """Write the files of a whole object below a folder of its name, as `export` does those of materials.

    :param files: by path, with slashes, below that folder.
    :raises InvalidRequestError: a file is there that is not ours.
    :raises StorageError: a file can't be written.
    """
    with _ONE_AT_A_TIME:
        outputs.check(folder / MANIFEST, MANIFEST_OWNER, param="output_dir", is_ours=_is_manifest)
        _write(_check(files, owner, folder / name, outputs), owner, folder / name, outputs)
        made = ExportedMaterial(name, engine, tuple(str(folder / name / path) for path in files))
        _note([made], folder, outputs)
    return made


def _export_one(
    material: Material, names: Iterable[str], owner: str, engine: str, folder: Path, outputs: Outputs
) -> ExportedMaterial:
    """Under the first name whose files are nobody else's.

    :raises InvalidRequestError: there is none.
    """
    # With a window in a process of its own: packing images would hold the window up.
    call = SUBPROCESS.call if FairLock.enabled else _call
    taken: InvalidRequestError | None = None
    for name in names:
        made = call(make_files, dataclasses.replace(material, name=name), engine)
        shared = {path: data for path, data in made.items() if path.startswith(_SHARED.get(engine, ()))}
        _check(shared, SHARED_OWNER, folder, outputs)
        own = {path: data for path, data in made.items() if path not in shared}
        try:
            own = _check(own, f"export {owner}", folder, outputs)
        except InvalidRequestError as error:
            if error.code != NAME_TAKEN:
                raise
            taken = error
            continue
        _write(shared, SHARED_OWNER, folder, outputs)
        _write(own, f"export {owner}", folder, outputs)
        return ExportedMaterial(name, engine, tuple(str(folder / path) for path in made))
    assert taken is not None, "there is a name"
    raise taken


def _check(files: Mapping[str, bytes], owner: str, folder: Path, outputs: Outputs) -> dict[str, bytes]:
    """Those of the files that are to be written.

    :raises InvalidRequestError: something that is not the owner's has the name of one.
    """
    written = {path: data for path, data in files.items() if not _is_completed(folder / path, data)}
    for path in written:
        outputs.check(folder / path, owner, param="output_dir")
    return written


def _write(files: Mapping[str, bytes], owner: str, folder: Path, outputs: Outputs) -> None:
    for path, data in files.items():
        outputs.write(folder / path, data, owner)


def _is_completed(path: Path, data: bytes) -> bool:
    """Whether the engine has taken up a file about an image and filled in the rest: it stays with its ids."""
    mark = {".meta": rb"guid: \w+", ".import": rb'importer="\w+"'}.get(path.suffix)
    if mark is None or not path.is_file():
        return False
    wanted = re.search(mark, data)
    with suppress(GptImageError, OSError):
        return wanted is not None and wanted[0] in read_file(path, COMPLETED_LIMIT)
    return False


def _call(work: Callable[..., dict[str, bytes]], *arguments: object) -> dict[str, bytes]:
    return work(*arguments)


def _note(made: list[ExportedMaterial], folder: Path, outputs: Outputs) -> None:
    """Say in the manifest what lies where, beside what it says of earlier exports."""
    path = folder / MANIFEST
    found = _read_manifest(path)
    for exported in made:
        names = [Path(file).relative_to(folder).as_posix() for file in exported.files]
        found.setdefault(exported.engine, {})[exported.name] = sorted(names)
    text = json.dumps({"schema": 1, "engines": found}, ensure_ascii=False, indent=1, sort_keys=True)
    outputs.write(path, f"{text}\n".encode(), MANIFEST_OWNER, is_ours=_is_manifest)


def _is_manifest(path: Path) -> bool:
    return bool(_read_manifest(path))


def _read_manifest(path: Path) -> dict[str, dict[str, Any]]:
    """What an earlier export noted, by engine and material; nothing where that can't be read."""
    with suppress(ValueError, TypeError, KeyError, AttributeError, OSError, GptImageError):
        noted = read_json(read_file(path, MANIFEST_LIMIT))["engines"]
        return {engine: dict(names) for engine, names in noted.items() if engine in KNOWN}
    return {}
