"""Everything by hand, in sessions of a real Blender against the local API server.

See `sessions`. Screenshots of each step lie in out/gui.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sessions import ROOT, Sessions, state_of

from tests.api_server import API_KEY, ApiServer, faults

STATE = state_of("everything")
SCENES = [STATE / f"{name}.blend" for name in ("first", "drawn", "german", "keyed")]
SMALL = ("--window-geometry", "0", "0", "1000", "640")


def make_scenes(sessions: Sessions) -> None:
    """Save the scene of each session."""
    sessions.python(
        "import bpy",
        "bpy.context.scene.eevee.taa_samples = 1",  # for machines without a graphics card
        *(f"bpy.ops.wm.save_as_mainfile(filepath={str(scene)!r})" for scene in SCENES),
    )


def decompress(sessions: Sessions) -> None:
    """Save every scene once more, so that it can be searched."""
    for scene in SCENES:
        plain = str(scene.with_suffix(".plain.blend"))
        sessions.python(
            f"import bpy; bpy.ops.wm.open_mainfile(filepath={str(scene)!r})",
            f"bpy.ops.wm.save_as_mainfile(filepath={plain!r}, compress=False)",
        )


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
    home = ROOT / "build" / f"home-{sys.argv[-1]}"
    for left in home.rglob("api-key"):  # of a run that failed
        left.unlink()
    with ApiServer(0) as server:
        sessions = Sessions("everything", server)
        make_scenes(sessions)
        # The previews come, then the image waits for a word; so does the second request, for ever.
        server.script(faults.stall("answer"), faults.stall("processing"))
        sessions.run("everything/generate_texture.py", str(SCENES[0]))
        first, second = server.image_requests
        assert first.path.endswith("/images/edits") and first.fields["partial_images"] == "2", first
        assert first.billed and second.client_left_at is not None, (first, second)
        sessions.run("everything/history_to_material.py", str(SCENES[0]))
        assert len(server.image_requests) == 2, "recalling and applying again must send nothing"
        sessions.run("everything/masks_and_drops.py", str(SCENES[1]))
        sent = [{file.field for file in request.files} for request in server.image_requests[2:]]
        assert sent == [{"image", "markup"}, {"image", "mask"}], sent
        sessions.run("everything/german_offline.py", *SMALL, str(SCENES[2]))
        assert len(server.image_requests) == 4, "drafts are drawn here"
        sessions.environment.pop("OPENAI_API_KEY")
        keyed = STATE / "keyed"
        sessions.run(
            "everything/key_in_preferences.py",
            str(SCENES[3]),
            GPT_IMAGE_DATA_DIR=str(keyed),
            KEY_TO_PASTE=API_KEY,
        )
        assert server.requests[-1].path.endswith("/models") and server.requests[-1].status == 200
        decompress(sessions)
    found = [path for path in traces(home) if API_KEY.encode() in path.read_bytes()]
    if found:
        sys.exit(f"The key is in {found}")


if __name__ == "__main__":
    main()
