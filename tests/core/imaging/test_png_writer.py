"""PNG files of one color are as those that are packed line by line."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.imaging.formats import decode, verify
from gpt_image_addon.core.imaging.png_writer import encode_plain, encode_png


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (300, 700), (2048, 1024)])
@pytest.mark.parametrize("color", [(128, 128, 255), (77,), (1, 2, 3, 4)])
def test_one_color_is_packed_as_it_is(size: tuple[int, int], color: tuple[int, ...]) -> None:
    data = encode_plain(size, np.array(color, np.uint8))
    verify(data)
    image = Image.open(io.BytesIO(data))
    assert image.size == size
    assert (np.asarray(image).reshape(-1, len(color)) == color).all()
    assert np.array_equal(
        decode(data), decode(encode_png(np.full((*size[::-1], len(color)), color, np.uint8)))
    )


def test_one_color_of_16_bits_is_packed_as_it_is() -> None:
    color: Any = np.array((40_000,), np.uint16)
    assert (np.asarray(Image.open(io.BytesIO(encode_plain((40, 30), color)))) == 40_000).all()
