"""Full disks and broken journals while an answer comes: what was paid for still gets to a disk."""

from __future__ import annotations

import base64
import errno
import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from gpt_image_addon.core.common.files import PART_SUFFIX
from gpt_image_addon.core.errors import GptImageError, StorageError
from gpt_image_addon.core.http.endpoint import Connection
from gpt_image_addon.core.jobs.job import Job, JobEvent
from gpt_image_addon.core.jobs.worker import Worker
from gpt_image_addon.core.journal.history import images_of
from gpt_image_addon.core.journal.journal import Entry, Journal
from gpt_image_addon.core.journal.recovery import open_journal, recover_all
from gpt_image_addon.core.journal.schema import JOURNAL_FILE
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.providers.openai.client import OpenAIProvider
from gpt_image_addon.core.request.models import load_registry
from gpt_image_addon.core.request.request import Application
from gpt_image_addon.core.results import store
from gpt_image_addon.core.results.body_file import HELD_HANDLES, BodyFile
from gpt_image_addon.core.results.folders import BODY_FILE
from gpt_image_addon.core.results.store import ANSWER_FILE, Kept, find_result, keep, read_answer, salvage
from tests.api_server import ApiServer, faults
from tests.api_server.sample_images import painted
from tests.core.line import admit, finish, run, start

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 22)
FILES = {"image-1.png": b"one", "image-2.png": b"two"}
TINY_DISK = (
    "mount -t tmpfs -o size=1m none {state} && exec {python} -m tests.core.full_disk {state} {url} {key}"
)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, for this test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    return folder


@pytest.fixture
def journal(tmp_path: Path, temporary: Path) -> Iterator[Journal]:
    found = open_journal(tmp_path / "state")
    yield found
    found.close()


def test_an_answer_is_kept_whole(tmp_path: Path) -> None:
    kept = keep(tmp_path, "a", NOW, FILES, {"cost_usd": 1})
    assert (kept.folder, kept.notice) == (tmp_path / "2026-11" / "a", "")
    assert sorted(path.name for path in kept.folder.iterdir()) == [ANSWER_FILE, *FILES]
    assert (kept.folder / "image-2.png").read_bytes() == b"two"
    answer = read_answer(kept.folder)
    assert answer is not None and answer["cost_usd"] == 1
    assert find_result(tmp_path, "a") == kept.folder
    assert find_result(tmp_path, "b") is None


def test_a_folder_that_takes_nothing_is_stepped_around(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "2026-11").write_text("a file where the folder should be")
    kept = keep(tmp_path, "a", NOW, FILES, {})
    assert kept.folder.is_relative_to(temporary)
    assert str(kept.folder) in kept.notice and "could not be written" in kept.notice
    assert (kept.folder / "image-1.png").read_bytes() == b"one"
    assert find_result(tmp_path, "a") == kept.folder


def test_no_disk_at_all_is_said(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "2026-11").write_text("")
    temporary.rmdir()
    with pytest.raises(StorageError, match="could not be written") as caught:
        keep(tmp_path, "a", NOW, FILES, {})
    assert caught.value.billed == "yes"


def half_done(tmp_path: Path) -> Path:
    folder = keep(tmp_path, "a", NOW, FILES, {"cost_usd": 1}).folder
    return folder.rename(folder.with_name("a" + PART_SUFFIX))


def test_what_a_death_left_is_finished(tmp_path: Path) -> None:
    part = half_done(tmp_path)
    (part / "image-2.png").write_bytes(b"tw")
    assert salvage(part) == tmp_path / "2026-11" / "a"
    assert sorted(path.name for path in (tmp_path / "2026-11" / "a").iterdir()) == [
        ANSWER_FILE,
        "image-1.png",
    ]
    assert not part.exists()


def test_nothing_whole_is_nothing(tmp_path: Path) -> None:
    part = half_done(tmp_path)
    for name in FILES:
        (part / name).write_bytes(b"")
    assert salvage(part) is None
    assert list((tmp_path / "2026-11").iterdir()) == []


def test_a_body_that_nobody_has_understood_is_kept(tmp_path: Path) -> None:
    part = half_done(tmp_path)
    for name in FILES:
        (part / name).unlink()
    (part / BODY_FILE).write_bytes(b"as it came")
    assert salvage(part) is None and not part.exists()
    (left,) = (tmp_path / "2026-11").iterdir()
    assert left.name == "a" and [path.name for path in left.iterdir()] == [BODY_FILE]
    assert (left / BODY_FILE).read_bytes() == b"as it came" and find_result(tmp_path, "a") is None


