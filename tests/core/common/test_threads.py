"""Workers take turns, and leave half of the time to the window, where there is one."""

from __future__ import annotations

import threading

import pytest

from gpt_image_addon.core.common import threads
from gpt_image_addon.core.common.threads import LONGEST_REST, SHORTEST_REST, FairLock


@pytest.fixture(autouse=True)
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FairLock, "enabled", True)


class Clock:
    """Stands in for `time`; each sleep is noted and takes no time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(threads, "time", found)
    return found


def meet(some: FairLock) -> bool:
    """Whether two threads can be inside at once."""
    barrier = threading.Barrier(2)

    def enter() -> None:
        with some.hold():
            try:
                barrier.wait(0.5)
            except threading.BrokenBarrierError:
                return

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return not barrier.broken


def test_one_thread_at_a_time_while_there_is_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not meet(FairLock())
    monkeypatch.setattr(FairLock, "enabled", False)
    assert meet(FairLock())


@pytest.mark.parametrize(
    ("took", "rests"), [(0.0, SHORTEST_REST), (0.005, 0.005), (LONGEST_REST * 10, LONGEST_REST)]
)
def test_a_turn_is_followed_by_a_rest_of_its_length(clock: Clock, took: float, rests: float) -> None:
    with FairLock().hold():
        clock.now += took
    assert clock.slept == [rests]


def test_nobody_rests_without_a_window(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FairLock, "enabled", False)
    with FairLock().hold():
        pass
    assert clock.slept == []
