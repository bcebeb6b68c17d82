"""Files are read and written in pieces, and memory is taken into use as large as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_image_addon.core.common.files import PIECE, read_file, taken_for, write_synced


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
