"""A session in a real Blender: a result is edited, taken back, branched and compared.

``.venv/bin/python tests/gui/drive_versions.py .ci/blender-in-chroot.sh --window sid``: the rest of the line
is how Blender's window is opened, with the extension installed. Screenshots lie in out/gui.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.api_server import API_KEY, ApiServer  # noqa: E402 - found through the path set above

SCRIPT = ROOT / "tests" / "gui" / "versions" / "chain.py"
STATE = ROOT / "build" / "gui" / "versions-state"
SECONDS = 700


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    with ApiServer(0) as server:
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(STATE),
        }
        command = [*sys.argv[1:], "--enable-event-simulate", "--python", str(SCRIPT)]
        run = subprocess.run(command, env=environment, timeout=SECONDS, stdout=subprocess.PIPE, text=True)
        print(run.stdout)
        if run.returncode or "1 passed, 0 failed" not in run.stdout:
            sys.exit("The session failed")
        sent = [[file.field for file in request.files] for request in server.image_requests]
        if sent != [[], ["image"], ["image"], ["image"]]:
            sys.exit(f"{sent} was sent")


if __name__ == "__main__":
    main()
