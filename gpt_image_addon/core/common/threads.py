"""Daemon threads: background tasks, and a lock that leaves time for the window.

Python runs one thread at a time. With many workers that all want to run, the main thread queues behind each
of them for every panel that is drawn and every tick; so, with a window, they do their heavy parts in turns.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import GptImageError
from .internal_error import unexpected_error

Work = Callable[[], Any]
Done = Callable[[Any, GptImageError | None], None]
"""Gets what the work returned, or why it has not."""
WORKER_NAME = "gpt-image-worker"

SHORTEST_REST = 0.0002  # seconds: enough for another thread to go first
LONGEST_REST = 0.02  # seconds


def outcome_of(work: Work) -> tuple[Any, GptImageError | None]:
    """What the work returns, or why it does not."""
    try:
        return work(), None
    except GptImageError as error:
        return None, error
    except Exception as error:
        return None, unexpected_error(error)


class BackgroundTasks:
    """Tasks on daemon threads, and their answers in the order in which they came."""

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[tuple[Done, Any, GptImageError | None]] = queue.SimpleQueue()
        self._pending = 0

    @property
    def pending(self) -> bool:
        """Whether an answer is still to come or to be taken."""
        return self._pending > 0

    def start(self, work: Work, done: Done) -> None:
        """Begin a task; `drain` calls ``done``."""
        self._pending += 1
        threading.Thread(target=self._run, args=(work, done), name="gpt-image-errand", daemon=True).start()

    def drain(self) -> bool:
        """Hand over the answers that have come; returns whether there were any."""
        any_came = False
        while not self._answers.empty():
            done, answer, error = self._answers.get_nowait()
            self._pending -= 1
            any_came = True
            done(answer, error)
        return any_came

    def _run(self, work: Work, done: Done) -> None:
        self._answers.put((done, *outcome_of(work)))


class FairLock:
    """One thread at a time inside ``with turns.hold():``, unless nobody is waiting for the window."""

    enabled = False
    """For all of them; set by whoever knows whether there is a window. Without one, threads run freely."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the turn, and rest for as long as it took."""
        if not FairLock.enabled:
            yield
            return
        with self._lock:
            started = time.perf_counter()
            yield
            # The next one waits as well: half of the time is for whoever draws the window.
            time.sleep(min(max(time.perf_counter() - started, SHORTEST_REST), LONGEST_REST))


RECEIVING = FairLock()
"""Short: taking a piece of an answer."""
STORING = FairLock()
"""Hashing an answer, and writing it to the disk."""
PREPARING = FairLock()
"""Long: decoding images and making maps."""
