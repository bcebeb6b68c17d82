"""Files are read and written in pieces, and memory is taken into use as large as they are."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from gpt_image_addon.core.common import files
from gpt_image_addon.core.common.files import (
    HELD,
    HELD_DELAYS,
    PIECE,
    append_synced,
    move_file,
    read_file,
    remove_file,
    replace_file,
    taken_for,
    write_synced,
)
from gpt_image_addon.core.results import folders, store
from gpt_image_addon.core.results.body_file import BodyFile


def some(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def calls(what: str) -> int:
    """How often this thread has called the system to read (``syscr``) or to write (``syscw``)."""
    lines = Path("/proc/thread-self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(what)))


@pytest.mark.parametrize("size", [0, 1, PIECE, 2 * PIECE + 1])
def test_a_file_comes_back_as_it_was_written(tmp_path: Path, size: int) -> None:
    write_synced(tmp_path / "file", some(size))
    assert (tmp_path / "file").read_bytes() == read_file(tmp_path / "file") == some(size)


def test_the_system_is_asked_for_one_piece_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = calls("syscw")
    write_synced(path, some(20 * PIECE))
    assert calls("syscw") - before >= 20
    for read in (read_file, lambda path: taken_for(path, 20 * PIECE).close()):
        before = calls("syscr")
        read(path)
        assert calls("syscr") - before >= 20


def test_memory_is_as_large_as_asked_whatever_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(some(5000))
    for size in (4000, 5000, 9000):
        with taken_for(path, size) as memory:
            assert len(memory) == size
            assert memory[: min(size, 5000)] == some(5000)[:size]
    path.unlink()
    with taken_for(path, 5000) as memory:
        assert len(memory) == 5000


@pytest.mark.parametrize("write", [write_synced, append_synced])
def test_a_file_that_a_program_has_open_is_written_when_it_ends(
    tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    sleep = shutil.which("sleep")
    if sleep is None:
        pytest.skip("needs a program to run")
    program = Path(shutil.copy(sleep, tmp_path / "program"))
    if Path(sleep).resolve().name != "sleep":
        pytest.skip("needs a program that is a file of its own")
    running = subprocess.Popen([program, "0.3"])
    try:
        write(program, b"new")
    finally:
        running.wait()
    assert program.read_bytes().endswith(b"new")


def hold(monkeypatch: pytest.MonkeyPatch, name: str, *, times: int, error: int = errno.EBUSY) -> list[Path]:
    """Let a method of `Path` fail so often, as where a scanner has it open; returns each use."""
    asked: list[Path] = []
    method = getattr(Path, name)

    def held(path: Path, *arguments: object, **options: object) -> object:
        asked.append(path)
        if len(asked) <= times:
            raise OSError(error, "in use", str(path))
        return method(path, *arguments, **options)

    monkeypatch.setattr(Path, name, held)
    return asked


def write_result(folder: Path) -> None:
    store.keep(folder, "a", datetime(2026, 11, 28), {"image-1.png": b"one"}, {})
    assert (folder / "2026-11" / "a" / "image-1.png").read_bytes() == b"one"


def write_file(folder: Path) -> None:
    replace_file(folder / "file", b"new")
    assert (folder / "file").read_bytes() == b"new"


def keep_body(folder: Path) -> None:
    body = BodyFile(folder, "a")
    body.write(b"as it came")
    kept = body.keep()
    assert kept is not None and kept.read_bytes() == b"as it came"


def copy_result(folder: Path) -> None:
    (folder / "old").mkdir()
    (folder / "old" / "image-1.png").write_bytes(b"one")
    assert folders.copy(folder / "old", folder / "new", folder / "new.part") == 3


@pytest.mark.parametrize("work", [write_result, write_file, keep_body, copy_result])
def test_what_another_program_holds_for_a_moment_is_renamed_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Path], None]
) -> None:
    asked = hold(monkeypatch, "replace", times=4)
    work(tmp_path)
    assert len(asked) == 5
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name]


def test_a_file_that_is_held_for_a_moment_is_deleted_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "image-1.png"
    file.write_bytes(b"one")
    hold(monkeypatch, "unlink", times=3)
    remove_file(file)
    assert not file.exists()


def test_a_file_that_stays_held_is_told_after_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(files.time, "sleep", waited.append)
    (tmp_path / "a").write_bytes(b"one")
    hold(monkeypatch, "replace", times=100)
    with pytest.raises(OSError, match="in use"):
        move_file(tmp_path / "a", tmp_path / "b")
    assert waited == list(HELD_DELAYS) and 1 <= sum(waited) <= 2


def test_a_folder_without_permission_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(files.time, "sleep", waited.append)
    (tmp_path / "a").write_bytes(b"one")
    asked = hold(monkeypatch, "replace", times=100, error=errno.ENOSPC)
    with pytest.raises(OSError, match="in use"):
        move_file(tmp_path / "a", tmp_path / "b")
    assert not waited and len(asked) == 1
    assert (errno.EACCES in HELD) == (files.os.name == "nt")
