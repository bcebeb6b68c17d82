"""A session in a real Blender that makes the same request twice, against the local API server.

See `sessions`. Screenshots lie in out/gui/asking.
"""

from __future__ import annotations

from sessions import ROOT, Sessions

from tests.api_server import ApiServer, faults


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    with ApiServer(0) as server:
        server.script(faults.delay(0.1, "answer"), faults.stall("processing"))
        sessions = Sessions("asking", server)
        sessions.run("asking/again.py", OUTPUT_FOLDER=str(ROOT / "out" / "gui" / "asking"))
        sessions.expect_requests(3)
        server.script(faults.stall("processing"))
        sessions.run("asking/double_click.py", simulated=False)
        sessions.expect_requests(4)


if __name__ == "__main__":
    main()
