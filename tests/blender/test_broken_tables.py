"""Broken files of the user's own models and styles: what needs none of them goes on, and `doctor` tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gpt_image_addon import cli
from tests.api_server import ApiServer


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, api_server: ApiServer) -> Any:
    monkeypatch.setenv("OPENAI_BASE_URL", api_server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", api_server.api_key)

    def command(*argv: str) -> tuple[int, dict[str, Any], str]:
        capfd.readouterr()
        code = cli.main([*argv, "--json"])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, json.loads(out.splitlines()[-1]), err

    return command


def test_what_is_curated_works(run: Any, tmp_path: Path, api_server: ApiServer) -> None:
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    for name in ("models.json", "styles.json"):
        (state / name).write_text("[" * 100_000)
    code, output, _ = run("doctor")
    assert code == 3
    assert {check["name"] for check in output["checks"] if not check["ok"]} == {"models", "styles"}
    code, output, err = run("models")
    assert code == 0 and output["models"] and "models.json can't be used" in err
    assert run("generate", "oak", "--provider", "offline", "--size", "64x64", "--target", "image")[0] == 0
    flags = ("--model", "gpt-image-2.5-flare", "--quality", "low", "--size", "816x816", "--target", "image")
    assert run("generate", "oak", *flags, "--style", "realistic")[0] == 0
    for argv, word, code in (
        (("oak",), "models.json", 3),
        (("oak", *flags, "--style", "x"), "styles.json", 4),
    ):
        sent = len(api_server.requests)
        found, output, _ = run("generate", *argv)
        assert found == code and word in output["error"]["message"]
        assert len(api_server.requests) == sent
