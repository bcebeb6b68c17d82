"""Files that are whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import StorageError

PART_SUFFIX = ".part"


class storage_errors:
    """Turn an OSError inside the block into a StorageError with one sentence."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError):
            raise StorageError(f"{self.message}: {error.strerror or error}.") from error


def write_synced(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file and wait until it has reached the disk.

    :param mode: permissions, from the first moment on.
    :raises OSError: as `open` and `write`.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is either the old or the new one, never half of it.

    :param mode: permissions, from the first moment on.
    :raises StorageError: the disk is full or the folder can't be written.
    """
    # A name of its own: two threads may write the same file at once.
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}{PART_SUFFIX}")
    with storage_errors(f"{path} could not be written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_synced(part, data, mode)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Wait until what was made, renamed or removed in a folder has reached the disk.

    :raises OSError: as `open` and `fsync`.
    """
    if os.name == "nt":
        return  # Windows opens no folders; a rename is durable with the volume's own journal.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
