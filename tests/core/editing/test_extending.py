"""Extensions: how an image grows, what is sent of it, and that what was there stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpt_image_addon.core.editing.blending import blended, fit_edit
from gpt_image_addon.core.editing.extending import (
    MOST_GROWN,
    Margins,
    margins_for_aspect,
    margins_for_size,
    plan_steps,
    put_in,
    sent_pixels,
)
from gpt_image_addon.core.errors import InvalidRequestError
from gpt_image_addon.core.request.sizes import SizeRule

from . import simulated, subjects

RULE = SizeRule(multiple=16, max_edge=3840, max_ratio=3, min_pixels=655360, max_pixels=8294400)


@pytest.mark.parametrize(
    ("size", "margins", "count"),
    [
        ((1024, 1024), Margins(right=512), 1),
        ((1024, 1024), Margins(right=1024), 2),
        ((1024, 1024), Margins(256, 256, 256, 256), 1),
        ((1024, 1024), Margins(32, 32, 32, 32), 1),
        ((512, 512), Margins(bottom=256), 1),
        ((768, 384), Margins(left=116, right=116), 1),
        ((4096, 1024), Margins(top=512), 2),
        ((4096, 4096), Margins(right=2048), 6),
        ((3000, 2000), Margins(left=100, right=900, top=300, bottom=40), 10),
        ((300, 3000), Margins(right=100), 4),
    ],
)
def test_the_steps_paint_everything_once_and_only_beside_what_is_known(
    size: tuple[int, int], margins: Margins, count: int
) -> None:
    (width, height), known = margins.placed(size)
    seen = np.zeros((height, width), bool)
    seen[known.top : known.bottom, known.left : known.right] = True
    steps = plan_steps(size, margins, RULE)
    assert len(steps) == count
    for step in steps:
        box = step.box
        part = seen[box.top : box.bottom, box.left : box.right]
        assert np.array_equal(part, ~step.new())
        part[:] = True
        assert RULE.problem(*step.sent) is None
        assert step.new().mean() <= 1 - 1 / (1 + MOST_GROWN) ** 2
        across, down = step.sent[0] / box.width, step.sent[1] / box.height
        assert 0.93 < across / down < 1.07
    assert seen.all()


def test_large_images_are_sent_pixel_for_pixel() -> None:
    steps = plan_steps((4096, 4096), Margins(right=1024), RULE)
    assert all(step.sent == (step.box.width, step.box.height) for step in steps)
    assert all(step.box.area <= 2560 * 1440 for step in steps)


@pytest.mark.parametrize("margins", [Margins(), Margins(left=-1, right=5)])
def test_nothing_to_add(margins: Margins) -> None:
    with pytest.raises(InvalidRequestError):
        plan_steps((64, 64), margins, RULE)


def test_too_many_requests() -> None:
    with pytest.raises(InvalidRequestError, match="requests"):
        plan_steps((16, 16), Margins(right=16384), RULE)


def test_sizes_and_aspects() -> None:
    assert margins_for_size((100, 60), (151, 80)) == Margins(25, 26, 10, 10)
    assert margins_for_aspect((100, 100), (16, 9)) == Margins(39, 39, 0, 0)
    assert margins_for_aspect((160, 90), (16, 9)) == Margins()
    with pytest.raises(InvalidRequestError):
        margins_for_size((100, 60), (90, 80))


@pytest.mark.parametrize(("hard", "seam", "far"), [(False, 0.2, 0.3), (True, 0.75, 1.6)])
def test_answers_go_on_where_the_image_ends(hard: bool, seam: float, far: float) -> None:
    whole = np.rint(subjects.texture(np.random.default_rng(4), 768, 0, 255)).astype(np.uint8)
    margins = Margins(right=256)
    _, known = margins.placed((512, 768))
    canvas = np.zeros_like(whole)
    canvas[:, : known.right] = whole[:, : known.right]
    (step,) = plan_steps((512, 768), margins, RULE)
    sent, mask = sent_pixels(canvas, step), step.editable()
    truth = whole[:, step.box.left : step.box.right]
    answer = simulated.answer(truth, np.zeros_like(mask), simulated.wrong(3, hard=hard))
    fitted = fit_edit(sent, answer.pixels, mask)
    put_in(canvas, step, blended(sent, fitted))
    assert fitted.registration.accepted
    assert np.array_equal(canvas[:, : known.right], whole[:, : known.right])
    rows, columns = np.nonzero(step.new())
    chosen = np.random.default_rng(0).choice(len(rows), 4000)
    x, y = columns[chosen] + 0.5, rows[chosen] + 0.5
    error: Any = np.hypot(*np.subtract(fitted.registration.located(x, y), answer.located(x, y)))
    first = step.box.width - 256
    assert error[x < first + 24].max() <= seam and error[x > first + 200].max() <= far
    levels = np.abs(canvas[:, 512:].astype(float) - whole[:, 512:])
    assert levels.mean() <= 5 and levels[:, :24].mean() <= 6


def test_known_alpha_stays_and_the_new_part_is_opaque() -> None:
    canvas = np.zeros((64, 96, 4), np.uint16)
    canvas[:, :64] = np.random.default_rng(1).integers(0, 65536, (64, 64, 4))
    (step,) = plan_steps((64, 64), Margins(right=32), RULE)
    sent = sent_pixels(canvas, step)
    assert np.array_equal(sent[:, :64], canvas[:, :64]) and (sent[:, 64:, 3] == 65535).all()
