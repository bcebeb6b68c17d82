from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from gpt_image_addon.core.batch.contact_sheet import png_sheet


def test_an_image_that_can_not_be_read_leaves_its_place_empty(tmp_path: Path) -> None:
    """A sheet of a long run is not lost with one of its images."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    names = ("good.png", "broken.png", "gone.png", "good.png")
    results = [{"line": line, "files": [str(tmp_path / name)]} for line, name in enumerate(names, 1)]
    with Image.open(io.BytesIO(png_sheet(results))) as sheet:
        middles = [sheet.getpixel((x, y)) for y in (128, 384) for x in (128, 384)]
    assert middles == [(255, 0, 0), (40, 40, 40), (40, 40, 40), (255, 0, 0)]
