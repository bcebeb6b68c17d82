"""Files that are whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import io
import mmap
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ..errors import StorageError
from ..text.message import Message, message

PART_SUFFIX = ".part"
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""Permissions in the state folder: prompts and images are nobody else's, where the system has modes."""
PIECE = 256 * 1024
"""Bytes that are read or written at once.

Some systems give the processor to no other thread until that is done, also not to that of the window; with
memory that was not in use before, 12 MB may take 50 ms.
"""
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What a file system says that syncs files alone."""
WORTH_BYTES = 2**20  # below this it is there before anyone would notice


HELD = (errno.EBUSY, errno.ETXTBSY, *((errno.EACCES,) if os.name == "nt" else ()))
"""What a system says of a file that another program, such as a virus scanner, has open just now."""
HELD_DELAYS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between the attempts at such a file."""

_T = TypeVar("_T")


def while_held(action: Callable[[], _T]) -> _T:
    """Do something with a file; while another program holds it, again for a second or two.

    :raises OSError: as the action.
    """
    for delay in HELD_DELAYS:
        try:
            return action()
        except OSError as error:
            if error.errno not in HELD:
                raise
            time.sleep(delay)
    return action()


def move_file(path: Path, target: Path) -> None:
    """Rename a file or folder, replacing a file of that name; see `while_held`.

    :raises OSError: as `os.replace`.
    """
    while_held(lambda: path.replace(target))


def remove_file(path: Path) -> None:
    """Delete a file, if it is there; see `while_held`.

    :raises OSError: as `os.unlink`.
    """
    while_held(lambda: path.unlink(missing_ok=True))


class storage_errors:
    """Turn an OSError inside the block into a StorageError with one sentence."""

    def __init__(self, problem: str) -> None:
        self.message = Message.of(problem)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError):
            raise StorageError(
                message("{problem}: {reason}.", problem=self.message, reason=error.strerror or error)
            ) from error


class InPieces(io.FileIO):
    """A file that is read in pieces."""

    def readinto(self, buffer: Any) -> int | None:
        """A piece at most."""
        return super().readinto(memoryview(buffer)[:PIECE])


def open_file(path: Path, limit: int | None = None) -> io.BufferedReader:
    """A regular file, to be read in pieces.

    Nothing else is opened: a pipe would let its reader wait for ever, a device has no end.

    :param limit: bytes that it may have; None for as many as there are.
    :raises OSError: as `open`; ``EINVAL`` for what is no regular file, ``EFBIG`` beyond the limit.
    """
    _check_regular(path.stat(), path)
    # Asked again of what was opened: it may have been replaced meanwhile, and must not be waited for.
    stream: io.BufferedReader[Any] = io.BufferedReader(
        while_held(lambda: InPieces(path, opener=_open_without_waiting))
    )
    try:
        status = os.fstat(stream.fileno())
        _check_regular(status, path)
        if limit is not None and status.st_size > limit:
            raise OSError(errno.EFBIG, f"larger than {limit // 10**6} MB", str(path))
    except BaseException:
        stream.close()
        raise
    return stream


def _check_regular(status: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_file(path: Path, limit: int | None = None) -> bytes:
    """All of a regular file; see `open_file`.

    :param limit: bytes that it may have; None for as many as there are.
    :raises OSError: as `open_file` and `read`.
    """
    with open_file(path, limit) as stream:
        return stream.read(os.fstat(stream.fileno()).st_size)


def write_synced(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file and wait until it has reached the disk.

    :param mode: permissions, from the first moment on.
    :raises OSError: as `open` and `write`.
    """
    with _open_synced(path, mode) as stream:
        for start in range(0, len(data), PIECE):
            stream.write(memoryview(data)[start : start + PIECE])


@contextlib.contextmanager
def _open_synced(path: Path, mode: int) -> Iterator[BinaryIO]:
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    handle = while_held(lambda: os.open(path, flags, mode))
    with os.fdopen(handle, "w+b") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def append_synced(path: Path, data: bytes) -> None:
    """Add to the end of a file, in one piece beside what other processes add; made where it is missing.

    :raises OSError: as `open` and `write`.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    handle = while_held(lambda: os.open(path, flags, 0o644))
    try:
        before = os.fstat(handle).st_size
        written = os.write(handle, data)
        if written < len(data):  # the disk is full: no half of it stays
            os.ftruncate(handle, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is either the old or the new one, never half of it.

    :param mode: permissions, from the first moment on; folders that are missing are made private where it is.
    :raises StorageError: the disk is full or the folder can't be written.
    """
    with replacing(path, mode) as stream:
        for start in range(0, len(data), PIECE):
            stream.write(memoryview(data)[start : start + PIECE])


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A file to be written in pieces, which takes its name when the block ends well; see `replace_file`.

    :raises StorageError: the disk is full or the folder can't be written.
    """
    # A name of its own: two threads may write the same file at once.
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}{PART_SUFFIX}")
    with storage_errors(message("{path} could not be written", path=path)):
        if mode == PRIVATE_FILE:
            make_private_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _open_synced(part, mode) as stream:
                yield stream
            move_file(part, path)
        finally:
            remove_file(part)


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone.

    :raises OSError: as `mkdir`.
    """
    if not path.is_dir():
        if path.parent != path:
            make_private_folder(path.parent)
        path.mkdir(PRIVATE_FOLDER, exist_ok=True)


def keep_private(path: Path) -> None:
    """Take what others may do with a file, or with a folder and all in it, away; links are left alone.

    A folder comes after what is in it.
    """
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # somebody else's
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            for inner in path.iterdir():
                keep_private(inner)
        if not stat.S_ISLNK(mode) and not is_private(mode):
            path.chmod(PRIVATE_FOLDER if stat.S_ISDIR(mode) else PRIVATE_FILE)


def is_private(mode: int) -> bool:
    """Whether permissions let nobody but the owner in."""
    return os.name == "nt" or not mode & 0o077


def sync_folder(path: Path) -> None:
    """Wait until what was made, renamed or removed in a folder has reached the disk.

    :raises OSError: as `open` and `fsync`.
    """
    if os.name == "nt":
        return  # Windows opens no folders; a rename is durable with the volume's own journal.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


def taken_for(path: Path, size: int) -> mmap.mmap:
    """As much memory as a file fills, with every page in use.

    The system finds a page when it is first written to, which takes a virtual machine whose host took its
    unused memory back some 50 ms for 12 MB. What the main thread frees it gets again at once, so a thread
    takes memory, and the main thread closes it right before Blender copies as much.

    :param size: bytes, at least one.
    """
    memory = mmap.mmap(-1, size)
    with contextlib.suppress(OSError), io.BufferedReader(InPieces(path)) as file:
        file.readinto(memory)  # a copy between two places in memory would let no other thread run
    return memory
