"""What lies in the state folder can be read by its user alone."""

from __future__ import annotations

import os
import stat
import tempfile
from datetime import datetime
from pathlib import Path

import pytest

from gpt_image_addon.core.common.files import keep_private
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.schema import JOURNAL_FILE
from gpt_image_addon.core.request.request import Application, GenerationRequest
from gpt_image_addon.core.results.store import keep, rescue_roots
from tests.api_server import ApiServer
from tests.core.line import admit, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a system with modes")

REQUEST = GenerationRequest(prompt="secret", provider="openai", model="m")


@pytest.fixture(autouse=True)
def usual_umask() -> None:
    os.umask(0o022)


def open_to_others(folder: Path) -> list[str]:
    """What others may look at or into, of a folder and all below."""
    return [str(path) for path in (folder, *folder.rglob("*")) if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def received(journal: Journal, job: str) -> Path:
    journal.reserve(job, REQUEST, Application(), "d", 0.1)
    journal.sending(job)
    folder = keep(journal.results, job, datetime.now(), {"image-1.png": b"x"}, {}).folder
    journal.received(job, folder, cost_usd=0.1, usage=None, request_id=None)
    return folder


def test_a_new_state_folder_is_private(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "share" / "state")
    received(journal, "a")
    assert any(path.name.endswith("-wal") for path in journal.folder.iterdir())
    assert open_to_others(journal.folder) == []
    journal.close()
    assert open_to_others(tmp_path / "share") == []


def test_an_old_state_folder_is_closed_to_others(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "state")
    folder = received(journal, "a")
    (folder / "maps").mkdir()
    (folder / "maps" / "x_normal.png").write_bytes(b"x")
    (journal.folder / "styles.json").write_text("{}")
    journal.close()
    for path in (journal.folder, *journal.folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    open_journal(tmp_path / "state").close()
    assert open_to_others(tmp_path / "state") == []


def test_a_folder_with_other_things_in_it_stays_open(tmp_path: Path) -> None:
    """A home, or the system's temporary folder, given as the state folder."""
    (tmp_path / "letter.txt").write_text("")
    tmp_path.chmod(0o755)
    journal = open_journal(tmp_path)
    received(journal, "a")
    assert open_to_others(tmp_path) == [str(tmp_path), str(tmp_path / "letter.txt")]
    journal.close()


def test_links_in_a_state_folder_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    (other / "file").write_text("")
    (tmp_path / "state" / "results").mkdir(parents=True)
    (tmp_path / "state" / "references").symlink_to(other)
    (tmp_path / "state" / "results" / "2026-11").symlink_to(other)
    open_journal(tmp_path / "state").close()
    keep_private(tmp_path / "state")
    assert open_to_others(other) == [str(other), str(other / "file")]


def test_what_is_made_of_an_answer_is_private(tmp_path: Path, api_server: ApiServer) -> None:
    journal = open_journal(tmp_path / "state")
    job = admit(journal, seamless=True)
    job.application = Application(target="material", maps=("normal", "roughness"))
    assert run(journal, api_server.base_url, api_server.api_key, job).error is None
    assert len(list(journal.results.glob(f"*/{job.id}/maps/*"))) == 2
    assert open_to_others(journal.folder) == []
    journal.close()


def test_a_rescued_answer_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "results").write_text("a file where the folder should be")
    kept = keep(tmp_path / "results", "a", datetime.now(), {"image-1.png": b"x"}, {})
    assert kept.folder.parent.parent == tmp_path and open_to_others(kept.folder.parent) == []


def test_the_home_comes_before_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert list(rescue_roots()) == [tmp_path / "home", tmp_path / "temporary"]


def test_a_user_without_a_home_has_an_answer_rescued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "results").write_text("a file where the folder should be")
    kept = keep(tmp_path / "results", "a", datetime.now(), {"image-1.png": b"x"}, {})
    assert (kept.folder / "image-1.png").read_bytes() == b"x" and kept.folder.parent.parent == tmp_path


def test_the_journal_is_private_from_its_first_moment(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.close()
    assert stat.S_IMODE((tmp_path / JOURNAL_FILE).stat().st_mode) == 0o600
