"""The ball that shows a material: lit from the left, with relief and gloss."""

from __future__ import annotations

import numpy as np

from gpt_image_addon.core.raster.lit_ball import Maps, lit_ball

SIDE = 96


def grey(level: int) -> np.ndarray:
    return np.full((64, 64), level, np.uint8)


def color() -> np.ndarray:
    return np.repeat(grey(150)[..., None], 3, -1)


def normals(p: np.ndarray) -> np.ndarray:
    """Of slopes along the columns."""
    vectors = np.stack((-p, np.zeros_like(p), np.ones_like(p)), -1)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.rint((vectors + 1) * 127.5).astype(np.uint8)


def brightness(ball: np.ndarray) -> np.ndarray:
    return ball[..., :3].mean(-1)


def test_the_ball_is_lit_from_the_upper_left_and_nothing_is_around_it() -> None:
    ball = lit_ball(Maps(color()), SIDE)
    assert ball.shape == (SIDE, SIDE, 4) and ball.dtype == np.uint8
    assert ball[0, 0, 3] == ball[-1, -1, 3] == ball[0, -1, 3] == 0 and ball[48, 48, 3] == 255
    shown = brightness(ball)
    assert shown[48, 20] > 1.5 * shown[48, 76] and shown[24, 40] > shown[72, 40]


def test_relief_is_seen_and_stands_out_toward_the_lamp() -> None:
    flat, bumpy = (
        brightness(lit_ball(Maps(color(), normals(p)), SIDE))
        for p in (np.zeros((64, 64)), np.tile(np.repeat([0.6, -0.6], 8), (64, 4)))
    )
    middle = np.s_[40:56, 20:60]
    steps = [np.abs(np.diff(shown[middle], axis=1)).max() for shown in (flat, bumpy)]
    assert steps[1] > 5 * steps[0]
    rising = lit_ball(Maps(color(), normals(np.full((64, 64), 0.4))), SIDE)  # faces left, to the lamp
    assert brightness(rising)[middle].mean() > flat[middle].mean()


def test_what_is_smooth_has_a_highlight_and_metal_colors_it() -> None:
    rough, smooth = (brightness(lit_ball(Maps(color(), None, grey(level)), SIDE)) for level in (230, 40))
    assert smooth.max() > rough.max() + 20
    gold = np.full((64, 64, 3), (220, 160, 40), np.uint8)
    ball = lit_ball(Maps(gold, None, grey(60), grey(255)), SIDE)[..., :3].astype(int)
    brightest = ball[np.unravel_index(ball.sum(-1).argmax(), ball.shape[:2])]
    assert brightest[0] >= brightest[1] > brightest[2]
