"""Images that are painted, as files: what was not painted stays bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.imaging.png_writer import encode_png
from gpt_image_addon.core.imaging.stored_pixels import read_png
from gpt_image_addon.core.painting.canvas_files import CanvasFile, open_canvas

SIZE = (40, 30)


def canvas(data: bytes | None, size: tuple[int, int] = SIZE) -> CanvasFile:
    return CanvasFile("Paint", size, data, (0.5, 0.5, 0.5), {})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_is_not_painted_stays(channels: int, dtype: Any) -> None:
    dice = np.random.default_rng(2)
    before = dice.integers(0, np.iinfo(dtype).max, (SIZE[1], SIZE[0], channels)).astype(dtype)
    opened = open_canvas(canvas(encode_png(before)))
    painted = opened.colors.copy()
    painted[5:9, 7:20, :3] = (1, 200, 30)
    after = read_png(opened.encode(painted), SIZE)
    expected = before if channels >= 3 else np.concatenate([before[..., :1].repeat(3, 2), before[..., 1:]], 2)
    expected = expected.copy()
    expected[5:9, 7:20, :3] = np.array((1, 200, 30)) * (257 if dtype == np.uint16 else 1)
    assert after.dtype == dtype and np.array_equal(after, expected)


def test_a_new_image_has_its_color() -> None:
    opened = open_canvas(canvas(None))
    assert opened.colors.shape == (30, 40, 3) and (opened.colors == 188).all()


def test_an_image_of_another_size_than_its_file_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="another size"):
        open_canvas(canvas(encode_png(np.zeros((3, 4, 3), np.uint8))))
