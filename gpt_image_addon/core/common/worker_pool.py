"""Daemon threads that work on one thing after the other, for one thread that hands out and collects."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

WORKER_NAME = "gpt-image-worker"

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class Crew(Generic[_Task, _Result]):
    """Each task yields one result, not in their order."""

    def __init__(self, count: int, work: Callable[[_Task], _Result]) -> None:
        """
        :param count: how many threads there are at most.
        :param work: must not raise.
        """
        self.open = 0
        """Tasks whose result was not collected."""
        self._count = count
        self._work = work
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def give(self, task: _Task) -> None:
        """Have a task done as soon as a thread is free."""
        self._tasks.put(task)
        self.open += 1
        if len(self._threads) < min(self._count, self.open):
            thread = threading.Thread(target=self._run, name=WORKER_NAME, daemon=True)
            self._threads.append(thread)
            thread.start()

    def collect(self, seconds: float) -> _Result:
        """The next result.

        :raises queue.Empty: none came in time.
        """
        result = self._results.get(timeout=seconds)
        self.open -= 1
        return result

    def dismiss(self, seconds: float) -> None:
        """End the threads, each after its task; wait so long for them at most."""
        for _ in self._threads:
            self._tasks.put(None)
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._results.put(self._work(task))
            del task  # an idle thread keeps no picture alive
