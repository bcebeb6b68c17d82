"""Sessions of a real Blender against the local API server: what every ``drive_*.py`` shares.

``.venv/bin/python tests/gui/drive_SOMETHING.py .ci/blender-in-chroot.sh --window sid``: the rest of the line
is how Blender's window is opened, with the extension installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.api_server import API_KEY, ApiServer  # noqa: E402 - found through the path set above

SCRIPTS = ROOT / "tests" / "gui"
SECONDS = 400


class Sessions:
    """Blender, opened anew for each script."""

    def __init__(self, name: str, server: ApiServer) -> None:
        """
        :param name: of the folder in build/gui that holds what they leave; it begins empty.
        """
        self.blender, self.server = sys.argv[1:], server
        self.state = state_of(name)
        shutil.rmtree(self.state, ignore_errors=True)
        (self.state / "tmp").mkdir(parents=True)
        self.environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(self.state / "data"),
            "TMPDIR": str(self.state / "tmp"),
        }

    def connect_later(self) -> None:
        """Begin without key and server: a script finds them in `KEY_TO_PASTE` and `SERVER_LATER`."""
        self.environment["SERVER_LATER"] = self.environment.pop("OPENAI_BASE_URL")
        self.environment["KEY_TO_PASTE"] = self.environment.pop("OPENAI_API_KEY")

    def python(self, *lines: str) -> None:
        """Run lines of Python in a Blender without a window."""
        blender = (word for word in self.blender if word != "--window")
        self._call([*blender, "-b", "--python-exit-code", "1", "--python-expr", "\n".join(lines)])

    def run(self, script: str, *arguments: str, simulated: bool = True, **environment: str) -> None:
        """Run a script in Blender's window; exit with 1 where it fails.

        :param script: path below tests/gui.
        :param arguments: of Blender, such as the file that it opens.
        :param simulated: whether events come from the script alone; else Blender takes those of the X server.
        :param environment: stays for the scripts after it.
        """
        self.environment |= environment
        path = str(SCRIPTS / script)
        simulate = ["--enable-event-simulate"] if simulated else []
        printed = self._call([*self.blender, *arguments, *simulate, "--python", path])
        if "1 passed, 0 failed" not in printed:
            sys.exit(f"{script} failed")

    def _call(self, command: list[str]) -> str:
        """Run Blender; returns what it printed, which is kept in a file beside the rest of its traces."""
        process = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        alarm = threading.Timer(SECONDS, process.kill)
        alarm.start()
        lines = []
        with (self.state / "console.txt").open("a") as console:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                console.write(line)
                lines.append(line)
                if line == "RELEASE\n":
                    self.server.release()
        code = process.wait()
        alarm.cancel()
        if code:
            sys.exit(f"Blender ended with {code}")
        return "".join(lines)

    def expect_requests(self, count: int) -> None:
        """Exit with 1 where another number of images was asked for."""
        sent = len(self.server.image_requests)
        if sent != count:
            sys.exit(f"{sent} requests were sent instead of {count}")


def state_of(name: str) -> Path:
    """The folder that holds what sessions of a name leave."""
    return ROOT / "build" / "gui" / f"{name}-state"
