"""Folders outside the state folder: whether they take a file, and making them."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ..common.files import PART_SUFFIX, storage_errors, sync_folder
from ..errors import StorageError
from ..text.message import message

PART_PREFIX = ".gpt-image-"
PROBE_NAME = 96  # bytes: as long as the name of a copy can become
LEAST_ROOM = 1_000_000  # bytes: a disk with less takes no image


def check_folder(folder: Path, name: str = "") -> None:
    """Find out by trying whether a folder takes a file of this name; nothing of the trial is left.

    :param name: empty for as long a name as a copy of an image may get.
    :raises StorageError: it does not.
    """
    size = len(os.fsencode(name)) if name else PROBE_NAME
    probe = new_part(folder / "probe")
    probe = probe.with_name(probe.name.ljust(size, "_"))
    made: list[Path] = []
    with storage_errors(message("{path} could not be written", path=folder)):
        try:
            made = make_folder(folder)
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            is_full = _is_full(folder)
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
            for path in reversed(made):
                with suppress(OSError):  # something else is in it by now
                    path.rmdir()
    if is_full:
        raise StorageError(
            message("{folder} could not be written: its disk is full.", folder=folder),
            code="disk_full",
            next_step="Free space on its disk.",
        )


def _is_full(folder: Path) -> bool:
    with suppress(OSError):  # not every file system can say
        room = shutil.disk_usage(folder)
        return room.total > 0 and room.free < LEAST_ROOM
    return False


def make_folder(folder: Path) -> list[Path]:
    """Make a folder with those above it; returns the new ones, outermost first.

    :raises OSError: as `mkdir`.
    """
    missing = list(itertools.takewhile(lambda path: not path.exists(), (folder, *folder.parents)))
    made = []
    for path in reversed(missing):
        with suppress(FileExistsError):  # another process made it
            path.mkdir()
            made.append(path)
            sync_where_possible(path.parent)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    return made


def new_part(path: Path, suffix: str = PART_SUFFIX) -> Path:
    """A name in the same folder for a file that is being written."""
    return path.with_name(f"{PART_PREFIX}{os.urandom(6).hex()}{suffix}")


def sync_file(path: Path) -> None:
    """Wait until a file that somebody else wrote has reached the disk.

    :raises OSError: as `open` and `fsync`.
    """
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_where_possible(folder: Path) -> None:
    with suppress(OSError):  # some file systems can't; the file itself is synced
        sync_folder(folder)
