"""Sessions in a real Blender: what would be sent is what the 3D view shows; a model is painted as it is seen,
all around, on selected faces, and where a mask is painted on it, with variations; a table of parts one side
after another, cancelled and gone on with, and a file that is closed meanwhile.

See `sessions`. Screenshots lie in out/gui/painting.
"""

from __future__ import annotations

import io
import itertools

import numpy as np
from PIL import Image
from sessions import ROOT, Sessions

from tests.api_server import ApiServer, faults

REQUESTS = 3
SHADES = itertools.cycle((1.0, 0.8, 0.6))


def paint(first: bytes, mask: bytes | None) -> Image.Image:
    """Stripes inside of the outlines of a guide, another color in each tile, in another shade each time."""
    guide = np.asarray(Image.open(io.BytesIO(first)).convert("RGB")).astype(float)
    height, width = guide.shape[:2]
    shown = np.abs(guide - guide[0, 0]).max(axis=-1) > 12
    y, x = np.mgrid[:height, :width]
    stripes = np.where((x // (width // 60) + y // (width // 60)) % 2, 1.0, 0.6)
    color = next(SHADES) * np.stack(
        [200 + 40 * np.sin(x / width * 6), 120 + 60 * np.cos(y / height * 6), 90 + 0 * x], axis=-1
    )
    out = np.where(shown[..., None], color * stripes[..., None] * guide / 200, guide)
    return Image.fromarray(np.clip(np.rint(out), 0, 255).astype(np.uint8))


def main() -> None:
    """Exit with 1 where the session fails, or sends what it was not told to."""
    with ApiServer(0) as server:
        server.options.edits = paint
        sessions = Sessions("painting", server)
        sessions.run("painting/viewport.py", OUTPUT_FOLDER=str(ROOT / "out" / "gui" / "painting"))
        sessions.expect_requests(0)
        sessions.run("painting/suzanne.py")
        sessions.expect_requests(REQUESTS)
        sessions.run("painting/mask.py")
        sessions.expect_requests(REQUESTS + 1)
        server.script(faults.ok(), faults.stall("processing"), *[faults.ok()] * 5, faults.stall("processing"))
        sessions.run("painting/table.py")


if __name__ == "__main__":
    main()
