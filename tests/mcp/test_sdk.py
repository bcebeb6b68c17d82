"""The official clients over both transports: that for Python in its three modes, and that for TypeScript."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api_server import ApiServer

from .pipe import MAIN, PATIENT, ROOT, clean_environment
from .window import Window

PYTHON = ROOT / ".cache" / "venv-mcp" / "bin" / "python"
NODE = ROOT / ".cache" / "node-mcp"
HERE = Path(__file__).parent
pytestmark = pytest.mark.bpy_module
needs_python = pytest.mark.skipif(
    not PYTHON.exists(), reason="mcp is missing: `make .cache/venv-mcp/.stamp` installs it"
)
needs_node = pytest.mark.skipif(
    not (NODE / "node_modules").exists() or shutil.which("node") is None,
    reason="the client is missing: `make .cache/node-mcp/.stamp` installs it where there is npm",
)


MODES = ("legacy", "auto", "2026-07-28")
STDIO = (sys.executable, "-c", PATIENT.format(seconds=2) + MAIN)


@needs_python
@pytest.mark.parametrize("mode", MODES)
def test_the_python_client_is_served(tmp_path: Path, api_server: ApiServer, mode: str) -> None:
    api_server.options.latency = 3
    check_session(run_python(tmp_path / "state", api_server, mode, *STDIO))
    assert len(api_server.requests) == 1


@needs_python
def test_the_python_client_is_served_over_http(tmp_path: Path, api_server: ApiServer) -> None:
    api_server.options.latency = 3
    state = tmp_path / "state"
    with Window(state, api_server, answer_seconds=2) as window:
        for mode in MODES:
            check_session(run_python(state, api_server, mode, window.address, window.token))
    assert len(api_server.requests) == len(MODES)


@needs_node
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_the_typescript_client_is_served(tmp_path: Path, api_server: ApiServer, transport: str) -> None:
    api_server.options.latency = 3
    state, script = tmp_path / "state", HERE / "typescript_session.js"
    if transport == "stdio":
        check_session(run_session(state, api_server, "node", script, NODE, *STDIO))
    else:
        with Window(state, api_server, answer_seconds=2) as window:
            command = ("node", script, NODE, window.address, window.token)
            check_session(run_session(state, api_server, *command))
    assert len(api_server.requests) == 1


def check_session(seen: dict[str, Any]) -> None:
    assert len(seen["tools"]) == 11 and seen["price"] >= seen["cost"] > 0
    assert (seen["made"], seen["history"], seen["cancel"]) == ("succeeded", True, True)
    assert seen["asked"] == 1 and seen["told"]


def run_python(state: Path, api: ApiServer, mode: str, *server: str) -> dict[str, Any]:
    return run_session(state, api, PYTHON, HERE / "sdk_session.py", mode, *server)


def run_session(state: Path, api: ApiServer, *command: str | Path) -> dict[str, Any]:
    """What a client saw."""
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment(state, api, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return seen
