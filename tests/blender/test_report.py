"""The bundle for a bug report: it helps, and it tells nothing private."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon import cli
from gpt_image_addon.app import settings
from gpt_image_addon.core.journal.recovery import open_journal
from gpt_image_addon.core.journal.states import JobState
from gpt_image_addon.core.request.request import Application, GenerationRequest
from tests.api_server import ApiServer, faults

PROMPT = "a velvet octopus for Project Nightingale"
REFERENCE = "unreleased product.png"
NAME = "Nightingale Hero"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with the state folder in it."""
    folder = tmp_path / "home of ada"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("GPT_IMAGE_DATA_DIR", str(folder / "state"))
    return folder


@pytest.fixture
def troubled(api_server: ApiServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """Jobs that went well, were refused in the prompt's own words, and named a private file."""
    from PIL import Image

    reference = home / REFERENCE
    Image.new("RGB", (64, 64), "red").save(reference)
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-TestOrganization")
    api_server.script(
        faults.error("invalid_api_key", message=f"Incorrect API key provided: {api_server.api_key}."),
        faults.error("moderation_blocked", message=f"'{PROMPT}' in {reference} was refused."),
        faults.ok(),
    )
    flags = ("--target", "image", "--quality", "low", "--name", NAME, "-q")
    assert [cli.main(["generate", PROMPT, "--reference", str(reference), *flags]) for _ in range(3)] == [
        3,
        4,
        0,
    ]
    return api_server


def bundle(path: Path, *flags: str) -> tuple[str, dict[str, Any]]:
    assert cli.main(["doctor", "--report", str(path), "-q", *flags]) == 0
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(members) == {"README.txt", "report.json"}
    return "\n".join(members.values()), json.loads(members["report.json"])


def test_nothing_private_is_in_it(troubled: ApiServer, home: Path, tmp_path: Path) -> None:
    text, report = bundle(tmp_path / "report.zip")
    private = (
        troubled.api_key,
        troubled.api_key[:20],
        PROMPT,
        "octopus",
        "Nightingale",
        REFERENCE,
        "unreleased",
        str(home),
        home.name,
        str(tmp_path),
        "org-TestOrganization",
    )
    assert [secret for secret in private if secret in text] == []
    assert report["journal"] == {"APPLIED": 1, "FAILED": 2}
    applied, *failed = report["jobs"]
    assert applied["folder"].startswith("<state folder>/results/")
    assert {job["error"]["type"] for job in failed} == {"AuthenticationError", "ModerationError"}
    assert applied["request"]["quality"] == "low" and applied["pictures"]["references"] == 1


def test_prompts_are_in_it_when_asked(troubled: ApiServer, home: Path, tmp_path: Path) -> None:
    text, report = bundle(tmp_path / "report.zip", "--with-prompts")
    assert [job["prompt"] for job in report["jobs"]] == [PROMPT] * 3
    assert troubled.api_key not in text and str(home) not in text and REFERENCE not in text


def test_a_key_in_the_wrong_place_is_not_in_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody pasted keys into prompts: one that looks like a key, and the stored one, which does not."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("GPT_IMAGE_PROVIDER", "offline")
    settings.store_key("plain-words-as-a-key")
    for prompt in ("bricks sk-Wq3-Zz8LpVt0Kx", "bricks plain-words-as-a-key"):
        assert cli.main(["generate", prompt, "--size", "64x64", "--target", "image", "-q"]) == 0
    monkeypatch.setenv("GPT_IMAGE_PROVIDER", "openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    text, report = bundle(tmp_path / "report.zip", "--with-prompts")
    assert report["settings"]["key"] == "file"
    assert [job["prompt"] for job in report["jobs"]] == ["bricks …", "bricks sk-…"]
    assert "plain-words" not in text and "LpVt" not in text


def test_a_broken_journal_is_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is most needed where something is broken."""
    (home / "state").write_text("a file where the folder should be")
    path = tmp_path / "report.zip"
    assert cli.main(["doctor", "--report", str(path), "-q"]) == 3
    with zipfile.ZipFile(path) as archive:
        report = json.loads(archive.read("report.json"))
    assert report["journal"]["type"] == "StorageError" and report["jobs"] == []
    assert str(home) not in json.dumps(report)


@pytest.mark.parametrize("flags", [("--report", "report.txt"), ("--with-prompts",)])
def test_usage(flags: tuple[str, ...], home: Path) -> None:
    assert cli.main(["doctor", *flags]) == 2


def test_an_existing_file_is_not_replaced(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    path.write_text("mine")
    assert (cli.main(["doctor", "--report", str(path)]), path.read_text()) == (4, "mine")


def test_looking_decides_nothing_for_others(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open request of a process that is gone stays as it is until somebody works with the journal."""
    monkeypatch.setenv("GPT_IMAGE_PROVIDER", "offline")
    state = home / "state"
    journal = open_journal(state)
    journal.reserve("a", GenerationRequest("oak", provider="openai"), Application(), "digest", 0.1)
    journal.sending("a")
    with journal.transaction() as connection:
        connection.execute("UPDATE jobs SET process = '1-00000000'")
    journal.close()
    _, report = bundle(tmp_path / "report.zip")
    assert [job["state"] for job in report["jobs"]] == ["SENDING"]
    journal = open_journal(state)
    assert journal.entry("a").state is JobState.UNKNOWN
    journal.close()
