"""Journeys in a real Blender, from a wish to what was wished for: each has a number of actions.

See `sessions`. Screenshots lie in out/gui.
"""

from __future__ import annotations

from sessions import Sessions

from tests.api_server import ApiServer


def main() -> None:
    """Exit with 1 where a journey is longer than it should be, or what it sent is not what was wanted."""
    with ApiServer(0) as server:
        sessions = Sessions("journeys", server)
        sessions.connect_later()
        sessions.run("journeys/brick_wall.py")
        sessions.expect_requests(0)
        # Nothing was made there yet: the panel is a newcomer's again.
        sessions.run("journeys/first_paid.py", GPT_IMAGE_DATA_DIR=str(sessions.state / "paid"))
        sessions.expect_requests(1)


if __name__ == "__main__":
    main()
