"""Files outside the state folder: nothing that is not ours is replaced, and all are whole and synced."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt_image_addon.core.errors import ExitCode, InvalidRequestError, StorageError
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.results import output_files as module
from gpt_image_addon.core.results.output_files import (
    Outputs,
    check_folder,
    is_json_report,
    is_row_report,
    renamed_warning,
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path / "state")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_users_file_stays_and_a_new_name_is_told(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "out" / "oak.png"
    path.parent.mkdir()
    path.write_bytes(b"painted by hand")
    found = Outputs(journal).copy(path, b"ours", "job 1")
    assert path.read_bytes() == b"painted by hand"
    assert (found.name, found.read_bytes()) == ("oak 2.png", b"ours")
    assert renamed_warning(found, path) and not renamed_warning(path, path)
    assert names(path.parent) == ["oak 2.png", "oak.png"]


def test_ours_is_replaced_for_its_owner_alone_and_only_unchanged(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "oak.png"
    assert Outputs(journal).copy(path, b"first", "job 1") == path
    assert Outputs(journal).copy(path, b"second", "job 1") == path
    assert Outputs(journal).copy(path, b"other", "job 2").name == "oak 2.png"
    path.write_bytes(b"second, retouched")
    assert Outputs(journal).copy(path, b"third", "job 1").name == "oak 3.png"
    assert path.read_bytes() == b"second, retouched"


def test_the_same_bytes_are_left_alone(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "oak.png"
    path.write_bytes(b"equal")
    before = path.stat()
    assert Outputs(journal).copy(path, b"equal", "job 1") == path
    Outputs(journal).write(path, b"equal", "job 1")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert Outputs(journal).copy(path, b"new", "job 1").name == "oak 2.png"  # it did not become ours


def test_what_nobody_owns_is_replaced_by_nobody(tmp_path: Path, journal: Journal) -> None:
    Outputs(journal).write(tmp_path / "a.blend", b"one", "")
    with pytest.raises(InvalidRequestError):
        Outputs(journal).write(tmp_path / "a.blend", b"two", "")


def test_a_file_that_was_cut_is_made_whole(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "oak.png"
    for left in (b"", b"who"):
        path.write_bytes(left)
        assert Outputs(journal).copy(path, b"whole", "a") == path
    assert path.read_bytes() == b"whole" and names(tmp_path) == ["oak.png", "state"]


def test_a_copy_is_found_under_its_other_name(tmp_path: Path, journal: Journal) -> None:
    original, path = tmp_path / "image-1.png", tmp_path / "oak.png"
    original.write_bytes(b"x" * 9000 + b"y")
    path.write_bytes(b"mine")
    outputs = Outputs(journal)
    assert outputs.find(path, "a", [original]) is None
    found = outputs.copy(path, original.read_bytes(), "a")
    assert outputs.find(path, "a", [original]) == outputs.find(path, "a") == found == tmp_path / "oak 2.png"
    assert outputs.find(path, "b", [original]) is None
    for broken in (b"", b"x" * 5000, bytes(9001)):
        found.write_bytes(broken)
        assert outputs.find(path, "a", [original]) is None and outputs.find(path, "a") is None


def test_without_a_journal_only_this_run_is_remembered(tmp_path: Path) -> None:
    path, run = tmp_path / "tile.png", Outputs()
    run.write(path, b"cut", "tile")
    run.write(path, b"repaired", "tile")
    with pytest.raises(InvalidRequestError):
        Outputs().write(path, b"again", "tile")
    assert path.read_bytes() == b"repaired"


def test_a_named_file_is_refused_and_overwritten_on_the_users_word(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "tile.png"
    path.write_bytes(b"mine")
    with pytest.raises(InvalidRequestError, match="--overwrite") as refused:
        Outputs(journal).write(path, b"ours", "tile")
    assert refused.value.exit_code is ExitCode.REFUSED
    assert path.read_bytes() == b"mine"
    Outputs(journal, overwrite=True).write(path, b"ours", "tile")
    assert path.read_bytes() == b"ours"
    assert names(tmp_path) == ["state", "tile.png"]


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_folders_and_links_in_the_way_stay(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "oak.png"
    make(path)
    assert Outputs().copy(path, b"ours", "job").name == "oak 2.png"
    with pytest.raises(InvalidRequestError):
        Outputs().write(path, b"ours", "job")
    assert names(tmp_path) == ["oak 2.png", "oak.png"]


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "oak.png").mkdir()
    with pytest.raises(InvalidRequestError):
        Outputs(overwrite=True).write(tmp_path / "oak.png", b"ours", "job")
    assert names(tmp_path) == ["oak.png"]


def test_of_many_at_once_each_gets_a_name_of_its_own(tmp_path: Path) -> None:
    found: list[Path] = []
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        found.append(Outputs().copy(tmp_path / "oak.png", bytes([number]), f"job {number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8
    assert {path.read_bytes()[0] for path in found} == set(range(8))
    assert len(names(tmp_path)) == 8


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*names: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(module.os, "link", no_links)
    assert Outputs().copy(tmp_path / "oak.png", b"one", "a").name == "oak.png"
    assert Outputs().copy(tmp_path / "oak.png", b"two", "b").name == "oak 2.png"
    assert names(tmp_path) == ["oak 2.png", "oak.png"]


def test_what_is_written_is_synced_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, bool]] = []
    true_sync = os.fsync

    def watched(handle: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), (tmp_path / "oak.png").exists()))
        true_sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    Outputs().copy(tmp_path / "oak.png", b"ours", "job")
    assert synced[0] == (False, False)  # the data, before it has its name
    assert os.name == "nt" or synced[-1] == (True, True)  # the folder, with the name


def test_a_journal_that_fails_spoils_nothing(tmp_path: Path, journal: Journal) -> None:
    with journal.transaction() as connection:
        connection.execute("DROP TABLE outputs")
    path = tmp_path / "oak.png"
    assert Outputs(journal).copy(path, b"ours", "job") == path
    assert Outputs(journal).copy(path, b"new", "job").name == "oak 2.png"


def test_a_folder_is_tried_and_nothing_is_left(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert names(tmp_path) == []
    (tmp_path / "file").write_bytes(b"")
    for bad in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300) / "below"):
        with pytest.raises(StorageError):
            check_folder(bad)
    with pytest.raises(StorageError):
        check_folder(tmp_path / "new", "x" * 300 + ".png")
    assert names(tmp_path) == ["file"]


def test_a_check_says_what_writing_would(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "sheet.html"
    Outputs(journal).check(path, "batch", param="contact_sheet")
    assert not path.exists()
    Outputs(journal).write(path, b"one", "batch")
    Outputs(journal).check(path, "batch", param="contact_sheet")
    for other, owner in ((path, "another batch"), (tmp_path, "batch")):
        with pytest.raises(InvalidRequestError) as refused:
            Outputs(journal).check(other, owner, param="contact_sheet")
        assert refused.value.param == "contact_sheet"


@pytest.mark.parametrize(
    ("content", "json_report", "row_report"),
    [
        (b"", True, True),
        (b'{"schema": 1, "state": "failed", "error": {}}\n', True, False),
        (b'{"row": "oak", "line": 1, "state": "failed", "job": null}\n', False, True),
        (b'{"schema": 1, "mine": true}', False, False),
        (b"my notes", False, False),
    ],
)
def test_reports_of_ours_are_told_apart(
    tmp_path: Path, content: bytes, json_report: bool, row_report: bool
) -> None:
    path = tmp_path / "report"
    path.write_bytes(content)
    assert (is_json_report(path), is_row_report(path)) == (json_report, row_report)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes in its folders")
def test_a_device_or_a_pipe_is_not_replaced_on_anybodys_word(tmp_path: Path) -> None:
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    outputs = Outputs(overwrite=True)
    with pytest.raises(InvalidRequestError, match="not a regular file") as caught:
        outputs.check(pipe, "me", param="json_file")
    assert "--overwrite" not in caught.value.text
    with pytest.raises(InvalidRequestError):
        outputs.write(pipe, b"{}", "me")
    outputs.remove(pipe, "me", lambda path: True)
    link = tmp_path / "link.json"
    link.symlink_to(pipe)
    with pytest.raises(InvalidRequestError):
        outputs.write(link, b"{}", "me")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and link.is_symlink()
    assert names(tmp_path) == ["link.json", "report.json"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_folder_whose_name_is_no_text(tmp_path: Path, journal: Journal) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    path, owner = folder / os.fsdecode(b"\xe4.png"), f"{folder}/rows.jsonl\noak"
    assert Outputs(journal).copy(path, b"first", owner) == path
    assert Outputs(journal).find(path, owner) == path
    assert Outputs(journal).copy(path, b"second", owner) == path
    assert Outputs(journal).copy(path, b"other", f"{owner} 2").name == os.fsdecode(b"\xe4 2.png")
    Outputs(journal).check(path, owner, param="report")
    with pytest.raises(InvalidRequestError):
        Outputs(journal).write(path, b"third", "somebody")
    assert path.read_bytes() == b"second"
