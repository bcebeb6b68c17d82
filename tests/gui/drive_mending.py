"""A session in a real Blender in which things go wrong and a click mends them, with the local API server.

``.venv/bin/python tests/gui/drive_mending.py .ci/blender-in-chroot.sh --window sid``: the rest of the line is
how Blender's window is opened, with the extension installed. Screenshots lie in build/gui/mending.
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

SCRIPT = ROOT / "tests" / "gui" / "mending" / "failures.py"
STATE = ROOT / "build" / "gui" / "mending-state"
SECONDS = 400
REQUESTS = 4


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    shutil.rmtree(STATE, ignore_errors=True)
    with ApiServer(0) as server:
        refused = faults.error("insufficient_quota")
        late = faults.error("insufficient_quota", delay=4.0)
        server.script(refused, late, late, late)
        environment = {
            **os.environ,
            "SERVER_LATER": server.base_url,
            "KEY_TO_PASTE": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(STATE),
            "OUTPUT_FOLDER": str(ROOT / "build" / "gui" / "mending"),
        }
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
            environment.pop(name, None)
        command = [*sys.argv[1:], "--enable-event-simulate", "--python", str(SCRIPT)]
        run = subprocess.run(command, env=environment, timeout=SECONDS, stdout=subprocess.PIPE, text=True)
        print(run.stdout)
        if run.returncode or "1 passed, 0 failed" not in run.stdout:
            sys.exit("The session failed")
        if len(server.image_requests) != REQUESTS:
            sys.exit(f"{len(server.image_requests)} requests were sent instead of {REQUESTS}")


if __name__ == "__main__":
    main()
