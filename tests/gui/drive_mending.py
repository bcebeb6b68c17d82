"""A session in a real Blender in which things go wrong and a click mends them, with the local API server.

See `sessions`. Screenshots lie in out/gui/mending.
"""

from __future__ import annotations

from sessions import ROOT, Sessions

from tests.api_server import ApiServer, faults

REQUESTS = 4


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    with ApiServer(0) as server:
        refused = faults.error("insufficient_quota")
        late = faults.error("insufficient_quota", delay=4.0)
        server.script(refused, late, late, late)
        sessions = Sessions("mending", server)
        sessions.connect_later()
        sessions.run("mending/failures.py", OUTPUT_FOLDER=str(ROOT / "out" / "gui" / "mending"))
        sessions.expect_requests(REQUESTS)


if __name__ == "__main__":
    main()
