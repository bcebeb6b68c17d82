"""What a model is shown of the next view of a sequence."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gpt_image_addon.core.painting.projection import ProjectedView, Projection, Receiver
from gpt_image_addon.core.painting.sequence import draw_next
from gpt_image_addon.core.projection.guides import BACKGROUND, FOR_DARK, lay_paint
from gpt_image_addon.core.projection.surface import Triangles

MATRIX = (1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 3.0, 0, 0, 0, 1.0)
CLIP = (0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, -0.25, -1.0, 0, 0, 0, 1.0)


def square() -> Triangles:
    """It faces the view, and fills half of its width."""
    corners = np.array(
        [[[-1, -1, 0], [1, -1, 0], [1, 1, 0]], [[-1, -1, 0], [1, 1, 0], [-1, 1, 0]]], np.float32
    )
    ones = np.ones(2, bool)
    return Triangles(corners, corners[..., :2] / 2 + np.float32(0.5), np.zeros(2, np.int32), ones, ones)


@pytest.mark.parametrize(("prompt", "background"), [("copper", BACKGROUND), ("black marble", FOR_DARK)])
def test_what_was_not_answered_is_shown_as_clay_before_the_same_background(
    tmp_path: Path, prompt: str, background: Any
) -> None:
    view = ProjectedView("front", MATRIX, CLIP, (64, 64), (0, 0, 64, 64))
    gone = dataclasses.replace(view, job="0123456789ab")
    projection = Projection((gone, view), (64, 64), (Receiver("Square", MATRIX),))
    drawn = draw_next(square(), projection, ("normal",), tmp_path, prompt=prompt)
    assert drawn.is_needed and drawn.open_share == 1 and drawn.mask is None
    for data in drawn.images:
        image = np.asarray(Image.open(io.BytesIO(data)))
        assert tuple(image[0, 0]) == tuple(image[-1, -1]) == background
        assert np.abs(image[20:44, 20:44].astype(int) - background).max(axis=-1).min() >= 24


def test_paint_stays_clear_of_the_background() -> None:
    colors = np.array([[BACKGROUND, (0, 0, 0), (250, 40, 46)]], np.uint8)
    shown = lay_paint(np.full((1, 3, 3), 128, np.uint8), colors, np.array([[True, True, False]]))
    assert np.abs(shown.astype(int) - BACKGROUND).max(axis=-1).min() >= 24
    assert tuple(shown[0, 1]) == (0, 0, 0) and tuple(shown[0, 2]) == (128, 128, 128)
