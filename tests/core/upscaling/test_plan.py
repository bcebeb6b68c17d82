"""The tiles of a pass: they cover the image, overlap, and are sizes that models take."""

from __future__ import annotations

import numpy as np
import pytest

from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.request.sizes import SizeRule
from gpt_image_addon.core.upscaling.plan import OVERLAP, SIDE, WHOLE, pass_sizes, plan_tiles

FREE = SizeRule(multiple=16, max_edge=3840, max_ratio=3, min_pixels=655_360, max_pixels=8_294_400)
FIXED = SizeRule(sizes=("1024x1024", "1536x1024", "1024x1536"))
SIZES = [(2048, 2048), (2050, 2050), (4096, 4096), (4096, 400), (512, 512), (3000, 1500)]


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("rule", [FREE, FIXED])
@pytest.mark.parametrize("size", SIZES)
def test_tiles_cover_the_image_and_overlap(size: tuple[int, int], rule: SizeRule, wraps: bool) -> None:
    width, height = size
    made = np.zeros((height, width), bool)
    for tile in plan_tiles(size, rule, wraps=wraps):
        box, shared = tile.box, tile.shared
        assert rule.problem(*tile.sent) is None
        assert wraps or box.is_in(size)
        rows = np.arange(box.top, box.bottom - tile.folds[1]) % height
        columns = np.arange(box.left, box.right - tile.folds[0]) % width
        before = made[rows[:, None], columns]
        # What is made already lies in the bands that are shared, and these are all made.
        inside = before[shared.top : len(rows) - shared.bottom, shared.left : len(columns) - shared.right]
        assert not inside.any()
        if shared.left:
            assert before[:, : shared.left].all()
        if shared.right:
            assert before[:, len(columns) - shared.right :].all()
        if shared.top:
            assert before[: shared.top].all() and shared.top >= min(OVERLAP, height // 2) - 16
        made[rows[:, None], columns] = True
        assert tile.box.left % 2 == 0 and tile.box.top % 2 == 0
    assert made.all()


def test_as_many_requests_as_are_needed() -> None:
    def count(side: int, rule: SizeRule = FREE, wraps: bool = False) -> int:
        return len(plan_tiles((side, side), rule, wraps=wraps))

    assert [count(side) for side in (1024, WHOLE, 4096, 8192)] == [1, 1, 9, 25]
    assert [count(side, wraps=True) for side in (1024, WHOLE - OVERLAP, WHOLE)] == [1, 1, 4]
    assert all(max(tile.sent) <= SIDE for tile in plan_tiles((8192, 8192), FREE, wraps=False))
    assert count(1024, FIXED) == 1 and count(2048, FIXED) == 6


def test_each_pass_doubles() -> None:
    assert pass_sizes((300, 200), 2) == ((600, 400),)
    assert pass_sizes((300, 200), 8) == ((600, 400), (1200, 800), (2400, 1600))
    for scale in (0, 1, 3, 16):
        with pytest.raises(InvalidRequestError, match="2, 4 or 8"):
            pass_sizes((300, 200), scale)
    with pytest.raises(InvalidRequestError, match="16384"):
        pass_sizes((5000, 200), 4)
