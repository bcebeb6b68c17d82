"""What happens in the middle of running jobs must harm nothing: in a real Blender and a local server.

``.venv/bin/python tests/gui/drive_robustness.py .ci/blender-in-chroot.sh --window sid``
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.api_server import API_KEY, ApiServer  # noqa: E402 - found through the path set above

STATE = ROOT / "build" / "gui" / "robustness-state"
LATENCY = 8.0  # seconds an answer takes: enough to interrupt it on a slow machine
QUIT_SECONDS = 2.0  # that leaving may take
OVERHEAD = 10.0  # seconds that the virtual screen, the chroot and a busy machine may add


def main() -> None:
    """Exit with 1 where a step fails, or leaving takes too long."""
    shutil.rmtree(STATE, ignore_errors=True)
    with ApiServer(0, latency=LATENCY) as server:
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(STATE),
        }
        script = str(ROOT / "tests" / "gui" / "everything" / "interruptions.py")
        command = [*sys.argv[1:], "--python", script]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        left = None
        for line in process.stdout:
            print(line, end="")
            left = time.monotonic() if line.startswith("LEAVING") else left
        code = process.wait(60)
        if code or left is None:
            sys.exit(f"Blender ended with {code}")
        taken = time.monotonic() - left
        print(f"leaving took {taken:.1f} s")
        if taken > QUIT_SECONDS + OVERHEAD:
            sys.exit("leaving took too long")
        if orphans():
            sys.exit(f"left behind: {orphans()}")


def orphans() -> list[str]:
    """Commands of processes that were started with the state folder of this run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ends meanwhile, or is another user's
            if f"GPT_IMAGE_DATA_DIR={STATE}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


if __name__ == "__main__":
    main()
