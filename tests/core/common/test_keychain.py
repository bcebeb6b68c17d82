"""The system's keychain, through tools that may not do what they should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have other tools")
def test_a_tool_that_does_not_listen_ends_nobody(tmp_path: Path) -> None:
    """Unlike Python's own program, a Blender need not ignore the signal of a broken pipe."""
    tool = tmp_path / "secret-tool"
    tool.write_text("#!/bin/sh\nexec <&-\nexit 1\n")
    tool.chmod(0o755)
    script = (
        "import signal\n"
        "from gpt_image_addon.core.common import keychain\n"
        "from gpt_image_addon.core.errors import ConfigurationError\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "try:\n"
        "    keychain.store('k' * 1_000_000)\n"
        "except ConfigurationError as error:\n"
        "    print('kkk' in error.text)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout) == (0, "False\n"), run.stderr
