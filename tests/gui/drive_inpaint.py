"""A session in a real Blender: a variation is picked, a corner of it inpainted and kept, in one workspace.

See `sessions`. Screenshots lie in out/gui.
"""

from __future__ import annotations

import sys

from sessions import Sessions

from tests.api_server import ApiServer


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    with ApiServer(0) as server:
        sessions = Sessions("inpaint", server)
        sessions.run("inpaint/corner.py", SAVED_FILE=str(sessions.state / "kept.blend"))
        sent = [{file.field for file in request.files} for request in server.image_requests]
        if sent != [set(), {"image", "mask"}]:
            sys.exit(f"{sent} was sent")


if __name__ == "__main__":
    main()
