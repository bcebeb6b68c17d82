"""Everything by hand, in sessions of a real Blender against the local API server.

``.venv/bin/python tests/gui/drive_everything.py .ci/blender-in-chroot.sh --window sid``: the rest of the line
is how Blender's window is opened, with the extension installed. Screenshots of each step lie in out/gui.
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

from tests.api_server import API_KEY, ApiServer, faults  # noqa: E402 - found through the path set above

STATE = ROOT / "build" / "gui" / "everything-state"
SCENES = [STATE / f"{name}.blend" for name in ("first", "drawn", "german", "keyed")]
SESSIONS = ROOT / "tests" / "gui" / "everything"
SECONDS = 400
SMALL = ("--window-geometry", "0", "0", "1000", "640")


class Sessions:
    """Blender, opened anew for each script."""

    def __init__(self, blender: list[str], server: ApiServer) -> None:
        self.blender, self.server = blender, server
        self.environment = {
            **os.environ,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_API_KEY": API_KEY,
            "GPT_IMAGE_DATA_DIR": str(STATE / "data"),
            "TMPDIR": str(STATE / "tmp"),
        }
        (STATE / "tmp").mkdir(parents=True)
        self._python(
            "import bpy",
            "bpy.context.scene.eevee.taa_samples = 1",  # for machines without a graphics card
            *(f"bpy.ops.wm.save_as_mainfile(filepath={str(scene)!r})" for scene in SCENES),
        )

    def decompress(self) -> None:
        """Save every scene once more, so that it can be searched."""
        for scene in SCENES:
            plain = str(scene.with_suffix(".plain.blend"))
            self._python(
                f"import bpy; bpy.ops.wm.open_mainfile(filepath={str(scene)!r})",
                f"bpy.ops.wm.save_as_mainfile(filepath={plain!r}, compress=False)",
            )

    def _python(self, *lines: str) -> None:
        blender = (word for word in self.blender if word != "--window")
        self._call([*blender, "-b", "--python-exit-code", "1", "--python-expr", "\n".join(lines)])

    def run(self, session: str, scene: Path, *arguments: str, **environment: str) -> None:
        """Exit with 1 where it fails."""
        self.environment |= environment
        script = str(SESSIONS / session)
        printed = self._call(
            [*self.blender, *arguments, str(scene), "--enable-event-simulate", "--python", script]
        )
        if "1 passed, 0 failed" not in printed:
            sys.exit(f"{session} failed")

    def _call(self, command: list[str]) -> str:
        """Run Blender; returns what it printed, which is kept in a file beside the rest of its traces."""
        process = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        alarm = threading.Timer(SECONDS, process.kill)
        alarm.start()
        lines = []
        with (STATE / "console.txt").open("a") as console:
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


def traces(home: Path) -> list[Path]:
    """The files that Blender and the extension leave: preferences, the .blend, the console, the journal."""
    found = [path for folder in (STATE, home) for path in folder.rglob("*") if path.is_file()]
    for scene in SCENES:
        plain = scene.with_suffix(".plain.blend")
        assert plain.read_bytes().startswith(b"BLENDER"), f"{plain} is compressed: it can't be searched"
    preferences = next(home.rglob("userpref.blend"))
    assert preferences.read_bytes().startswith(b"BLENDER"), "the preferences can't be searched"
    names = {path.name for path in found}
    assert {"userpref.blend", "console.txt", "journal.sqlite3"} <= names, names
    return found


def main() -> None:
    """Exit with 1 where a session fails, or the key is found where it must not be."""
    shutil.rmtree(STATE, ignore_errors=True)
    home = ROOT / "build" / f"home-{sys.argv[-1]}"
    for left in home.rglob("api-key"):  # of a run that failed
        left.unlink()
    with ApiServer(0) as server:
        sessions = Sessions(sys.argv[1:], server)
        # The previews come, then the image waits for a word; so does the second request, for ever.
        server.script(faults.stall("answer"), faults.stall("processing"))
        sessions.run("generate_texture.py", SCENES[0])
        first, second = server.image_requests
        assert first.path.endswith("/images/edits") and first.fields["partial_images"] == "2", first
        assert first.billed and second.client_left_at is not None, (first, second)
        sessions.run("history_to_material.py", SCENES[0])
        assert len(server.image_requests) == 2, "recalling and applying again must send nothing"
        sessions.run("masks_and_drops.py", SCENES[1])
        sent = [{file.field for file in request.files} for request in server.image_requests[2:]]
        assert sent == [{"image", "markup"}, {"image", "mask"}], sent
        sessions.run("german_offline.py", SCENES[2], *SMALL)
        assert len(server.image_requests) == 4, "drafts are drawn here"
        sessions.environment.pop("OPENAI_API_KEY")
        keyed = STATE / "keyed"
        sessions.run("key_in_preferences.py", SCENES[3], GPT_IMAGE_DATA_DIR=str(keyed), KEY_TO_PASTE=API_KEY)
        assert server.requests[-1].path.endswith("/models") and server.requests[-1].status == 200
        sessions.decompress()
    found = [path for path in traces(home) if API_KEY.encode() in path.read_bytes()]
    if found:
        sys.exit(f"The key is in {found}")


if __name__ == "__main__":
    main()
