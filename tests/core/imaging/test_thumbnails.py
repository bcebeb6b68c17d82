"""The mean color of an image."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.imaging.thumbnails import make_preview, mean_color, mean_of_preview, write_thumbnail
from gpt_image_addon.core.results.store import thumbnail_of


def encoded(pixels: list[list[tuple[int, ...]]], size: int = 64) -> bytes:
    image = Image.fromarray(np.array(pixels, np.uint8)).resize((size, size), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_it_is_taken_of_light_and_not_of_its_encoding() -> None:
    assert mean_color(encoded([[(0, 0, 0), (255, 255, 255)]])) == pytest.approx((0.5, 0.5, 0.5), abs=0.02)
    assert mean_color(encoded([[(188, 0, 255)]])) == pytest.approx((0.503, 0, 1), abs=0.001)


def test_what_is_transparent_does_not_count() -> None:
    assert mean_color(encoded([[(255, 0, 0, 255), (0, 255, 0, 0)]])) == pytest.approx((1, 0, 0), abs=0.02)
    assert mean_color(encoded([[(255, 0, 0, 0)]])) is None


def test_there_is_none_of_what_is_no_image() -> None:
    assert mean_color(b"\x89PNG\r\n\x1a\nbroken") is None


def test_a_preview_has_one_too() -> None:
    preview = make_preview(1, encoded([[(188, 0, 255)]]))
    assert preview is not None
    assert mean_of_preview(preview) == pytest.approx((0.503, 0, 1), abs=0.001)


@pytest.mark.parametrize(("width", "height"), [(96, 32), (32, 96), (40, 40)])
def test_a_square_one_is_the_middle(tmp_path: Path, width: int, height: int) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    edge = min(width, height)
    top, left = (height - edge) // 2, (width - edge) // 2
    pixels[top : top + edge, left : left + edge] = (255, 0, 0)
    image = tmp_path / "wide.png"
    Image.fromarray(pixels).save(image)
    write_thumbnail(image, square=True)
    found = np.asarray(Image.open(thumbnail_of(image)).convert("RGB"))
    assert found.shape[:2] == (edge, edge) and (found == (255, 0, 0)).all()
    write_thumbnail(image)
    assert np.asarray(Image.open(thumbnail_of(image))).shape[:2] == (height, width)
