"""Which processes are alive: each holds a lock on a file of its own until it dies."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from pathlib import Path
from typing import IO

from .files import PRIVATE_FILE, make_private_folder

LOCK_SUFFIX = ".lock"
LOCK_TRIES = 5
_NAME = re.compile(r"[0-9]+-[0-9a-f]{8}")


def _try_lock(stream: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class ProcessLock:
    """Marks this process as alive until it ends or `release` is called."""

    def __init__(self, folder: Path) -> None:
        """
        :param folder: where the lock files of all processes lie.
        :raises OSError: it can't be written.
        """
        make_private_folder(folder)
        for _ in range(LOCK_TRIES):
            self.name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
            self._path = folder / self.file_name
            self._stream = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE), "wb")
            if _try_lock(self._stream) and self._path.exists():
                return
            self._stream.close()  # swept away by another process between its making and its locking
        raise OSError(f"{self._path} can't be locked")

    @property
    def file_name(self) -> str:
        """The name of its file in the folder."""
        return self.name + LOCK_SUFFIX

    def release(self) -> None:
        """End the mark."""
        self._stream.close()
        with contextlib.suppress(OSError):  # the next `sweep` removes it
            self._path.unlink(missing_ok=True)


def is_alive(folder: Path, name: object) -> bool:
    """Whether the process that took the lock ``name`` still holds it; a dead one's file is removed."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return False  # of another machine, or of nobody
    path = folder / (name + LOCK_SUFFIX)
    try:
        with path.open("r+b") as stream:
            if not _try_lock(stream):
                return True
            if os.name != "nt":  # while we hold the lock, so that nobody's new mark is removed
                path.unlink(missing_ok=True)
                return False
        path.unlink(missing_ok=True)
    except FileNotFoundError:
        return False
    except OSError:
        # Windows neither opens nor removes what another process has locked; and where the system has no file
        # handle left, nobody may be taken for dead.
        return True
    return False


def sweep(folder: Path) -> None:
    """Remove the lock files of processes that are gone."""
    for path in folder.glob(f"*{LOCK_SUFFIX}"):
        is_alive(folder, path.stem)
