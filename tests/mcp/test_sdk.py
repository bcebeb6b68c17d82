"""The official Python client, in its three modes, over both transports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api_server import ApiServer

from .pipe import MAIN, PATIENT, ROOT, clean_environment
from .window import Window

PYTHON = ROOT / ".cache" / "venv-mcp" / "bin" / "python"
pytestmark = [
    pytest.mark.bpy_module,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="mcp is missing: `make .cache/venv-mcp/.stamp` installs it"
    ),
]


MODES = ("legacy", "auto", "2026-07-28")


@pytest.mark.parametrize("mode", MODES)
def test_the_official_client_is_served(tmp_path: Path, api_server: ApiServer, mode: str) -> None:
    api_server.options.latency = 3
    command = [sys.executable, "-c", PATIENT.format(seconds=2) + MAIN]
    check_session(run_session(tmp_path / "state", api_server, mode, *command))
    assert len(api_server.requests) == 1


def test_the_official_client_is_served_over_http(tmp_path: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 3
    state = tmp_path / "state"
    with Window(state, api_server, answer_seconds=2) as window:
        for mode in MODES:
            check_session(run_session(state, api_server, mode, window.address, window.token))
    assert len(api_server.requests) == len(MODES)


def check_session(seen: dict[str, Any]) -> None:
    assert len(seen["tools"]) == 11 and seen["price"] >= seen["cost"] > 0
    assert (seen["made"], seen["history"], seen["cancel"]) == ("succeeded", True, True)
    assert seen["asked"] == 1 and seen["told"]


def run_session(state: Path, api: ApiServer, mode: str, *server: str) -> dict[str, Any]:
    """What the client saw.

    :param server: a command, or an address and a token.
    """
    run = subprocess.run(
        [PYTHON, Path(__file__).with_name("sdk_session.py"), mode, *server],
        cwd=ROOT,
        env=clean_environment(state, api, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return seen
