"""What a server says that it used: believed where it can be true, else the estimate counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpt_image_addon.core.jobs.worker import NO_USAGE, ODD_USAGE
from gpt_image_addon.core.providers.openai.response import read_usage

from .bench import TEXT, USAGE, Bench, document
from .server import HostileServer, events, http

INFINITE = float("inf")


def usage(**changes: Any) -> dict[str, Any]:
    return {**USAGE, **changes}


ODD: dict[str, Any] = {
    "negative": usage(output_tokens=-300),
    "negative input": usage(input_tokens=-1),
    "negative text": usage(input_tokens_details={"text_tokens": -(10**9), "image_tokens": 0}),
    "nothing": {},
    "no output": usage(output_tokens=0),
    "output left out": {"input_tokens": 20},
    "text": usage(output_tokens="300"),
    "half": usage(output_tokens=300.5),
    "whole with a point": usage(output_tokens=300.0),
    "true": usage(output_tokens=True),
    "NaN": usage(output_tokens=float("nan")),
    "infinite": usage(output_tokens=INFINITE),
    "10^18": usage(output_tokens=10**18),
    "10^18 in": usage(input_tokens_details={"text_tokens": 10**18 - 1, "image_tokens": 0}),
    "10^400": usage(output_tokens=10**400),
    "10^400 in": usage(input_tokens=10**400),
    "a list": [300],
    "a word": "300",
    "a number": 300,
    "true alone": True,
    "details are a list": usage(output_tokens_details=[1]),
    "details are a number": usage(input_tokens_details=5),
    "more text than all": usage(output_tokens_details={"text_tokens": 301, "image_tokens": 0}),
    "fifty dollars": usage(output_tokens=1_700_000),
    "twenty-five times the estimate": usage(output_tokens=2 * 10**5),
    "other names": {"prompt_tokens": 10, "completion_tokens": 200, "total_tokens": 210},
}


@pytest.mark.parametrize("told", ODD.values(), ids=ODD)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_can_not_be_right_is_not_believed(
    bench: Bench, hostile: HostileServer, told: object, streamed: bool
) -> None:
    event = json.dumps({"b64_json": TEXT, "usage": told}).encode()
    hostile.answer(http(events(event) if streamed else document(usage=told)))
    ended = bench.run(partial_images=int(streamed))
    assert ended.entry.cost_usd == pytest.approx(ended.entry.estimated_usd)
    assert ended.entry.usage is None and ODD_USAGE in ended.text
    assert bench.journal.seen(ended.entry.request.model, "low", "816x816") is None


@pytest.mark.parametrize(
    "svg",
    [[1], 5, True, {"output_tokens": -1}, {"output_tokens": "many"}, {"input_tokens": 10**18}],
)
def test_nor_what_the_drawing_of_an_svg_took(bench: Bench, hostile: HostileServer, svg: object) -> None:
    hostile.answer(http(document(usage=usage(), svg_usage=svg)))
    ended = bench.run()
    assert ended.entry.cost_usd == pytest.approx(ended.entry.estimated_usd)
    assert ended.entry.usage is None and ODD_USAGE in ended.text


@pytest.mark.parametrize("more", [{}, {"usage": None}])
def test_an_answer_may_say_nothing(bench: Bench, hostile: HostileServer, more: dict[str, Any]) -> None:
    hostile.answer(http(document(**more)))
    ended = bench.run()
    assert ended.entry.cost_usd == pytest.approx(ended.entry.estimated_usd)
    assert NO_USAGE in ended.text and ODD_USAGE not in ended.text


@pytest.mark.parametrize("times", [0.01, 1, 3, 6])
def test_what_can_be_right_is_believed(bench: Bench, hostile: HostileServer, times: float) -> None:
    tokens = round(600 * times)
    hostile.answer(http(document(usage=usage(output_tokens=tokens))))
    ended = bench.run()
    assert ended.entry.cost_usd == pytest.approx((20 * 5 + tokens * 30) / 10**6)
    assert ended.entry.usage is not None and ended.entry.usage["output_tokens"] == tokens
    assert not ended.prepared.warnings


def test_what_is_believed_does_not_grow_with_what_was_said(bench: Bench, hostile: HostileServer) -> None:
    """Estimates learn from answers; a server must not lead them upwards step by step."""
    tokens, highest = 1000, 0.0
    for _ in range(12):
        hostile.answer(http(document(usage=usage(output_tokens=tokens))))
        highest = max(highest, bench.run().entry.cost_usd or 0.0)
        tokens *= 3
    assert highest < 2.0
    assert bench.journal.spent_usd() < 15


def test_a_sum_without_details_counts_as_text() -> None:
    found = read_usage({"input_tokens": 50, "output_tokens": 300})
    assert found is not None and (found.input_text, found.input_image, found.output_image) == (50, 0, 300)
    found = read_usage(usage(input_tokens_details=None, output_tokens_details=None))
    assert found is not None and found.input_text == 20
