"""The poles of a world are repaired by clicks in a real Blender, with the local API server.

See `sessions`. Screenshots lie in out/gui/poles.
"""

from __future__ import annotations

from sessions import ROOT, Sessions

from tests.api_server import ApiServer
from tests.panoramas import pinched

REQUESTS = 3


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    with ApiServer(0) as server:
        server.options.image, server.options.repaint = pinched(), "repaired"
        sessions = Sessions("poles", server)
        sessions.run("poles/repair.py", OUTPUT_FOLDER=str(ROOT / "out" / "gui" / "poles"))
        sessions.expect_requests(REQUESTS)


if __name__ == "__main__":
    main()
