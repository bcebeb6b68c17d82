"""Work on two threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from gpt_image_addon.core.raster.arrays import parallel_map


def test_results_stand_in_the_order_of_the_items() -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number * number

    assert parallel_map(slow_at_first, range(20)) == [number * number for number in range(20)]
    assert parallel_map(slow_at_first, []) == []


def test_two_items_are_worked_on_at_once() -> None:
    together = threading.Barrier(2, timeout=10)
    parallel_map(lambda _: together.wait(), range(2))


def test_items_are_drawn_when_they_are_wanted() -> None:
    begun: list[int] = []
    ahead: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            ahead.append(number - len(begun))
            yield number

    parallel_map(begun.append, items())
    assert sorted(begun) == list(range(50)) and max(ahead) <= 2


def test_a_failure_ends_it_and_is_raised() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 3:
            raise ValueError("three")
        done.append(number)
        time.sleep(0.01)

    with pytest.raises(ValueError, match="three"):
        parallel_map(work, range(1000))
    assert len(done) < 10
