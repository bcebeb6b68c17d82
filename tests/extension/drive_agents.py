"""Clients of the installed extension's ``mcp``: ``drive_agents.py BLENDER…``, in the tests' Python.

BLENDER is a command and may have arguments of its own. The official clients drive it over standard input and
output, against the local API server; prints the plain closing line "N passed, N failed".
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.api_server import ApiServer  # noqa: E402 - found by the line above
from tests.extension.checks import Check, run_all  # noqa: E402
from tests.mcp.test_sdk import HERE, MODES, NODE, check_session, run_python, run_session  # noqa: E402

SERVER = (*sys.argv[1:], "-b", "-c", "gpt_image", "mcp")


def python_client(folder: Path) -> None:
    for mode in MODES:
        with ApiServer(latency=3) as server:
            check_session(run_python(folder / mode, server, mode, *SERVER))
            assert len(server.requests) == 1


def typescript_client(folder: Path) -> None:
    with ApiServer(latency=3) as server:
        check_session(run_session(folder, server, "node", HERE / "typescript_session.js", NODE, *SERVER))
        assert len(server.requests) == 1


CHECKS: tuple[Check, ...] = (python_client, *((typescript_client,) if shutil.which("node") else ()))

if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(run_all(CHECKS))