def test_images_of_no_known_answer_are_left_alone(tmp_path: Path) -> None:
    part = half_done(tmp_path)
    (part / ANSWER_FILE).write_text("{")
    assert salvage(part) is None
    assert (part / "image-1.png").read_bytes() == b"one"


def test_the_answer_outlives_the_journal(journal: Journal, api_server: ApiServer) -> None:
    api_server.script(faults.stall("processing"))
    job = admit(journal)
    queue = start(journal, api_server.base_url, api_server.api_key, job)
    assert api_server.wait_until(lambda server: bool(server.stalled))
    journal.query("DROP TABLE jobs")
    api_server.release()
    event = finish(queue)
    assert event.prepared is not None
    folder = Path(event.prepared.images[0].file).parent
    assert any("paid" in warning and str(folder) in warning for warning in event.prepared.warnings)
    (journal.folder / JOURNAL_FILE).rename(journal.folder / "broken.sqlite3")
    again = open_journal(journal.folder)
    entry = again.entry(job.id)
    assert entry is not None
    assert (entry.state, entry.folder, entry.request) == (JobState.RECEIVED, folder, job.request)
    assert again.spent_usd() == pytest.approx(api_server.bill_usd) and again.spent_usd() > 0
    again.close()


def test_a_journal_that_fails_before_sending_sends_nothing(journal: Journal, api_server: ApiServer) -> None:
    job = admit(journal)
    journal.query("DROP TABLE jobs")
    event = run(journal, api_server.base_url, api_server.api_key, job)
    assert isinstance(event.error, StorageError) and event.error.billed == "no"
    assert api_server.image_requests == []


def test_a_row_that_was_taken_for_dead_is_not_sent(journal: Journal, api_server: ApiServer) -> None:
    job = admit(journal)
    journal.cancel_dead(job.id)
    event = run(journal, api_server.base_url, api_server.api_key, job)
    assert isinstance(event.error, StorageError) and "nothing was sent" in event.error.message
    assert api_server.image_requests == []


