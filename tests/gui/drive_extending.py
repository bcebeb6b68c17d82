"""A session in a real Blender: an image is extended and its subject cut out, from the Image Editor's menu.

See `sessions`. Screenshots lie in out/gui/extending.
"""

from __future__ import annotations

import io

from PIL import Image
from sessions import ROOT, Sessions

from tests.api_server import ApiServer
from tests.blender.test_region_edits import follow, texture
from tests.core.editing import simulated, subjects

REQUESTS = 3


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    found, other = subjects.subject(512, 1), subjects.subject(512, 9)
    right, wrong = follow(simulated.wrong(3, hard=False)), Image.fromarray(texture((900, 700))[::-1, ::-1])
    extended = iter((right, lambda first, mask: wrong))
    cut = iter((subjects.cut(other),))

    def edit(first: bytes, mask: bytes | None) -> Image.Image:
        return Image.fromarray(next(cut)) if mask is None else next(extended)(first, mask)

    with ApiServer(0) as server:
        server.options.edits = edit
        sessions = Sessions("extending", server)
        for name, pixels in (("wall", texture((704, 512))), ("thing", found.image)):
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "PNG")
            (sessions.state / f"{name}.png").write_bytes(data.getvalue())
        sessions.run(
            "extending/from_the_menu.py",
            OUTPUT_FOLDER=str(ROOT / "out" / "gui" / "extending"),
            IMAGES_FOLDER=str(sessions.state),
        )
        sessions.expect_requests(REQUESTS)


if __name__ == "__main__":
    main()
