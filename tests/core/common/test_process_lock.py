"""Which processes are alive, also where the system has no file handle left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_image_addon.core.common.process_lock import ProcessLock, is_alive, sweep

resource = pytest.importorskip("resource", reason="needs a system with limits for open files")


@contextlib.contextmanager
def without_file_handles() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    handle = os.open(os.devnull, os.O_RDONLY)
    os.close(handle)
    resource.setrlimit(resource.RLIMIT_NOFILE, (handle, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_nobody_is_taken_for_dead_for_want_of_a_file_handle(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path)
    with without_file_handles():
        with pytest.raises(OSError, match="Too many open files"):
            (tmp_path / lock.file_name).open("rb")
        assert is_alive(tmp_path, lock.name)
    assert is_alive(tmp_path, lock.name)
    lock.release()
    assert not is_alive(tmp_path, lock.name)


def test_the_marks_of_the_dead_are_swept(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path)
    dead = tmp_path / "1-0123abcd.lock"
    dead.write_bytes(b"")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [lock.file_name] and not is_alive(
        tmp_path, dead.stem
    )
    lock.release()
