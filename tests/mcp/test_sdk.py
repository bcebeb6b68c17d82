"""The official Python client, in its three modes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api_server import ApiServer

from .pipe import MAIN, PATIENT, ROOT

PYTHON = ROOT / ".cache" / "venv-mcp" / "bin" / "python"
pytestmark = [
    pytest.mark.bpy_module,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="mcp is missing: `make .cache/venv-mcp/.stamp` installs it"
    ),
]


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
def test_the_official_client_is_served(tmp_path: Path, api_server: ApiServer, mode: str) -> None:
    api_server.options.latency = 3
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OPENAI_", "GPT_IMAGE_"))
        },
        "GPT_IMAGE_DATA_DIR": str(tmp_path / "state"),
        "OPENAI_BASE_URL": api_server.base_url,
        "OPENAI_API_KEY": api_server.api_key,
        "PYTHONPATH": str(ROOT),
    }
    server = [sys.executable, "-c", PATIENT.format(seconds=2) + MAIN]
    script = Path(__file__).with_name("sdk_session.py")
    run = subprocess.run(
        [PYTHON, script, mode, *server],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout.splitlines()[-1])
    assert len(seen["tools"]) == 10 and seen["price"] >= seen["cost"] > 0
    assert (seen["made"], seen["history"], seen["cancel"]) == ("succeeded", True, True)
    assert seen["asked"] == 1 and seen["told"]
    assert len(api_server.requests) == 1
