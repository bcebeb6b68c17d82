"""Writing .blend files. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from ..core.common.files import storage_errors
from ..core.errors import StorageError
from ..core.results.output_files import Outputs
from ..core.results.output_folders import make_folder, new_part, sync_file
from ..core.text.message import message

BLEND = ".blend"
UNFINISHED = "@"
"""What Blender adds to the name of a file while it writes it."""


def save_copy(path: Path, outputs: Outputs, owner: str, *, renames: bool = False, **options: Any) -> Path:
    """Save a copy of the open file, which keeps its own name.

    :param owner: see `Outputs`.
    :param renames: take a new name where this one is taken.
    :param options: of Blender's operator.
    :returns: where it is.
    :raises InvalidRequestError: something else has this name.
    :raises StorageError: Blender could not write it.
    """

    def save(part: Path) -> None:
        bpy.ops.wm.save_as_mainfile(filepath=str(part), check_existing=False, copy=True, **options)

    with written(path, save) as part:
        return outputs.place(part, path, owner, renames=renames)


@contextmanager
def written(path: Path, write: Callable[[Path], object]) -> Iterator[Path]:
    """What Blender writes, under a name in the same folder that is gone afterwards.

    :param path: where it will be.
    :raises StorageError: Blender could not write it.
    """
    part = new_part(path, BLEND)
    try:
        with storage_errors(message("{path} could not be saved", path=path)):
            make_folder(path.parent)
            try:
                write(part)
            except RuntimeError as error:
                raise StorageError(
                    message("{path} could not be saved: {reason}", path=path, reason=str(error).strip())
                ) from error
            sync_file(part)
        yield part
    finally:
        part.unlink(missing_ok=True)
        part.with_name(part.name + UNFINISHED).unlink(missing_ok=True)
