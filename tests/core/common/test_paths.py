"""What a path from outside may name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpt_image_addon.core.common.files import read_file
from gpt_image_addon.core.common.paths import find_below, is_file_name, is_job_id, is_month, state_folder
from gpt_image_addon.core.errors import ConfigurationError


@pytest.mark.parametrize("text", ["0a1b2c3d4e5f", "0a1b2c3d4e5f-height", "a_b", "concrete", "con-1"])
def test_ids_that_can_be_folders(text: str) -> None:
    assert is_job_id(text)


@pytest.mark.parametrize(
    "text", ["", "..", "a/b", "a\\b", ".a", "a\x00", "a\n", "é", "a" * 101, "CON", "lpt1", None, 5]
)
def test_ids_that_lead_elsewhere(text: object) -> None:
    assert not is_job_id(text)


@pytest.mark.parametrize(("text", "right"), [("2026-11", True), ("2026-13", False), ("../..", False)])
def test_months(text: str, right: bool) -> None:
    assert is_month(text) is right


@pytest.mark.parametrize(
    "text", ["..", ".", "", " ", "a/b", "a\\b", "a:b", "a\x00", "x" * 256, "CON", "nul.png", "COM1 .x", 3]
)
def test_names_that_lead_elsewhere(text: object) -> None:
    assert not is_file_name(text)


def test_only_what_lies_below_is_found(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "2026-11" / "job").mkdir(parents=True)
    (tmp_path / "private").mkdir()
    (root / "link").symlink_to(tmp_path / "private")
    os.mkfifo(root / "pipe")
    assert find_below(root, "2026-11/job") == root / "2026-11" / "job"
    assert find_below(root, "2026-11\\job") == root / "2026-11" / "job"
    for other in ("../private", "link", "link/x", "pipe", str(tmp_path / "private"), "2026-11/../..", "gone"):
        assert find_below(root, other) is None


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    for name in ("GPT_IMAGE_DATA_DIR", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError) as caught:
        state_folder()
    assert "GPT_IMAGE_DATA_DIR" in caught.value.text and caught.value.exit_code == 3


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"abc")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError):
            read_file(path)
    assert read_file(tmp_path / "file", limit=3) == b"abc"
    with pytest.raises(OSError, match="larger"):
        read_file(tmp_path / "file", limit=2)
