"""A session in a real Blender that makes the same request twice, against the local API server.

``.venv/bin/python tests/gui/drive_asking.py .ci/blender-in-chroot.sh --window sid``: the rest of the line is
how Blender's window is opened, with the extension installed. Screenshots lie in build/gui/asking.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.api_server import API_KEY, ApiServer, faults  # noqa: E402 - found through the path set above

SCRIPT = ROOT / "tests" / "gui" / "asking" / "again.py"
STATE = ROOT / "build" / "gui" / "asking-state"
SECONDS = 400


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    shutil.rmtree(STATE, ignore_errors=True)
    with ApiServer(0) as server:
        server.script(faults.delay(0.1, "answer"), faults.stall("processing"))
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(STATE),
            "OUTPUT_FOLDER": str(ROOT / "build" / "gui" / "asking"),
        }
        command = [*sys.argv[1:], "--enable-event-simulate", "--python", str(SCRIPT)]
        run = subprocess.run(command, env=environment, timeout=SECONDS, stdout=subprocess.PIPE, text=True)
        print(run.stdout)
        if run.returncode or "1 passed, 0 failed" not in run.stdout:
            sys.exit("The session failed")
        if len(server.image_requests) != 3:
            sys.exit(f"{len(server.image_requests)} requests were sent instead of 3")


if __name__ == "__main__":
    main()