def can_mount() -> bool:
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a system that lets its users mount a small disk")
def test_a_full_disk_loses_nothing(tmp_path: Path, temporary: Path, api_server: ApiServer) -> None:
    state = tmp_path / "state"
    state.mkdir()
    command = TINY_DISK.format(
        state=state, python=sys.executable, url=api_server.base_url, key=api_server.api_key
    )
    run = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    record = api_server.image_requests[0]
    assert run.stdout.split() == ["SENDING", "RECEIVED", *record.answers], run.stderr
    rescued = next(temporary.glob("gpt-image-*/*/image-1.png"))
    assert rescued.read_bytes() == api_server.answers[record.answers[0]]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_an_answer_in_a_home_whose_name_is_no_text(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 %41"))
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("noted", "died"):
        job = admit(journal, prompt=name)
        journal.sending(job.id)
        shutil.rmtree(journal.results, ignore_errors=True)
        journal.results.write_text("a file where the folder should be")
        folder = keep(journal.results, job.id, NOW, {"image-1.png": b"one"}, {"cost_usd": 0.01}).folder
        journal.results.unlink()
        assert folder.parent.parent == home
        if name == "noted":
            journal.received(job.id, folder, cost_usd=0.01, usage=None, request_id=None)
    journal.close()
    again = open_journal(journal.folder)
    entries = again.entries()
    assert len(entries) == 2 and again.spent_usd() == pytest.approx(0.02)
    for entry in entries:
        assert entry.state is JobState.RECEIVED and entry.folder is not None
        assert entry.folder.parent.parent == home
        assert [path.read_bytes() for path in images_of(again, entry)] == [b"one"]
    again.close()


def test_a_rescued_answer_is_adopted(journal: Journal, temporary: Path, api_server: ApiServer) -> None:
    job = admit(journal)
    month = datetime.now().strftime("%Y-%m")
    (journal.results / month).write_text("")
    event = run(journal, api_server.base_url, api_server.api_key, job)
    assert event.prepared is not None and "instead" in event.prepared.warnings[-1]
    with journal.transaction() as connection:  # as if the death had come before the row was written
        connection.execute("UPDATE jobs SET state = 'UNKNOWN', folder = NULL, cost_usd = NULL")
    recover_all(journal)
    entry = journal.entry(job.id)
    assert entry is not None and entry.folder is not None
    assert entry.state is JobState.RECEIVED and entry.folder.is_relative_to(temporary)
    assert journal.spent_usd() == pytest.approx(api_server.bill_usd)


def test_a_fault_of_our_own_before_sending_costs_nothing(journal: Journal, api_server: ApiServer) -> None:
    job = admit(journal)
    line = Worker(journal, load_registry(), Connection(api_server.base_url, api_server.api_key))

    def emit(event: JobEvent) -> None:
        raise RuntimeError("a fault of our own")

    with pytest.raises(GptImageError, match="a fault of our own") as caught:
        line.run(job, emit)
    assert (caught.value.code, caught.value.billed) == ("internal", "no")
    entry = journal.entry(job.id)
    assert entry is not None and entry.state is JobState.FAILED and not api_server.requests
    assert journal.reserved_usd() == 0


def test_a_fault_of_our_own_while_the_answer_is_noted_spoils_nothing(
    journal: Journal, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def received(*_: object, **__: object) -> bool:
        raise RuntimeError("a fault of our own")

    job = admit(journal)
    with monkeypatch.context() as broken:
        broken.setattr(journal, "received", received)
        event = run(journal, api_server.base_url, api_server.api_key, job)
    assert event.prepared is not None and "a fault of our own" in " ".join(event.prepared.warnings)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'UNKNOWN'")  # its process is gone
    recover_all(journal)
    assert [entry.id for entry in journal.unapplied()] == [job.id]


def test_a_copy_that_can_not_be_written_keeps_nothing_from_the_scene(
    journal: Journal, api_server: ApiServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    job = admit(journal)
    job.application = Application(target="image", textures_dir=str(tmp_path / "file" / "inside"))
    event = run(journal, api_server.base_url, api_server.api_key, job)
    assert event.prepared is not None and event.error is None
    (image,) = event.prepared.images
    assert any("Not a directory" in text and image.file in text for text in event.prepared.warnings)


BODY = b"as it came"


def with_body(tmp_path: Path) -> Path:
    body = tmp_path / "2026-11" / f"a{PART_SUFFIX}" / BODY_FILE
    body.parent.mkdir(parents=True)
    body.write_bytes(BODY)
    return body


def test_where_the_images_find_no_room_the_body_makes_room(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = with_body(tmp_path)
    write = store.write_synced

    def write_or_fail(path: Path, data: bytes, mode: int = 0o644) -> None:
        if path.parent == body.parent and body.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data, mode)

    monkeypatch.setattr(store, "write_synced", write_or_fail)
    kept = keep(tmp_path, "a", NOW, FILES, {})
    assert (kept.folder, kept.notice) == (tmp_path / "2026-11" / "a", "")
    assert {path.name for path in kept.folder.iterdir()} == {ANSWER_FILE, BODY_FILE, *FILES}
    assert not list(temporary.iterdir())


def test_where_no_disk_takes_the_images_the_body_stays(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_body(tmp_path)
    write = store.write_synced

    def write_or_fail(path: Path, data: bytes, mode: int = 0o644) -> None:
        if path.name in FILES:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data, mode)

    monkeypatch.setattr(store, "write_synced", write_or_fail)
    with pytest.raises(StorageError) as caught:
        keep(tmp_path, "a", NOW, FILES, {})
    kept = tmp_path / "2026-11" / "a" / BODY_FILE
    assert kept.read_bytes() == BODY and str(kept) in caught.value.text
    assert [path.name for path in kept.parent.iterdir()] == [BODY_FILE]
    assert find_result(tmp_path, "a") is None and not list(temporary.iterdir())


def test_a_body_that_something_else_holds_spoils_no_result(
    journal: Journal, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a scanner may hold a file that was just written."""
    job = admit(journal)
    unlink = Path.unlink

    def held(path: Path, missing_ok: bool = False) -> None:
        if path.name == BODY_FILE and path.parent.name == job.id:
            raise PermissionError(errno.EACCES, "in use")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", held)
    event = run(journal, api_server.base_url, api_server.api_key, job)
    entry = journal.entry(job.id)
    assert event.prepared is not None and entry is not None and entry.state is JobState.RECEIVED


def test_a_body_that_a_disk_refuses_in_the_end_spoils_no_result(
    journal: Journal, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network disks say only then that they are full."""
    job = admit(journal)
    close = BodyFile._close

    def refused(body: BodyFile) -> None:
        handle = body._handle
        if handle is not None:
            os.close(handle)  # so that closing it fails
        close(body)

    monkeypatch.setattr(BodyFile, "_close", refused)
    event = run(journal, api_server.base_url, api_server.api_key, job)
    assert event.prepared is not None, event.error


def test_a_disk_that_syncs_no_folders_takes_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def only_files(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    assert keep(tmp_path, "a", NOW, FILES, {}) == Kept(tmp_path / "2026-11" / "a")


def test_an_answer_that_another_process_has_brought_is_there(tmp_path: Path, temporary: Path) -> None:
    """Two processes may collect one batch at once."""
    first = keep(tmp_path, "a", NOW, FILES, {"cost_usd": 1})
    assert keep(tmp_path, "a", NOW, FILES, {"cost_usd": 1}) == first
    assert not list(temporary.iterdir()) and not list(first.folder.parent.glob(f"*{PART_SUFFIX}"))


def die_with_body(journal: Journal, job: Job, body: bytes) -> Path:
    """What a process leaves that is killed when the body has come and nothing was made of it."""
    received = BodyFile(journal.results, job.id)
    received.write(body)
    os.fsync(received._handle or -1)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'SENDING', process = 'gone'")
    return received._part / BODY_FILE


def reopened(journal: Journal, api_server: ApiServer) -> Journal:
    connection = Connection(api_server.base_url, api_server.api_key)

    def read_body(opened: Journal, entry: Entry) -> bool:
        return Worker(opened, load_registry(), connection).recover_body(entry)

    return open_journal(journal.folder, read_body)


def stream_of(*events: dict[str, object]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


BRICKS = painted(1, (816, 816), "png", 100, False, noise=False)
ENTRY = {"b64_json": base64.b64encode(BRICKS).decode()}
USAGE = {"input_tokens": 10, "output_tokens": 196, "input_tokens_details": {"text_tokens": 10}}
DOCUMENT = json.dumps({"data": [ENTRY], "usage": USAGE}).encode()
COMPLETED = {"type": "image_generation.completed", **ENTRY, "usage": USAGE}
PARTIAL = {"type": "image_generation.partial_image", "partial_image_index": 0, **ENTRY}
WHOLE_BODIES = {
    "document": DOCUMENT,
    "gzip": gzip.compress(DOCUMENT),
    "zlib": zlib.compress(DOCUMENT),
    "stream": stream_of(PARTIAL, COMPLETED),
    "bare image": BRICKS,
}


@pytest.mark.parametrize("kind", WHOLE_BODIES)
def test_a_body_that_a_dead_process_kept_becomes_its_result(
    journal: Journal, api_server: ApiServer, kind: str
) -> None:
    job = admit(journal)
    die_with_body(journal, job, WHOLE_BODIES[kind])
    again = reopened(journal, api_server)
    entry = again.entry(job.id)
    assert entry is not None and entry.folder is not None and entry.state is JobState.RECEIVED
    assert (entry.folder / "image-1.png").read_bytes() == BRICKS
    assert sorted(path.name for path in entry.folder.iterdir()) == [ANSWER_FILE, "image-1.png"]
    assert [path.name for path in entry.folder.parent.iterdir()] == [job.id]
    expected = entry.estimated_usd if kind == "bare image" else entry.cost_usd
    assert again.reserved_usd() == 0 and again.spent_usd() == pytest.approx(expected)
    assert [found.id for found in again.unapplied()] == [job.id] and not api_server.requests
    again.close()


def test_a_body_that_was_cut_off_gives_the_images_that_had_come(
    journal: Journal, api_server: ApiServer
) -> None:
    job = admit(journal, n=2)
    two = json.dumps({"data": [ENTRY, ENTRY]}).encode()
    die_with_body(journal, job, two[: len(two) * 3 // 4])
    again = reopened(journal, api_server)
    entry = again.entry(job.id)
    assert entry is not None and entry.folder is not None and entry.state is JobState.RECEIVED
    assert {path.name for path in entry.folder.iterdir()} == {ANSWER_FILE, BODY_FILE, "image-1.png"}
    answer = read_answer(entry.folder)
    assert answer is not None and any("broke off" in warning for warning in answer["warnings"])
    again.close()


BROKEN_BODIES = {
    "half an image": DOCUMENT[: len(DOCUMENT) // 2],
    "half a bare image": BRICKS[: len(BRICKS) // 2],
    "half a stream": stream_of(PARTIAL),
    "half of gzip": gzip.compress(DOCUMENT)[:300],
    "broken gzip": b"\x1f\x8b\x08" + b"\0" * 100,
    "an error": b'{"error": {"message": "down", "code": "server_error"}}',
    "a link": b'{"data": [{"url": "https://example.com/a.png"}]}',
    "nothing": b"",
    "no image": b'{"data": [{"b64_json": "aGVsbG8="}]}',
}


@pytest.mark.parametrize("kind", BROKEN_BODIES)
def test_a_body_without_a_whole_image_stays_and_is_unknown(
    journal: Journal, api_server: ApiServer, kind: str
) -> None:
    job = admit(journal)
    die_with_body(journal, job, BROKEN_BODIES[kind])
    again = reopened(journal, api_server)
    for _ in range(2):
        entry = again.entry(job.id)
        assert entry is not None and entry.state is JobState.UNKNOWN and entry.folder is None
        (left,) = again.results.glob(f"*/*/{BODY_FILE}")
        assert left.read_bytes() == BROKEN_BODIES[kind] and left.parent.name == job.id
        recover_all(again)
    again.close()


def test_a_link_beside_an_image_is_kept_with_the_body(journal: Journal, api_server: ApiServer) -> None:
    job = admit(journal, n=2)
    body = json.dumps({"data": [ENTRY, {"url": "https://example.com/a.png"}], "usage": USAGE}).encode()
    die_with_body(journal, job, body)
    again = reopened(journal, api_server)
    entry = again.entry(job.id)
    assert entry is not None and entry.folder is not None and entry.state is JobState.RECEIVED
    assert (entry.folder / BODY_FILE).read_bytes() == body
    answer = read_answer(entry.folder)
    assert answer is not None and "https://example.com/a.png" in answer["warnings"][-1]
    again.close()


def test_a_fault_while_a_body_is_read_does_not_keep_the_journal_shut(
    journal: Journal, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(OpenAIProvider, "read", read)
    job = admit(journal)
    die_with_body(journal, job, DOCUMENT)
    again = reopened(journal, api_server)
    entry = again.entry(job.id)
    assert entry is not None and entry.state is JobState.UNKNOWN
    (left,) = again.results.glob(f"*/{job.id}/{BODY_FILE}")
    assert left.read_bytes() == DOCUMENT
    again.close()


def test_a_row_whose_id_a_broken_disk_left_does_not_keep_the_journal_shut(
    journal: Journal, api_server: ApiServer
) -> None:
    admit(journal)
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET id = CAST(x'62ff' AS TEXT), state = 'SENDING', process = 'gone'")
    reopened(journal, api_server).close()


def test_a_body_is_read_again_with_its_mask_while_the_files_are_the_same(
    journal: Journal, api_server: ApiServer, tmp_path: Path
) -> None:
    original, mask = tmp_path / "wall.png", tmp_path / "mask.png"
    original.write_bytes(BRICKS)
    half = Image.new("RGBA", (816, 816), (0, 0, 0, 255))
    half.paste((0, 0, 0, 0), (0, 0, 816, 400))
    half.save(mask)
    for changed in (False, True):
        job = admit(journal, references=(str(original),), mask=str(mask), prompt=f"oak {changed}")
        die_with_body(journal, job, DOCUMENT)
        if changed:
            original.write_bytes(painted(2, (816, 816), "png", 100, False, noise=False))
        again = reopened(journal, api_server)
        entry = again.entry(job.id)
        assert entry is not None and entry.folder is not None
        assert ((entry.folder / "original.png").is_file(), (entry.folder / "mask.png").is_file()) == (
            not changed,
            not changed,
        )
        again.applied(job.id)
        again.close()


def test_a_body_hides_the_key_that_a_server_repeated(journal: Journal, api_server: ApiServer) -> None:
    job = admit(journal)
    die_with_body(journal, job, b'{"you sent": "' + api_server.api_key.encode() + b'"}')
    reopened(journal, api_server).close()
    (left,) = journal.results.glob(f"*/*/{BODY_FILE}")
    assert api_server.api_key.encode() not in left.read_bytes()


def test_handles_are_held_for_the_answer_of_each_attempt(tmp_path: Path) -> None:
    body = BodyFile(tmp_path, "a")
    for _ in range(2):  # the first attempt is refused, and its body not kept
        body.hold_handles()
        body.hold_handles()
        assert len(body._held) == HELD_HANDLES
        for handle in body._held:
            os.fstat(handle)
        held = body._held[0]
        body.restart()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(held)
    body.hold_handles()
    body.write(b"as it came")
    assert not body._held and body.finish()


def test_a_request_that_is_tried_again_holds_handles_again(journal: Journal, api_server: ApiServer) -> None:
    at_once = {"retry-after-ms": "0", "retry-after": "0"}
    api_server.script(faults.error("rate_limit_exceeded", headers=at_once), faults.stall("processing"))
    seen: list[int] = []
    hold_handles = BodyFile.hold_handles

    def count(body: BodyFile) -> None:
        hold_handles(body)
        seen.append(len(body._held))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BodyFile, "hold_handles", count)
        queue = start(journal, api_server.base_url, api_server.api_key, admit(journal))
        assert api_server.wait_until(lambda server: bool(server.stalled))
        api_server.release()
        assert finish(queue).prepared is not None
    assert seen == [HELD_HANDLES] * 2
