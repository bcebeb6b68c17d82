"""Everything by hand, in two sessions of a real Blender against the local API server.

``.venv/bin/python tests/gui/drive_everything.py .ci/blender-in-chroot.sh --window sid``: the rest of the line
is how Blender's window is opened, with the extension installed. Screenshots lie in build/gui/everything.
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

STATE = ROOT / "build" / "gui" / "everything-state"
SESSIONS = ("first.py", "second.py")
SECONDS = 400


def secrets_in(folder: Path) -> list[Path]:
    """Files that hold the key."""
    key = API_KEY.encode()
    return [path for path in folder.rglob("*") if path.is_file() and key in path.read_bytes()]


def main() -> None:
    """Exit with 1 where a session fails, or the key is found where it must not be."""
    shutil.rmtree(STATE, ignore_errors=True)
    with ApiServer(0) as server:
        # The previews come, then the picture takes its time; the second request is never answered.
        server.script(faults.delay(8, "answer"), faults.stall("processing"))
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(STATE),
            "OUTPUT_FOLDER": str(ROOT / "build" / "gui" / "everything"),
        }
        for session in SESSIONS:
            script = str(ROOT / "tests" / "gui" / "everything" / session)
            command = [*sys.argv[1:], "--enable-event-simulate", "--python", script]
            run = subprocess.run(command, env=environment, timeout=SECONDS, stdout=subprocess.PIPE, text=True)
            print(run.stdout)
            if run.returncode or "1 passed, 0 failed" not in run.stdout or API_KEY in run.stdout:
                sys.exit(f"{session} failed")
        first = server.image_requests[0]
        assert first.path.endswith("/images/edits"), first
        assert len(server.image_requests) == 2, "recalling and applying again must send nothing"
    found = [path for folder in (STATE, ROOT / "build" / "home-sid") for path in secrets_in(folder)]
    if found:
        sys.exit(f"The key is in {found}")


if __name__ == "__main__":
    main()
