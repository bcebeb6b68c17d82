"""Offline drafts that are drawings, and those that move."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_image_addon.core.animation.frames import read_frames
from gpt_image_addon.core.providers.offline.painter import draw_logo, encode_gif, paint
from gpt_image_addon.core.vector.flatten import read_drawing


@pytest.mark.parametrize("prompt", ["a logo", "gold crown on navy", "rotes Herz auf weiss", "🐸"])
def test_a_logo_is_let_in_and_the_same_each_time(prompt: str) -> None:
    text = draw_logo(prompt)
    assert text == draw_logo(prompt)
    drawing = read_drawing(text.encode())
    assert len(drawing.shapes) >= 3 and not drawing.notes


def test_a_logo_has_the_colors_of_its_words() -> None:
    colors = {shape.paint.color for shape in read_drawing(draw_logo("gold crown on navy").encode()).shapes}
    assert {(0xD3, 0xA6, 0x3C), (0x1F, 0x2F, 0x5C)} <= colors


def test_a_draft_that_moves_hops_and_comes_back() -> None:
    draft = paint("red star sticker", 96, 96, transparent=True)
    frames = read_frames([("star", encode_gif(draft.color, 6, 120))], 100)
    assert frames.durations_ms == (120,) * 6
    heights = [float(np.nonzero(frame[..., 3] > 127)[0].mean()) for frame in frames.pixels]
    assert min(heights) == heights[3] < heights[0] - 8 and heights[1] == pytest.approx(heights[5], abs=1)
    widths = [int((frame[..., 3] > 127).any(axis=0).sum()) for frame in frames.pixels]
    tops = [int((frame[0, :, 3] > 127).sum()) for frame in frames.pixels]
    assert max(tops) == 0 and min(widths) > 60, "all of it is seen, in each frame"
