"""Workflows that are kept by a name, in the state folder: a file each, which others can use as well."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..common.files import PRIVATE_FILE, make_private_folder, remove_file, replace_file, storage_errors
from ..common.paths import state_folder
from ..errors import InvalidRequestError
from ..text.message import message
from .file import read_workflow
from .places import split_place

FOLDER = "workflows"
SUFFIX = ".json"
SCHEMA = 1
NAME_LIMIT = 100  # characters
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class KeptWorkflow(NamedTuple):
    """One of them."""

    name: str
    file: Path


def kept_workflows() -> Mapping[str, KeptWorkflow]:
    """All of them by name, in the order of the alphabet; their files are not read."""
    files = sorted((state_folder() / FOLDER).glob(f"*{SUFFIX}"))
    return {path.stem: KeptWorkflow(path.stem, path) for path in files if is_name(path.stem)}


def is_name(text: str) -> bool:
    """Whether a text can be the name of one, and not that of any other file."""
    return len(text) <= NAME_LIMIT and _NAME.fullmatch(text) is not None


def find_kept(text: str, folder: Path) -> Path | None:
    """The file of the workflow that is kept by this name; None where the text names a file itself.

    :param folder: that paths start from.
    :raises InvalidRequestError: it names neither.
    """
    if not is_name(text):
        return None
    kept = kept_workflows()
    if text in kept:
        return kept[text].file
    if (folder / text).exists():
        return None
    raise _miss(text, kept)


def name_kept(path: str) -> str:
    """The name of the workflow that is kept in a file; the path itself for any other."""
    file = Path(path)
    is_kept = file.parent == state_folder() / FOLDER and file.suffix == SUFFIX and is_name(file.stem)
    return file.stem if is_kept else path


def make_name(label: str) -> str:
    """A name made from what people write.

    :raises InvalidRequestError: there is no letter or digit in it.
    """
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:NAME_LIMIT]
    if not name:
        raise InvalidRequestError(
            message("'{name}' has no letter or digit to make a name of.", name=label), param="workflow"
        )
    return name


def keep_workflow(path: Path, name: str, places: Sequence[str] = ()) -> KeptWorkflow:
    """Keep a workflow by a name; another one of that name is replaced.

    :param path: a file in the API format, or an image with its workflow.
    :param places: where roles go in it, see `places.split_place`.
    :raises InvalidRequestError: it is no workflow, or the name can't be used.
    :raises StorageError: the state folder can't be written.
    """
    if not is_name(name):
        raise InvalidRequestError(
            message("'{name}' can't be a name; use small letters, digits, - and _.", name=name[:NAME_LIMIT]),
            code="invalid_value",
            param="name",
        )
    workflow = read_workflow(path)
    wanted = dict(map(split_place, (*workflow.places, *places)))
    rows = [f"{role}={place}" for role, place in wanted.items()]
    content = {"schema": SCHEMA, "prompt": workflow.graph, "places": rows}
    folder = state_folder() / FOLDER
    file = folder / f"{name}{SUFFIX}"
    with storage_errors(f"{file} could not be written"):
        make_private_folder(folder)
    replace_file(file, json.dumps(content, ensure_ascii=False, indent=1).encode(), PRIVATE_FILE)
    return KeptWorkflow(name, file)


def drop_workflow(name: str) -> None:
    """Forget a workflow that is kept.

    :raises InvalidRequestError: there is none of that name.
    :raises StorageError: it can't be deleted.
    """
    kept = kept_workflows()
    if name not in kept:
        raise _miss(name, kept)
    with storage_errors(f"{kept[name].file} could not be deleted"):
        remove_file(kept[name].file)


def _miss(name: str, kept: Iterable[str]) -> InvalidRequestError:
    return InvalidRequestError(
        message("There is no workflow '{name}'; there are {names}.", name=name, names=", ".join(kept) or "-"),
        code="no_such_workflow",
        param="workflow",
        next_step="Name its file, or keep it by that name first.",
    )
