"""One rate for all processes of a journal, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpt_image_addon.core.errors import JobCancelled
from gpt_image_addon.core.http.request_state import RequestState
from gpt_image_addon.core.journal import rate_limiter
from gpt_image_addon.core.journal.journal import Journal
from gpt_image_addon.core.journal.rate_limiter import IMAGES, INPUT_IMAGES, LONGEST_WAIT, RateLimiter, Slot
from gpt_image_addon.core.journal.recovery import open_journal

SERVER = "https://api.example/v1"
ONE = {IMAGES: 1, INPUT_IMAGES: 0}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    found = SimpleNamespace(now=1_800_000_000.0)
    monkeypatch.setattr(rate_limiter, "time", SimpleNamespace(time=lambda: found.now))
    return found


@pytest.fixture
def journals(tmp_path: Path) -> Iterator[tuple[Journal, Journal]]:
    found = open_journal(tmp_path), open_journal(tmp_path)
    yield found
    for journal in found:
        journal.close()


def test_two_processes_take_turns(clock: SimpleNamespace, journals: tuple[Journal, Journal]) -> None:
    first, second = (RateLimiter(journal, SERVER, images_per_minute=20) for journal in journals)
    assert first.wait_or_take(ONE) == 0
    assert second.wait_or_take(ONE) == pytest.approx(3.0)
    clock.now += 2.0
    assert second.wait_or_take(ONE) == pytest.approx(1.0)
    clock.now += 1.0
    assert second.wait_or_take(ONE) == 0
    assert first.wait_or_take(ONE) == pytest.approx(3.0)


def test_never_more_than_allowed_in_any_minute(
    clock: SimpleNamespace, journals: tuple[Journal, Journal]
) -> None:
    paces = [RateLimiter(journal, SERVER, images_per_minute=7) for journal in journals]
    sent = []
    for step in range(4000):
        clock.now += 0.1
        if paces[step % 2].wait_or_take(ONE) == 0:
            sent.append(clock.now)
    assert len(sent) > 40
    assert max(sum(start <= other < start + 60 for other in sent) for start in sent) <= 7


def test_images_and_references_count(clock: SimpleNamespace, journals: tuple[Journal, Journal]) -> None:
    found = RateLimiter(journals[0], SERVER, images_per_minute=60, input_images_per_minute=6)
    assert found.wait_or_take({IMAGES: 4, INPUT_IMAGES: 0}) == 0
    assert found.wait_or_take(ONE) == pytest.approx(4.0)
    clock.now += 4.0
    assert found.wait_or_take({IMAGES: 1, INPUT_IMAGES: 2}) == 0
    clock.now += 1.0
    assert found.wait_or_take(ONE) == 0
    clock.now += 1.0
    assert found.wait_or_take({IMAGES: 1, INPUT_IMAGES: 1}) == pytest.approx(18.0)


def test_a_refusal_holds_everybody(clock: SimpleNamespace, journals: tuple[Journal, Journal]) -> None:
    first, second = (RateLimiter(journal, SERVER) for journal in journals)
    assert first.wait_or_take(ONE) == second.wait_or_take(ONE) == 0
    assert Slot(first, ONE).refused(12.0)
    assert second.wait_or_take(ONE) == pytest.approx(12.0)
    second.hold(5.0)
    assert first.wait_or_take(ONE) == pytest.approx(12.0)
    assert RateLimiter(journals[0], "https://elsewhere/v1").wait_or_take(ONE) == 0
    clock.now += 12.0
    assert second.wait_or_take(ONE) == 0


def test_a_clock_that_was_set_back_holds_nobody(
    clock: SimpleNamespace, journals: tuple[Journal, Journal]
) -> None:
    found = RateLimiter(journals[0], SERVER)
    found.hold(10.0)
    clock.now -= 2 * LONGEST_WAIT
    assert found.wait_or_take(ONE) == 0
    found.hold(10.0)
    assert found.wait_or_take(ONE) == pytest.approx(10.0)


def test_patience_ends(clock: SimpleNamespace, journals: tuple[Journal, Journal]) -> None:
    turn = Slot(RateLimiter(journals[0], SERVER), ONE)
    assert [turn.refused(1000.0) for _ in range(4)] == [True, True, True, False]


def test_a_stopped_run_lets_nothing_leave(journals: tuple[Journal, Journal]) -> None:
    found = RateLimiter(journals[0], SERVER)
    found.stopped.set()
    with pytest.raises(JobCancelled) as caught:
        found.turn(1, 0).take(RequestState())
    assert caught.value.billed == "no"
